"""Runs, sections, options and devices."""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_list, from_numpy, is_valid
from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.flags import asks_help, decode_banner_version, format_version, program_of
from trtlog.messages.captures import Captures
from trtlog.tables.blocks import kind_is
from trtlog.tables.cells import (
    codes_of,
    float_or_none,
    from_codes,
    int_or_none,
    is_true,
    name_by_distinct,
    take,
    to_name,
    to_text,
)
from trtlog.tables.context import Context
from trtlog.tables.schema import captured_bytes, empty, from_columns, from_rows
from trtlog.tables.simple import finish_columns

_LIBRARY = expression(r"libnvinfer[a-z_]*\.so\.([0-9]+\.[0-9]+\.[0-9]+)$")
_MODULES = ("tensorrt", "tensorrt_rtx")
_MODULE_VERSION = expression(r"[0-9]+\.[0-9]+\.[0-9]+")
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
        return next(iter(code.split()), code)
    return format_version(decode_banner_version(code, program_of(command) or ""))


def runs(context: Context) -> pa.Table:
    """One row a run: its two banners, or the one that is there; text of TensorRT outside of banners."""
    captures = context.captures
    version_lines, versions = captures.lists(("tensorrt_version",), ("line", "tensorrt_version"))
    library_lines, library_versions = _library_versions(captures)
    plan_lines, plan_versions = captures.lists(("plan_version",), ("line", "version"))
    clock_lines, seconds = context.clock
    bounds = context.runs
    firsts, lasts = (np.array([getattr(run, name) for run in bounds], np.int64) for name in ("first", "last"))
    # What is between the first and the last line of each run, as places in sorted lines.
    printed, libraries, plans, clock = (
        zip(np.searchsorted(lines, firsts).tolist(), np.searchsorted(lines, lasts, side="right").tolist(), strict=True)
        for lines in (*(np.array(found, np.int64) for found in (version_lines, library_lines, plan_lines)), clock_lines)
    )
    of_runs = [number for number, own in enumerate(context.runs_by_log) for _ in own]
    out = []
    every = zip(bounds, printed, libraries, plans, clock, of_runs, strict=True)
    for number, (run, shown, loaded, planned, timed, of_log) in enumerate(every):
        log = captures.logs[of_log]
        # Headers are counted over the whole log: of several runs they do not say whose a run without banners is.
        alone = log.alone and len(context.runs_by_log[of_log]) == 1
        producer = _producer(log.producers, log.counts) if alone else None
        command = run.printed("command")
        code = versions[shown[0]] if shown[0] < shown[1] else run.printed("version_code")
        if code is None and loaded[0] < loaded[1]:
            code = library_versions[loaded[0]]
        inside = timed[0] < timed[1]
        # For --help nothing is run: from 7.1.3 on no last banner follows the help text.
        nothing = run.started is None or asks_help(command)
        status = _STATUS[run.ended["run_status"]] if run.ended else (None if nothing else "incomplete")
        out.append(
            {
                "run": number,
                "line": run.line if log.lines else None,
                "last_line": run.last if log.lines else None,
                "tool": run.printed("tool") or producer,
                "tensorrt_version": None if code is None else decode_version(code, command),
                "build": run.printed("build"),
                "command": command,
                "status": status,
                "started_at": _time(seconds[timed[0]]) if inside else None,
                "finished_at": _time(seconds[timed[1] - 1]) if inside else None,
                "source": context.sources[of_log],
                "plan_version": plan_versions[planned[1] - 1] if planned[0] < planned[1] else None,
            }
        )
    return from_rows("runs", out)


def _library_versions(captures: Captures) -> tuple[list[int], list[str]]:
    """Return the versions in names of TensorRT's own libraries, which it loads from 8.5 on, and their lines.

    Polygraphy prints the version of the Python module, which is that of the library.
    """
    lines, names = captures.lists(("library_loading", "library_loaded"), ("line", "library"))
    loaded = zip(lines, names, strict=True)
    found = [(line, match[1]) for line, name in loaded if (match := _LIBRARY.search(name or ""))]
    modules = zip(*captures.lists(("module_loaded",), ("line", "module", "module_version")), strict=True)
    for line, name, version in modules:
        if (name or "").strip() in _MODULES and (match := _MODULE_VERSION.match(version or "")):
            found.append((line, match[0]))
    found.sort()
    return [line for line, _ in found], [version for _, version in found]


