"""The collector of cyclic garbage, kept from going through what is kept anyway."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the collector where many objects are made and none of them is in a cycle.

    What modules hold that were loaded meanwhile counts as old then, else the next rounds would go through all of it.

    Examples
    --------
    >>> with no_collection():
    ...     gc.isenabled()
    False
    """
    enabled, modules = gc.isenabled(), len(sys.modules)
    if enabled:  # else another thread may enable it between the two, and nobody would again
        gc.disable()
    try:
        yield
    finally:
        if enabled:
            if len(sys.modules) > modules and not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()  # to the oldest, from where what a program froze itself must not get back
            gc.enable()


@contextmanager
def until_the_end() -> Iterator[None]:
    """Let the collector look seldom in a program that makes many objects and ends, and at its end not at all.

    Python's last collections go through all that a program and its modules still hold, a tenth of a short command.
    """
    gc.set_threshold(200_000, *gc.get_threshold()[1:])
    try:
        yield
    finally:
        gc.freeze()
