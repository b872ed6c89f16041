"""Which tables and columns of a diff are shown, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trtlog._util.words import memory_size, percent
from trtlog.analyses.compare.diff import EQUAL_BATCHES, Diff
from trtlog.report.document import Bar, Cell, Column, Kind, Number, Section, Table
from trtlog.report.numbers import figure, one_line
from trtlog.report.sentences import toned

Row = dict[str, Any]
# Heading and kind of a column, and its cell in a row.
Drawn = tuple[str, Kind, Callable[[Row], Cell]]

METRIC_NAMES = {
    "samples": "samples",
    "throughput": "throughput",
    "latency": "host latency",
    "gpu_compute_time": "GPU compute time",
    "enqueue_time": "enqueue time",
    "h2d_latency": "host to device copy",
    "d2h_latency": "device to host copy",
    "end_to_end_host_latency": "end-to-end host latency",
}
# What is open at first: the answer; the rest folds away.
_OPEN = ("performance", "attribution")


def sections(diff: Diff) -> list[Section]:
    """Return the tables to show, without what did not change; an empty one is left out."""
    found = []
    for name, (title, columns) in _SHOWN.items():
        rows = [row for row in diff.rows(name) if _worth(name, row)]
        if rows:
            table = table_of(rows, columns, _BARS.get(name))
            found.append(Section(title, (table,), opened=name in _OPEN, count=len(rows), apart=True))
    return found


def table_of(rows: Sequence[Row], columns: Sequence[Drawn], bar: str | None = None) -> Table:
    """Return rows as a table; ``bar`` names the change to draw a bar of: green where it became less."""
    cells = [[cell(row) for _, _, cell in columns] for row in rows]
    drawn = [Column(heading, kind, spare=heading in _SPARE) for heading, kind, _ in columns]
    if bar is not None:
        drawn.append(Column("", "bar"))
        changes = [row[bar] or 0.0 for row in rows]
        largest = max(map(abs, changes), default=0.0) or 1.0
        for line, change in zip(cells, changes, strict=True):
            line.append(Bar(abs(change) / largest, "bad" if change > 0 else "good"))
    return Table(drawn, cells, rest="--limit shows them")


def text(name: str) -> Callable[[Row], Cell]:
    """Return what gives the text of a column, in the tone of a word that judges."""
    return lambda row: toned(one_line(row[name]))


def value(name: str, form: str = "", unit: str = "") -> Callable[[Row], Cell]:
    """Return what gives the number of a column."""
    return lambda row: figure(row[name], form, unit)


def change(name: str) -> Callable[[Row], Cell]:
    """Return what gives the change in a column of percent."""
    return lambda row: figure(None if row[name] is None else round(row[name], 1) + 0.0, "+.1f", "%")


def _worth(name: str, row: Row) -> bool:
    if name == "performance":
        return row["stat"] in ("value", "median", "p99") and not row["metric"].startswith("total_")
    return row.get("category") != "unchanged" or (name == "layers" and bool(row["delta_ms"]))


def _both(name: str) -> Callable[[Row], Cell]:
    """Return a value of both sides, once where it is the same."""

    def cell(row: Row) -> str:
        ours, theirs = one_line(row[f"control_{name}"]), one_line(row[f"test_{name}"])
        return ours if ours == theirs else f"{ours or '-'} -> {theirs or '-'}"

    return cell


def _layer(row: Row) -> str:
    ours, theirs = row["control_layer"], row["test_layer"]
    if ours is None or theirs is None or ours.strip() == theirs.strip():
        return one_line(theirs if theirs is not None else ours)
    return f"{one_line(ours)} -> {one_line(theirs)}"


def _size(name: str) -> Callable[[Row], Cell]:
    return lambda row: Number("" if row[name] is None else memory_size(row["name"], row[name]), row[name])


def limit(row: Row) -> Number:
    """Return how much a change may be by noise alone."""
    most = row["limit_percent"]
    return Number("" if most is None else percent(most), None if most is None else float(f"{most:.2g}"), "%")


def _paired(row: Row) -> str:
    if row["method"] == "none":
        return ""
    # What is sure needs no figure.
    return f"by {row['method']}" + (f" ({row['confidence']:.0%} sure)" if row["confidence"] < 1 else "")


def of_engine(row: Row) -> bool:
    """Return whether a figure tells of the engine: samples of other batches do not."""
    return row["metric"] != "samples" or (row["method"] or "").startswith(EQUAL_BATCHES)


# Columns that a narrow terminal may do without.
_SPARE = {"p", "noise to", "unit", "paired", "section", "timing ms", "share", "why", "reason", "speedup"}
_SPARE |= {"spread", "same tactics", "build s", "layers ms", "min ms", "max ms", "noise"}
# Tables with a bar, and what it shows.
_BARS = {"attribution": "delta_ms", "phases": "delta_s"}
_VALUES: tuple[Drawn, ...] = (("control", "name", text("control")), ("test", "name", text("test")))
_TIMES: tuple[Drawn, ...] = (("control ms", "number", value("control_ms")), ("test ms", "number", value("test_ms")))
_CATEGORY: Drawn = ("", "code", text("category"))
_SHOWN: dict[str, tuple[str, tuple[Drawn, ...]]] = {
    "run": ("Run", (("", "words", text("field")), *_VALUES)),
    "device": ("Device", (("", "words", text("field")), *_VALUES)),
    "options": (
        "Options",
        (_CATEGORY, ("section", "words", text("section")), ("option", "words", text("key")), *_VALUES),
    ),
    "performance": (
        "Performance",
        (
            ("metric", "code", lambda row: str(METRIC_NAMES.get(row["metric"], row["metric"]))),
            ("", "code", text("stat")),
            ("control", "number", value("control")),
            ("test", "number", value("test")),
            ("unit", "code", text("unit")),
            ("change", "number", change("change_percent")),
            ("verdict", "code", lambda row: text("verdict")(row) if of_engine(row) else ""),
            ("noise to", "number", limit),
            ("p", "number", value("p_value", ".2g")),
        ),
    ),
    "attribution": (
        "Where the change comes from",
        (
            ("operation", "code", text("family")),
            ("precision", "code", text("precision")),
            ("layers", "number", value("layers")),
            ("control ms", "number", value("control_ms")),
            ("test ms", "number", value("test_ms")),
            ("change ms", "number", value("delta_ms", "+.4f")),
            ("timing ms", "number", value("machine_ms", "+.4f")),
            ("share", "number", value("share_percent", ".0f", "%")),
        ),
    ),
    "layers": (
        "Layers",
        (
            _CATEGORY,
            ("layer", "name", _layer),
            ("paired", "code", _paired),
            ("changed", "words", lambda row: ", ".join(row["changed"] or ())),
            ("precision", "code", _both("precision")),
            *_TIMES,
            ("speedup", "number", value("speedup", ".2f", "x")),
        ),
    ),
    "tactics": (
        "Tactics that changed",
        (
            ("layer", "name", text("layer")),
            ("layers", "number", value("layers")),
            ("tactic", "name", _both("tactic")),
            *_TIMES,
            ("verdict", "code", text("verdict")),
            ("reason", "words", text("reason")),
        ),
    ),
    "formats": ("Formats that changed", (("layer", "name", text("layer")), ("", "code", text("side")), *_VALUES)),
    "fusions": (
        "Fusions",
        (
            _CATEGORY,
            ("", "code", text("action")),
            ("rule", "code", text("rule")),
            ("layer", "name", text("layer")),
            ("with", "name", text("other")),
        ),
    ),
    "reformats": ("Reformats", (_CATEGORY, ("reformat", "name", text("reformat")), *_VALUES, *_TIMES)),
    "memory": (
        "Memory",
        (
            _CATEGORY,
            ("", "code", text("name")),
            ("control", "number", _size("control_bytes")),
            ("test", "number", _size("test_bytes")),
            ("change", "number", change("change_percent")),
            ("verdict", "code", text("verdict")),
            ("why", "words", text("reason")),
        ),
    ),
    "phases": (
        "Build and start",
        (
            _CATEGORY,
            ("phase", "words", text("name")),
            ("control s", "number", value("control_s")),
            ("test s", "number", value("test_s")),
            ("change s", "number", value("delta_s", "+.2f")),
        ),
    ),
    "messages": (
        "Messages",
        (
            _CATEGORY,
            ("severity", "code", text("severity")),
            ("text", "words", text("text")),
            ("control", "number", value("control_count")),
            ("test", "number", value("test_count")),
        ),
    ),
}
