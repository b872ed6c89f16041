"""The loop in C beside the one in Python, rule by rule; its programme; what happens where it is missing or damaged."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import gzip
import itertools
import pickle
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from unittest.mock import ANY

import pytest

import trtlog
from tests import warm
from tests.conftest import BUILD, ROOT, each
from tests.fuzz import material, session
from tests.test_engines import RULES, SAMPLES, assert_same, feed_at, in_c, in_python
from trtlog import grammar
from trtlog.engines import library as native
from trtlog.engines.line import LineEngine
from trtlog.engines.native_match import NativeIndex, fastest_matcher
from trtlog.grammar import Message, Variant, programme_file
from trtlog.grammar.programme import UNKNOWN, make_programme
from trtlog.messages.match import Matcher
from trtlog.messages.together import taken_out

MATCHER = Matcher(RULES)
NUMBERS = itertools.count()
V = b"[11/22/2026-13:22:03] [V] [TRT] "


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Programmes of the grammars that are made here are not kept among the user's files."""
    monkeypatch.setattr("trtlog.grammar.plugins.cache_folder", lambda: tmp_path / "cache")


# ------------------------------------------------------------------------------------------ rule by rule
def bodies_for(index: int, chance: random.Random, size: int = 24) -> list[bytes]:
    """Return bodies that a rule may match: made of its literals and of pieces of samples, literals among them."""
    variant = MATCHER.variants[index]
    expression, prefix = re.compile(variant.regex.encode()), variant.prefix.encode()
    fitting = [s for s in SAMPLES if s.startswith(prefix) and expression.fullmatch(s)]
    words = [w for s in chance.sample(SAMPLES, 20) for w in s.split(b" ")] + [t.encode() for t in variant.literals]
    out = list(fitting)
    while len(out) < size:
        pieces = []
        for part in variant.parts:
            if part[0] == "text":
                pieces.append(part[1].encode())
            elif chance.random() < 0.6 and fitting:
                groups = [g for g in expression.fullmatch(chance.choice(fitting)).groups() if g]
                pieces.append(chance.choice(groups or [b"x"]))
            else:
                pieces.append(chance.choice([b" ", b""]).join(chance.choices(words, k=chance.randint(1, 4))))
        out.append(b"".join(pieces))
    return out


@pytest.mark.parametrize("first", range(0, len(MATCHER.variants), 100))
def test_a_rule_matches_what_its_expression_matches(first):
    chance = random.Random(first)
    bodies = [b for n in range(first, min(first + 100, len(MATCHER.variants))) for b in bodies_for(n, chance)]
    headers = [V, V, b"[11/22/2026-13:22:03] [I] ", b"[I] [TRT] ", b""]
    data = b"".join(chance.choice(headers) + body.replace(b"\n", b"") + b"\n" for body in bodies)
    assert_same(feed_at(in_python(), data, []), feed_at(in_c(), data, []), tables=False)


def test_single_bodies_are_matched_as_by_expressions():
    if native.library() is None:
        pytest.skip("the scanner in C could not be built: no compiler")
    own, chance = fastest_matcher(RULES), random.Random(5)
    bodies = [body for n in range(0, len(MATCHER.variants), 9) for body in bodies_for(n, chance, 6)]
    bodies += [b"", b" ", b"Tactic: 0x0 Time: 1\0", b"Layer " + 70_000 * b"x", *chance.sample(SAMPLES, 300)]
    counts = Counter()
    for name, index in each(MATCHER.sets.items()):
        assert isinstance(own.sets[name], NativeIndex)
        for body in each(bodies):
            found = index.search(body)
            assert own.sets[name].search(body) == found, (name, body)
            counts[found is None] += 1
    assert min(counts.values()) > 1000


# A twentieth of the rules, among which those of a test stand: to make a programme of all takes long.
SOME = dict(list(RULES.messages.items())[::20])


def with_rules(**patterns: str) -> grammar.Grammar:
    """Return some of the grammar with rules ``name: "Own name " FIELD " end"``, whose field has a pattern."""
    own = {}
    for name, pattern in patterns.items():
        parts = (("text", f"Own {name} "), ("field", "layer", pattern), ("text", " end"))
        own[name] = Message(name, "", {}, "own.lark", 1, (Variant(name, name, parts),))
    return dataclasses.replace(RULES, digest=f"own {next(NUMBERS)}", messages={**own, **SOME}, _made={})


