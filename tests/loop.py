"""Coroutines in tests: run in a thread of their own, whatever runs in the thread of the tests.

Playwright's synchronous interface keeps an event loop running in the thread that started it for as long as the browser
is open; `asyncio.run` refuses to start a second one there. Which tests share a process depends on how they are spread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
