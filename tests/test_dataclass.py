"""Dataclasses of our own making are those of the standard library, at a part of the cost."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle

import pytest

from tests.conftest import each
from tests.test_imports import MODULES
from trtlog._util.dataclass import dataclass
from trtlog.records.base import Record


def declared(make):
    """Return classes of all that a field can say, made by ``make``."""

    @make(frozen=True)
    class Base:
        """A base."""

        other: dict[str, int] = dataclasses.field(default_factory=dict, kw_only=True)

    @make(frozen=True)
    class Frozen(Base):
        """All kinds of fields."""

        name: str
        values: tuple[int, ...] = ()
        made: list[int] = dataclasses.field(default_factory=list, compare=False, repr=False)

    @make
    class Open:
        """One that can be changed."""

        one: int = 1

    return Frozen, Open


@pytest.fixture(params=[dataclass, dataclasses.dataclass], ids=["own", "standard"])
def classes(request):
    return declared(request.param)


def test_it_is_a_dataclass(classes):
    frozen, open_ = classes
    made = frozen("a", (1,), other={"b": 2})
    assert repr(made).endswith("Frozen(other={'b': 2}, name='a', values=(1,))")
    assert repr(open_()).endswith("Open(one=1)")
    assert made == frozen("a", (1,), [3], other={"b": 2})
    assert made != frozen("a", (2,), other={"b": 2})
    assert made != open_()
    assert open_.__hash__ is None
    assert [field.name for field in dataclasses.fields(frozen)] == ["other", "name", "values", "made"]
    assert dataclasses.replace(made, name="c").name == "c"
    assert dataclasses.asdict(made) == {"other": {"b": 2}, "name": "a", "values": (1,), "made": []}
    assert frozen("a").made is not frozen("a").made
    assert copy.copy(made) == copy.deepcopy(made) == made
    assert frozen.__match_args__ == ("name", "values", "made")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        frozen()
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        made.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del made.name
    changed = open_()
    changed.one = 2
    assert changed == open_(2)
    assert str(inspect.signature(frozen)) == (
        "(name: 'str', values: 'tuple[int, ...]' = (), made: 'list[int]' = <factory>, "
        "*, other: 'dict[str, int]' = <factory>) -> None"
    )


@pytest.mark.parametrize("make", [dataclass, dataclasses.dataclass])
def test_one_field_is_hashed_as_a_tuple_of_one(make):
    one = make(frozen=True)(type("One", (), {"__doc__": "One.", "__annotations__": {"value": "float"}}))
    nan = float("nan")
    assert hash(one(1.0)) == hash((1.0,))
    assert one(nan) == one(nan)


def own_dataclasses():
    for name in MODULES:
        if not name.endswith("__main__"):
            for value in vars(importlib.import_module(name)).values():
                if isinstance(value, type) and value.__module__ == name and dataclasses.is_dataclass(value):
                    yield value


def test_all_of_ours_have_the_signature_and_defaults_of_the_standard_ones():
    """A second class of the same declarations, made by the standard library."""
    found = [cls for cls in own_dataclasses() if not issubclass(cls, Record)]
    assert len(found) > 100
    for cls in each(found):
        fields = dataclasses.fields(cls)
        items = [(f.name, f.type, copy_of(f)) for f in fields]
        standard = dataclasses.make_dataclass(cls.__name__, items, eq=False, repr=False)
        assert str(inspect.signature(cls)) == str(inspect.signature(standard))
        assert cls.__match_args__ == standard.__match_args__


def copy_of(field):
    default = {name: getattr(field, name) for name in ("default", "default_factory")}
    return dataclasses.field(**default, kw_only=field.kw_only)


def test_what_a_process_is_given_is_whole():
    """An instance that another process made compares, prints and refuses changes."""
    from trtlog.report.sentences import Span

    given = pickle.loads(pickle.dumps(Span("a", "strong")))
    assert given == Span("a", "strong")
    assert {given: 1}[Span("a", "strong")] == 1


def test_the_signature_is_there_before_the_first_instance_and_a_class_below_may_call_what_makes_it():
    frozen, _ = declared(dataclass)

    class Below(frozen):
        def __init__(self):
            super().__init__("a", (1,))

    assert repr(Below()).endswith("Below(other={}, name='a', values=(1,))")
    assert Below() != frozen("a", (1,))
    assert str(inspect.signature(declared(dataclass)[1].__init__)) == "(self, one: 'int' = 1) -> None"


def test_no_module_declares_the_dear_ones():
    found = [
        name
        for name, path in MODULES.items()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("from dataclasses import") and "dataclass" in line.removeprefix("from dataclasses").split()
    ]
    assert found == []
