"""Runs, sections, options and devices."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog.arrays import from_bytes
from trtlog.flags import decode_banner_version, format_version, program_of
from trtlog.tables.cells import lines_of, to_bool
from trtlog.tables.context import Context
from trtlog.tables.schema import from_rows
from trtlog.tables.simple import finish_rows

_STATUS = {"PASSED": "passed", "FAILED": "failed", "WAIVED": "waived"}
_OPTION_SECTIONS = ("model", "build", "system", "inference", "reporting")


def decode_version(code: str, command: str | None = None) -> str:
    """Return the version behind a banner's code or a printed version; the banner's command names the program.

    Examples
    --------
    >>> decode_version("8503"), decode_version("100300"), decode_version("8.5.3")
    ('8.5.3', '10.3.0', '8.5.3')
    >>> decode_version("10701", "tensorrt_rtx --onnx=net.onnx")
    '1.7.1'
    """
    if not code.isdigit():
        return code.split()[0]
    return format_version(decode_banner_version(code, program_of(command) or ""))


def runs(context: Context) -> pa.Table:
    """One row a banner; the whole file where there is none."""
    captures = context.captures
    banners = captures.rows("run_started")
    ended = captures.rows("run_ended")
    versions = captures.rows("tensorrt_version")
    starts = context.run_lines.tolist()
    clock_lines, seconds = context.clock
    out = []
    for number, start in enumerate(starts):
        first = 1 if number == 0 else start
        last = starts[number + 1] - 1 if number + 1 < len(starts) else context.last_line
        banner = banners[number] if banners else {}
        ends = [e for e in ended if first <= e["line"] <= last]
        printed = [v for v in versions if first <= v["line"] <= last]
        code = banner.get("version_code")
        shown = printed[0]["tensorrt_version"] if printed else code
        version = None if shown is None else decode_version(shown, banner.get("command"))
        inside = seconds[np.searchsorted(clock_lines, first) : np.searchsorted(clock_lines, last, side="right")]
        status = _STATUS[ends[-1]["run_status"]] if ends else ("incomplete" if banner else None)
        out.append(
            {
                "run": number,
                "line": start if banner else 1,
                "last_line": last,
                "tool": banner.get("tool") or _producer(captures.producers),
                "tensorrt_version": version,
                "build": banner.get("build"),
                "command": banner.get("command"),
                "status": status,
                "started_at": _time(inside[0]) if len(inside) else None,
                "finished_at": _time(inside[-1]) if len(inside) else None,
                "source": context.source,
            }
        )
    return from_rows("runs", out)


def _time(seconds: Any) -> datetime.datetime:
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=int(seconds))


def _producer(producers: dict[str, int]) -> str | None:
    if not producers:
        return None
    name = max(producers, key=lambda k: producers[k])
    return "trtexec" if name.startswith("trtexec") else name


def sections(context: Context) -> pa.Table:
    """From each opening line to the line before the next; text above the first is in no section."""
    openings = sorted([*context.captures.openings, *((int(n), "") for n in _run_bounds(context))])
    rows = []
    for number, (line, name) in enumerate(openings):
        last = openings[number + 1][0] - 1 if number + 1 < len(openings) else context.last_line
        if name and last >= line:
            rows.append({"line": line, "last_line": last, "name": name})
    return finish_rows(context, "sections", rows)


def _run_bounds(context: Context) -> np.ndarray[Any, Any]:
    ended = lines_of(context.captured("run_ended"))
    started = lines_of(context.captured("run_started"))
    return np.concatenate([ended, started])


def section_at(context: Context, lines: list[int]) -> list[str]:
    """Return the name of the section of each line, empty for none."""
    openings = sorted([*context.captures.openings, *((int(n), "") for n in _run_bounds(context))])
    starts = np.array([line for line, _ in openings], dtype=np.int64)
    found = np.searchsorted(starts, np.array(lines, dtype=np.int64), side="right") - 1
    return [openings[f][1] if f >= 0 else "" for f in found.tolist()]


def options(context: Context) -> pa.Table:
    """Option lines in order; an entry of a list carries the name of the list. TensorRT 5 prints arguments."""
    captured = context.captures.rows("option", "option_entry", "argument")
    names = section_at(context, [row["line"] for row in captured])
    rows = []
    key: str | None = None
    for row, section in zip(captured, names, strict=True):
        value = row.get("value")
        if row["kind"] != "option_entry":
            key = row["key"]
        elif row.get("list_entry"):
            value = f"{row['list_entry']}<-{value or ''}"
        value = None if value is None else value.strip()
        rows.append({"line": row["line"], "section": section, "key": key or "", "value": value or None})
    return finish_rows(context, "options", rows)


_DEVICE_FIELDS = {
    "selected_device": {"name": "name"},
    "selected_device_id": {"index": "device_id"},
    "selected_device_uuid": {"uuid": "uuid"},
    "compute_capability": {"compute_capability": "compute_capability"},
    "sms": {"sms": "sms"},
    "compute_clock": {"compute_clock_ghz": "compute_clock_ghz"},
    "device_memory": {"memory_mib": "memory_mib"},
    "shared_memory": {"shared_memory_per_sm_kib": "shared_memory_per_sm_kib"},
    "memory_bus": {"bus_width_bits": "bus_width_bits", "ecc": "ecc"},
    "memory_clock": {"memory_clock_ghz": "memory_clock_ghz"},
}
_INTEGERS = ("device_id", "sms", "memory_mib", "shared_memory_per_sm_kib", "bus_width_bits")
_FLOATS = ("compute_clock_ghz", "memory_clock_ghz")


def devices(context: Context) -> pa.Table:
    """One row a Device Information section."""
    rows: list[dict[str, Any]] = []
    for row in context.captures.rows("device_information", "available_device", *_DEVICE_FIELDS):
        kind = row["kind"]
        if kind == "device_information":
            rows.append({"line": row["line"]})
            continue
        if not rows:
            rows.append({"line": row["line"]})
        device = rows[-1]
        if kind == "available_device":
            device.setdefault("available", []).append(row["name"])
            continue
        for field, name in _DEVICE_FIELDS[kind].items():
            device[name] = _device_value(name, row.get(field))
    return finish_rows(context, "devices", rows)


def _device_value(name: str, printed: str | None) -> Any:
    if printed is None:
        return None
    if name in _INTEGERS:
        return int(printed)
    if name in _FLOATS:
        return float(printed)
    if name == "ecc":
        return to_bool(from_bytes([printed.encode()]), pa.bool_())[0].as_py()
    return printed
