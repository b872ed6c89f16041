"""One log on one screen: what ran, on what, headline numbers, phases, passes, slowest layers, warnings."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from trtlog._util.rows import table_rows
from trtlog._util.words import counted, memory_size, significant
from trtlog.analyses.build.builds import builds_in_words
from trtlog.analyses.build.memory import memory_totals, weights_in_words
from trtlog.analyses.build.overview import bound_by, ending, precision_of, remarks, slowest
from trtlog.analyses.compare.figures import engine_mib
from trtlog.analyses.layer.conversions import conversions
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.messages import messages_of
from trtlog.analyses.missing import advice
from trtlog.analyses.programs import is_rtx, model_of, product, program_name
from trtlog.log import Log, is_exports_alone
from trtlog.records.options import Performance, Statistics
from trtlog.report.document import Bar, Block, Cell, Column, Document, Facts, Section, Sentence, Table, Title
from trtlog.report.numbers import printed
from trtlog.report.sentences import Span, aside, badge, strong, toned, words

_MESSAGES = 6
_PASSES = 10
_PHASES = 100
# The ideal time of fewer layers says little of the network.
_MOST_KNOWN = 0.9


def summary(log: Log) -> Document:
    """Return the summary of one run; for a file of several give each of ``log.runs``."""
    parts = (_performance, _phases, _passes, _search, _layers, _messages, _missing)
    sections = [section for part in parts if (section := part(log)) is not None]
    return Document("trtlog summary", (_title(log), _facts(log), *sections, _coverage(log)))


def _title(log: Log) -> Title:
    run = log.run
    version = f"  {product(log)}" if run.tensorrt_version or is_rtx(log) else ""
    build = f" build {run.build}" if run.build else ""
    status = words("  ", badge(run.status)) if run.status else None
    return Title(words(strong(program_name(log)), version, build, status))


def _facts(log: Log) -> Facts:
    run, device = log.run, log.device
    inference = log.inference
    facts = [("ended", ending(log) or ""), ("command", run.command or "")]
    model = model_of(log)
    shapes = ", ".join(s for s in (inference.input_shapes or []) if s != "model")
    if model:
        facts.append(("model", f"{model}{f'  at {shapes}' if shapes else ''}"))
    if device is not None and device.name:
        capability = f"compute capability {device.compute_capability}" if device.compute_capability else ""
        memory = f"{device.memory_mib} MiB" if device.memory_mib is not None else ""
        facts.append(("GPU", ", ".join(filter(None, (device.name, capability, memory)))))
    if run.plan_version:
        facts.append(("plan", f"created with TensorRT {run.plan_version}"))
    facts.append(("precision", precision_of(log) or ""))
    facts.append(("roofline", _roofline(log)))
    if run.started_at and run.finished_at:
        took = run.finished_at - run.started_at
        words = str(took) if took >= timedelta() else "no duration: the times of the log go back"
        facts.append(("time", f"{run.started_at} to {run.finished_at} ({words})"))
    return _of(facts)


def _empty(empty: int, added: int) -> str:
    if empty == added:
        return "a NoOp" if added == 1 else "all of them NoOps"
    return f"{empty} of them {'a NoOp' if empty == 1 else 'NoOps'}"


def _roofline(log: Log) -> str:
    """What the network would take at the GPU's rates, where most of the measured time is of known layers."""
    found = table_rows(log.analyze.table("roofline_total"))
    if not found or found[0]["ideal_ms"] is None or found[0]["known"] < _MOST_KNOWN * found[0]["layers"]:
        return ""
    row = found[0]
    where = "in the profile" if row["time_from"] == "profile" else "as the builder timed them"
    more = "; more without the profiler" if "too low" in (row["note"] or "") else ""
    # The share is of the layers that compute: without this word it seems to be of the whole profile.
    aside = f", without {significant(row['conversions_ms'])} ms of conversions" if row["conversions_ms"] else ""
    flops = f"{significant(row['flops'] / 1e9)} GFLOP" if row["flops"] else "no products"
    return (
        f"{significant(row['ideal_ms'])} ms at the GPU's rates ({flops}, {significant(row['bytes'] / 1e6)} MB), "
        f"{significant(row['measured_ms'])} ms {where}{aside}: {significant(row['ideal_percent'], 2)} %{more}; "
        "trtlog roofline"
    )


def _of(facts: list[tuple[str, str]]) -> Facts:
    return Facts(tuple((name, words(value)) for name, value in facts if value))


