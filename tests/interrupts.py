"""Interrupts at a chosen line, and threads that were left behind."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def interrupted_at(step: int, files: set[str]) -> Iterator[list[bool]]:
    """Interrupt this thread at a step through some files, as Ctrl-C does; the list says at the end whether it came."""
    left, came = step, [False]

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename in files:
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield came
    except KeyboardInterrupt:
        came[0] = True
    finally:
        sys.settrace(None)


@contextmanager
def ctrl_c_is_heard() -> Iterator[None]:
    """Have SIGINT interrupt, also where whoever started the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupting(function: Callable[..., Any], after: int = 0) -> Callable[..., Any]:
    """Return a function behind Ctrl-C, which comes with each call but so many at first."""
    calls = 0

    def interrupted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            signal.raise_signal(signal.SIGINT)
        return function(*arguments, **options)

    return interrupted


def still_running(name: str) -> list[threading.Thread]:
    """Return the threads of a name that run, some time after they were told to end."""
    found = [thread for thread in threading.enumerate() if thread.name == name]
    for thread in found:
        thread.join(timeout=20)
    return [thread for thread in found if thread.is_alive()]
