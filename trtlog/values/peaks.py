"""What a GPU can do at most: operations a second by precision, bytes a second from memory.

Operations are dense ones a clock and streaming multiprocessor, by compute capability, after NVIDIA's architecture white
papers (Pascal GP100, Volta V100, Turing, A100, GA102, Ada, H100, Blackwell, RTX Blackwell) and the data sheets of
Jetson AGX Orin and Jetson Thor; a multiplication and an addition are two. Products that NVIDIA limits (FP32
accumulation on GeForce, for one) do less. Clock, multiprocessors and bus are those of the log's device section.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from trtlog._util.dataclass import dataclass

if TYPE_CHECKING:
    from trtlog.records.run import Device

# Compute capability -> dense operations a clock and multiprocessor; a precision without units of its own is absent.
_PER_CLOCK: dict[str, dict[str, int]] = {
    "5.0": {"FP32": 256},
    "5.2": {"FP32": 256},
    "5.3": {"FP32": 256, "FP16": 512},
    "6.0": {"FP32": 128, "FP16": 256},
    "6.1": {"FP32": 256, "INT8": 1024},
    "6.2": {"FP32": 256, "FP16": 512},
    "7.0": {"FP32": 128, "FP16": 1024, "INT8": 512},
    "7.2": {"FP32": 128, "FP16": 1024, "INT8": 2048},
    "7.5": {"FP32": 128, "FP16": 1024, "INT8": 2048, "INT4": 4096},
    "8.0": {"FP32": 128, "TF32": 1024, "FP16": 2048, "BF16": 2048, "INT8": 4096, "INT4": 8192},
    "8.6": {"FP32": 256, "TF32": 512, "FP16": 1024, "BF16": 1024, "INT8": 2048, "INT4": 4096},
    "8.7": {"FP32": 256, "TF32": 1024, "FP16": 2048, "BF16": 2048, "INT8": 4096, "INT4": 8192},
    "8.9": {"FP32": 256, "TF32": 512, "FP16": 1024, "BF16": 1024, "INT8": 2048, "INT4": 4096, "FP8": 2048},
    "9.0": {"FP32": 256, "TF32": 2048, "FP16": 4096, "BF16": 4096, "INT8": 8192, "FP8": 8192},
    "10.0": {"FP32": 256, "TF32": 4096, "FP16": 8192, "BF16": 8192, "INT8": 16384, "FP8": 16384, "FP4": 32768},
    "10.3": {"FP32": 256, "TF32": 4096, "FP16": 8192, "BF16": 8192, "FP8": 16384, "FP4": 49152},
    "11.0": {"FP32": 256, "TF32": 4096, "FP16": 8192, "BF16": 8192, "INT8": 16384, "FP8": 16384, "FP4": 32768},
    "12.0": {"FP32": 256, "TF32": 512, "FP16": 1024, "BF16": 1024, "INT8": 2048, "FP8": 2048, "FP4": 4096},
    "12.1": {"FP32": 256, "TF32": 512, "FP16": 1024, "BF16": 1024, "INT8": 2048, "FP8": 2048, "FP4": 4096},
}
_PER_CLOCK["10.1"] = _PER_CLOCK["11.0"]  # Thor, as it was numbered before CUDA 13
# GPUs that share the memory of their processor: the device section prints the GPU's own clock as that of the memory.
_INTEGRATED = frozenset({"5.3", "6.2", "7.2", "8.7", "10.1", "11.0", "12.1"})

def has_units(capability: str | None, precision: str) -> bool | None:
    """Return whether a GPU has units that compute a precision faster than FP32; None for one that is not known.

    Examples
    --------
    >>> has_units("6.1", "FP16"), has_units("6.1", "INT8"), has_units("8.6", "FP16"), has_units(None, "FP16")
    (False, True, True, None)
    """
    known = _PER_CLOCK.get(capability or "")
    return None if known is None else known.get(precision, 0) > known["FP32"]


_BITS = {"FP32": 32, "TF32": 32, "FP16": 16, "BF16": 16, "INT8": 8, "UINT8": 8, "FP8": 8, "E8M0": 8, "BOOL": 8,
         "INT32": 32, "INT64": 64, "INT4": 4, "FP4": 4}  # fmt: skip


@dataclass(frozen=True)
class Peaks:
    """The most that a GPU does a second.

    Attributes
    ----------
    operations : dict
        Precision -> dense operations a second.
    bytes_per_s : float or None
        From memory; None where the log does not tell it.
    missing : str or None
        Why something is not known, in words.
    """

    operations: dict[str, float] = field(default_factory=dict)
    bytes_per_s: float | None = None
    missing: str | None = None


def peaks_of(device: Device | None) -> Peaks:
    """Return what the GPU of a device section can do.

    The clock is the highest one ("Compute Clock Rate"); the application clock that newer versions print beside it is no
    limit, and the clock at run time is printed nowhere.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> found = peaks_of(log.device)
    >>> round(found.operations["FP16"] / 1e12), round(found.bytes_per_s / 1e9)
    (1071, 4814)
    """
    if device is None:
        return Peaks(missing="the log has no device section")
    capability = device.compute_capability
    known = _PER_CLOCK.get(capability or "")
    operations: dict[str, float] = {}
    missing = []
    if known is None:
        missing.append(f"nothing is known of compute capability {capability}")
    elif not device.sms or not device.compute_clock_ghz:
        missing.append("the device section lacks multiprocessors or clock")
    else:
        a_second = device.sms * device.compute_clock_ghz * 1e9
        operations = {precision: count * a_second for precision, count in known.items()}
    bandwidth = None
    if capability in _INTEGRATED:
        missing.append("the device section of an integrated GPU does not tell the clock of its memory")
    elif device.bus_width_bits and device.memory_clock_ghz:
        bandwidth = 2 * device.memory_clock_ghz * 1e9 * device.bus_width_bits / 8  # two transfers a clock
    else:
        missing.append("the device section lacks the width or clock of the memory")
    return Peaks(operations, bandwidth, "; ".join(missing) or None)


def bytes_of(dtype: str | None, elements: float) -> float | None:
    """Return how many bytes elements of a type take; None for an unknown type.

    Examples
    --------
    >>> bytes_of("FP16", 10), bytes_of("INT4", 10), bytes_of(None, 10)
    (20.0, 5.0, None)
    """
    bits = _BITS.get(dtype or "")
    return None if bits is None else elements * bits / 8
