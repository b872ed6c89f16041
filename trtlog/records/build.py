"""The build's clock and its timing cache."""

from __future__ import annotations

import datetime
from typing import ClassVar

from trtlog.records.base import Record, column, line_column, record, run_column


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
    event: str = column("name", "in_use, loaded, saved, serialized, deleted, unreadable, unwritable, ...")
    scope: str | None = column("name", "Local or Global")
    entries: int | None = column("int64", "entries of the cache")
    hits: int | None = column("int64", "results it served in this build; printed by 8.5 when the cache is deleted")
    bytes: int | None = column("int64", "size", "bytes")
    path: str | None = column("text", "file of the cache")