def engines(context: Context) -> pa.Table:
    """One row a build of an engine, an attempt with one backend strategy, or an engine that is only loaded."""
    found = context.builds
    evidence = np.concatenate([context.captured(kind).lines for kind in _OF_ENGINE])
    of_engine = found.seen
    of_engine[found.of(evidence)] = True
    shown = np.flatnonzero(of_engine)
    if not len(shown):
        return empty("engines")
    ends = np.append(found.column("lines")[1:] - 1, context.last_lines[-1])
    lasts = np.zeros(len(found), np.int64)
    lasts[found.column("numbers")] = ends  # of several pieces the last one's
    runs, families, loaded = (found.column(name)[shown] for name in ("run", "family", "loaded"))
    # Text above the first banner belongs to the run, not to its engine.
    firsts, last_lines = (
        np.array([getattr(run, name) for run in context.runs], np.int64)[runs] for name in ("line", "last")
    )
    kept, sizes, strategies = (found.column(name)[shown] for name in ("kept", "size_mib", "strategy"))
    columns: dict[str, Any] = {
        "run": runs,
        "line": np.maximum(found.column("line")[shown], firsts),
        "last_line": np.minimum(lasts[shown], last_lines),
        "engine": found.column("engine")[shown],
        "build": from_numpy(_build_numbers(runs, families, loaded == 0), loaded == 0),
        "origin": from_codes(loaded.astype(np.int32), from_list(["built", "loaded"], pa.string())),
        "strategy": from_codes(strategies, from_list(list(found.strategies), pa.string())),
        "kept": from_numpy(kept > 0, kept >= 0),
        "size_mib": from_numpy(sizes, sizes >= 0),
    }
    for name in ("estimated_ms", "seconds"):
        columns[name] = from_numpy(found.column(name)[shown], found.column(f"has_{name}")[shown] > 0)
    for name in ("origin", "strategy"):  # no names but those of the rows
        columns[name] = columns[name].dictionary_decode().dictionary_encode()
    return from_columns("engines", columns, len(shown))


def _build_numbers(runs: Array, families: Array, built: Array) -> Array:
    """Return the number in its run of the build that each engine is an attempt at; any for what is not built."""
    places = np.flatnonzero(built)
    numbers = np.zeros(len(runs), np.int32)
    if len(places):
        family, run = families[places], runs[places]
        counted = np.cumsum(np.append(False, family[1:] != family[:-1]))
        first = np.append(True, run[1:] != run[:-1])
        numbers[places] = counted - counted[np.maximum.accumulate(np.where(first, np.arange(len(run)), 0))]
    return numbers


# What is printed of an engine only.
_OF_ENGINE = ("timing_runner", "layer_memory", "engine_layer", "layer_detail")


def _time(seconds: Any) -> datetime.datetime:
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=int(seconds))


# Kinds that one program alone prints begin with its name; its header is that of others too.
_BY_KIND = ("polygraphy", "deepstream")
# Headers that several programs have, or a program under several names.
_LOGGERS = {
    **dict.fromkeys(("python", "python_old", "python_old_internal", "python_enum"), "python"),
    **dict.fromkeys(("onnxruntime", "onnxruntime_tensorrt", "onnxruntime_system"), "onnxruntime"),
    **dict.fromkeys(("torch_tensorrt", "torch_tensorrt_pass", "torch_tensorrt_conversion"), "torch_tensorrt"),
    **dict.fromkeys(("deepstream", "deepstream_own", "gstreamer"), "deepstream"),
    **dict.fromkeys(("trtexec_tensorrt", "trtexec_own"), "trtexec"),
    **{name: name for name in ("triton", "tensorrt_llm", "tao", "ros")},
}


def _producer(producers: dict[str, int], kinds: Iterable[str]) -> str | None:
    """Return which program prints most lines, by its logger's header; None for headers that do not say."""
    for program in _BY_KIND:
        if any(kind.startswith(f"{program}_") for kind in kinds):
            return program
    name = max(producers, key=lambda k: (producers[k], k), default=None)
    return None if name is None else _LOGGERS.get(name)


def sections(context: Context) -> pa.Table:
    """From each opening line to the line before the next; text above the first is in no section."""
    openings = _openings(context)
    lines, names = openings.lines, openings.names
    last = np.minimum(np.append(lines[1:] - 1, context.last_lines[-1]), context.last_lines[context.log_of(lines)])
    kept = np.flatnonzero((names >= 0) & (last >= lines))
    columns: dict[str, Any] = {
        "run": context.run_of(lines[kept]),
        "line": from_numpy(lines[kept]),
        "last_line": from_numpy(last[kept]),
        "name": from_codes(names[kept], openings.dictionary),
    }
    return from_columns("sections", columns, len(kept))


@dataclass
class _Openings:
    """Lines at which a section begins, or a run or a log begins or ends, which ends the section above it."""

    lines: Array
    names: Array  # number in the dictionary, -1 for none
    dictionary: pa.Array