def both(rules: grammar.Grammar, bodies: list[bytes]) -> dict[str, list[int]]:
    """Return the counts of bodies, of which both loops say the same."""
    if native.library() is None:
        pytest.skip("the scanner in C could not be built: no compiler")
    data = b"".join(V + body + b"\n" for body in bodies)
    found = []
    for use in (False, True):
        engine = LineEngine(rules, native=use)
        engine.feed(data, 1)
        found.append(engine.finish())
    assert found[0].counts == found[1].counts
    kinds = found[0].counts.keys() & rules.messages.keys()
    assert {kind: found[0].rows(kind) for kind in kinds} == {kind: found[1].rows(kind) for kind in kinds}
    return found[1].counts


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("(?:ab|a)(?:b|c)?", [b"ab", b"abb", b"a", b"ac", b"abc", b"acb"]),
        ("(?:[a-z]+,)*[a-z]+", [b"a", b"a,b", b"a,", b",a", b",".join([b"abc"] * 900)]),
        ("(?:a*)*b", [b"b", b"aaab", b"a" * 18]),
        ("[^,]{2,3}", [b"x", b"xy", b"xyz", b"wxyz", b" e", b"end"]),
        ("(?:x y?){1,2}z?", [b"x ", b"x yx z", b"x x ", b"x yx yx y", b"z"]),
        ("(?:a|aa)+", [b"a" * 30, b"a" * 24 + b"b"]),
        (".+", [b"end", b" end", b"end end end", b" ", b""]),
        ("[0-9]+(?:[.][0-9]+)?(?:e[+-]?[0-9]+)?", [b"1", b"1.5", b"1.", b"1.2.3", b"1e5", b"1e", b".5"]),
    ],
)
def test_choices_are_tried_in_the_order_of_re(pattern, values):
    counts = both(with_rules(own_rule=pattern), [b"Own own_rule " + value + b" end" for value in values])
    expected = sum(re.fullmatch(f"Own own_rule {pattern} end".encode(), b"Own own_rule %b end" % v) is not None
                   for v in values)  # fmt: skip
    assert counts.get("own_rule", [0])[0] == expected


@pytest.mark.parametrize("text", [" sixth", " seven.", " (as long as you like) "])
def test_the_literal_of_a_rule_is_found_wherever_it_stands(text, monkeypatch):
    parts = (("field", "layer", "[^ ]+"), ("text", text), ("field", "runner", "[0-9]*"))
    own = {"own_rule": Message("own_rule", "", {}, "own.lark", 1, (Variant("own_rule", "own_rule", parts),))}
    rules = dataclasses.replace(RULES, digest=f"own {next(NUMBERS)}", messages={**own, **SOME}, _made={})
    bodies = [b"l" * before + text.encode() + b"1" * behind for before in range(10) for behind in range(10)]
    fitting = [body for body in bodies if not body.startswith(b" ")]
    assert both(rules, bodies + [body[: body.index(b" ") + 3] for body in fitting])["own_rule"][0] == len(fitting)
    left = []  # to Python, which finds what the scanner does not
    take = LineEngine.take
    monkeypatch.setattr(LineEngine, "take", lambda engine, line, *rest: left.append(line) or take(engine, line, *rest))
    LineEngine(rules).feed(b"".join(V + body + b"\n" for body in fitting), 1)
    assert left == [1]  # whose header the scanner did not know


@pytest.mark.parametrize("pattern", ["[a-z]+?x?", "(?i:ab)", "(?:[a-c]{20}){4000}"])
def test_what_has_no_instruction_is_left_to_re(pattern):
    rules = with_rules(own_rule=pattern)
    programme = make_programme(rules)
    code = memoryview(programme.variants).cast("i")[0]
    assert memoryview(programme.words).cast("i")[code] == UNKNOWN
    bodies = [b"Own own_rule ab end", b"Own own_rule 1 end", b"Original: 9 layers"]
    fitting = sum(re.fullmatch(f"Own own_rule (?:{pattern}) end".encode(), body) is not None for body in bodies)
    assert both(rules, bodies).get("own_rule", [0])[0] == fitting


