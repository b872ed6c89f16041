"""What a diff says first, and which tables and columns of it are shown: shared by screen, Markdown and HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trtlog._util.words import counted, percent

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff

Row = dict[str, Any]

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


# How a column behaves where there is little room, as trtlog.report.terminal.text has it.
Kind = Literal["number", "code", "name", "words"]
Columns = tuple[tuple[str, Callable[[Row], str], Kind], ...]


@dataclass(frozen=True)
class Section:
    """A table of the report: its rows, and (heading, text of a row, kind) for each column.

    Texts are whole: who shows them cuts them, where there is no room. ``bar`` names the change to draw a bar of.
    """

    title: str
    rows: list[Row]
    columns: Columns
    bar: str | None = None


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with ``digits`` significant digits; nothing for None.

    Examples
    --------
    >>> number(0.0123456), number(1234567.0), number(None)
    ('0.01235', '1234567', '')
    """
    if value is None:
        return ""
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def signed(value: float | None, unit: str = "%") -> str:
    """Return a change with its sign.

    Examples
    --------
    >>> signed(-9.839), signed(None)
    ('-9.8%', '')
    """
    if value is None:
        return ""
    return f"{round(value, 1) + 0.0:+.1f}{unit}"  # adding 0 turns -0.0 into 0.0


def one_line(value: Any) -> str:
    """Return a value as one line of text, nothing for None."""
    return "" if value is None else " ".join(str(value).splitlines()).strip()


def short(text: str | None, width: int = 60) -> str:
    """Return a text of at most ``width`` letters, cut in the middle."""
    text = one_line(text)
    if len(text) <= width:
        return text
    head = (width - 3) * 2 // 3
    return f"{text[:head]}...{text[-(width - 3 - head) :]}"


def mebibytes(value: int | None) -> str:
    """Return bytes as MiB."""
    return "" if value is None else f"{value / (1 << 20):.1f}"


def headline(diff: Diff) -> list[str]:
    """Return the answer in a few sentences: performance, layers, machine, tactics, fusions, messages."""
    return [line for part in (_performance, _layers, _machine, _tactics, _rest) for line in part(diff)]


def points(diff: Diff) -> list[tuple[str, list[str]]]:
    """Return the sentences of :func:`headline`, each with those that are indented under it."""
    found: list[tuple[str, list[str]]] = []
    for line in headline(diff):
        if line.startswith(" ") and found:
            found[-1][1].append(line.strip())
        else:
            found.append((line.strip(), []))
    return found


def _performance(diff: Diff) -> list[str]:
    lines = []
    for row in diff.rows("performance"):
        if row["verdict"] is None or row["metric"] not in ("samples", "throughput", "latency", "gpu_compute_time"):
            continue
        if row["stat"] not in ("value", "median", "mean"):
            continue
        verdict = "no change beyond noise" if row["verdict"] == "same" else row["verdict"]
        if row["verdict"] == "same" and abs(row["change_percent"]) >= 1 and row["limit_percent"] is not None:
            verdict += f" of {percent(row['limit_percent'])}"
        lines.append(
            f"{METRIC_NAMES[row['metric']]}: {number(row['control'])} -> {number(row['test'])} {row['unit']} "
            f"({signed(row['change_percent'])}, {verdict}; {row['method']})"
        )
    missing = [s.source for s, name in ((diff.control, "control"), (diff.test, "test")) if not _measured(diff, name)]
    if missing:
        lines.append(f"performance is not compared: no performance summary in {' and in '.join(missing)}")
    return lines


def _measured(diff: Diff, side: str) -> bool:
    return any(row[side] is not None for row in diff.rows("performance"))


def _layers(diff: Diff) -> list[str]:
    rows = diff.rows("layers")
    if not rows:
        return []
    paired = [row for row in rows if row["method"] != "none"]
    how = Counter(row["method"] for row in paired)
    count = Counter(row["category"] for row in rows)
    methods = ", ".join(f"{n} by {method}" for method, n in how.most_common())
    changes = ", ".join(f"{count[name]} {name}" for name in ("unchanged", "changed", "added", "removed") if count[name])
    lines = [f"layers: {len(paired)} paired ({methods}); {changes}"]
    groups = diff.rows("attribution")
    total = [sum(group[side] for group in groups) for side in ("control_ms", "test_ms")]
    if groups and total[0] and total[1]:
        what = "profile" if diff.layer_time_source == "profile" else "times of the tactics"
        per = " per sample" if diff.work.scale != (1, 1) else ""
        lines.append(
            f"sum of the layers ({what}{per}): {number(total[0])} -> {number(total[1])} ms, {total[0] / total[1]:.2f}x"
        )
        for group in groups[:3]:
            machine = ""
            if group["machine_ms"] is not None:
                machine = f"; the same tactics timed again account for {group['machine_ms']:+.4f} ms"
            times = f"{number(group['control_ms'])} -> {number(group['test_ms'])} ms"
            lines.append(
                f"  {group['family']} {group['precision']} ({counted(group['layers'], 'layer')}): {times} "
                f"({group['delta_ms']:+.4f}{machine})"
            )
    return lines


