"""What a run ran on: GPU, driver, system. Whatever cannot be read is None, never a guess."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from trtlog._version import __version__

#: Environment variables that change what TensorRT does or measures.
VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "CUDA_MODULE_LOADING",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_HOME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NVIDIA_TF32_OVERRIDE",
    "TENSORRT_ROOT",
    "TRT_LOG_LEVEL",
)
_GPU_FIELDS = {
    "index": "index",
    "name": "name",
    "uuid": "uuid",
    "driver_version": "driver_version",
    "compute_cap": "compute_capability",
    "memory.total": "memory_mib",
    "memory.used": "memory_used_mib",
    "clocks.max.sm": "max_sm_clock_mhz",
    "clocks.max.mem": "max_memory_clock_mhz",
    "power.limit": "power_limit_w",
    "persistence_mode": "persistence_mode",
}
_OLD_FIELDS = ("index", "name", "uuid", "driver_version", "memory.total")
_INTEGERS = frozenset({"index", "memory_mib", "memory_used_mib", "max_sm_clock_mhz", "max_memory_clock_mhz"})


def read_environment(env: Mapping[str, str] | None = None, *, remote: bool = False) -> dict[str, Any]:
    """Describe this machine.

    Parameters
    ----------
    env
        The environment given to trtexec.
    remote
        trtexec runs on another machine: then nothing is asked here, and ``gpus`` is None.

    Returns
    -------
    dict
        ``system``, ``python``, ``trtlog``, ``variables`` (those of :data:`VARIABLES` that are set), and
        ``gpus``: a list with one dict per GPU as ``nvidia-smi`` gives it, or None if it cannot be asked.
    """
    env = os.environ if env is None else env
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "trtlog": __version__,
        "variables": {name: env[name] for name in VARIABLES if name in env},
        "gpus": None if remote else read_gpus(),
    }


def read_gpus() -> list[dict[str, Any]] | None:
    """Ask ``nvidia-smi`` for the GPUs; None if it is missing or does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    # an old driver does not know every field, and then answers none
    for fields in (tuple(_GPU_FIELDS), _OLD_FIELDS):
        try:
            done = subprocess.run(
                [program, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=15,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode == 0:
            return parse_gpus(done.stdout.decode("utf-8", "replace"), fields)
    return None


def parse_gpus(text: str, fields: Sequence[str] = tuple(_GPU_FIELDS)) -> list[dict[str, Any]]:
    """Read the answer of ``nvidia-smi --query-gpu=... --format=csv,noheader,nounits``; a field not asked for is None.

    Examples
    --------
    >>> text = "0, NVIDIA H200, GPU-1, 580.159, 9.0, 143771, 4, 1980, 3201, 700.00, Enabled"
    >>> parse_gpus(text)[0]["memory_mib"]
    143771
    """
    gpus = []
    for line in text.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) != len(fields):
            continue
        given = {_GPU_FIELDS[field]: value for field, value in zip(fields, values, strict=True)}
        gpus.append({name: _value(name, given.get(name, "")) for name in _GPU_FIELDS.values()})
    return gpus


def _value(name: str, text: str) -> Any:
    if not text or text.startswith("[") or text == "N/A":
        return None  # "[N/A]", "[Not Supported]"
    try:
        if name in _INTEGERS:
            return int(text)
        return float(text) if name == "power_limit_w" else text
    except ValueError:
        return text
