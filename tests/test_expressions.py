"""No expression of the package takes time that grows with the square of what a log, or a file beside it, may hold.

Not by the clock: each expression is run by a programme that counts its steps (`tests.backtracking`), on texts made of
its own parts again and again. Those of the grammar's messages are in `tests/grammar/test_linear.py`.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import trtlog
from tests.backtracking import Programme, TooMany, attacks
from tests.conftest import ROOT, each
from trtlog import grammar
from trtlog.analyses.lint import known_errors
from trtlog.cli import cli
from trtlog.source.forms import FORMS
from trtlog.source.forms.base import Sample
from trtlog.source.forms.judge import Judge

# Of so many characters, an expression that takes the square takes 1,024 steps a character and more.
SIZE, MOST_STEPS = 2048, 500
# These may take the square, for a reason.
BOUNDED = {
    r"\[\^?\]?[^]]*\]": "of the grammar's own files, when they are compiled",
    r"(\\.|\[(?:\\.|[^\]\\])+\])|\((?!\?)": "of the grammar's own expressions",
    r"(?<![A-Za-z0-9_<])[^\s\[\](){},<>]*[/.:][^\s\[\](){},<>]*[A-Za-z0-9_](?![A-Za-z0-9_])":
        "of 2,000 characters of an unknown line",
    r"(?:^|,)\s*('[^']*'|[^,:']+):([^,]*)": "of what stands on the command line of sweep",
}  # fmt: skip
FUNCTIONS = ("compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
ANCHORED = {"match", "fullmatch"}


def trees():
    for path in sorted((ROOT / "trtlog").rglob("*.py")):
        if path.parts[-2] not in ("docs", "testing"):  # of pages and tests, not of logs
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def methods(tree):
    """Return the attributes that are asked of each name."""
    used = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used.setdefault(node.value.id, set()).add(node.attr)
    return used


def how_used(asked):
    """Return how an expression is used whose methods are these; of an unknown one all matches are sought."""
    return "match" if asked and asked <= ANCHORED else "scan"


def value_of(node, default):
    try:
        return eval(compile(ast.Expression(node), "", "eval"), {"re": re})
    except NameError:
        return default


def written():
    """Give the expressions that stand in the package as they are, with flags and how they are used."""
    for path, tree in trees():
        used, named = methods(tree), {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                named[id(node.value)] = used.get(node.targets[0].id, set())
        for node in ast.walk(tree):
            name = called(node)
            if name is None or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            place = 1 if name == "compile" else 2
            flags = [k.value for k in node.keywords if k.arg == "flags"] or node.args[place : place + 1]
            how = how_used(named.get(id(node), set()) if name == "compile" else {name})
            flag = value_of(flags[0], 0) if flags and name not in ("sub", "subn", "split") else 0
            yield f"{path.stem}:{node.lineno}", node.args[0].value, int(flag), how


def called(node):
    """Return the function of ``re`` that a call is of."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name) and node.func.id == "expression":
        return "compile"
    of_re = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", None) == "re"
    return node.func.attr if of_re and node.func.attr in FUNCTIONS else None


def lazy(value):
    """Give the expressions in a value of a module."""
    if type(value).__name__ == "expression":
        yield value._given
    elif isinstance(value, re.Pattern):
        yield value.pattern, value.flags
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from lazy(item)
    elif isinstance(value, dict):
        yield from lazy([*value.values()])
    elif isinstance(value, type) and value.__module__.startswith("trtlog."):
        yield from lazy([item for name, item in vars(value).items() if not name.startswith("__")])


