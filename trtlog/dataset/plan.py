"""Which logs go together: batches that keep workers busy and make parts that are not tiny."""

from __future__ import annotations

from collections.abc import Sequence

from trtlog.dataset.find import Job
from trtlog.dataset.reading import is_long, text_bytes

MOST_LOGS = 256
_LEAST_BYTES = 4 << 20
_MOST_BYTES = 64 << 20
# Each worker gets at least so many batches, so that none waits long for the last one.
_BATCHES_EACH = 4


def batches(jobs: Sequence[Job], workers: int, most_logs: int = MOST_LOGS) -> list[tuple[Job, ...]]:
    """Return the jobs in batches, in their order; a long log is a batch of its own.

    Parameters
    ----------
    jobs : sequence of Job
        What to convert.
    workers : int
        How many batches are converted side by side.
    most_logs : int
        At most so many logs a batch.
    """
    sizes = [text_bytes(job.member or job.location, job.size) for job in jobs]
    share = sum(sizes) // max(1, workers * _BATCHES_EACH)
    limit = min(max(share, _LEAST_BYTES), _MOST_BYTES)
    most = min(most_logs, max(1, -(-len(jobs) // workers)))
    done: list[tuple[Job, ...]] = []
    group: list[Job] = []
    size = 0
    for job, bytes_ in zip(jobs, sizes, strict=True):
        if is_long(job.member or job.location, job.size or 0):
            done.append((job,))
            continue
        if group and (len(group) >= most or size + bytes_ > limit):
            done.append(tuple(group))
            group, size = [], 0
        group.append(job)
        size += bytes_
    if group:
        done.append(tuple(group))
    # The long ones first: those that come last should be short, so that all workers end together.
    return sorted(done, key=lambda batch: not is_long(batch[0].member or batch[0].location, batch[0].size or 0))
