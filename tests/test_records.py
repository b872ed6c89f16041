"""Records are plain frozen dataclasses for whoever uses them, although each becomes one only when it is asked."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys

import pytest

from tests.conftest import each
from trtlog.records import TABLES, Column, Pass, Record

# Ways to look at a class that has not been looked at, and what they give.
LOOKS = {
    "dataclasses.is_dataclass(Pass)": "True",
    "[f.name for f in dataclasses.fields(Pass)]": "['run', 'line', 'name', 'layers', 'engine']",
    "Pass.__match_args__": "('run', 'line', 'name', 'layers', 'engine')",
    "list(inspect.signature(Pass).parameters)": "['run', 'line', 'name', 'layers', 'engine']",
    "Pass(1, name='x')": "Pass(run=1, line=None, name='x', layers=None, engine=None)",
    "Pass(1) == Pass(1), Pass(1) == Pass(2), hash(Pass(1)) == hash(Pass(1))": "True False True",
    "dataclasses.asdict(Pass(1, 2))": "{'run': 1, 'line': 2, 'name': None, 'layers': None, 'engine': None}",
    "pickle.loads(pickle.dumps(Pass(1, 2)))": "Pass(run=1, line=2, name=None, layers=None, engine=None)",
    # An instance from another process, where the class was looked at.
    r"pickle.loads(b'\x80\x04\x95.\x00\x00\x00\x00\x00\x00\x00\x8c\x14trtlog.records.graph\x94"
    r"\x8c\x04Pass\x94\x93\x94)\x81\x94}\x94"
    r"\x8c\x03run\x94K\x01sb.')": "Pass(run=1, line=None, name=None, layers=None, engine=None)",
    "list(Pass.columns())": "['run', 'line', 'name', 'layers', 'engine']",
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_class_that_was_not_looked_at(look):
    code = f"import dataclasses, inspect, pickle\nfrom trtlog.records import Pass\nprint({look})"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == LOOKS[look]


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Pass(1).run = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        Pass(nothing=1)


def test_the_base_is_no_dataclass():
    assert not dataclasses.is_dataclass(Record)


def test_columns_are_the_fields_of_the_class():
    for table, record in each(TABLES.items()):
        fields = dataclasses.fields(record)
        assert list(record.columns()) == [f.name for f in fields] == list(inspect.signature(record).parameters), table
        assert record.columns() == {f.name: f.metadata["column"] for f in fields}
        assert all(isinstance(column, Column) for column in each(record.columns().values()))


def test_a_record_of_ones_own():
    """With the standard decorator, and derived from another record."""

    @dataclasses.dataclass(frozen=True)
    class Own(Pass):
        more: int = 0

    class Derived(Pass):
        pass

    assert Own(1, 2, "x", 3, 0, 4) == Own(1, 2, "x", 3, 0, more=4)
    assert Derived(1, 2).line == 2
    assert Derived(1, 2) != Pass(1, 2)