def _machine(diff: Diff) -> list[str]:
    found = diff.machine
    if found.shift_percent is None or found.noise_percent is None:
        return []
    moved = [
        row
        for row in diff.rows("layers")
        if row["machine_percent"] is not None and abs(row["machine_percent"] - found.shift_percent) > 10
    ]
    same = abs(found.shift_percent) <= max(1.0, found.noise_percent)
    lines = [
        f"machine: {'as fast as before' if same else 'slower' if found.shift_percent > 0 else 'faster'}; "
        f"{counted(found.common, 'tactic')} timed by both builds took {signed(found.shift_percent)} (median; "
        f"typical scatter {found.noise_percent:.1f}%, outliers aside)"
    ]
    if moved:
        lines.append(
            f"  but for {counted(len(moved), 'layer')} the same tactics took over 10% more or less: "
            "their timing was disturbed (clocks that ramp up, other work on the GPU)"
        )
    return lines


def _tactics(diff: Diff) -> list[str]:
    rows = diff.rows("tactics")
    if not rows:
        return []
    count: Counter[str] = Counter()
    for row in rows:
        count[row["verdict"]] += row["layers"]
    words = ", ".join(f"{n} {verdict}" for verdict, n in count.most_common())
    return [f"tactics: changed for {counted(sum(count.values()), 'layer')} ({words})"]


def _rest(diff: Diff) -> list[str]:
    lines = []
    for name in ("fusions", "reformats"):
        count = Counter(row["category"] for row in diff.rows(name))
        if count["added"] or count["removed"]:
            gained = "gained" if name == "fusions" else "added"
            lost = "lost" if name == "fusions" else "removed"
            lines.append(f"{name}: {count['added']} {gained}, {count['removed']} {lost}")
    new = [row for row in diff.rows("messages") if row["category"] == "added"]
    if new:
        lines.append(f"messages: {len(new)} new, first: {one_line(new[0]['text'])}")
    return lines


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: one_line(row[name])


def _number(name: str, digits: int = 4) -> Callable[[Row], str]:
    return lambda row: number(row[name], digits)


def _arrow(name: str) -> Callable[[Row], str]:
    """Return a value of both sides, once where it is the same."""

    def text(row: Row) -> str:
        ours, theirs = one_line(row[f"control_{name}"]), one_line(row[f"test_{name}"])
        return ours if ours == theirs else f"{ours or '-'} -> {theirs or '-'}"

    return text


def _layer_name(row: Row) -> str:
    ours, theirs = row["control_layer"], row["test_layer"]
    if ours is None or theirs is None or ours.strip() == theirs.strip():
        return one_line(theirs if theirs is not None else ours)
    return f"{one_line(ours)} -> {one_line(theirs)}"


def sections(diff: Diff) -> list[Section]:
    """Return the tables to show, without what did not change; an empty one is left out."""
    rows = {name: _changed(diff.rows(name)) for name in _SHOWN}
    rows["performance"] = [r for r in diff.rows("performance") if r["stat"] in ("value", "median", "p99")]
    rows["layers"] = [r for r in diff.rows("layers") if r["category"] != "unchanged" or r["delta_ms"]]
    found = []
    for name, (title, columns) in _SHOWN.items():
        if rows[name]:
            found.append(Section(title, rows[name], columns, _BARS.get(name)))
    return found


def _changed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.get("category") != "unchanged"]