def test_a_body_that_is_worth_too_much_work_is_left_to_re():
    rules = with_rules(own_rule=".+ .+ .+ .+ x")
    counts = both(rules, [b"Own own_rule " + b" ".join([b"y"] * 40) + end for end in (b" x end", b" y end")])
    assert counts["own_rule"][0] == 1


@pytest.mark.parametrize("number", [0, 300])
def test_any_number_of_rules_without_a_literal_beginning(number):
    own = {}
    for n in range(number):
        parts = (("field", "layer", "[a-z]+"), ("text", f" is of kind {n}"))
        own[f"own_{n}"] = Message(f"own_{n}", "", {}, "own.lark", 1, (Variant(f"own_{n}", "plain", parts),))
    rules = dataclasses.replace(RULES, digest=f"own {next(NUMBERS)}", messages={**own, **RULES.messages}, _made={})
    counts = both(rules, [b"abc is of kind %d" % n for n in range(0, 400, 7)])
    assert sum(kind.startswith("own_") for kind in counts) == len(range(0, number, 7))


# ------------------------------------------------------------------------------------------ the programme
def test_the_programme_is_fresh():
    """programme.bin is what the grammar says: otherwise run 'python -m trtlog.grammar' and commit it."""
    path = grammar.grammar_dir() / programme_file.PROGRAMME_NAME
    rules = grammar.shipped()
    made = programme_file.from_bytes(path.read_bytes(), rules.digest)
    assert made == programme_of_all(), "run: python -m trtlog.grammar"


@functools.cache
def programme_of_all():
    return make_programme(grammar.shipped())


@pytest.mark.parametrize("damage", ["cut", "changed", "of another grammar", "empty", "no JSON"])
def test_a_damaged_programme_is_made_anew(damage, tmp_path, monkeypatch):
    rules, programme = grammar.shipped(), programme_of_all()
    data = programme_file.to_bytes(programme, rules.digest)
    assert programme_file.from_bytes(data, rules.digest) == programme
    middle = len(data) // 2
    damaged = {
        "cut": data[:middle],
        "changed": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "of another grammar": programme_file.to_bytes(programme, "another"),
        "empty": b"",
        "no JSON": b"[\n" + data,
    }[damage]
    (tmp_path / "programme.bin").write_bytes(damaged)
    monkeypatch.setattr(programme_file, "grammar_dir", lambda: tmp_path)
    assert programme_file.programme_of(rules) == programme


@pytest.mark.parametrize("number", [31, 32, 33, 70])
def test_a_rule_of_any_number_of_fields(number):
    names = list(RULES.fields)[:number]
    parts = [part for name in names for part in (("text", " "), ("field", name, "[a-z0-9]+"))]
    own = {"own": Message("own", "", {}, "own.lark", 1, (Variant("own", "plain", (("text", "Own"), *parts)),))}
    rules = dataclasses.replace(RULES, digest=f"own {next(NUMBERS)}", messages={**own, **RULES.messages}, _made={})
    assert both(rules, [b"Own" + b" a%d" % n * number for n in range(9)]) == {"own": [9, ANY]}


def test_a_programme_of_other_rules_under_the_same_name_is_not_used():
    """Places in it would be those of other fields."""
    rules = with_rules(own_rule="[a-z]+")
    programme_file.programme_of(rules)
    others = dataclasses.replace(with_rules(own_rule="[a-z]+", other="x"), digest=rules.digest)
    assert programme_file.programme_of(others) == make_programme(others)


def test_the_programme_of_a_grammar_with_plugins_is_kept(tmp_path, monkeypatch):
    rules = with_rules(own_rule="[a-z]+")
    programme = programme_file.programme_of(rules)
    assert programme == make_programme(rules)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    monkeypatch.setattr("trtlog.grammar.programme.make_programme", lambda rules: pytest.fail("made twice"))
    assert programme_file.programme_of(rules) == programme


