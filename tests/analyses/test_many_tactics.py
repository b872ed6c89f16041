"""Answers about very many tactics are those about few: rows are places in columns there, and dictionaries here."""

from __future__ import annotations

import pytest

import trtlog
from tests.conftest import each, parsed_once
from trtlog._util import rows
from trtlog.analyses.layer import engine_layer, timed, timings
from trtlog.analyses.registry import table_names
from trtlog.errors import TrtlogError

TACTICS = ("candidates", "margins", "best", "winners", "passed_over", "close_calls", "flip_risk", "repeats",
           "precision", "what_if", "layer_times", "reformat_costs", "findings")  # fmt: skip


def answers(log):
    log = log.runs[0]
    found = {}
    for name in table_names():
        try:
            found[name] = log.table(name).to_pylist()
        except TrtlogError as error:
            found[name] = str(error)
    for option in ("format", "precision"):
        found[f"best by {option}"] = log.analyze.table("best", by=option).to_pylist()
    for option in ("family", "precision"):
        found[f"winners by {option}"] = log.analyze.table("winners", by=option).to_pylist()
    layer = next(iter(log.table("timings").column("layer").to_pylist()), None)
    found["candidates of a layer"] = log.analyze.table("candidates", layer=layer).to_pylist()
    found["all close calls"] = log.analyze.table("close_calls", engine_only=False).to_pylist()
    return found


def many(monkeypatch, at_once=7):
    for module in (timed, timings, engine_layer):
        monkeypatch.setattr(module, "MOST_KEPT", 0)
    monkeypatch.setattr(timed, "_AT_ONCE", at_once)
    monkeypatch.setattr(timings, "AT_ONCE", at_once)
    monkeypatch.setattr(rows, "AT_ONCE", at_once // 2)


# The long log in more rows at once, which are many pieces all the same.
@pytest.mark.parametrize(
    ("name", "at_once"), [("lstm_verbose", 7), ("mobilenet_fp16_verbose", 101), ("unet_smallws_verbose", 7)]
)
def test_all_answers_are_the_same(name, at_once, fixtures, monkeypatch):
    path = fixtures / "trt-8.5.3-h200" / f"{name}.log.gz"
    few = answers(parsed_once(path))
    assert sum(bool(few[table]) for table in TACTICS) > 6
    many(monkeypatch, at_once)
    found = answers(trtlog.parse(path))  # anew: a log keeps its answers
    for table in each(sorted(few)):
        assert repr(found[table]) == repr(few[table]), table


def test_a_row_of_many_is_a_row_of_few(fixtures, monkeypatch):
    log = trtlog.parse(fixtures / "trt-8.5.3-h200" / "mobilenet_fp16_verbose.log.gz")
    table = timed.with_left_out(log.table("tactics"), log.table("timings"))
    few = list(timed.TimedTactics(table))
    assert all(type(row) is dict for row in each(few))
    many(monkeypatch)
    found = timed.TimedTactics(table)
    assert len(found) == len(few) > 100
    assert [dict(row) for row in found] == few
    assert dict(found[-1]) == few[-1]
    assert [dict(row) for row in found[3:9:2]] == few[3:9:2]
    with pytest.raises(IndexError):
        found[len(few)]


def test_rows_of_a_table_are_as_its_list(fixtures, monkeypatch):
    table = trtlog.parse(fixtures / "trt-8.5.3-h200" / "mobilenet_fp16_verbose.log.gz").table("timings")
    monkeypatch.setattr(rows, "AT_ONCE", 3)
    found, whole = rows.table_rows(table), table.to_pylist()
    assert len(found) == len(whole) > 10
    assert list(found) == list(found) == whole
    assert [found[place] for place in (0, -1, 4)] == [whole[0], whole[-1], whole[4]]
    assert found[2:8:3] == whole[2:8:3]
    with pytest.raises(IndexError):
        found[len(whole)]
