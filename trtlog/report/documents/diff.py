"""What changed between two builds or runs: the answer in sentences, then the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trtlog._util.words import counted, percent, plural
from trtlog.analyses.compare.diff import Diff
from trtlog.analyses.compare.verdict import beside_times, compared_memory
from trtlog.report.document import Block, Document, Note, Point, Points, Title
from trtlog.report.documents.diff_tables import METRIC_NAMES, Row, of_engine, sections
from trtlog.report.numbers import number, one_line, signed
from trtlog.report.sentences import Span, joined, strong, toned, words


def diff(found: Diff) -> Document:
    """Return a diff: what limits it, the answer in sentences, the tables."""
    title = Title(words(strong(found.control.source), "  ->  ", strong(found.test.source)))
    blocks: list[Block] = [title, *map(Note, found.notes)]
    return Document("trtlog diff", (*blocks, Points(tuple(headline(found)), apart=True), *sections(found)))


def headline(found: Diff) -> list[Point]:
    """Return the answer in a few sentences: engines, performance, layers, machine, tactics, fusions, messages."""
    parts = (_engines, _performance, _layers, _attribution, _machine, _tactics, _rewrites, _messages)
    return [point for part in parts for point in part(found)]


def _about(name: str, *parts: str | Span) -> Point:
    return Point(words(strong(name), ": ", *parts))


def _engines(found: Diff) -> Iterator[Point]:
    """Say whether the engines differ, so that equal times are not taken for equal engines."""
    if found.engines.differ:
        times = beside_times(found.engines, found.rows("performance"))
        more = f"; {times}" if times else ""
        yield _about("engines", toned("they differ"), f": {', '.join(found.engines.evidence)}{more}")
    elif found.engines.differ is False:
        memory = compared_memory(found.rows("memory"))
        yield _about("engines", f"the same layers{', tactics and memory' if memory else ' and tactics'}")


def _performance(found: Diff) -> Iterator[Point]:
    rows = found.rows("performance")
    batches = _batches(rows)
    if batches:
        yield from batches
    for row in () if batches else rows:
        if row["verdict"] is None or row["metric"] not in ("samples", "throughput", "latency", "gpu_compute_time"):
            continue
        if row["stat"] not in ("value", "median", "mean"):
            continue
        verdict = "no change beyond noise" if row["verdict"] == "same" else row["verdict"]
        if row["verdict"] == "same" and abs(row["change_percent"]) >= 1 and row["limit_percent"] is not None:
            verdict += f" of {percent(row['limit_percent'])}"
        times = f"{number(row['control'])} -> {number(row['test'])} {row['unit']}"
        change = f" ({signed(row['change_percent'])}, "
        yield _about(METRIC_NAMES[row["metric"]], times, change, toned(verdict), f"; {row['method']})")
    sides = ((found.control, "control"), (found.test, "test"))
    missing = [side.source for side, name in sides if all(row[name] is None for row in rows)]
    if missing:
        names = joined([words(source) for source in missing], " and in ")
        yield Point(words("performance is not compared: no performance summary in ", names))


def _batches(rows: list[Row]) -> list[Point]:
    """Say what runs of different batches did: more or less in a second, which no change of the engine is."""
    samples = next((row for row in rows if row["metric"] == "samples" and row["change_percent"] is not None), None)
    if samples is None or of_engine(samples):
        return []
    times = f"{number(samples['control'])} -> {number(samples['test'])} samples/s ({signed(samples['change_percent'])}"
    beyond = ", within noise" if samples["verdict"] == "same" else ""
    under = [
        words(f"{METRIC_NAMES[row['metric']]}: {number(row['control'])} -> {number(row['test'])} {row['unit']} a batch")
        for row in rows
        if row["metric"] in ("latency", "gpu_compute_time") and row["stat"] == "median" and row["test"] is not None
    ]
    text = f"{times}{beyond}); the batch changed, so this is no verdict on the engine: compare equal batches for one"
    return [Point(words(strong("other batches"), f": {text}"), tuple(under))]


def _layers(found: Diff) -> Iterator[Point]:
    rows = found.rows("layers")
    if not rows:
        return
    how = Counter(row["method"] for row in rows if row["method"] != "none")
    count = Counter(row["category"] for row in rows)
    methods = ", ".join(f"{n} by {method}" for method, n in how.most_common())
    changes = ", ".join(f"{count[name]} {name}" for name in ("unchanged", "changed", "added", "removed") if count[name])
    yield _about("layers", f"{sum(how.values())} paired ({methods}); {changes}")


def _attribution(found: Diff) -> Iterator[Point]:
    groups = found.rows("attribution")
    control, test = (sum(group[side] for group in groups) for side in ("control_ms", "test_ms"))
    if not (control and test):
        return
    what = "profile" if found.layer_time_source == "profile" else "times of the tactics"
    per = " per sample" if found.work.scale != (1, 1) else ""
    under = []
    for group in groups[:3]:
        machine = ""
        if group["machine_ms"] is not None:
            machine = f"; the same tactics timed again account for {group['machine_ms']:+.4f} ms"
        times = f"{number(group['control_ms'])} -> {number(group['test_ms'])} ms"
        under.append(
            words(
                f"{group['family']} {group['precision']} ({counted(group['layers'], 'layer')}): {times} "
                f"({group['delta_ms']:+.4f}{machine})"
            )
        )
    total = f"{number(control)} -> {number(test)} ms, {control / test:.2f}x"
    alone = [row for row in found.rows("layers") if (row["control_ms"] is None) != (row["test_ms"] is None)]
    alone = [row for row in alone if row["control_layer"] and row["test_layer"]]
    if alone:
        sides = (("control", "control_ms"), ("test", "test_ms"))
        sums = [(name, sum(row[column] or 0.0 for row in alone)) for name, column in sides]
        left = " and ".join(f"{number(time)} ms of {name}" for name, time in sums if time)
        has = plural(len(alone), "has", "have")
        under.append(words(f"without {counted(len(alone), 'layer')} that {has} a time in one build only ({left})"))
    yield Point(words(f"sum of the layers ({what}{per}): {total}"), tuple(under))


def _machine(found: Diff) -> Iterator[Point]:
    machine = found.machine
    if machine.shift_percent is None or machine.noise_percent is None:
        return
    same = abs(machine.shift_percent) <= max(1.0, machine.noise_percent)
    verdict = "as fast as before" if same else "slower" if machine.shift_percent > 0 else "faster"
    took = f"; {counted(machine.common, 'tactic')} timed by both builds: time {signed(machine.shift_percent)} "
    scatter = f"(median; typical scatter {machine.noise_percent:.1f}%, outliers aside)"
    moved = sum(
        row["machine_percent"] is not None and abs(row["machine_percent"] - machine.shift_percent) > 10
        for row in found.rows("layers")
    )
    disturbed = words(
        f"but for {counted(moved, 'layer')} the same tactics took over 10% more or less: "
        "their timing was disturbed (clocks that ramp up, other work on the GPU)"
    )
    about = words(strong("machine"), ": ", toned(verdict), took, scatter)
    yield Point(about, (disturbed,) if moved else ())


def _tactics(found: Diff) -> Iterator[Point]:
    count: Counter[str] = Counter()
    for row in found.rows("tactics"):
        count[row["verdict"]] += row["layers"]
    if count:
        verdicts = ", ".join(f"{n} {verdict}" for verdict, n in count.most_common())
        yield _about("tactics", f"changed for {counted(sum(count.values()), 'layer')} ({verdicts})")


def _rewrites(found: Diff) -> Iterator[Point]:
    for name, gained, lost in (("fusions", "gained", "lost"), ("reformats", "added", "removed")):
        count = Counter(row["category"] for row in found.rows(name))
        if count["added"] or count["removed"]:
            yield _about(name, f"{count['added']} {gained}, {count['removed']} {lost}")


def _messages(found: Diff) -> Iterator[Point]:
    new = [row for row in found.rows("messages") if row["category"] == "added"]
    if new:
        yield _about("messages", f"{len(new)} new, first: ", one_line(new[0]["text"]))
