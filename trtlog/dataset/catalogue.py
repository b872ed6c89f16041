"""The catalogue: what each run of each log is, and which logs could not be read."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa

from trtlog._util.arrow import from_list
from trtlog._version import __version__
from trtlog.analyses.compare.figures import RunFigures, figures
from trtlog.dataset.find import Job
from trtlog.dataset.parts import Partition
from trtlog.log import Log
from trtlog.parquet.files import SCHEMA_VERSION
from trtlog.records.base import column, record
from trtlog.tables.schema import schema_of_record


@record(frozen=True)
class CatalogueRow(RunFigures):
    """A run of a log, or a log that could not be read."""

    error: str | None = column("text", "why the log could not be read; null where it was")
    runs: int | None = column("int64", "runs that the log holds")
    lines: int | None = column("int64", "lines of the log")
    coverage_percent: float | None = column("float64", "share of lines that are accounted for by a rule", "%")
    notes: list[str] | None = column("texts", "what was odd about the source")
    sources: list[str] = column("texts", "all places where this very log was found")
    size_bytes: int | None = column("int64", "size of the file, compressed where it is", "bytes")
    modified_at: datetime.datetime | None = column("time", "time of the last change of the source, UTC")
    stamps: list[str] = column("texts", "sizes and times of the sources, to know unchanged ones again")
    trtlog_version: str = column("text", "version of trtlog that read it")
    schema_version: int = column("int64", "version of the tables")
    converted_at: datetime.datetime = column("time", "when it was read, UTC")
    log: str | None = column("text", "SHA-256 of the log's bytes, and of its JSON exports' where it has some")


SCHEMA: pa.Schema = schema_of_record(CatalogueRow)


def now() -> datetime.datetime:
    """Return the time, UTC, as the catalogue holds it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


def _common(source: str, job: Job) -> dict[str, Any]:
    at = None
    with suppress(OverflowError, ValueError, OSError):  # an archive may hold a time that no calendar has
        if job.modified is not None:
            at = datetime.datetime.fromtimestamp(int(job.modified), datetime.timezone.utc)
    return {
        **dict.fromkeys(CatalogueRow.columns()),
        "source": source,
        "sources": [source],
        "stamps": [job.stamp],
        "size_bytes": job.size,
        "modified_at": None if at is None else at.replace(tzinfo=None),
        "trtlog_version": __version__,
        "schema_version": SCHEMA_VERSION,
        "converted_at": now(),
    }


def failed_row(job: Job, error: str, log: str | None) -> dict[str, Any]:
    """Return the row of a log that could not be read."""
    return {**_common(job.source, job), "log": log, "error": error}


def rows_of(log: Log, digest: str, source: str, job: Job) -> list[dict[str, Any]]:
    """Return the rows of a log, one a run; ``source`` is what the job's is called."""
    counts = dict(zip(*(log.table("coverage").column(n).to_pylist() for n in ("kind", "lines")), strict=True))
    lines = sum(counts.values())
    whole = {
        **_common(source, job),
        "log": digest,
        "runs": len(log.runs),
        "lines": lines,
        "coverage_percent": 100 * (lines - counts.get("unknown", 0)) / lines if lines else None,
        "notes": list(log.notes),
    }
    return [{**whole, "run": number, **figures(run)} for number, run in enumerate(log.runs)]


def to_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as an Arrow table of the catalogue's schema."""
    columns = [from_list([row.get(field.name) for row in rows], field.type) for field in SCHEMA]
    return pa.table(columns, schema=SCHEMA)


def partitions(rows: Sequence[dict[str, Any]]) -> dict[int, Partition]:
    """Return version and GPU of each run, from the rows of the catalogue."""
    return {row["run"]: (row["tensorrt_version"], row["gpu"]) for row in rows}
