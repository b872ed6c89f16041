"""No assertion of the tests stands in a loop that may run over nothing, where it would hold whatever happens.

A loop that asserts, and an ``assert all(...)``, runs over what is written out beside it or over `each`, which fails
where there is nothing. Nor does one assert of some items alone, chosen by an ``if`` in it, without counting them: it
runs over `each` of those.
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
                    if isinstance(taken, ast.GeneratorExp):
                        first = taken.generators[0]
                        yield taken if first.ifs else first.iter


def asserts(part: ast.AST) -> bool:
    """Return whether a statement asserts something, in what it holds too."""
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises")
        for node in ast.walk(part)
    )


def always_asserts(body: list[ast.stmt]) -> bool:
    """Return whether statements assert something whichever way they are gone through."""
    for part in body:
        if isinstance(part, ast.If):
            if always_asserts(part.body) and always_asserts(part.orelse):
                return True
            ends = any(isinstance(node, (ast.Continue, ast.Break, ast.Return)) for node in ast.walk(part))
            if ends and not always_asserts(part.body):
                return False
        elif isinstance(part, (ast.With, ast.Try)):
            if always_asserts(part.body) or (isinstance(part, ast.With) and asserts(part.items[0].context_expr)):
                return True
        elif asserts(part):
            return True
    return False


def choosing(tree: ast.AST) -> Iterator[ast.For]:
    """Give loops that assert something of some items alone, and count nothing that is looked at later."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for loop in ast.walk(function):
            if not isinstance(loop, ast.For) or not asserts(ast.Module(loop.body, [])) or always_asserts(loop.body):
                continue
            counted = {ast.unparse(node.target) for node in ast.walk(loop) if isinstance(node, ast.AugAssign)}
            later = [part for part in ast.walk(function) if isinstance(part, (ast.Assert, ast.Return))]
            asked = [node for part in later if part.lineno > loop.lineno for node in ast.walk(part)]
            if not counted & {node.id for node in asked if isinstance(node, ast.Name)}:
                yield loop


@pytest.mark.parametrize("text", [
    "for x in found:\n    assert x",
    "for x in found:\n    for y in (1, 2):\n        assert y",
    "for x in range(3, 3):\n    assert x",
    "for x, y in zip(found, (1, 2), strict=False):\n    assert x",
    "assert all(x for x in found)",
    "assert all(x for x in each(found) if x.right)",
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


@pytest.mark.parametrize(("body", "chooses"), [
    ("if x:\n            assert x > 1", True),
    ("if x:\n            continue\n        assert x", True),
    ("if x:\n            continue\n        with pytest.raises(E):\n            f(x)", True),
    ("if x:\n            assert x\n        else:\n            assert not x", False),
    ("if x:\n            assert x\n            continue\n        assert not x", False),
    ("if x:\n            assert x\n            count += 1\n    assert count", False),
    ("if x:\n            y = 1\n        assert x", False),
    ("print(x)", False),
])  # fmt: skip
def test_a_loop_that_chooses_is_seen(body, chooses):
    text = f"def test():\n    count = 0\n    for x in each(found):\n        {body}"
    assert bool(list(choosing(ast.parse(text)))) == chooses


def test_each_fails_where_there_is_nothing():
    assert list(each([1, 2])) == [1, 2]
    with pytest.raises(AssertionError, match="nothing to look at"):
        list(each([]))


def test_no_test_asserts_in_a_loop_over_nothing():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in TESTS}
    found = [
        f"{path.relative_to(ROOT)}:{over.lineno}: {ast.unparse(over)}"
        for path, tree in trees.items()
        for over in loops(tree)
        if not written_out(over)
    ]
    assert found == [], "loop over each(...), or over what is written out"
    found = [
        f"{path.relative_to(ROOT)}:{loop.lineno}: {ast.unparse(loop.iter)}"
        for path, tree in trees.items()
        for loop in choosing(tree)
    ]
    assert found == [], "loop over each([... if ...]), or count what is looked at and assert the count"
    assert len(TESTS) > 100