def _performance(log: Log) -> Section | None:
    performance = log.performance
    if performance == Performance():
        return None
    blocks: list[Block] = []
    printed_figures = Counter((row["metric"], row["stat"]) for row in table_rows(log.table("performance")))
    if (repeats := max(printed_figures.values(), default=0)) > 1:
        text = f"the last of {repeats} performance summaries: trtlog show performance LOG"
        blocks.append(Sentence(words(aside(text))))
    if performance.throughput_qps is not None:
        blocks.append(Sentence(words(strong(f"throughput {performance.throughput_qps:.10g} qps"))))
    elif log.table("performance").column("metric").to_pylist().count("throughput"):
        text = "throughput not known: the log prints 0 qps, as TensorRT 7 does of an explicit batch"
        blocks.append(Sentence(words(aside(text))))
    blocks.append(statistics_table(_statistics(performance)))
    if bound := bound_by(log):
        head = "the bound is" if bound.startswith("not known") else "bound by"
        blocks.append(Sentence(words(aside(f"{head} {bound}"))))
    return Section("performance", tuple(blocks))


def _statistics(performance: Performance) -> dict[str, Statistics]:
    named = {
        "latency": performance.latency,
        "end-to-end host latency": performance.end_to_end_host_latency,
        "GPU compute time": performance.gpu_compute_time,
        "enqueue time": performance.enqueue_time,
        "H2D latency": performance.h2d_latency,
        "D2H latency": performance.d2h_latency,
    }
    return {name: value for name, value in named.items() if value is not None}


def statistics_table(named: dict[str, Statistics]) -> Table:
    """Return measured times as printed: a row each, or a column each where that is too wide."""
    percentiles = sorted({p for times in named.values() for p in times.percentiles})
    stats = ["min", "mean", "median", *(f"p{p:g}" for p in percentiles), "max"]
    values = [
        list(map(printed, (t.min_ms, t.mean_ms, t.median_ms, *map(t.percentile, percentiles), t.max_ms)))
        for t in named.values()
    ]
    labels = [label.removesuffix(" time").removesuffix(" latency") for label in named]
    turned = [[stat, *column] for stat, column in zip(stats, zip(*values, strict=True), strict=False)]
    rows = [[label, *row] for label, row in zip(named, values, strict=True)]
    return Table(_measured(stats), rows, most=len(rows), narrow=Table(_measured(labels), turned))


def _measured(headings: list[str]) -> list[Column]:
    return [Column("ms", "words"), *(Column(heading, "number") for heading in headings)]


def _phases(log: Log) -> Section | None:
    rows = table_rows(log.table("phases"))
    if not rows:
        return None
    longest = max(row["seconds"] for row in rows) or 1.0
    several = log.table("engines").num_rows > 1  # equal names are then of different engines
    shown: list[list[Cell]] = [
        [
            row["name"].replace("_", " ") + (f" (engine {row['engine']})" if several else ""),
            f"{row['seconds']:.10g} s",
            Bar(row["seconds"] / longest),
        ]
        for row in rows[:_PHASES]
    ]
    if len(rows) > _PHASES:
        shown.append([aside(f"... {len(rows) - _PHASES} more: trtlog show phases LOG"), "", ""])
    columns = (Column("", "words", "aside"), Column("", "number"), Column("", "bar"))
    return Section("build phases, as printed: one may hold another", (Table(columns, shown, most=len(shown)),))


def _passes(log: Log) -> Section | None:
    """Layers after each pass that changed their number."""
    passes = layers_of(log).rows("passes").to_pylist()
    if not passes:
        return None
    most = max(p["layers"] for p in passes) or 1
    shown: list[list[Cell]] = [[passes[0]["name"], str(passes[0]["layers"]), "", Bar(passes[0]["layers"] / most)]]
    for before, after in pairwise(passes):
        change = after["layers"] - before["layers"]
        if change:
            moved = Span(f"{change:+d}", "", "good" if change < 0 else "caution")
            shown.append([after["name"], str(after["layers"]), moved, Bar(after["layers"] / most)])
    if len(shown) > _PASSES:
        left = aside(f"... {len(shown) - _PASSES} more that changed the number: trtlog fusions LOG")
        shown = [*shown[: _PASSES - 1], [left, "", "", ""], shown[-1]]
    columns = (Column("", "words", "aside"), Column("", "number"), Column("", "number"), Column("", "bar"))
    return Section("layers after the passes of the optimizer", (Table(columns, shown, most=len(shown)),))