# ------------------------------------------------------------------------------------------ the library
def trtlog_with(scanner: str, *arguments: str) -> str:
    code = (
        "import os, sys\n"
        f"os.environ['TRTLOG_SCANNER'] = {scanner!r}\n"
        "from trtlog.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [warm.python(), "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_the_version_says_how_logs_are_read(tmp_path):
    (tmp_path / "no_library.so").write_bytes(b"nothing")
    slower = "line engine in Python, slower"
    assert slower in trtlog_with("0", "--version")
    assert slower in trtlog_with(str(tmp_path / "no_library.so"), "--version")
    if native.library() is not None:
        assert "line engine in C" in trtlog_with("", "--version")


def test_without_the_library_the_answers_are_the_same():
    log = str(next((ROOT / "fixtures").glob("*/mobilenet_fp16_verbose.log.gz")))
    arguments = ("show", "tactics", log, "--format", "csv")
    assert trtlog_with("0", *arguments) == trtlog_with("", *arguments) != ""


def test_the_former_name_of_an_engine_is_taken_with_a_warning():
    line = V + b"Original: 9 layers\n"
    with pytest.warns(DeprecationWarning, match="engine='vector' is called 'auto' now"):
        found = trtlog.parse(line, engine="vector")
    assert found == trtlog.parse(line, engine="line")
    with pytest.raises(trtlog.InputError, match="'fast' is not one of auto, line"):
        trtlog.parse(line, engine="fast")


def test_a_header_is_known_whole_or_not_at_all():
    header = native.Header()
    for text in (b"[V] [TRT] ", b"x" * 64):
        assert header.fill(text, (0, 0), (b"[",), False)
        assert bytes(header)[: len(text)] == text
    assert not header.fill(b"[V]\0[TRT] ", (0, 0), (), False)
    assert not header.fill(b"x" * 65, (0, 0), (), False)


def test_a_library_of_another_version_is_not_used(monkeypatch):
    monkeypatch.setattr(native, "_VERSIONS", (native._VERSION + 1, *native._VERSIONS[1:]))
    native.library.cache_clear()
    try:
        assert native.library() is None
    finally:
        monkeypatch.undo()
        native.library.cache_clear()


def test_a_library_of_another_source_is_not_used(monkeypatch):
    """After an update of a checkout the library beside the source is the former one: it would read wrong places."""
    if native.library() is None:
        pytest.skip("the scanner could not be built here")
    monkeypatch.setattr(native, "source_digest", lambda: 1)
    native.library.cache_clear()
    try:
        assert native.library() is None
        assert "was built of another source: install trtlog again" in native.engine_in_words()
    finally:
        monkeypatch.undo()
        native.library.cache_clear()


def test_where_no_compiler_is_the_build_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(BUILD, "compilers", list)
    with pytest.raises(BUILD.BuildError, match="no C compiler"):
        BUILD.build(tmp_path / "_scan.so")
    monkeypatch.setattr(BUILD, "compilers", lambda: [["/no/such/cc"], [sys.executable, "-c", "raise SystemExit('no')"]])
    with pytest.raises(BUILD.BuildError, match=r"/no/such/cc: .*; .*no"):
        BUILD.build(tmp_path / "_scan.so")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------ memory runs out
SCARCE = """
#include <stdlib.h>
__attribute__((visibility("default"))) long scan_left = -1;
static void *scarce(void *block, size_t size) { return scan_left && scan_left-- ? realloc(block, size) : NULL; }
static void *scarce_zeros(size_t count, size_t size) { return scan_left && scan_left-- ? calloc(count, size) : NULL; }
#define realloc scarce
#define calloc scarce_zeros
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a library in use cannot be removed there")
def test_a_log_that_memory_runs_out_for_leaves_the_next_one_as_it_is(tmp_path, monkeypatch):
    compilers = BUILD.compilers()
    if not compilers:
        pytest.skip("no compiler")
    (tmp_path / "scarce.h").write_text(SCARCE)
    library = tmp_path / "_scan.so"
    command = [*compilers[0], *BUILD.FLAGS, BUILD.source_flag(), "-fPIC", "-include", str(tmp_path / "scarce.h")]
    subprocess.run([*command, "-o", str(library), str(BUILD.SOURCE)], check=True)
    log = gzip.decompress((ROOT / "fixtures" / "trt-8.5.3-h200" / "lstm_verbose.log.gz").read_bytes())
    data = b"".join(log.splitlines(keepends=True)[:700])
    alone = feed_at(in_python(), data, [])
    kinds = sorted(alone.counts.keys() & RULES.messages.keys())
    monkeypatch.setenv(native.VARIABLE, str(library))
    native.library.cache_clear()
    try:
        left, times = ctypes.c_long.in_dll(native.library(), "scan_left"), 0
        for left.value in (0, 1, 2, 3, 5, 8, 13, 17, 28, 45, 73, 118, 191, 250, 309, 500):
            engine = LineEngine(RULES)
            try:
                engine.feed(data, 1)
            except MemoryError:
                times += 1
            left.value = -1
            engine.begin_log()
            above = engine.captures.above
            engine.feed(data, above + 1)
            engine.end_log()
            found = taken_out(engine.finish(), 1)
            assert found.counts == alone.counts
            for kind in each(kinds):
                rows = [{**row, "line": row["line"] - above} for row in found.rows(kind)]
                assert rows == alone.rows(kind), kind
        assert times > 10
    finally:
        monkeypatch.undo()
        native.library.cache_clear()


def test_rows_that_cannot_be_moved_out_stay_where_they_are(monkeypatch):
    engine = in_c()
    engine.feed(9 * (V + b"Original: 9 layers\n"), 1)
    with monkeypatch.context() as patch:
        patch.setattr(type(engine._loop), "_no_rows", lambda loop: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            engine.drain()
    assert len(engine.finish().rows("original_layers")) == 9


# ------------------------------------------------------------------------------------------ sanitizers
SANITIZED = """
import pickle, random, sys
from trtlog import grammar
from trtlog.engines.library import library
from trtlog.engines.line import LineEngine
from trtlog.engines.threads import ThreadedEngine

assert library() is not None
RULES = grammar.load()
with open(sys.argv[1], "rb") as file:
    inputs, bodies = pickle.load(file)
lines = 0
for number, data in enumerate(inputs):
    engine = LineEngine(RULES) if number % 4 else ThreadedEngine(RULES, 2, 20_000)
    middle = data.find(b"\\n", len(data) // 2) + 1 or len(data)
    engine.feed(data[:middle], 1)
    if data[middle:]:
        engine.feed(data[middle:], 1 + data.count(b"\\n", 0, middle))
    captures = engine.finish()
    lines += captures.lines
    for kind in captures.counts:
        if kind in RULES.messages:
            captures.table(kind).to_pydict()
chance = random.Random(1)
for _ in range(300):
    engine = LineEngine(RULES)
    body = bytearray(chance.choice(bodies))
    for _ in range(chance.randrange(4)):
        body[chance.randrange(len(body))] = chance.choice([0, 10, 13, 27, 32, 93, 255, 48])
    header, end = b"[11/22/2026-13:22:03] [V] [TRT] " * chance.randrange(3), b"\\n" * chance.randrange(2)
    engine.feed(header + bytes(body) + end, 1)
    engine.finish()
print("lines", lines)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the sanitizers are preloaded as Linux does it")
def test_address_and_undefined_behaviour_sanitizers_find_nothing(tmp_path):
    """Mutated logs through the library built with both: reads and writes out of bounds, overflows, wild jumps."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not there, whose sanitizers can be loaded into Python")
    ask = [[compiler, f"-print-file-name={name}"] for name in ("libasan.so", "libubsan.so")]
    names = [subprocess.run(one, capture_output=True, text=True, check=True).stdout.strip() for one in ask]
    if not all(name.startswith("/") for name in names):
        pytest.skip("this gcc has no sanitizers")
    library = tmp_path / "_scan.so"
    command = [compiler, *BUILD.FLAGS, BUILD.source_flag(), "-fPIC", "-g", "-Og"]
    command += ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    subprocess.run([*command, "-o", str(library), str(BUILD.SOURCE)], check=True)
    environment = {
        "LD_PRELOAD": ":".join(names),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "TRTLOG_SCANNER": str(library),
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
    }
    # Made here: Python takes five times as long beside the sanitizers.
    logs = [path for path in material.real_logs() if "fixtures" in str(path)]
    inputs = [session.input_of(f"sanitized:{number}", logs)[0][:400_000] for number in range(160)]
    (tmp_path / "inputs").write_bytes(pickle.dumps((inputs, material.samples())))
    program = [sys.executable, "-c", SANITIZED, str(tmp_path / "inputs")]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout.split()[-1]) > 10_000