def made():
    """Give the expressions that modules make when they are imported, of text in parts too."""
    for found in pkgutil.walk_packages(trtlog.__path__, "trtlog."):
        if not found.name.startswith(("trtlog.docs", "trtlog.testing")) and not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            used = methods(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
            for name, value in vars(module).items():
                for given in lazy(value):
                    flags = int(given[1] if len(given) > 1 else 0)
                    yield f"{found.name}.{name}", given[0], flags, how_used(used.get(name, set()))
    for word, meaning in (*known_errors.KNOWN, *known_errors.IN_MODEL):
        yield f"known error {meaning[:20]}", word, 0, "scan"
    for word in (*known_errors.RESULTS, *known_errors.HARMLESS):
        yield "known error", word, 0, "scan"
    for message in grammar.load().headers.values():
        for variant in message.variants:
            yield f"header {message.kind}", variant.regex.encode(), 0, "match"


def put_together(monkeypatch):
    """Return the expressions that forms and commands make while they run; forms look at beginnings of lines."""
    found = {}
    inner = re._compile

    def noted(pattern, flags):
        asked, asker = sys._getframe(1), sys._getframe(2)
        if not isinstance(pattern, re.Pattern) and asker.f_globals["__name__"].startswith("trtlog."):
            form = asked.f_code.co_name == "compile" and not flags and "forms" in asker.f_globals["__name__"]
            found[pattern, int(flags), "match" if form else how_used({asked.f_code.co_name})] = None
        return inner(pattern, flags)

    monkeypatch.setattr(re, "_compile", noted)
    for form in FORMS:
        for text, _ in form.samples:
            sample = Sample(text.split(b"\n"), Judge.of_grammar())
            for undo in form.find(sample):
                sample.undone(undo)
    log = str(ROOT / "fixtures" / "trt-8.5.3-h200" / "lstm_verbose.log.gz")
    for command in (["summary", log], ["lint", log], ["report", log, "-o", "-"], ["diff", log, log], ["unknown", log]):
        assert CliRunner().invoke(cli, command).exit_code == 0
    monkeypatch.undo()
    return [*found]


def slow_text(pattern, flags, how):
    """Return a text on which an expression takes the square of its length; None for none."""
    programme = Programme(pattern, flags)
    for text in attacks(programme, SIZE):
        try:
            programme.steps(text, how, MOST_STEPS * SIZE)
        except TooMany:
            return text
    return None


def odd(found):
    """Return what takes the square, without those that are bounded."""
    seen, slow = set(), []
    rules = {variant.regex.encode() for variant in grammar.load().variants}
    for place, pattern, flags, how in each(found):
        if (pattern, flags) in seen or pattern in BOUNDED or pattern in rules:
            continue
        seen.add((pattern, flags))
        text = slow_text(pattern, flags, how)
        if text is not None:
            slow.append((place, pattern, f"{text[:40]!r} .. {text[-5:]!r}"))
    return slow


@pytest.mark.slow
def test_expressions_that_are_written():
    found = list(written())
    assert len(found) > 200
    assert odd(found) == []


@pytest.mark.slow
def test_expressions_of_modules_and_headers():
    as_written = {pattern for _, pattern, _, _ in written()}
    found = [one for one in made() if one[1] not in as_written]
    assert len(found) > 50
    assert odd(found) == []


@pytest.mark.slow
def test_expressions_that_are_put_together(monkeypatch):
    known = {pattern for _, pattern, _, _ in (*written(), *made())}
    found = [("put together", *one) for one in put_together(monkeypatch) if one[0] not in known]
    assert odd(found) == []


def test_what_is_excused_is_there():
    there = {pattern for _, pattern, _, _ in written()}
    assert set(BOUNDED) <= there


SHAPES = [
    (r"a+b", "aaaab xab", "scan"),
    (r"(?:ab|a)*c?", "ababaac", "match"),
    (r"(\w+) (?=x)|[^ ]{2,3}?y", "foo x bary", "scan"),
    (r"^(?i:X)?[a-c]{2}$", "xab\n", "match"),
    (r"(?<![0-9])[0-9]+(?:\.[0-9]*)?%", "12.5% 7% 1.2.3%", "scan"),
    (r"(?m)^\s*b|\bq\b", " b\nq b\n  b", "scan"),
    (rb"\xff?(?:a{1,3}){2,9}", "\xffaaaaaaaa", "match"),
]


@pytest.mark.parametrize(("pattern", "text", "how"), SHAPES)
def test_the_programme_finds_what_re_finds(pattern, text, how):
    inner = re.compile(pattern)
    given = text.encode("latin-1") if isinstance(pattern, bytes) else text
    matches = inner.finditer(given) if how == "scan" else [inner.match(given)]
    expected = [found.span() for found in matches if found is not None and found.end() > found.start()]
    found = [span for span in Programme(pattern).steps(text, how, 10_000)[1] if span[1] > span[0]]
    assert found == expected


@pytest.mark.parametrize(
    "pattern", [r"a+b", r" +In", r"\s*,?\s*x", r"(?:\t|\s?\t)+$", r"(.+?)\|(.*?)>>", r"[0-9]+\.?[0-9]*x"]
)
def test_expressions_that_take_the_square_are_found(pattern):
    assert slow_text(pattern, 0, "scan") is not None


@pytest.mark.parametrize("pattern", [r"(?<!a)a+b", r"a{1,80}b", r"\[[0-9]{2}:[0-9]{2}\] (.*)"])
def test_expressions_that_do_not_are_not(pattern):
    assert slow_text(pattern, 0, "scan") is None


def test_a_prefix_of_tabs_is_cut_at_once():
    """The expression that took the blanks off a prefix doubled its time with each tab of it."""
    line = b"a" + b"\t" * 60 + b"b [11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n"
    log = trtlog.parse(line * 60)
    assert log.table("passes").num_rows == 60
    assert "in front of each line was cut off" in log.notes[0]
