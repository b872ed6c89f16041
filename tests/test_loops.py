"""No assertion of the tests stands in a loop that may run over nothing, where it would hold whatever happens.

A loop that asserts, and an ``assert all(...)``, runs over what is written out beside it or over `each`, which fails
where there is nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT, each

# What gives as many items as its first argument has.
AS_MANY = {"enumerate", "list", "reversed", "sorted", "tuple", "zip"}
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def written_out(node: ast.expr) -> bool:
    """Return whether an expression has items for certain, by what is written."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(not isinstance(item, ast.Starred) or written_out(item.value) for item in node.elts)
    if isinstance(node, ast.Dict):
        return bool(node.keys)
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in ("items", "keys", "values") and written_out(node.func.value)
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "range":
        return all(isinstance(bound, ast.Constant) for bound in node.args) and bool(eval(ast.unparse(node)))
    return name == "each" or (name in AS_MANY and bool(node.args) and written_out(node.args[0]))


def loops(tree: ast.AST) -> Iterator[ast.expr]:
    """Give what loops with assertions run over, `all` without a condition of its own among them."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.AsyncFor)):
            if any(isinstance(inner, ast.Assert) for part in node.body for inner in ast.walk(part)):
                yield node.iter
        elif isinstance(node, ast.Assert):
            calls = [call for call in ast.walk(node.test) if isinstance(call, ast.Call) and call.args]
            for call in calls:
                if isinstance(call.func, ast.Name) and call.func.id == "all":
                    taken = call.args[0]
                    if isinstance(taken, ast.GeneratorExp) and not taken.generators[0].ifs:
                        yield taken.generators[0].iter


@pytest.mark.parametrize("text", [
    "for x in found:\n    assert x",
    "for x in found:\n    for y in (1, 2):\n        assert y",
    "for x in range(3, 3):\n    assert x",
    "for x, y in zip(found, (1, 2), strict=False):\n    assert x",
    "assert all(x for x in found)",
])  # fmt: skip
def test_a_loop_that_may_be_empty_is_seen(text):
    assert not all(map(written_out, loops(ast.parse(text))))


@pytest.mark.parametrize("text", [
    "for x in (1, *found):\n    assert x",
    "for x in {'a': 1}.items():\n    assert x",
    "for n, x in enumerate(each(found)):\n    assert x",
    "for x in range(3):\n    assert x",
    "for x in found:\n    print(x)",
    "assert all(x for x in each(found))",
])  # fmt: skip
def test_a_loop_that_has_items_is_not(text):
    assert all(map(written_out, loops(ast.parse(text))))


def test_each_fails_where_there_is_nothing():
    assert list(each([1, 2])) == [1, 2]
    with pytest.raises(AssertionError, match="nothing to look at"):
        list(each([]))


def test_no_test_asserts_in_a_loop_over_nothing():
    found = [
        f"{path.relative_to(ROOT)}:{over.lineno}: {ast.unparse(over)}"
        for path in TESTS
        for over in loops(ast.parse(path.read_text(encoding="utf-8")))
        if not written_out(over)
    ]
    assert found == [], "loop over each(...), or over what is written out"
    assert len(TESTS) > 100
