"""What a GPU can do, as far as its name and compute capability tell."""

from __future__ import annotations

import re

from trtlog._util.expression import expression
from trtlog.records.run import Device

# Tegra: the GPU shares its memory and its clocks' governor with the CPU, and nvidia-smi cannot lock its clocks.
_INTEGRATED = {"5.3", "6.2", "7.2", "8.7", "10.1", "11.0"}
_INTEGRATED_NAMES = expression(r"\b(?:orin|xavier|thor|tegra|jetson|tx[12]|nano|parker|agx)\b", re.IGNORECASE)
# Turing without tensor cores (TU116, TU117), though its compute capability is that of Turing with them.
_TURING_WITHOUT = expression(r"\b(?:GTX 16[0-9]{2}|MX ?[45][0-9]{2}|T[4-6]00|T1[02]00|T400|T550)\b")


def capability(device: Device | None) -> float | None:
    """Return the compute capability as a number, None where the log does not print it."""
    found = re.match(r"[0-9]+(?:\.[0-9]+)?", device.compute_capability or "") if device else None
    return float(found[0]) if found else None


def integrated(device: Device | None) -> bool:
    """Whether the GPU is part of a system on a chip (Jetson, DRIVE)."""
    if device is None:
        return False
    return device.compute_capability in _INTEGRATED or bool(_INTEGRATED_NAMES.search(device.name or ""))


def tensor_cores(device: Device | None) -> bool | None:
    """Whether the GPU has tensor cores, None where the log does not tell what GPU it is."""
    found = capability(device)
    if device is None or found is None:
        return None
    return found >= 7.0 and not _TURING_WITHOUT.search(device.name or "")


def tf32(device: Device | None) -> bool | None:
    """Whether the GPU computes FP32 convolutions on tensor cores (TF32, from Ampere on), None where unknown."""
    found = capability(device)
    return None if found is None else found >= 8.0 and bool(tensor_cores(device))
