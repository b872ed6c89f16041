"""What came of a log: converted, known, no log or failed, and why."""

from __future__ import annotations

import errno
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog.dataset.find import Job
from trtlog.dataset.storage import reason
from trtlog.errors import NoLogError, TrtlogError

# How a disk says that it is full, or closed to this user.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Outcome:
    """What came of a log: ``converted``, ``known``, ``no_log`` or ``failed``, and its rows of the catalogue."""

    job: Job
    what: str
    digest: str | None = None
    rows: tuple[dict[str, Any], ...] = ()
    error: str = ""


class WriteFailed(Exception):
    """Parts cannot be written: the disk is full, or closed to this user. Passes between processes."""


def outcome_of(job: Job, error: Exception) -> Outcome:
    """Return what an error makes of its log: the others go on. One of the disk is raised."""
    if isinstance(error, WriteFailed) or (isinstance(error, OSError) and error.errno in FULL):
        raise error
    if isinstance(error, TrtlogError):
        what = "no_log" if isinstance(error, NoLogError) and not job.named else "failed"
        return Outcome(job, what, error=without_name(str(error), job))
    if isinstance(error, MemoryError):
        return Outcome(job, "failed", error="out of memory: convert it alone, or on a larger machine")
    if isinstance(error, OSError):
        return Outcome(job, "failed", error=f"cannot be read: {reason(error)}")
    # A mistake of trtlog's own must not stop the other logs; it is told with the log's name.
    return Outcome(job, "failed", error=f"a mistake in trtlog itself ({type(error).__name__}: {error})")


def without_name(text: str, job: Job) -> str:
    """Return a message without the name of the log, which stands beside it wherever it is shown."""
    return text.removeprefix(job.source).lstrip(": ")
