"""The report of one log: which tables, which charts, and what the log lacks, section by section."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import trtlog
from trtlog._util.redact import redact_table
from trtlog.analyses.build.memory import in_use
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.lint.registry import finding_rows, lint
from trtlog.analyses.missing import advice
from trtlog.analyses.programs import product, program_name
from trtlog.log import Log
from trtlog.report.document import (
    Block,
    Chart,
    Data,
    DataTable,
    Document,
    EngineGraph,
    Facts,
    Folded,
    Note,
    Section,
    Sentence,
)
from trtlog.report.documents.lint import NONE, counts, parts
from trtlog.report.documents.log import headline
from trtlog.report.documents.what_if import answers
from trtlog.report.sentences import Span, aside, joined, words

Blocks = tuple[Block, ...]
# Beyond this many boxes of a graph a page would be slow.
MOST_BOXES = 4000
_FASTEST = (200, 100, 50, 25, 10, 5, 3, 1)


def report(log: Log) -> Document:
    """Return the report of a log of one run: its headline, then the sections."""
    sections = (
        Section("Findings", _findings(log), name="findings"),
        Section("Performance", _performance(log), name="performance"),
        Section("Time per layer", _layers(log), name="layers"),
        Section("Precision", _precision(log), name="precision"),
        Section("Tactics", _tactics(log), name="tactics"),
        Section("Formats and reformats", _formats(log), name="formats"),
        Section("Graph and fusions", _graph(log), name="graph"),
        Section("Build time", _build(log), name="build"),
        Section("Memory", _memory(log), name="memory"),
        Section("Warnings and errors", _messages(log), name="messages"),
        Section("Provenance and coverage", _provenance(log), name="provenance"),
    )
    return Document("trtlog report", (*headline(log), *sections))


def _data(id_: str, table: pa.Table, columns: str = "", /, **headings: str) -> Data:
    """Return a table with some of its columns, named with blanks between them."""
    names = columns.split() or table.column_names
    # Of one engine and one build their number says nothing.
    same = {n for n in ("engine", "build") if n in names and len(table.column(n).unique()) == 1}
    return Data(id_, table, [name for name in names if name not in same], headings)


def _rows(data: Data, title: str, note: str = "", **more: Any) -> Blocks:
    return (DataTable(data, title, note, **more),) if data.table.num_rows else ()


def _chart(kind: Any, data: Data, title: str, label: str, *values: str, **more: Any) -> Blocks:
    return (Chart(kind, data, title, label, values, **more),) if data.table.num_rows else ()


def _kept(log: Log, table: str) -> pa.Table:
    """Return the rows of a table that tell of the engine that was kept; a log may build several."""
    return layers_of(log).rows(table)


def _missing(log: Log, *tables: str) -> Blocks:
    """Return what says which flag prints what the log lacks."""
    text = advice(log, tables, "the findings say why")
    return (Note(text),) if text else ()


def _good(text: str) -> Blocks:
    return (Sentence((Span(text, tone="good"),)),)


def _findings(log: Log) -> Blocks:
    found = finding_rows(lint(log))
    if not found:
        return _good(NONE)
    wrong, fine = parts(found)
    folded = (Folded(words("What is fine", aside(f" {len(fine)}")), fine, opened=not wrong),) if fine else ()
    return (Sentence(joined(counts(found), " · ")), *wrong, *folded)


def _performance(log: Log) -> Blocks:
    analyze, printed = log.analyze, log.table("performance")
    steps = "step time_ms change_ms layers of_layers factor explained line"
    note = (
        "Median, with shortest to longest shaded. Single queries come from --exportTimes; without it, the log prints "
        "averages over several runs (--avgRuns)."
    )
    stretches = _data("stretches", log.table("stretches"))
    band = _chart(
        "band", stretches, "GPU time over the run", "first", "median_ms", "min_ms", "max_ms", note=note
    ) or (_missing(log, "iteration_times") if printed.num_rows else ())
    matrix = _data("performance", printed, "metric stat value unit line")
    return (
        *_missing(log, "performance"),
        *_rows(_data("diagnosis", analyze.table("performance")), "What the times mean", layout="record"),
        *_rows(matrix, "Performance summary, as printed", layout="matrix"),
        *_rows(
            _data("reconciliation", analyze.table("reconciliation"), steps),
            "From the builder's timings to the walltime",
        ),
        *band,
    )


def _layers(log: Log) -> Blocks:
    missing, times = _missing(log, "profile", "engine_layers"), log.table("layer_times")
    if not times.num_rows:
        return missing
    source = next((row for row in times.column("source").to_pylist() if row), None)
    method = {
        "profile": "Mean of the layer profile.",
        "tactic": "No layer profile: the builder's timing of each tactic that the engine uses.",
        "fastest": "No engine layers: the fastest candidate of each timed layer.",
    }.get(source or "", "The log holds no times of layers.")
    layers = _data("layers", times.drop_columns(["source", "converts"]))
    types = _data("types", log.table("type_times"), "type layers timed time_ms percent")
    areas: Blocks = ()
    slowest: Blocks = ()
    by_type: Blocks = ()
    if types.table.column("type").null_count < types.table.num_rows:
        by_type = _rows(types, "By type")
        areas = _chart("treemap", types, "By type of layer", "type", "time_ms", note=method, chooses="layers")
    if source:
        slowest = _chart("bars", layers, "Slowest layers", "layer", "time_ms", color="type", most=15, note=method)
    drawer = "A layer's name opens its candidates, formats and origin."
    rates = _data(
        "roofline",
        log.analyze.table("roofline"),
        "layer precision time_ms bound ideal_ms percent_of_compute percent_of_bandwidth tflops gb_per_s flops bytes "
        "note line",
        precision="type",
        ideal_ms="ideal",
        percent_of_compute="of compute",
        percent_of_bandwidth="of memory",
        tflops="rate",
        gb_per_s="rate",
    )
    note = "Operations and bytes from shapes and types, against the GPU's rates; null where the log does not tell."
    tensors = _data("engine_layers", _kept(log, "engine_layers"), "layer type inputs outputs line")
    return (
        *missing,
        *(areas if source else ()),
        *slowest,
        *by_type,
        *_rows(layers, "All layers", drawer, sort=("time_ms", -1), size=25),
        *_rows(rates, "Against what the GPU can do", note, sort=("time_ms", -1), size=25),
        *_rows(tensors, "Inputs and outputs of the engine's layers", folded=True),
    )


def _precision(log: Log) -> Blocks:
    analyze = log.analyze
    layers = _data(
        "precision",
        analyze.table("precision"),
        "layer used reason used_ms fp32_ms tf32_ms fp16_ms bf16_ms int8_ms fp8_ms reformat_ms fastest fallback text "
        "type timings_of line",
    )
    columns = "plan total_ms change_ms noise_ms layers_ms conversions_ms conversions layers chosen faster line"
    plans = analyze.table("what_if")
    what_if = _data("what_if", plans, columns, chosen="run in it", faster="faster in it alone")
    note = "All layers together, with the conversions between their formats, by the builder's own timings."
    points = answers(log, plans.to_pylist(), analyze.table("what_if_blocks").to_pylist()) if plans.num_rows else None
    return (
        *_missing(log, "engine_layers", "tactics"),
        *_rows(_data("precision_totals", analyze.table("precision_totals")), "By precision in the engine"),
        *_rows(layers, "What each layer costs in each precision, and why it is not narrower"),
        *_rows(what_if, "What other formats and precisions would cost", note),
        *((points,) if points and points.points else ()),
    )


def _tactics(log: Log) -> Blocks:
    analyze = log.analyze
    close = "Choices whose margin lies within the timing's noise: another build may choose otherwise."
    over = "The layer alone would be faster in other formats."
    margins = _data(
        "margins",
        analyze.table("margins"),
        "layer engine precision input_layout output_layout candidates winner winner_runner winner_kernel winner_ms "
        "second_runner second_kernel second_ms margin_percent in_engine line",
    )
    columns = (
        "layer rank time_ms slower_percent precision input_layout output_layout runner tactic kernel tensor_cores "
        "chosen in_engine line"
    )
    candidates = Data("candidates", analyze.table("candidates"), columns.split(), cut=_fastest)
    return (
        *_missing(log, "tactics"),
        *_rows(_data("winners", analyze.table("winners", by="family"), name="family"), "Kernel families"),
        *_rows(_data("close_calls", analyze.table("close_calls")), "Close calls", close),
        *_rows(_data("passed_over", analyze.table("passed_over")), "Passed over for their formats", over),
        *_rows(margins, "Winner and runner-up, by layer and combination of formats"),
        *_rows(candidates, "All candidates", folded=True),
        *_rows(_data("skips", _kept(log, "skips")), "Tactics and runners passed over", folded=True),
    )


def _fastest(candidates: pa.Table, most: int) -> tuple[pa.Table, str]:
    """Return the candidates; of too many, each layer's fastest and the engine's."""
    if candidates.num_rows <= most:
        return candidates, ""
    used = pc.fill_null(candidates.column("in_engine"), False)
    for rank in _FASTEST:
        shown = candidates.filter(pc.or_(pc.less_equal(candidates.column("rank"), rank), used))
        if shown.num_rows <= most:
            break
    return shown.slice(0, most), f"The {rank} fastest of each layer, and those that the engine uses."


def _formats(log: Log) -> Blocks:
    analyze = log.analyze
    shares = _rows(_data("reformat_shares", analyze.table("reformat_shares")), "Share of the profile")
    if not shares and log.table("reformats").num_rows:
        shares = _missing(log, "profile")
    added = _rows(_data("reformats", analyze.table("reformats")), "Conversions in the engine, and who forces them")
    if not added and log.table("timings").num_rows:
        added = _good("The log names no reformat layer that was added to the engine.")
    columns = "layer kind input_layouts output_layouts runners chosen_runner chosen_tactic line"
    combinations = _data("combinations", _kept(log, "combinations"), columns)
    weighed = _rows(combinations, "Combinations of formats that the builder weighed", folded=True)
    return (*_missing(log, "timings"), *shares, *added, *weighed)


def _graph(log: Log) -> Blocks:
    analyze = log.analyze
    passes = _data("waterfall", analyze.table("fusion_waterfall"))
    lineage = _data("lineage", analyze.table("lineage"), "layer node op how layer_line node_line")
    rewrites = _data(
        "fusions", _kept(log, "fusions"), "rule action layer other from_type to_type line", other="fused with"
    )
    nodes = _data("onnx_nodes", log.table("onnx_nodes"), "node op inputs outputs line")
    return (
        *_missing(log, "passes", "fusions", "onnx_nodes"),
        *_network(log),
        *_chart("waterfall", passes, "Layers after each pass of the optimizer", "name", "layers", "change"),
        *_rows(passes, "Passes", folded=True),
        *_rows(_data("fusion_rules", analyze.table("fusion_rules")), "Rewrites by rule"),
        *_rows(lineage, "Lineage: engine layers and the ONNX nodes in them", sort=("node_line", 1)),
        *_rows(_data("lost_nodes", analyze.table("lost_nodes")), "ONNX nodes that no engine layer names"),
        *_rows(rewrites, "All rewrites, in order", folded=True),
        *_rows(nodes, "ONNX nodes", folded=True),
    )


def _network(log: Log) -> Blocks:
    """Return the graph of the engine; nothing where the log tells of no tensors between layers."""
    nodes = log.table("graph_nodes")
    if not log.table("graph_edges").num_rows or nodes.num_rows < 2:
        return ()
    from trtlog.report.graph.drawing import draw
    from trtlog.report.graph.placed import placed

    drawing = draw(log)
    elsewhere = f"The engine's graph has {len(drawing.boxes)} boxes; 'trtlog graph LOG -o engine.svg' draws it."
    if len(drawing.boxes) > MOST_BOXES:
        return (Sentence(words(elsewhere)),)
    note = (
        "Layers and the tensors between them, constants left out. Conversions between formats are dashed; a red line "
        "joins layers that compute in different precisions. Drag to move, Ctrl and wheel to zoom, a click opens the "
        "layer."
    )
    return (EngineGraph("Graph of the engine", note, placed(drawing), nodes.to_pylist(), elsewhere),)


def _build(log: Log) -> Blocks:
    analyze, printed = log.analyze, log.table("phases")
    place = printed.column_names.index("name")
    spelled = pc.replace_substring(printed.column("name").cast("string"), "_", " ")
    phases = _data("phases", printed.set_column(place, "name", spelled), "name seconds engine line")
    note = "As printed; a phase may hold another one, so they do not add up."
    cache = _data("cache_use", analyze.table("cache_use"))
    layout = "record" if cache.table.num_rows == 1 else "table"
    runners = _data("build_runners", analyze.table("build_time", by="runner"), name="runner")
    layers = _data("build_layers", analyze.table("build_time"), name="layer")
    return (
        *_missing(log, "phases", "timings"),
        *_chart("bars", phases, "Phases", "name", "seconds", ordered=True, note=note),
        *_rows(cache, "Timing cache", layout=layout),
        *_rows(runners, "Tactic timing by runner"),
        *_rows(layers, "Tactic timing by layer", links="name"),
    )


def _memory(log: Log) -> Blocks:
    analyze, steps = log.analyze, log.table("memory")
    whole = _data("memory_in_use", in_use(steps, managed=False))
    managed = _data("memory_managed", in_use(steps, managed=True))
    title = "Memory in use on the device and by the process, step by step"
    skipped = _data("workspace_skips", analyze.table("workspace_skips"))
    return (
        *_missing(log, "memory_totals"),
        *_rows(_data("memory_use", analyze.table("memory_use")), "What the engine and the build need"),
        *_chart("steps", whole, title, "event", "gpu_mib", "cpu_mib"),
        *_chart("steps", managed, "Of it managed by TensorRT", "event", "gpu_mib", "cpu_mib"),
        *_rows(_data("memory", steps), "Steps", folded=True),
        *_rows(skipped, "Tactics skipped for lack of memory"),
        *_rows(_data("layer_memory", _kept(log, "layer_memory")), "Memory of the layers", folded=True),
    )


def _messages(log: Log) -> Blocks:
    columns = "line severity text code error_class origin file source_line function"
    data = _data("messages", log.table("messages"), columns)
    shown = _rows(data, "As printed, with line numbers", dense=True)
    return shown or _good("The log holds no warning and no error.")


def _provenance(log: Log) -> Blocks:
    run = log.run
    facts = [
        ("log", log.source),
        ("command", run.command),
        ("program", program_name(log) if run.tool else None),
        ("library", product(log) + (f" build {run.build}" if run.build else "") if run.tensorrt_version else None),
        ("time", f"{run.started_at} to {run.finished_at}" if run.started_at else None),
        ("lines", f"{run.line} to {run.last_line}" if run.last_line else None),
        ("read by", f"trtlog {trtlog.__version__}"),
        *(("note", note) for note in log.notes),
    ]
    options = _data("options", redact_table(log.table("options")), "section key value line")
    coverage = _data("coverage", log.table("coverage"))
    return (
        Facts(tuple((name, words(str(value))) for name, value in facts if value)),
        *_rows(options, "Options, as trtexec printed them", folded=True),
        *_rows(_data("devices", log.table("devices")), "Device", layout="record"),
        *_rows(coverage, "Coverage: lines read, by kind of message", folded=True, sort=("lines", -1)),
    )
