"""Expressions that are compiled when they are needed: all of them can be."""

from __future__ import annotations

import copy
import importlib
import pickle
import re

import pytest

from tests.conftest import each
from tests.test_imports import MODULES
from trtlog._util.expression import expression


def expressions():
    for name in MODULES:
        if not name.endswith("__main__"):
            for attribute, value in vars(importlib.import_module(name)).items():
                if isinstance(value, expression):
                    yield f"{name}.{attribute}", value


def test_each_is_right():
    found = dict(expressions())
    assert len(found) > 150
    for name, value in each(found.items()):
        assert isinstance(value.fullmatch, type(re.compile("").fullmatch)), name


def test_it_is_what_re_compiles():
    ours, theirs = expression("(?P<a>A)b", re.IGNORECASE), re.compile("(?P<a>A)b", re.IGNORECASE)
    for name in ("pattern", "flags", "groups", "groupindex"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.sub(r"\g<a>", "xabx") == "xax"
    for copied in (copy.copy(ours), pickle.loads(pickle.dumps(ours))):
        assert copied.findall("AB ab") == ["A", "a"]
    with pytest.raises(AttributeError):
        ours.nothing  # noqa: B018 - the access is what is tested


def test_a_wrong_one_says_so_when_it_is_used():
    wrong = expression("(")
    with pytest.raises(re.error):
        wrong.match("")
