"""Some mutated logs through everything; ``python -m tests.fuzz`` takes as many as one likes.

The suite takes the same inputs each time, so that a change fails for what it did; inputs that nobody has seen are for
the slow tests. A find is printed with the numbers that make it again.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from tests.fuzz import checks, session
from tests.fuzz.mutations import MUTATIONS, mutated
from tests.fuzz.reduce import reduced

_SEED = 1


def test_mutated_logs():
    fails_with_its_numbers(session.run(200, [_SEED], reduce_tries=200))


@pytest.mark.slow
def test_mutated_logs_that_nobody_has_seen():
    seed = int(os.environ.get("TRTLOG_FUZZ_SEED", Random().randrange(1_000_000)))
    fails_with_its_numbers(session.run(100_000, [seed], seconds=300, reduce_tries=200))


def fails_with_its_numbers(done):
    """Fail where something was found, with the command that makes it again."""
    assert done.inputs >= 200
    if done.finds:
        finds = "\n\n".join(f"python -m tests.fuzz --only {f.chance}\n{f.test()}" for f in done.finds.values())
        pytest.fail(f"{len(done.finds)} kinds of finds\n{finds}", pytrace=False)


# ------------------------------------------------------------------ the fuzzer itself: it finds what is there


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_each_mutation_changes_a_log(name):
    data = b"".join(b"[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x%x Time: %d.5\n" % (n, n) for n in range(40))
    assert any(MUTATIONS[name](data, Random(seed), b"[V] another log\n" * 40) != data for seed in range(20))


def test_an_input_comes_again_by_its_numbers():
    assert session.input_of("3:4", []) == session.input_of("3:4", [])
    assert session.input_of("3:4", []) != session.input_of("3:5", [])
    assert {session.input_of(f"3:{number}", [], "forms")[3] for number in range(20)} == {"forms"}
    assert mutated(b"a\n", b"b\n", Random(1)) == mutated(b"a\n", b"b\n", Random(1))


def test_a_fault_is_found_reduced_and_printed_as_a_test(monkeypatch):
    def read(data, noise, made):
        if b"Tactic: 0x3" in data and b"Layer" in data:
            raise KeyError("three")

    monkeypatch.setattr(checks, "read", read)
    data = b"[V] one\n[V] Layer\n" + b"[V] x\n" * 50 + b"[V] Tactic: 0x3 Time: 1\n[V] y\n"
    monkeypatch.setattr(session, "input_of", lambda chance, logs, level: (data, b"", ["torn"], "read"))
    done = session.run(3, [1])
    (find,) = done.finds.values()
    assert find.count == 3
    assert find.data == b"LayerTactic: 0x3"
    assert "def test_" in find.test()


def test_what_takes_too_long_is_a_find(monkeypatch):
    def read(data, noise, made):
        while True:
            pass

    monkeypatch.setattr(checks, "read", read)
    monkeypatch.setattr(session, "MOST_S", 0.2)
    assert isinstance(session.fault(b"", b"", "1:1", "read"), session.TooSlow)


def test_delta_debugging_keeps_what_shows_the_fault():
    data = b"".join(b"line %d\n" % n for n in range(100))
    assert reduced(data, lambda d: b"line 7\n" in d and b"line 93" in d) == b"line 7\nline 93"
