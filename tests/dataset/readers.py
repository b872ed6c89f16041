"""Readers with a mistake, for the processes of a conversion: a module that loads little, as each process loads it."""

from __future__ import annotations

import os
import signal
import time

from trtlog.dataset.reading import read_small

CRASH = "net00003"


def crashing(reader, fetched, *, strict):
    """A reader with a mistake: it raises what no reader should."""
    if CRASH in fetched.path.name:
        raise ZeroDivisionError("a mistake")
    return read_small(reader, fetched, strict=strict)


def dying(reader, fetched, *, strict):
    """A reader that takes its process with it, as a crash in a library or the kernel's memory killer does."""
    if CRASH in fetched.path.name:
        os._exit(9)
    return read_small(reader, fetched, strict=strict)


def dying_once(reader, fetched, *, strict):
    """A reader whose process is killed in the middle, the first time only."""
    if CRASH in fetched.path.name:
        marker = fetched.path.with_suffix(".killed")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return read_small(reader, fetched, strict=strict)


def slow(reader, fetched, *, strict):
    """A reader that takes its time."""
    time.sleep(0.05)
    return read_small(reader, fetched, strict=strict)