def _openings(context: Context) -> _Openings:
    banners = [context.captured(kind).lines for kind in ("run_ended", "run_started")]
    bounds = np.concatenate([context.log_lines, *banners, context.run_lines])  # runs without a banner too
    opened = context.captures.openings
    distinct = sorted({name for _, name in opened if name})
    numbers = {"": -1, **{name: number for number, name in enumerate(distinct)}}
    lines = np.concatenate([bounds, np.fromiter((line for line, _ in opened), np.int64, len(opened))])
    names = np.full(len(lines), -1, np.int32)
    names[len(bounds) :] = np.fromiter((numbers[name] for _, name in opened), np.int32, len(opened))
    order = np.lexsort((names, lines))
    return _Openings(lines[order], names[order], from_list(distinct, pa.string()))


def options(context: Context) -> pa.Table:
    """Option lines in order; an entry of a list carries the name of the list. TensorRT 5 prints arguments."""
    captured = context.captured("option", "option_entry", "argument")
    size = captured.num_rows
    if not size:
        return empty("options")
    lines = captured.lines
    openings = _openings(context)
    found = np.searchsorted(openings.lines, lines, side="right") - 1
    section = np.append(openings.names, np.int32(-1))[found]
    of_list = kind_is(captured, "option_entry")
    heads = np.maximum.accumulate(np.where(of_list, -1, np.arange(size)))
    logs = context.log_of(lines)
    heads[logs[heads] != logs] = -1
    value = name_by_distinct(captured_bytes(captured, "value"), lambda printed: printed.strip() or None)
    entries = captured_bytes(captured, "list_entry")
    listed = np.flatnonzero(of_list & is_valid(entries))
    if len(listed):
        value = _listed(value, entries, captured_bytes(captured, "value"), listed)
    columns: dict[str, Any] = {
        "run": context.run_of(lines),
        "line": captured.column("line"),
        "section": _filled(from_codes(section, openings.dictionary)),
        "key": _filled(take(to_name(captured_bytes(captured, "key")), heads)),
        "value": value.cast(pa.string()),
    }
    return from_columns("options", columns, size)


def _listed(values: pa.Array, entries: pa.Array, printed: pa.Array, rows: Array) -> pa.Array:
    """Return values with those of entries that name two things: ``a<-b``."""
    texts = values.to_pylist()
    pairs = [to_text(take(column, rows)).to_pylist() for column in (entries, printed)]
    for row, entry, value in zip(rows.tolist(), *pairs, strict=True):
        if entry:
            texts[row] = f"{entry}<-{value or ''}".strip() or None
    return from_list(texts, pa.string())


def _filled(names: pa.DictionaryArray) -> pa.DictionaryArray:
    """Return names, empty where there is none."""
    codes = codes_of(names)
    nothing = codes < 0
    if not nothing.any():
        return names
    dictionary = pa.concat_arrays([names.dictionary, from_list([""], pa.string())])
    return from_codes(np.where(nothing, len(dictionary) - 1, codes), dictionary)


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
    captures = context.captures
    found_by_kind = {kind: captures.lists((kind,), ("line", *names)) for kind, names in _DEVICE_FIELDS.items()}
    lines, names = captures.lists(("available_device",), ("line", "name"))
    starts = context.captured("device_information").lines.tolist()
    # A section whose heading is not there begins with its first line; none goes on in the next run.
    runs = context.run_lines.tolist()
    for line in sorted(line for found in (*found_by_kind.values(), [lines]) for line in found[0]):
        place, run = bisect_right(starts, line), bisect_right(runs, line)
        if not place or (run and starts[place - 1] < runs[run - 1]):
            starts.insert(place, line)
    size = len(starts)
    columns: dict[str, list[Any]] = {"line": starts}
    for kind, (at, *values) in found_by_kind.items():
        places = np.searchsorted(starts, at, side="right").tolist() if at else []
        for name, printed in zip(_DEVICE_FIELDS[kind].values(), values, strict=True):
            column = columns[name] = [None] * size
            for place, value in zip(places, printed, strict=True):
                column[place - 1] = _device_value(name, value)
    available: list[list[str] | None] = [None] * size
    for place, name in zip(np.searchsorted(starts, lines, side="right").tolist() if lines else [], names, strict=True):
        available[place - 1] = [*(available[place - 1] or []), name]
    columns["available"] = available
    return finish_columns(context, "devices", columns)


def _device_value(name: str, printed: str | None) -> Any:
    if printed is None:
        return None
    if name in _INTEGERS:
        return int_or_none(printed)
    if name in _FLOATS:
        return float_or_none(printed)
    if name == "ecc":
        return is_true(printed.encode())
    return printed