# Tables with a bar, and what it shows.
_BARS = {"attribution": "delta_ms", "phases": "delta_s"}
_VALUES: Columns = (("control", _text("control"), "name"), ("test", _text("test"), "name"))
_CATEGORY: tuple[str, Callable[[Row], str], Kind] = ("", _text("category"), "code")
_SHOWN: dict[str, tuple[str, Columns]] = {
    "run": ("Run", (("", _text("field"), "words"), *_VALUES)),
    "device": ("Device", (("", _text("field"), "words"), *_VALUES)),
    "options": (
        "Options",
        (_CATEGORY, ("section", _text("section"), "words"), ("option", _text("key"), "words"), *_VALUES),
    ),
    "performance": (
        "Performance",
        (
            ("metric", lambda row: str(METRIC_NAMES.get(row["metric"], row["metric"])), "code"),
            ("", _text("stat"), "code"),
            ("control", _number("control"), "number"),
            ("test", _number("test"), "number"),
            ("unit", _text("unit"), "code"),
            ("change", lambda row: signed(row["change_percent"]), "number"),
            ("verdict", _text("verdict"), "code"),
            ("noise to", lambda row: "" if row["limit_percent"] is None else percent(row["limit_percent"]), "number"),
            ("p", lambda row: "" if row["p_value"] is None else f"{row['p_value']:.2g}", "number"),
        ),
    ),
    "attribution": (
        "Where the change comes from",
        (
            ("operation", _text("family"), "code"),
            ("precision", _text("precision"), "code"),
            ("layers", _text("layers"), "number"),
            ("control ms", _number("control_ms"), "number"),
            ("test ms", _number("test_ms"), "number"),
            ("change ms", lambda row: f"{row['delta_ms']:+.4f}", "number"),
            ("of it timing", lambda row: "" if row["machine_ms"] is None else f"{row['machine_ms']:+.4f}", "number"),
            ("share", lambda row: "" if row["share_percent"] is None else f"{row['share_percent']:.0f}%", "number"),
        ),
    ),
    "layers": (
        "Layers",
        (
            _CATEGORY,
            ("layer", _layer_name, "name"),
            ("paired", lambda row: "" if row["method"] == "none" else f"{row['method']} {row['confidence']:g}", "code"),
            ("changed", lambda row: ", ".join(row["changed"] or ()), "words"),
            ("precision", _arrow("precision"), "code"),
            ("control ms", _number("control_ms"), "number"),
            ("test ms", _number("test_ms"), "number"),
            ("speedup", lambda row: "" if row["speedup"] is None else f"{row['speedup']:.2f}x", "number"),
        ),
    ),
    "tactics": (
        "Tactics that changed",
        (
            ("layer", _text("layer"), "name"),
            ("layers", _text("layers"), "number"),
            ("tactic", _arrow("tactic"), "words"),
            ("control ms", _number("control_ms"), "number"),
            ("test ms", _number("test_ms"), "number"),
            ("verdict", _text("verdict"), "code"),
            ("reason", _text("reason"), "words"),
        ),
    ),
    "formats": ("Formats that changed", (("layer", _text("layer"), "name"), ("", _text("side"), "code"), *_VALUES)),
    "fusions": (
        "Fusions",
        (
            _CATEGORY,
            ("", _text("action"), "code"),
            ("rule", _text("rule"), "code"),
            ("layer", _text("layer"), "name"),
            ("with", _text("other"), "name"),
        ),
    ),
    "reformats": (
        "Reformats",
        (
            _CATEGORY,
            ("reformat", _text("reformat"), "name"),
            *_VALUES,
            ("control ms", _number("control_ms"), "number"),
            ("test ms", _number("test_ms"), "number"),
        ),
    ),
    "memory": (
        "Memory",
        (
            _CATEGORY,
            ("", _text("name"), "words"),
            ("control MiB", lambda row: mebibytes(row["control_bytes"]), "number"),
            ("test MiB", lambda row: mebibytes(row["test_bytes"]), "number"),
            ("change", lambda row: signed(row["change_percent"]), "number"),
        ),
    ),
    "phases": (
        "Build and start",
        (
            _CATEGORY,
            ("phase", _text("name"), "words"),
            ("control s", _number("control_s"), "number"),
            ("test s", _number("test_s"), "number"),
            ("change s", lambda row: "" if row["delta_s"] is None else f"{row['delta_s']:+.2f}", "number"),
        ),
    ),
    "messages": (
        "Messages",
        (
            _CATEGORY,
            ("severity", _text("severity"), "code"),
            ("text", _text("text"), "words"),
            ("control", _text("control_count"), "number"),
            ("test", _text("test_count"), "number"),
        ),
    ),
}
