"""The build's clock and its timing cache."""

from __future__ import annotations

import datetime
from typing import ClassVar

from trtlog.records.base import Record, column, engine_column, line_column, record, run_column


@record(frozen=True)
class Timestamp(Record):
    """A line at which the printed time changes: the time of every line up to the next row. Whole seconds."""

    table: ClassVar[str] = "timestamps"

    run: int = run_column()
    line: int = line_column("the first line of this time")
    time: datetime.datetime = column("time", "time as printed, without a zone")


@record(frozen=True)
class TimingCacheEvent(Record):
    """What the log says of the timing cache."""

    table: ClassVar[str] = "timing_cache"

    run: int = run_column()
    line: int = line_column("the message")
    event: str = column("name", "in_use, disabled, invalid, loaded, saved, serialized, deleted, unreadable, unwritable")
    scope: str | None = column("name", "Local or Global")
    entries: int | None = column("int64", "entries of the cache")
    hits: int | None = column("int64", "results it served in this build; printed by 8.5 when the cache is deleted")
    bytes: int | None = column("int64", "size", "bytes")
    path: str | None = column("text", "file of the cache")
    cache: str = column("name", "which cache: timing, code_generator or compilation")
    engine: int = engine_column()


@record(frozen=True)
class AutotunedOp(Record):
    """An operation whose tactics are listed as the editable timing cache does; 10.3 and later."""

    table: ClassVar[str] = "autotuned_ops"

    run: int = run_column()
    line: int = line_column("Autotuning op")
    layer: str = column("name", "operation, as in tactics")
    key: str | None = column("name", "its key in the timing cache; null where the cache is not editable")
    onnx_layers: list[str] | None = column("texts", "ONNX nodes that it is made of; null where they are not printed")
    tactics: int = column("int64", "tactics that are listed")
    selected: str | None = column("name", "id of the selected tactic, as in tactics; null where no line says it")
    selected_ms: float | None = column("float64", "its time", "ms")
    selected_line: int | None = line_column("The selected tactic is; null where it is not printed")
    engine: int = engine_column()


@record(frozen=True)
class Placement(Record):
    """Where a layer runs where a DLA is in use, and why it is not the DLA."""

    table: ClassVar[str] = "placements"

    run: int = run_column()
    line: int = line_column("the first that places the layer")
    layer: str = column("name", "layer")
    type: str | None = column("name", "type of the layer")
    processor: str = column("name", "DLA or GPU")
    fallback: bool = column("bool", "whether it fell back to the GPU")
    reason: str | None = column("text", "why the DLA does not take it, in the log's words where it prints some")
    reason_line: int | None = column("int64", "line that gives the reason")
    engine: int = engine_column()


@record(frozen=True)
class Fact(Record):
    """A number that a line prints and no other table holds."""

    table: ClassVar[str] = "facts"

    run: int = run_column()
    line: int = line_column("the message")
    kind: str = column("name", "kind of message")
    wording: str = column("name", "how the kind is worded, by its name in the grammar, as before and after")
    field: str = column("name", "what the number is: its name in the grammar, as trtlog explain shows it")
    value: float = column("float64", "the number")
    unit: str | None = column("name", "its unit; null for a count or a ratio")
    subject: str | None = column("name", "layer, tensor, kernel or other thing that the line names; null for none")
    engine: int = engine_column()
