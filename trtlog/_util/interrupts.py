"""Ctrl-C where something must not stay half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def delayed_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait until this is through: a second one, while what the first left is cleaned up.

    Only the main thread is interrupted; in others nothing is to be done.

    Examples
    --------
    >>> import signal
    >>> try:
    ...     with delayed_interrupts():
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("cleaned up")
    ... except KeyboardInterrupt:
    ...     print("stopped")
    cleaned up
    stopped
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    came: list[tuple[Any, ...]] = []
    signal.signal(signal.SIGINT, lambda *interrupt: came.append(interrupt))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came:
            usual(*came[-1])
