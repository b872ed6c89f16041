"""What trtexec measured, and what the log complains about."""

from __future__ import annotations

from typing import ClassVar

from trtlog.records.base import Record, column, line_column, record, run_column


@record(frozen=True)
class Statistic(Record):
    """One statistic of one measured quantity."""

    table: ClassVar[str] = "performance"

    run: int = run_column()
    line: int | None = line_column("the statistic; null for a row of an export")
    metric: str = column(
        "name",
        "throughput, latency, enqueue_time, h2d_latency, gpu_compute_time, d2h_latency, "
        "end_to_end_host_latency (to 8.2), total_host_walltime, total_gpu_compute_time",
    )
    stat: str = column("name", "value, min, max, mean, median, p90, p95, p99, p99.9, ...")
    value: float = column("float64", "value in its unit")
    unit: str = column("name", "qps, ms or s")


@record(frozen=True)
class Iteration(Record):
    """Averages over a group of runs."""

    table: ClassVar[str] = "iterations"

    run: int = run_column()
    line: int = line_column("the averages")
    average_over: int = column("int64", "runs that are averaged")
    gpu_ms: float = column("float64", "GPU latency", "ms")
    host_ms: float = column("float64", "host latency: copies and GPU", "ms")
    end_to_end_ms: float | None = column("float64", "end-to-end host latency; to TensorRT 8.2", "ms")
    enqueue_ms: float | None = column("float64", "enqueue time; TensorRT 7.1 and later", "ms")


@record(frozen=True)
class IterationTime(Record):
    """The times of one query, from an --exportTimes file. Times count from the first enqueue.

    Until 8.4 the file holds the warm-up too. 7.1 and 7.2 wrote the enqueue's times under the names of the
    input copy and the reverse; they stand in their right columns here.
    """

    table: ClassVar[str] = "iteration_times"

    run: int = run_column()
    line: int | None = line_column("always null, the fact is in an export")
    iteration: int = column("int64", "number of the query in the file, from 0")
    start_enqueue_ms: float | None = column("float64", "the enqueue begins", "ms")
    end_enqueue_ms: float | None = column("float64", "the enqueue is done", "ms")
    start_h2d_ms: float | None = column("float64", "the copy of the inputs begins", "ms")
    end_h2d_ms: float | None = column("float64", "the copy of the inputs is done", "ms")
    start_compute_ms: float | None = column("float64", "the GPU begins to compute", "ms")
    end_compute_ms: float | None = column("float64", "the GPU is done", "ms")
    start_d2h_ms: float | None = column("float64", "the copy of the outputs begins", "ms")
    end_d2h_ms: float | None = column("float64", "the copy of the outputs is done", "ms")
    h2d_ms: float | None = column("float64", "copy of the inputs", "ms")
    compute_ms: float | None = column("float64", "GPU compute time", "ms")
    d2h_ms: float | None = column("float64", "copy of the outputs", "ms")
    latency_ms: float | None = column("float64", "copies and compute", "ms")
    end_to_end_ms: float | None = column("float64", "from the first to the last; to TensorRT 8.2", "ms")


@record(frozen=True)
class Output(Record):
    """An output tensor, from an --exportOutput file."""

    table: ClassVar[str] = "outputs"

    run: int = run_column()
    line: int | None = line_column("always null, the fact is in an export")
    tensor: str = column("name", "name of the tensor")
    shape: list[int] | None = column("int64s", "dimensions")
    values: list[float] | None = column("float64s", "all values, in order")


@record(frozen=True)
class Message(Record):
    """A warning, an error or a fatal message."""

    table: ClassVar[str] = "messages"

    run: int = run_column()
    line: int = line_column("the message")
    severity: str = column("name", "warning, error or fatal")
    origin: str | None = column("name", "tensorrt or trtexec; null where the header does not tell")
    kind: str = column("name", "kind of message")
    code: int | None = column("int64", "error code")
    error_class: str | None = column("name", "class of the error, as Internal Error")
    text: str = column("name", "the message without code and place, with the lines that continue it")
    file: str | None = column("name", "source file that reports")
    source_line: int | None = column("int64", "line of that file")
    function: str | None = column("name", "function that reports")


@record(frozen=True)
class ExtensionMessage(Record):
    """A line that a rule of an installed plug-in package matched."""

    table: ClassVar[str] = "extension_messages"

    run: int = run_column()
    line: int = line_column("the message")
    package: str = column("name", "the package that the rule comes from")
    kind: str = column("name", "kind of message: the rule's name")
    wording: str = column("name", "which wording of the rule")
    fields: str = column("json", "what the rule captured, by field; in SQL: fields->>'tokens'")


@record(frozen=True)
class Coverage(Record):
    """How many lines are of a kind. Lines of all kinds add up to the lines of the log."""

    table: ClassVar[str] = "coverage"

    kind: str = column(
        "name",
        "kind of message; continuation: belongs to the record above; unknown: has a header and no rule knows it; "
        "foreign: another program's text; usage: trtexec's help; blank",
    )
    lines: int = column("int64", "number of lines")
    bytes: int = column("int64", "their size with line ends", "bytes")