def _search(log: Log) -> Section | None:
    """What the builder looked at: fusions, timed tactics, reformats, memory."""
    facts = []
    rewrites = Counter(layers_of(log).rows("fusions").column("action").to_pylist())
    fusions = counted(rewrites["fuse"], "fusion")
    if into := rewrites["fuse_into"]:
        fusions += f" and {into} of Q and DQ into layers"
    tactics, outcomes = log.table("tactics"), log.table("timings").column("outcome").to_pylist()
    if tactics.num_rows or outcomes:
        # Rows of the tables of foreign nodes stand in no block of a runner, results of the cache have none.
        outside, cached = tactics.column("timing_line").null_count, outcomes.count("cached")
        listed = tactics.column("kind").to_pylist().count("foreign_node")
        words = f"{tactics.num_rows - outside} timed in {counted(len(outcomes) - cached, 'runner block')}"
        words += f", {listed} listed by foreign nodes" if listed else ""
        if outside > listed:
            words += f", {outside - listed} of a block whose beginning is not in the log"
        words += f", {counted(cached, 'result')} from the timing cache" if cached else ""
        # A log that begins behind the passes tells of no rewrites.
        facts.append(("tactics", f"{words}, {fusions}" if rewrites or log.table("passes").num_rows else words))
    layers = layers_of(log)
    if engines := builds_in_words(log):
        facts.append(("engines", engines))
    added = layers.rows("reformats").num_rows
    if added:
        empty = added - sum(one.place is not None for one in conversions(layers))
        facts.append(("reformats", f"{counted(added, 'layer')} added" + (f", {_empty(empty, added)}" if empty else "")))
    mib, count = engine_mib(log), layers.rows("engine_layers").num_rows
    parts = [f"{mib:.10g} MiB" if mib is not None else "", counted(count, "layer") if count else ""]
    if any(parts):
        facts.append(("engine", ", ".join(filter(None, parts))))
    totals = memory_totals(layers)
    if totals:
        sizes = (f"{name.replace('_', ' ')} {memory_size(name, n)}" for name, n in totals.items())
        facts.append(("memory", ", ".join(sizes)))
    if weights := weights_in_words(log):
        facts.append(("weights", weights))
    title = "builder" if any(name not in ("engine", "memory", "weights") for name, _ in facts) else "engine"
    return Section(title, (_of(facts),)) if facts else None


def _layers(log: Log) -> Section | None:
    """The slowest layers as the engine runs them."""
    found = slowest(log)
    if found is None:
        return None
    longest = max(slow.time_ms for slow in found.layers) or 1.0
    shown: list[list[Cell]] = [
        [
            f"{slow.time_ms:.10g} ms",
            Bar(slow.time_ms / longest, width=8),
            aside(f"{slow.percent:.10g} %" if slow.percent is not None else slow.runner or ""),
            slow.layer,
        ]
        for slow in found.layers
    ]
    columns = (Column("", "number"), Column("", "bar"), Column("", "number"), Column("", "name"))
    return Section(found.title, (Table(columns, shown),))


def _messages(log: Log) -> Section | None:
    printed = messages_of(log)
    found: Counter[str] = Counter()
    for row, count in zip(printed.distinct, printed.counts(), strict=True):
        found[row["severity"]] += count
    if not found:
        return None
    counts = [(s, found[s]) for s in ("fatal", "error", "warning")]
    title = ", ".join(counted(n, s, s if s == "fatal" else "") for s, n in counts if n)
    ranked = remarks(log)
    shown: list[list[Cell]] = []
    for remark in ranked[:_MESSAGES]:
        times = f" (x{len(remark.lines)})" if len(remark.lines) > 1 else ""
        place = f"{'cause, ' if remark.cause else ''}line {remark.lines[0]}"
        shown.append([place, toned(remark.text + times, remark.severity)])
    blocks: list[Block] = [Table((Column("", "number", "aside"), Column("", "words")), shown)]
    if len(ranked) > _MESSAGES:
        blocks.append(Sentence(words(aside(f"and {len(ranked) - _MESSAGES} more: trtlog show messages LOG"))))
    return Section(title, tuple(blocks))


def _missing(log: Log) -> Section | None:
    """What a verbose log with inference would show here besides."""
    text = advice(log, ("tactics", "passes", "profile", "performance"))
    return Section("not in this log", (Sentence(words(aside(text))),)) if text else None


def _coverage(log: Log) -> Sentence:
    if is_exports_alone(log):
        return Sentence(words(aside("read from trtexec's exports, without a log")))
    rows = table_rows(log.table("coverage"))
    total = sum(row["lines"] for row in rows)
    unknown = sum(row["lines"] for row in rows if row["kind"] == "unknown")
    rest = toned(f"{unknown} unknown", "warning") if unknown else aside("0 unknown")
    return Sentence(words(aside(f"{counted(total, 'line')} read, "), rest))
