"""A sweep, what it recommends, and the folder of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trtlog._util.words import counted
from trtlog.errors import QueryError
from trtlog.report.document import Block, Cell, Column, Document, Facts, Kind, Section, Sentence, Table, Title
from trtlog.report.numbers import number, printed
from trtlog.report.sentences import Words, badge, strong, words
from trtlog.runner.folder import RunFolder
from trtlog.runner.study import Recommendation, Sweep

# What fits beside each other, with its heading; the frame of the sweep has every column.
_SHOWN = {
    "throughput_qps": "qps",
    "samples_per_s": "samples/s",
    "latency_median_ms": "median ms",
    "latency_p99_ms": "p99 ms",
    "engine_gpu_mib": "GPU MiB",
    "build_s": "build s",
    "runs": "runs",
    "spread_percent": "spread %",
    "status": "status",
}
# More points than that fold away in Markdown.
_LONG = 8
_KINDS: dict[str, Kind] = {"point": "name", "status": "code"}
_SPARE = frozenset({"engine_gpu_mib", "build_s", "latency_median_ms", "runs"})


def sweep(found: Sweep, max_latency: float | None = None, stat: str | None = None) -> Document:
    """Return a sweep: a line for each point, causes of failures, what to use.

    Parameters
    ----------
    found : Sweep
        The sweep.
    max_latency : float, optional
        The latency that what to use must keep.
    stat : str, optional
        Which latency: by default p99, where the logs print it.
    """
    done = sum(row["status"] == "passed" for row in found.rows)
    name = f"Sweep {found.path.name}: {done} of {counted(len(found.points), 'point')} passed"
    # What to use first, where it is read in a pull request; a long table folds away there.
    points = Section("Points", (_points(found, stat),), count=len(found.rows))
    long = len(found.rows) > _LONG
    return Document(name, (points if long else points.blocks[0], *_advice(found, max_latency, stat)))


def _points(found: Sweep, stat: str | None) -> Table:
    names = ["point", *(name for name in _SHOWN if name in found.rows[0])]
    if found.repeat == 1:
        names = [name for name in names if name not in ("runs", "spread_percent")]
    if found.speed_column == "throughput_qps":
        names.remove("samples_per_s")
    latency = f"latency_{stat}_ms"
    if latency in found.rows[0] and latency not in names:
        names.insert(names.index("status"), latency)
    columns = [
        Column(
            _SHOWN.get(name, name.removeprefix("latency_").replace("_", " ")),
            _KINDS.get(name, "number"),
            least=12 if name == "point" else None,
            spare=name in _SPARE,
        )
        for name in names
    ]
    rows = [[_cell(name, row[name]) for name in names] for row in found.rows]
    return Table(columns, rows, most=len(rows), wide="--format csv has every column")


def _cell(name: str, value: Any) -> Cell:
    if name == "status":
        return badge(value)
    return value if isinstance(value, str) else number(value)


def _advice(found: Sweep, max_latency: float | None, stat: str | None) -> Iterator[Block]:
    for row in found.rows:
        for remark in (row["cause"], row["remarks"]):
            if remark:
                yield Sentence(words(strong(row["point"]), f": {remark}"))
    try:
        best = found.recommend(max_latency, stat or "p99")
    except QueryError:  # the logs print other percentiles
        if stat is not None:
            raise
        return
    if best.row is not None:
        pareto = ", ".join(row["point"] for row in found.pareto(stat or "p99"))
        yield Sentence(words(f"Pareto set ({stat or 'p99'}): {pareto}"))
    yield Sentence(_recommended(best))


def _recommended(best: Recommendation) -> Words:
    return words(strong("Recommended:"), f" {best}") if best.row is not None else words(str(best))


def recommendation(found: Recommendation) -> Document:
    """Return a recommendation: the sentence, and why."""
    return Document("Recommendation", (), _recommended(found))


def folder(found: RunFolder) -> Document:
    """Return the folder of a run: what became of it, why, and what it left."""
    result = found.result or {}
    files = ", ".join(sorted(path.name for path in {found.log_path, *found.files.values()} if path.exists()))
    facts: list[tuple[str, Any]] = [
        ("command", " ".join(map(str, found.command.get("argv", ())))),
        ("trtexec", found.command.get("version")),
        ("cause", result.get("cause")),
        ("exit code", result.get("exit_code")),
        ("signal", result.get("signal")),
        ("seconds", result.get("wall_s")),
        ("files", files),
    ]
    title = Title(words(strong("Run"), f" {found.path.name} ", badge(found.status or "not finished")))
    shown = tuple((name, words(printed(value))) for name, value in facts if value not in (None, ""))
    return Document(f"Run {found.path.name}", (title, Facts(shown)))
