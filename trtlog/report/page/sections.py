"""What stands on the page of one run, section by section: which tables, which charts, and what is missing."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trtlog._util.dataclass import dataclass
from trtlog._util.redact import redact, redact_table
from trtlog.analyses.build.memory import in_use
from trtlog.report.document import Facts, Note, Sentence, Span, words
from trtlog.report.documents.what_if import answers
from trtlog.report.page.data import table_json
from trtlog.report.page.writer import page_block

if TYPE_CHECKING:
    import pyarrow as pa

    from trtlog.log import Log

Block = dict[str, Any]
# Rows of a table on the page; a page that comes out too large is made again with less.
ROWS = 40_000
# Lines and layers that a finding names.
_EVIDENCE = 10


@dataclass
class Page:
    """What is needed while the sections of one run are put together.

    Attributes
    ----------
    log : Log
        A log of one run.
    rows : int
        Most rows of a table.
    tables : dict
        The tables of the page by id, as the script reads them.
    """

    log: Log
    rows: int = ROWS
    tables: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """What lint finds, once for all tries of a size."""
        from trtlog.analyses.lint import lint

        found: list[dict[str, Any]] = lint(self.log).to_pylist()
        return found

    @cached_property
    def network(self) -> Block | None:
        """The graph of the engine, laid out once for all tries of a size."""
        from trtlog.report.page.network import network

        return network(self.log)

    def put(self, id_: str, table: pa.Table, columns: list[str] | None = None, /, **labels: str) -> bool:
        """Put a table on the page; False where it has no rows."""
        if not table.num_rows:
            return False
        names = columns or table.column_names
        # Of one engine and one build their number says nothing.
        same = {n for n in ("engine", "build") if n in names and len(set(table.column(n).to_pylist())) == 1}
        columns = [name for name in names if name not in same] if same else columns
        self.tables[id_] = table_json(table, columns, limit=self.rows, labels=labels)
        return True

    def kept(self, table: str) -> pa.Table:
        """Return the rows of a table that tell of the engine that was kept; a log may build several."""
        from trtlog.analyses.layer.engine_layer import layers_of

        return layers_of(self.log).rows(table)

    def missing(self, *tables: str) -> list[Block]:
        """Return the block that says which flag prints what the log lacks."""
        from trtlog.analyses.missing import advice

        text = advice(self.log, tables, "the findings say why")
        if not text:
            return []
        return [page_block(Note(text))]


def sections(page: Page) -> list[dict[str, Any]]:
    """Return the sections of a page, in their order."""
    out = []
    for id_, title, make in (
        ("findings", "Findings", _findings),
        ("performance", "Performance", _performance),
        ("layers", "Time per layer", _layers),
        ("precision", "Precision", _precision),
        ("tactics", "Tactics", _tactics),
        ("formats", "Formats and reformats", _formats),
        ("graph", "Graph and fusions", _graph),
        ("build", "Build time", _build),
        ("memory", "Memory", _memory),
        ("messages", "Warnings and errors", _messages),
        ("provenance", "Provenance and coverage", _provenance),
    ):
        out.append({"id": id_, "title": title, "blocks": make(page)})
    return out


def _table(id_: str, title: str, note: str = "", **more: Any) -> Block:
    return {"kind": "table", "table": id_, "title": title, "note": note, **more}


def _good(text: str) -> Block:
    return page_block(Sentence((Span(text, tone="good"),)))


def _findings(page: Page) -> list[Block]:
    found = page.findings
    if not found:
        return [_good("No rule found anything to say about this log.")]
    kept = []
    for row in found:
        finding: dict[str, Any] = {name: redact(row[name]) for name in ("text", "why", "action") if row[name]}
        finding |= {name: row[name] for name in ("rule", "severity", "confidence")}
        for name in ("lines", "layers"):
            values = row[name] or []
            finding |= {name: values[:_EVIDENCE], f"more_{name}": max(0, len(values) - _EVIDENCE)}
        kept.append(finding)
    return [{"kind": "findings", "findings": kept}]


def _performance(page: Page) -> list[Block]:
    log, blocks = page.log, page.missing("performance")
    if page.put("diagnosis", log.analyze.table("performance")):
        blocks.append({"kind": "record", "table": "diagnosis", "title": "What the times mean"})
    table = log.table("performance")
    if page.put("performance", table, ["metric", "stat", "value", "unit", "line"]):
        blocks.append(
            {
                "kind": "matrix",
                "table": "performance",
                "title": "Performance summary, as printed",
                "row": "metric",
                "column": "stat",
                "value": "value",
                "unit": "unit",
            }
        )
    steps = ["step", "time_ms", "change_ms", "layers", "of_layers", "factor", "explained", "line"]
    if page.put("reconciliation", log.analyze.table("reconciliation"), steps):
        blocks.append(
            {"kind": "table", "table": "reconciliation", "title": "From the builder's timings to the walltime"}
        )
    if page.put("stretches", log.table("stretches")):
        blocks.append(
            {
                "kind": "band",
                "table": "stretches",
                "title": "GPU time over the run",
                "x": "first",
                "low": "min_ms",
                "middle": "median_ms",
                "high": "max_ms",
                "note": "Median, with shortest to longest shaded. Single queries come from --exportTimes; without it, "
                "the log prints averages over several runs (--avgRuns).",
            }
        )
    elif table.num_rows:
        blocks += page.missing("iteration_times")
    return blocks


def _layers(page: Page) -> list[Block]:
    log = page.log
    layers = log.table("layer_times")
    blocks = page.missing("profile", "engine_layers")
    if not layers.num_rows:
        return blocks
    types = log.table("type_times")
    source = next((row for row in layers.column("source").to_pylist() if row), None)
    method = {
        "profile": "Mean of the layer profile.",
        "tactic": "No layer profile: the builder's timing of each tactic that the engine uses.",
        "fastest": "No engine layers: the fastest candidate of each timed layer.",
    }.get(source or "", "The log holds no times of layers.")
    typed = types.column("type").null_count < types.num_rows
    if typed:
        page.put("types", types, ["type", "layers", "timed", "time_ms", "percent"])
    page.put("layers", layers, [name for name in layers.column_names if name not in ("run", "source", "converts")])
    if source and typed:
        blocks.append(
            {
                "kind": "treemap",
                "table": "types",
                "title": "By type of layer",
                "label": "type",
                "value": "time_ms",
                "note": method,
                "filter": {"table": "layers", "column": "type"},
            }
        )
    if source:
        blocks.append(
            {
                "kind": "bars",
                "table": "layers",
                "title": "Slowest layers",
                "label": "layer",
                "value": "time_ms",
                "color": "type",
                "most": 15,
                "note": method,
            }
        )
    if typed:
        blocks.append(_table("types", "By type"))
    blocks.append(
        _table(
            "layers",
            "All layers",
            "A layer's name opens its candidates, formats and origin.",
            sort=["time_ms", -1],
            size=25,
        )
    )
    rates = "layer precision time_ms bound ideal_ms percent_of_compute percent_of_bandwidth tflops gb_per_s flops bytes"
    heads = {"precision": "type", "ideal_ms": "ideal", "percent_of_compute": "of compute"}
    heads |= {"percent_of_bandwidth": "of memory", "tflops": "rate", "gb_per_s": "rate"}
    if page.put("roofline", log.analyze.table("roofline"), [*rates.split(), "note", "line"], **heads):
        note = "Operations and bytes from shapes and types, against the GPU's rates; null where the log does not tell."
        blocks.append(_table("roofline", "Against what the GPU can do", note, sort=["time_ms", -1], size=25))
    if page.put("engine_layers", page.kept("engine_layers"), ["layer", "type", "inputs", "outputs", "line"]):
        blocks.append(_table("engine_layers", "Inputs and outputs of the engine's layers", folded=True))
    return blocks


def _precision(page: Page) -> list[Block]:
    blocks = page.missing("engine_layers", "tactics")
    if page.put("precision_totals", page.log.analyze.table("precision_totals")):
        blocks.append(_table("precision_totals", "By precision in the engine"))
    columns = (
        "layer used reason used_ms fp32_ms tf32_ms fp16_ms bf16_ms int8_ms fp8_ms reformat_ms fastest fallback text "
        "type timings_of line"
    )
    if page.put("precision", page.log.analyze.table("precision"), columns.split()):
        blocks.append(_table("precision", "What each layer costs in each precision, and why it is not narrower"))
    plans, stretches = page.log.analyze.table("what_if"), page.log.analyze.table("what_if_blocks")
    columns = "plan total_ms change_ms noise_ms layers_ms conversions_ms conversions layers chosen faster line"
    if page.put("what_if", plans, columns.split(), chosen="run in it", faster="faster in it alone"):
        note = "All layers together, with the conversions between their formats, by the builder's own timings."
        blocks.append(_table("what_if", "What other formats and precisions would cost", note))
        found = answers(page.log, plans.to_pylist(), stretches.to_pylist())
        blocks += [page_block(found)] if found.points else []
    return blocks


def _tactics(page: Page) -> list[Block]:
    analyze, blocks = page.log.analyze, page.missing("tactics")
    if page.put("winners", analyze.table("winners", by="family"), name="family"):
        blocks.append(_table("winners", "Kernel families"))
    if page.put("close_calls", analyze.table("close_calls")):
        blocks.append(
            _table(
                "close_calls",
                "Close calls",
                "Choices whose margin lies within the timing's noise: another build may choose otherwise.",
            )
        )
    if page.put("passed_over", analyze.table("passed_over")):
        blocks.append(
            _table("passed_over", "Passed over for their formats", "The layer alone would be faster in other formats.")
        )
    columns = (
        "layer engine precision input_layout output_layout candidates winner winner_runner winner_kernel winner_ms "
        "second_runner second_kernel second_ms margin_percent in_engine line"
    )
    if page.put("margins", analyze.table("margins"), columns.split()):
        blocks.append(_table("margins", "Winner and runner-up, by layer and combination of formats"))
    if candidates := _candidates(page):
        blocks += candidates
    if page.put("skips", page.kept("skips")):
        blocks.append(_table("skips", "Tactics and runners passed over", folded=True))
    return blocks


def _candidates(page: Page) -> list[Block]:
    """All candidates; of too many, each layer's fastest and the engine's."""
    import pyarrow.compute as pc

    whole = page.log.analyze.table("candidates")
    columns = [
        "layer",
        "rank",
        "time_ms",
        "slower_percent",
        "precision",
        "input_layout",
        "output_layout",
        "runner",
        "tactic",
        "kernel",
        "tensor_cores",
        "chosen",
        "in_engine",
        "line",
    ]
    shown, most = whole, None
    if whole.num_rows > page.rows:
        for most in (200, 100, 50, 25, 10, 5, 3, 1):
            shown = whole.filter(
                pc.or_(pc.less_equal(whole.column("rank"), most), pc.fill_null(whole.column("in_engine"), False))
            )
            if shown.num_rows <= page.rows:
                break
    if not page.put("candidates", shown, columns):
        return []
    page.tables["candidates"]["total"] = whole.num_rows
    note = f"The {most} fastest of each layer, and those that the engine uses." if most else ""
    return [_table("candidates", "All candidates", note, folded=True)]


def _formats(page: Page) -> list[Block]:
    log, blocks = page.log, page.missing("timings")
    if page.put("reformat_shares", log.analyze.table("reformat_shares")):
        blocks.append(_table("reformat_shares", "Share of the profile"))
    elif log.table("reformats").num_rows:
        blocks += page.missing("profile")
    if page.put("reformats", log.analyze.table("reformats")):
        blocks.append(_table("reformats", "Conversions in the engine, and who forces them"))
    elif log.table("timings").num_rows:
        blocks.append(_good("The log names no reformat layer that was added to the engine."))
    combinations = page.kept("combinations")
    columns = ["layer", "kind", "input_layouts", "output_layouts", "runners", "chosen_runner", "chosen_tactic", "line"]
    if page.put("combinations", combinations, columns):
        blocks.append(_table("combinations", "Combinations of formats that the builder weighed", folded=True))
    return blocks


def _graph(page: Page) -> list[Block]:
    log, blocks = page.log, page.missing("passes", "fusions", "onnx_nodes")
    if page.network is not None:
        blocks.append(page.network)
    if page.put("waterfall", log.analyze.table("fusion_waterfall")):
        blocks.append(
            {
                "kind": "waterfall",
                "table": "waterfall",
                "title": "Layers after each pass of the optimizer",
                "label": "name",
                "value": "layers",
                "change": "change",
            }
        )
        blocks.append(_table("waterfall", "Passes", folded=True))
    if page.put("fusion_rules", log.analyze.table("fusion_rules")):
        blocks.append(_table("fusion_rules", "Rewrites by rule"))
    if page.put("lineage", log.analyze.table("lineage"), ["layer", "node", "op", "how", "layer_line", "node_line"]):
        blocks.append(_table("lineage", "Lineage: engine layers and the ONNX nodes in them", sort=["node_line", 1]))
    if page.put("lost_nodes", log.analyze.table("lost_nodes")):
        blocks.append(_table("lost_nodes", "ONNX nodes that no engine layer names"))
    columns = ["rule", "action", "layer", "other", "from_type", "to_type", "line"]
    if page.put("fusions", page.kept("fusions"), columns, other="fused with"):
        blocks.append(_table("fusions", "All rewrites, in order", folded=True))
    if page.put("onnx_nodes", log.table("onnx_nodes"), ["node", "op", "inputs", "outputs", "line"]):
        blocks.append(_table("onnx_nodes", "ONNX nodes", folded=True))
    return blocks


def _build(page: Page) -> list[Block]:
    log, blocks = page.log, page.missing("phases", "timings")
    if page.put("phases", log.table("phases"), ["name", "seconds", "engine", "line"]):
        blocks.append(
            {"kind": "bars", "table": "phases", "title": "Phases", "label": "name", "value": "seconds", "ordered": True,
             "note": "As printed; a phase may hold another one, so they do not add up."}
        )  # fmt: skip
    if page.put("cache_use", cache := log.analyze.table("cache_use")):
        kind = "record" if cache.num_rows == 1 else "table"
        blocks.append({"kind": kind, "table": "cache_use", "title": "Timing cache"})
    if page.put("build_runners", log.analyze.table("build_time", by="runner"), name="runner"):
        blocks.append(_table("build_runners", "Tactic timing by runner"))
    if page.put("build_layers", log.analyze.table("build_time"), name="layer"):
        blocks.append(_table("build_layers", "Tactic timing by layer", links="name"))
    return blocks


def _memory(page: Page) -> list[Block]:
    log, blocks = page.log, page.missing("memory_totals")
    if page.put("memory_use", log.analyze.table("memory_use")):
        blocks.append(_table("memory_use", "What the engine and the build need"))
    for managed, name, title in (
        (False, "memory_in_use", "Memory in use on the device and by the process, step by step"),
        (True, "memory_managed", "Of it managed by TensorRT"),
    ):
        if page.put(name, in_use(log.table("memory"), managed=managed)):
            series = ["gpu_mib", "cpu_mib"]
            blocks.append({"kind": "steps", "table": name, "title": title, "label": "event", "series": series})
    if page.put("memory", log.table("memory")):
        blocks.append(_table("memory", "Steps", folded=True))
    if page.put("workspace_skips", log.analyze.table("workspace_skips")):
        blocks.append(_table("workspace_skips", "Tactics skipped for lack of memory"))
    if page.put("layer_memory", page.kept("layer_memory")):
        blocks.append(_table("layer_memory", "Memory of the layers", folded=True))
    return blocks


def _messages(page: Page) -> list[Block]:
    columns = ["line", "severity", "text", "code", "error_class", "origin", "file", "source_line", "function"]
    if page.put("messages", page.log.table("messages"), columns):
        return [_table("messages", "As printed, with line numbers", dense=True)]
    return [_good("The log holds no warning and no error.")]


def _provenance(page: Page) -> list[Block]:
    import trtlog
    from trtlog.analyses.programs import program_name

    log = page.log
    run = log.run
    facts = [
        ("log", log.source),
        ("command", run.command),
        ("program", " ".join(word for word in (program_name(log), run.tensorrt_version, run.build) if word)),
        ("time", f"{run.started_at} to {run.finished_at}" if run.started_at else None),
        ("lines", f"{run.line} to {run.last_line}" if run.last_line else None),
        ("read by", f"trtlog {trtlog.__version__}"),
        *(("note", note) for note in log.notes),
    ]
    blocks = [page_block(Facts(tuple((name, words(str(value))) for name, value in facts if value)))]
    if page.put("options", redact_table(log.table("options")), ["section", "key", "value", "line"]):
        blocks.append(_table("options", "Options, as trtexec printed them", folded=True))
    if page.put("devices", log.table("devices")):
        blocks.append({"kind": "record", "table": "devices", "title": "Device", "folded": True})
    if page.put("coverage", log.table("coverage")):
        blocks.append(_table("coverage", "Coverage: lines read, by kind of message", folded=True, sort=["lines", -1]))
    return blocks
