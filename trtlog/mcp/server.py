"""The tools that agents call: each opens what it is asked of, and gives an answer of a bounded size."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field
from typing_extensions import TypedDict

from trtlog._util.redact import redact
from trtlog._version import __version__
from trtlog.errors import QueryError, TrtlogError
from trtlog.log import Log
from trtlog.mcp.answers import ROWS, Findings, Rows, Text, cut, findings_of, rows_of, shown, text_of
from trtlog.mcp.places import Places, kind_of_folder

INSTRUCTIONS = """\
Reads logs of NVIDIA TensorRT builds (trtexec --verbose and others): which tactic won, what was fused, what was slow,
why it failed. Begin with list_logs and open_log, then summary and lint. why() tells one layer's story. rows() and sql()
read any table; tables() names them and their columns. Every fact has the number of its line: explain_line and excerpt
show it. Null means that the log does not say: missing_flags() tells which flags print it. Answers are cut at a size;
`more` says how to go on. Nothing is written."""
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_MOST_EXCERPT = 100
# Limits of one SQL statement: agents write them, and a join without a condition would never end.
SQL_SECONDS, SQL_MEBIBYTES = 20.0, 1024

Path = Annotated[str, Field(description="A log, run folder, Parquet folder or dataset, as list_logs names it")]
Run = Annotated[int | None, Field(description="Which run, from 0; needed where a log holds several")]
Source = Annotated[str | None, Field(description="Of a dataset: the log, by the end of its source")]
Limit = Annotated[int, Field(description="Most rows", ge=1, le=200)]
Offset = Annotated[int, Field(description="Rows to pass over: how to read on", ge=0)]
Tool = TypeVar("Tool", bound=Callable[..., Any])


class Opened(TypedDict):
    """What something is that was opened, and which tables have rows."""

    kind: str
    runs: int | None
    lines: int | None
    unknown_lines: int | None
    tensorrt: list[str]
    tables: dict[str, int]
    analyses: list[str]
    notes: list[str]


def make_server(folders: Sequence[str | os.PathLike[str]]) -> MCPServer:
    """Return a server that reads what lies in some folders.

    Raises
    ------
    InputError
        One of them is no folder.
    """
    places = Places(folders)
    server = MCPServer("trtlog", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING")

    def tool(function: Tool) -> Tool:
        signature = inspect.signature(function, eval_str=True)

        @functools.wraps(function)
        def answer(*args: Any, **options: Any) -> CallToolResult:
            try:
                answered = function(*args, **options)
            except (TrtlogError, OSError) as error:
                raise ToolError(redact(str(error))) from None
            return CallToolResult(content=[TextContent(type="text", text=shown(answered))], structured_content=answered)

        # The text that a host shows is written here, shorter than the SDK's JSON; the structured answer stays typed.
        returned = Annotated[CallToolResult, signature.return_annotation]
        answer.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]
        answer.__annotations__ = {n: p.annotation for n, p in signature.parameters.items()} | {"return": returned}
        server.tool(annotations=_READS)(answer)
        return function

    @tool
    def list_logs(folder: str = ".", limit: Limit = 50, offset: Offset = 0) -> Rows:
        """List the logs, run folders, Parquet folders and datasets below a folder."""
        import pyarrow as pa

        listed = places.listed(places.find(folder))
        columns = list(zip(*listed, strict=True)) if listed else [(), (), ()]
        table = pa.table([pa.array(values) for values in columns], names=["path", "kind", "bytes"])
        return rows_of(table, limit=limit, offset=offset)

    @tool
    def open_log(path: Path, source: Source = None) -> Opened:
        """Say what a path holds: runs, lines, TensorRT's version, tables with their numbers of rows."""
        from trtlog.dataset.handle import Dataset

        opened = places.open(path)
        whole = opened if isinstance(opened, Dataset) and source is None else places.log(path, source)
        found: Opened = {
            "kind": "dataset",
            "runs": None,
            "lines": None,
            "unknown_lines": None,
            "tensorrt": sorted({str(v) for v in whole.table("runs").column("tensorrt_version").to_pylist() if v}),
            "tables": {name: table.num_rows for name, table in whole.tables.items() if table.num_rows},
            "analyses": [],
            "notes": [],
        }
        if isinstance(whole, Log):
            counts = {row["kind"]: row["lines"] for row in whole.table("coverage").to_pylist()}
            lines, unknown = sum(counts.values()), counts.get("unknown", 0)
            found.update({"kind": "log", "runs": len(whole.runs), "lines": lines, "unknown_lines": unknown})
            found.update({"analyses": list(whole.analyses), "notes": [redact(note) for note in whole.notes]})
        return found

    @tool
    def tables(table: Annotated[str | None, Field(description="Name a table for its columns")] = None) -> Rows:
        """List all tables and analyses; or the columns of one, with types, units and meanings."""
        import pyarrow as pa

        from trtlog.analyses.registry import record_of, table_names
        from trtlog.records import TABLES

        if table is not None:
            columns = record_of(table).columns().items()
            about = [{"column": n, "type": c.type, "unit": c.unit, "meaning": c.doc} for n, c in columns]
            return rows_of(pa.Table.from_pylist(about), limit=200)
        listed = [
            {"table": name, "one row per": (record_of(name).__doc__ or "").strip().splitlines()[0]}
            for name in (*TABLES, *table_names())
        ]
        return rows_of(pa.Table.from_pylist(listed), limit=200)

    @tool
    def summary(path: Path, run: Run = None, source: Source = None) -> Text:
        """Tell what ran, on what, throughput and latency, build phases, slowest layers, warnings."""
        from trtlog.report.documents.summary import summary as document

        return text_of(document(places.run(path, run, source)))

    @tool
    def lint(path: Path, run: Run = None, source: Source = None, limit: Limit = ROWS, offset: Offset = 0) -> Findings:
        """Find what is wrong or slow, why it matters, what to do, with lines; the gravest first."""
        findings = places.run(path, run, source).analyze.table("findings").to_pylist()
        return findings_of(findings, limit, offset)

    @tool
    def why(
        path: Path,
        layer: Annotated[str, Field(description="Name of a layer or ONNX node: all, a part, or an expression")],
        run: Run = None,
        source: Source = None,
    ) -> Text:
        """Tell one layer's story: ONNX nodes, fusions, formats, candidates, choice, conversions, cost."""
        from trtlog.analyses.layer.why import find_layers, story
        from trtlog.report.documents.why import why as document

        log = places.run(path, run, source)
        fitting = find_layers(log, layer)
        if len(fitting) > 1:
            return cut(f"{len(fitting)} layers fit; name one:\n" + "\n".join(fitting[:40]), "name a longer part")
        return text_of(document(story(log, fitting[0])))

    @tool
    def rows(
        path: Path,
        table: Annotated[str, Field(description="A table or an analysis: tactics, margins, precision_totals, ...")],
        columns: Annotated[list[str] | None, Field(description="Which columns; all without")] = None,
        sort: Annotated[str | None, Field(description="Column to sort by; -column for the largest first")] = None,
        run: Run = None,
        source: Source = None,
        limit: Limit = ROWS,
        offset: Offset = 0,
    ) -> Rows:
        """Read rows of a table or an analysis; tables() names them. sql() filters and joins."""
        from trtlog.dataset.handle import Dataset

        opened = places.open(path)
        if isinstance(opened, Dataset) and source is None:
            return rows_of(opened.table(table), columns=columns or (), sort=sort, limit=limit, offset=offset)
        log = places.log(path, source)
        log = log if run is None and len(log.runs) == 1 else places.run(path, run, source)
        lacking = _missing(log, table)
        answer = log.table(table)
        return rows_of(answer, columns=columns or (), sort=sort, limit=limit, offset=offset, missing=lacking)

    @tool
    def sql(
        path: Path,
        statement: Annotated[str, Field(description="A select in DuckDB's SQL over tables and analyses")],
        source: Source = None,
        limit: Limit = ROWS,
        offset: Offset = 0,
    ) -> Rows:
        """Ask in SQL. Each table of tables() is a view; it sees no files. Select `line` to be able to cite.

        A statement is ended after 20 seconds, or at 1 GiB of memory.
        """
        from trtlog.dataset.handle import Dataset
        from trtlog.sql import Limits, query

        opened = places.open(path)
        whole = opened if isinstance(opened, Dataset) and source is None else places.log(path, source)
        limits = Limits(SQL_SECONDS, SQL_MEBIBYTES)
        if isinstance(whole, Dataset):
            answer = whole.query(statement, limits=limits)
        else:
            answer = query(whole, statement, limits=limits)
        return rows_of(answer, limit=limit, offset=offset)

    @tool
    def roofline(path: Path, run: Run = None, source: Source = None, limit: Limit = ROWS, offset: Offset = 0) -> Rows:
        """Compare the slowest layers with what the GPU can do: operations, bytes, what bounds each, the ideal time."""
        log = places.run(path, run, source)
        columns = ("layer", "precision", "time_ms", "tflops", "percent_of_compute", "percent_of_bandwidth", "bound",
                   "ideal_ms")  # fmt: skip
        lacking = _missing(log, "roofline")
        return rows_of(log.table("roofline"), columns=columns, limit=limit, offset=offset, missing=lacking)

    @tool
    def diff(
        control: Path,
        test: Path,
        control_run: Run = None,
        test_run: Run = None,
        limit: Annotated[int, Field(description="Most rows of each table", ge=1, le=40)] = 8,
    ) -> Text:
        """Tell what changed from one build or run to another, and what of it is beyond noise."""
        from trtlog.analyses.compare.diff import diff as compare
        from trtlog.report.documents.diff import diff as document

        return text_of(document(compare(places.run(control, control_run), places.run(test, test_run))), limit)

    @tool
    def explain_line(path: Path, line: Annotated[int, Field(ge=1)]) -> Text:
        """Tell what a line of a log means: the rule that matched it, its fields with units, its section."""
        from trtlog.messages.explain import explain_line as explain

        file = _file(places, path)
        return cut(explain(file, line, redacted=True).replace(f"{file}:", f"{path}:", 1), "the line is long")

    @tool
    def excerpt(
        path: Path, first: Annotated[int, Field(ge=1)], last: Annotated[int | None, Field(ge=1)] = None
    ) -> Text:
        """Show lines of a log as they stand, by number, at most 100; secrets are replaced by ***."""
        from trtlog.messages.excerpt import excerpt as lines

        end = min(last or first, first + _MOST_EXCERPT - 1)
        numbered = lines(_file(places, path), first, end, redacted=True)
        answer = cut("\n".join(f"{number}: {text}" for number, text in numbered), "ask for fewer lines")
        if answer["more"] is None and last is not None and last > end:
            answer["more"] = f"lines {first} to {end}; ask again with first={end + 1}"
        return answer

    @tool
    def missing_flags(
        path: Path,
        analysis: Annotated[str | None, Field(description="Of one analysis; of all without")] = None,
        run: Run = None,
        source: Source = None,
    ) -> Text:
        """Tell which lines a log lacks, and which flags of trtexec or calls of the API print them."""
        from trtlog.analyses.registry import methods

        log = places.run(path, run, source)
        by_advice: dict[str, list[str]] = {}
        for name in [analysis] if analysis else methods():
            if advice := log.analyze.missing(name):
                by_advice.setdefault(advice, []).append(name)
        lines = [f"{', '.join(names)}: {advice}" for advice, names in by_advice.items()]
        return cut("\n".join(lines) or "The log has the lines for it.", "ask for one analysis")

    return server


def _file(places: Places, name: str) -> str:
    """Return the file of a log or of a run folder."""
    from trtlog.runner.folder import LOG

    path = places.find(name)
    if path.is_dir():
        if kind_of_folder(path) != "run folder" or not places.allows(path / LOG):
            raise QueryError(f"{name}: lines are read of a log or a run folder")
        path = path / LOG
    return str(path)


def _missing(log: Any, table: str) -> str | None:
    """Return what to do where the log lacks the lines for an analysis; of a table of facts nothing is said."""
    from trtlog.analyses.registry import analyses

    missing: str | None = log.analyze.missing(table) if table in analyses() else None
    return missing
