"""What trt-engine-explorer writes beside trtexec's exports: the GPU, the options and the performance summary.

It reads trtexec's log into ``x.build.metadata.json`` and ``x.profile.metadata.json``: an object of
sections, each with the names that trtexec prints. Its first releases wrote ``x.metadata.json``: a list with the
properties of each GPU of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trtlog._util.expression import expression

_SECTIONS = {"model_options": "model", "build_options": "build", "inference_options": "inference"}
_DEVICE, _PERFORMANCE = "device_information", "performance_summary"
_NUMBER = expression(r"[0-9]+(?:\.[0-9]+)?")

# Name in the device section -> column, and how its value is read.
_DEVICE_COLUMNS = {
    "Compute Capability": ("compute_capability", str),
    "SMs": ("sms", int),
    "Compute Clock Rate": ("compute_clock_ghz", float),
    "Device Global Memory": ("memory_mib", int),
    "Shared Memory per SM": ("shared_memory_per_sm_kib", int),
    "Memory Bus Width": ("bus_width_bits", int),
    "Memory Clock Rate": ("memory_clock_ghz", float),
}
# Property of the CUDA driver -> column, and how many of its units are one of the column's.
_PROPERTIES = {
    "MULTIPROCESSOR_COUNT": ("sms", 1),
    "TotalMemory": ("memory_mib", 1 << 20),
    "MAX_SHARED_MEMORY_PER_MULTIPROCESSOR": ("shared_memory_per_sm_kib", 1 << 10),
    "GLOBAL_MEMORY_BUS_WIDTH": ("bus_width_bits", 1),
    "CLOCK_RATE": ("compute_clock_ghz", 1e6),
    "MEMORY_CLOCK_RATE": ("memory_clock_ghz", 1e6),
}
_METRICS = {
    "Throughput": ("throughput", "qps"),
    "Latency": ("latency", "ms"),
    "Enqueue Time": ("enqueue_time", "ms"),
    "H2D Latency": ("h2d_latency", "ms"),
    "GPU Compute Time": ("gpu_compute_time", "ms"),
    "D2H Latency": ("d2h_latency", "ms"),
    "Total Host Walltime": ("total_host_walltime", "s"),
    "Total GPU Compute Time": ("total_gpu_compute_time", "s"),
}
# The file keeps the numbers of a line without their names; by default trtexec prints one percentile, later three.
_STATISTICS = {
    4: ("min", "max", "mean", "median"),
    5: ("min", "max", "mean", "median", "p99"),
    7: ("min", "max", "mean", "median", "p90", "p95", "p99"),
}


def is_metadata(value: Any) -> bool:
    """Return whether a decoded JSON document is such a file.

    Examples
    --------
    >>> is_metadata({"build_options": {"Precision": "FP16"}}), is_metadata([{"MULTIPROCESSOR_COUNT": 72}])
    (True, True)
    """
    if isinstance(value, dict):
        return bool({*_SECTIONS, _DEVICE, _PERFORMANCE} & value.keys())
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and _is_device(value[0])


def _is_device(properties: Mapping[str, Any]) -> bool:
    return "MULTIPROCESSOR_COUNT" in properties or "ComputeCapability" in properties


def rows_of(value: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that a file of metadata holds, by table: ``devices``, ``options``, ``performance``.

    Statistics that the file does not name are left out where their number does not tell which they are.

    Examples
    --------
    >>> found = rows_of({"performance_summary": {"Throughput": 500.0, "Latency": [1.0, 4.0, 2.0, 1.5]}})
    >>> [(row["metric"], row["stat"], row["value"]) for row in found["performance"]][:3]
    [('throughput', 'value', 500.0), ('latency', 'min', 1.0), ('latency', 'max', 4.0)]
    """
    if isinstance(value, list):
        return {"devices": [_of_driver(value[0])]}
    tables: dict[str, list[dict[str, Any]]] = {}
    options = [
        {"section": section, "key": str(key), "value": _text(text)}
        for name, section in _SECTIONS.items()
        for key, text in _members(value, name)
    ]
    device = dict(_members(value, _DEVICE))
    performance = [row for name, figures in _members(value, _PERFORMANCE) for row in _statistics(str(name), figures)]
    for table, found in (("options", options), ("devices", [_device(device)] if device else []),
                         ("performance", performance)):  # fmt: skip
        if found:
            tables[table] = found
    return tables


def _members(value: Mapping[str, Any], name: str) -> list[tuple[Any, Any]]:
    section = value.get(name)
    return list(section.items()) if isinstance(section, dict) else []


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _device(printed: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": _text(printed.get("Selected Device"))}
    for name, (column, kind) in _DEVICE_COLUMNS.items():
        text = str(printed.get(name, ""))
        number = _NUMBER.search(text)
        row[column] = None if number is None else kind(float(number[0])) if kind is int else kind(number[0])
        if column == "bus_width_bits" and "ECC" in text:
            row["ecc"] = "enabled" in text
    return row


def _of_driver(properties: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": _text(properties.get("Name"))}
    capability = properties.get("ComputeCapability")
    if isinstance(capability, list):
        row["compute_capability"] = ".".join(map(str, capability))
    if isinstance(properties.get("ECC_ENABLED"), int):
        row["ecc"] = bool(properties["ECC_ENABLED"])
    for name, (column, size) in _PROPERTIES.items():
        number = properties.get(name)
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            row[column] = number / size if isinstance(size, float) else int(number // size)
    return row


def _statistics(name: str, figures: Any) -> list[dict[str, Any]]:
    metric, unit = _METRICS.get(name, ("", ""))
    values = figures if isinstance(figures, list) else [figures]
    stats = _STATISTICS.get(len(values)) if isinstance(figures, list) else ("value",)
    if not metric or stats is None:
        return []
    return [
        {"metric": metric, "stat": stat, "value": float(value), "unit": unit}
        for stat, value in zip(stats, values, strict=True)
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
