"""The catalogue: what each run of each log is, and which logs could not be read."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa

from trtlog._util.arrow import from_list
from trtlog._version import __version__
from trtlog.log import Log
from trtlog.parquet.files import SCHEMA_VERSION
from trtlog.records import Record
from trtlog.records.base import column, record
from trtlog.tables.durations import build_seconds
from trtlog.tables.schema import schema_of_record


@record(frozen=True)
class CatalogueRow(Record):
    """A run of a log, or a log that could not be read."""

    log: str | None = column("text", "SHA-256 of the log's bytes, and of its JSON exports' where it has some")
    run: int | None = column("int32", "number of the run in the file, from 0; null for a log that failed")
    source: str = column("text", "where the log was found: a path, a URL, or MEMBER::ARCHIVE")
    sources: list[str] = column("texts", "all places where this very log was found")
    size_bytes: int | None = column("int64", "size as it lies there, compressed where it is", "bytes")
    modified_at: datetime.datetime | None = column("time", "time of the last change of the source, UTC")
    runs: int | None = column("int64", "runs that the log holds")
    status: str | None = column("text", "passed, failed, waived or incomplete; null without a banner, and for --help")
    tool: str | None = column("text", "program that ran")
    tensorrt_version: str | None = column("text", "version of TensorRT, as 8.5.3")
    gpu: str | None = column("text", "name of the GPU")
    compute_capability: str | None = column("text", "compute capability of the GPU, major.minor")
    model: str | None = column("text", "path of the model, as printed; of the engine where one is loaded")
    precision: str | None = column("text", "allowed precisions, as printed")
    command: str | None = column("text", "command line, as the banner prints it")
    started_at: datetime.datetime | None = column("time", "first time printed")
    throughput_qps: float | None = column("float64", "throughput", "qps")
    latency_mean_ms: float | None = column("float64", "latency, mean", "ms")
    latency_p99_ms: float | None = column("float64", "latency, 99th percentile", "ms")
    gpu_compute_mean_ms: float | None = column("float64", "GPU compute time, mean", "ms")
    build_seconds: float | None = column("float64", "Engine built in, else the sum of Engine generation completed", "s")
    lines: int | None = column("int64", "lines of the log")
    coverage_percent: float | None = column("float64", "share of lines that are accounted for by a rule", "%")
    notes: list[str] | None = column("texts", "what was odd about the source")
    error: str | None = column("text", "why the log could not be read; null where it was")
    stamps: list[str] = column("texts", "sizes and times of the sources, to know unchanged ones again")
    trtlog_version: str = column("text", "version of trtlog that read it")
    schema_version: int = column("int64", "version of the tables")
    converted_at: datetime.datetime = column("time", "when it was read, UTC")


SCHEMA: pa.Schema = schema_of_record(CatalogueRow)


def now() -> datetime.datetime:
    """Return the time, UTC, as the catalogue holds it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


def _common(source: str, stamp: str, size: int | None, modified: float | None) -> dict[str, Any]:
    try:
        at = None if modified is None else datetime.datetime.fromtimestamp(int(modified), datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):  # a time that no calendar has, in an archive
        at = None
    return {
        **dict.fromkeys(CatalogueRow.columns()),
        "source": source,
        "sources": [source],
        "stamps": [stamp],
        "size_bytes": size,
        "modified_at": None if at is None else at.replace(tzinfo=None),
        "trtlog_version": __version__,
        "schema_version": SCHEMA_VERSION,
        "converted_at": now(),
    }


def failed_row(
    source: str, stamp: str, size: int | None, modified: float | None, error: str, log: str | None = None
) -> dict[str, Any]:
    """Return the row of a log that could not be read."""
    return {**_common(source, stamp, size, modified), "log": log, "error": error}


def rows_of(
    log: Log, digest: str, source: str, stamp: str, size: int | None, modified: float | None
) -> list[dict[str, Any]]:
    """Return the rows of a log, one a run."""
    counts = dict(zip(*(log.table("coverage").column(n).to_pylist() for n in ("kind", "lines")), strict=True))
    lines = sum(counts.values())
    whole = {
        **_common(source, stamp, size, modified),
        "log": digest,
        "runs": len(log.runs),
        "lines": lines,
        "coverage_percent": 100 * (lines - counts.get("unknown", 0)) / lines if lines else None,
        "notes": list(log.notes),
    }
    return [{**whole, "run": number, **_run(run)} for number, run in enumerate(log.runs)]


def _run(log: Log) -> dict[str, Any]:
    run, device, build, performance = log.run, log.device, log.build, log.performance
    return {
        "status": run.status,
        "tool": run.tool,
        "tensorrt_version": run.tensorrt_version,
        "gpu": device.name if device else None,
        "compute_capability": device.compute_capability if device else None,
        "model": log.model.model or build.load_engine or None,
        "precision": build.precision,
        "command": run.command,
        "started_at": run.started_at,
        "throughput_qps": performance.throughput_qps,
        "latency_mean_ms": performance.latency.mean_ms if performance.latency else None,
        "latency_p99_ms": performance.latency.p99_ms if performance.latency else None,
        "gpu_compute_mean_ms": performance.gpu_compute_time.mean_ms if performance.gpu_compute_time else None,
        "build_seconds": build_seconds(log.table("phases")),
    }


def to_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as an Arrow table of the catalogue's schema."""
    columns = [from_list([row.get(field.name) for row in rows], field.type) for field in SCHEMA]
    return pa.table(columns, schema=SCHEMA)
