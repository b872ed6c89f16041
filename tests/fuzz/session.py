"""A run of the fuzzer: inputs by seed and number, finds by kind, each reduced and printed as a test."""

from __future__ import annotations

import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import checks
from tests.fuzz.forms import bare_log
from tests.fuzz.material import material, real_logs
from tests.fuzz.mutations import mutated
from tests.fuzz.reduce import reduced

# Share of the inputs that go further than both loops and all tables.
ANSWERS, OUTPUTS = 0.15, 0.03
# Share of the inputs that are put in forms.
FORMS = 0.1
# Seconds of processor time for one input; the usual one takes a hundredth.
MOST_S = 60.0


class TooSlow(Exception):
    """An input took more processor time than any of its size may."""


@dataclass
class Find:
    """A fault, and the input that shows it."""

    signature: str
    level: str
    data: bytes
    other: bytes
    chance: str
    text: str
    mutations: list[str]
    count: int = 1

    def test(self) -> str:
        """Return a test that fails as long as the fault is there."""
        place = self.signature.rpartition(":")[2] or self.signature
        name = "".join(c if c.isalnum() else "_" for c in place).strip("_")
        body = "\n".join(f"        {line!r}" for line in self.data.splitlines(keepends=True)) or '        b""'
        return (
            f"# {self.signature}\n# {self.text[:300]!r}\n"
            f"# seen {self.count} times; {' '.join(self.mutations)}\n"
            f"def test_{name}():\n    data = (\n{body}\n    )\n    holds(data, {self.level!r})\n"
        )


@dataclass
class Session:
    """Counts what was done."""

    inputs: int = 0
    bytes: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    finds: dict[str, Find] = field(default_factory=dict)
    slowest: tuple[float, str] = (0.0, "")


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` after so much processor time."""

    def stop(*_: Any) -> None:
        raise TooSlow(f"more than {seconds:g} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def input_of(chance: str, logs: list[Path], level: str | None = None) -> tuple[bytes, bytes, list[str], str]:
    """Return an input, another log beside it, the mutations that made it, and how far it is looked at.

    Every input is one for forms where they are the level that is asked for, some are otherwise.
    """
    noise = Random(chance)
    if noise.random() < FORMS or level == "forms":
        return bare_log(noise, logs) if logs else b"", b"", [], "forms"
    data, other = material(noise, logs), material(noise, logs)
    data, names = mutated(data, other, noise)
    draw = noise.random()
    level = "outputs" if draw < OUTPUTS else "answers" if draw < OUTPUTS + ANSWERS else "read"
    return data, other, names, level


def fault(data: bytes, other: bytes, chance: str, level: str) -> BaseException | None:
    """Return what is found at one input, None if nothing."""
    try:
        with limited(MOST_S), warnings.catch_warnings():
            warnings.simplefilter("error")
            checks.check(data, other, Random(f"{chance}:check"), level)
    except (Exception, SystemExit) as error:
        return error
    return None


def run(
    inputs: int,
    seeds: list[int],
    *,
    seconds: float | None = None,
    level: str | None = None,
    reduce_tries: int = 1500,
    told: Callable[[str], None] = lambda text: None,
) -> Session:
    """Check ``inputs`` inputs in all, spread over the seeds; stop early after ``seconds``, or at Ctrl-C."""
    session = Session()
    logs = real_logs()
    began = time.monotonic()
    for number in range(inputs):
        if seconds is not None and time.monotonic() - began > seconds:
            break
        chance = f"{seeds[number % len(seeds)]}:{number // len(seeds)}"
        try:
            one(session, chance, logs, level, reduce_tries, told)
        except KeyboardInterrupt:
            break
        if (number + 1) % 200 == 0:
            told(f"{number + 1:,} inputs, {time.monotonic() - began:,.0f} s, {len(session.finds)} kinds of finds")
    return session


def one(
    session: Session, chance: str, logs: list[Path], level: str | None, reduce_tries: int, told: Callable[[str], None]
) -> None:
    """Make and check one input, and reduce the first of a kind that shows a fault."""
    data, other, names, drawn = input_of(chance, logs, level)
    level = level or drawn
    started = time.process_time()
    error = fault(data, other, chance, level)
    spent = time.process_time() - started
    session.slowest = max(session.slowest, (spent, chance))
    session.inputs += 1
    session.bytes += len(data)
    session.levels[level] += 1
    if error is None:
        return
    kind = checks.signature(error)
    if kind in session.finds:
        session.finds[kind].count += 1
        return
    find = Find(kind, level, data, other, chance, str(error), names)
    session.finds[kind] = find
    told(f"find {chance} {kind}: {str(error)[:200]}")

    def shows(smaller: bytes) -> bool:
        again = fault(smaller, other, chance, level)
        return again is not None and checks.signature(again) == kind

    if reduce_tries and not isinstance(error, TooSlow) and shows(data):
        find.data = reduced(data, shows, reduce_tries)
    told(find.test())
