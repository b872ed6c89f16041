"""What must be true of any input: no exception but trtlog's own errors, and the loops in C and in Python say the same.

Levels: ``read`` (both loops, every table), ``answers`` (every analysis, rule and record), ``outputs`` (pages,
comparisons, gates, Parquet, datasets, commands), ``forms`` (a log in forms has the rows of the bare one).
"""

from __future__ import annotations

import contextlib
import itertools
import pickle
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

import trtlog
from tests.forms.rows import rows_of
from tests.fuzz.commands import run_commands
from tests.fuzz.forms import chosen, with_text_around
from trtlog import grammar
from trtlog.analyses.registry import METHODS
from trtlog.engines.line import LineEngine
from trtlog.errors import TrtlogError
from trtlog.log import Log
from trtlog.messages.repeats import Repeats
from trtlog.reader import check_captures
from trtlog.records import TABLES
from trtlog.source.chunks import Chunk, open_source
from trtlog.tables import TableSet

RULES = grammar.load()
_PACKAGE = str(Path(trtlog.__file__).parent)
LEVELS = ("read", "answers", "outputs", "forms")


class Difference(AssertionError):
    """Two readings of one log that do not agree."""


# ------------------------------------------------------------------ both loops


def opened(data: bytes, size: int) -> tuple[list[Chunk], list[str]]:
    """Return a log in chunks, forms in which it was pasted undone, and what was odd about it."""
    with open_source(data, size) as source:
        return list(source), source.notes


def captures_of(engine: Any, chunks: list[Chunk], notes: list[str], noise: Random | None = None) -> Any:
    """Feed chunks to an engine; with ``noise`` in pieces of chance sizes, cut at line ends."""
    for chunk in chunks:
        text, line = chunk.data, chunk.first_line
        start = 0
        while noise is not None and start < len(text):
            end = text.find(b"\n", start + noise.choice((1, 100, 1000, 10_000))) + 1 or len(text)
            if end == len(text):
                break
            engine.feed(text[start:end], line)
            line += text.count(b"\n", start, end)
            start = end
        engine.feed(text[start:], line)
    captures = engine.finish()
    captures.notes = [*notes, *captures.notes]
    return captures


def plain(table: pa.Table) -> pa.Table:
    """Return a table without dictionaries: how values are encoded is no part of what they say."""
    fields = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def same(expected: pa.Table, found: pa.Table, what: str) -> None:
    if expected.equals(found) or plain(expected).equals(plain(found)):
        return
    if not expected.schema.equals(found.schema):
        raise Difference(f"{what}: another schema")
    for row, (a, b) in enumerate(zip(plain(expected).to_pylist(), plain(found).to_pylist(), strict=False)):
        if repr(a) != repr(b):
            raise Difference(f"{what}: row {row}: {a} / {b}")
    if expected.num_rows != found.num_rows:
        raise Difference(f"{what}: {expected.num_rows} and {found.num_rows} rows")


def same_captures(expected: Any, found: Any, what: str, by_kind: bool) -> None:
    names = ("lines", "size", "counts", "times", "openings", "producers", "remarks", "unknown", "continuations")
    for name in names:
        a, b = getattr(expected, name), getattr(found, name)
        if a != b:
            pairs = itertools.zip_longest(a, b) if isinstance(a, (list, Repeats)) else [(a, b)]
            raise Difference(f"{what}: {name}: {next(pair for pair in pairs if pair[0] != pair[1])}"[:600])
    for kind in expected.counts if by_kind else ():
        if kind in RULES.messages:
            same(expected.table(kind), found.table(kind), f"{what}: {kind}")


Readings = dict[tuple[Any, ...], tuple[Any, Any]]


def read(data: bytes, noise: Random, made: Readings | None = None) -> Log | None:
    """Read with both loops; return the log, None where it is refused.

    What the loop in Python makes of an input is kept in ``made``, by the chunks in which it was read: looked at several
    times, with other chances, most inputs are read in the same ones.
    """
    made = {} if made is None else made
    sizes = (64, 1000, 8 << 20)
    # Looked at for some inputs only, as costly: the captures themselves, a third reading, chunks of another size.
    thorough = noise.random() < 0.3

    def captures(engine: Any, noise: Random | None = None) -> Any:
        chunks, notes = opened(data, noise.choice(sizes)) if thorough and noise else (first, first_notes)
        return captures_of(engine, chunks, notes, noise)

    refused = _refusal(lambda: opened(data, noise.choice(sizes)))
    if not isinstance(refused, str):
        first, first_notes = refused
        read_as = tuple(first), tuple(first_notes)
        if read_as not in made:
            refused = _refusal(lambda: captures(LineEngine(RULES, native=False)))
            made[read_as] = refused, None if isinstance(refused, str) else TableSet(refused, "log")
        refused, tables = made[read_as]
    elif not thorough:
        return None
    if not isinstance(refused, str):
        expected = refused
        if sum(size for _, size in expected.counts.values()) != expected.size:
            raise Difference(f"bytes by kind do not add up to {expected.size}: {expected.counts}")
        if sum(lines for lines, _ in expected.counts.values()) != expected.lines:
            raise Difference(f"lines by kind do not add up to {expected.lines}: {expected.counts}")
    found = _refusal(lambda: captures(LineEngine(RULES), noise))
    pieces = _refusal(lambda: captures(LineEngine(RULES, native=False), noise)) if thorough else found
    if isinstance(refused, str):
        for other in (found, pieces):
            if other != refused:
                raise Difference(f"refused with {refused!r}, and with {other!r}")
        return None
    for other in (found, pieces):
        if isinstance(other, str):
            raise Difference(f"read, and refused with {other!r}")
    same_captures(expected, found, "native", thorough)
    if thorough:
        same_captures(expected, pieces, "pieces", thorough)
    second = TableSet(found, "log")
    for name in TABLES:
        same(tables[name], second[name], f"table {name}")
    try:
        check_captures(expected, "log")
    except TrtlogError:
        return None
    return Log(tables, "log", expected.notes)


def _refusal(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except TrtlogError as error:
        return str(error)


# ------------------------------------------------------------------ answers

_OF_TWO = ("winner_changes",)
_BY = {"best": ("format",), "winners": ("family", "precision"), "build_time": ("runner", "kind")}


def answers(log: Log, noise: Random) -> None:
    """Ask everything that can be asked of one log."""
    repr(log)
    for run in log.runs[:3]:
        for name in TABLES:
            run.table(name)
        list(run.records("tactics")), list(run.records("engine_layers")), list(run.records("options"))
        _ = run.run, run.device, run.model, run.build, run.system, run.inference, run.reporting, run.performance
        for name, analysis in METHODS.items():
            if name not in _OF_TWO:
                getattr(run.analyze, name)()
                run.table(analysis.table)
                run.analyze.missing(name)
                if noise.random() < 0.1:
                    passed_over(run, analysis)
        for name, options in _BY.items():
            for by in options:
                run.analyze.table(name, by=by)
        run.lint()
        for layer in layer_names(run, noise)[:3]:
            with contextlib.suppress(TrtlogError):
                story = run.why(layer)
                str(story), repr(story)


def passed_over(run: Log, analysis: Any) -> None:
    """Hold that an analysis which is not even begun would have no rows."""
    ask = run.analyze
    if analysis.needs and not ask._has_rows(analysis):
        rows = analysis.load()(*map(ask._taken, analysis.takes))
        if rows.num_rows or rows.schema != ask.table(analysis.table).schema:
            raise Difference(f"{analysis.table}: passed over, and has {rows.num_rows} rows")


def layer_names(log: Log, noise: Random) -> list[str]:
    """Return some names that stand in the log, as questions for ``why``."""
    names: set[str] = set()
    for table, column in (("timings", "layer"), ("engine_layers", "layer"), ("onnx_nodes", "node"), ("skips", "layer")):
        rows = log.table(table)
        if column in rows.column_names:
            names.update(name for name in rows.column(column).to_pylist() if name)
    return noise.sample(sorted(names), min(len(names), 4))


# ------------------------------------------------------------------ outputs


def outputs(log: Log, data: bytes, other: bytes, noise: Random) -> None:
    """Make all that is made of a log: pages, comparisons, gates, files, commands."""
    log.report()
    log._repr_html_()
    again = pickle.loads(pickle.dumps(log))
    clean = log.redacted()
    for name in TABLES:
        same(log.table(name), again.table(name), f"pickle {name}")
        clean.table(name)
    second = _refusal(lambda: trtlog.parse(other, engine="line"))
    both = [log, log if isinstance(second, str) else second]
    noise.shuffle(both)
    with contextlib.suppress(TrtlogError):
        both[0].runs[-1].to_trex()
        both[0].runs[-1].analyze.winner_changes(other=both[1].runs[0])
        found = trtlog.diff(both[0].runs[-1], both[1].runs[0])
        repr(found), found.to_json(), found.to_markdown(), found._repr_html_()
    with contextlib.suppress(TrtlogError):
        steady = trtlog.stability([run for one in (*both, log) for run in one.runs[:2]])
        repr(steady), steady.to_json(), steady.to_markdown(), steady._repr_html_()
    with contextlib.suppress(TrtlogError):
        lock = trtlog.lock(both[0].runs[0])
        for run in (both[0].runs[0], both[1].runs[0]):
            outcome = trtlog.check(run, lock)
            repr(outcome), outcome.to_json(), outcome.to_markdown(), outcome._repr_html_()
    with tempfile.TemporaryDirectory() as folder:
        files(log, data, other, Path(folder), noise)
    run_commands(log, data, other, noise)


def files(log: Log, data: bytes, other: bytes, folder: Path, noise: Random) -> None:
    """Write Parquet in both ways, and a dataset; read them again."""
    from trtlog.parquet.stream import convert

    again = trtlog.read_parquet(log.to_parquet(folder / "whole"))
    for name in TABLES:
        same(log.table(name), again.table(name), f"parquet {name}")
    if again.notes != log.notes:
        raise Difference(f"parquet: notes {log.notes} / {again.notes}")
    try:
        chunks = open_source(data, noise.choice((1000, 8 << 20)))
        convert(chunks, folder / "stream", segment_bytes=noise.choice((100, 10_000)))
    except TrtlogError as error:
        raise Difference(f"streamed conversion: {error}") from error
    streamed = trtlog.read_parquet(folder / "stream")
    parsed = trtlog.parse(data)  # through the same door: forms in which logs are pasted are undone there
    for name in TABLES:
        if name != "runs":  # they hold the name of the source
            same(parsed.table(name), streamed.table(name), f"streamed {name}")
    if noise.random() < 0.3:
        (folder / "logs").mkdir()
        (folder / "logs/a.log").write_bytes(data)
        (folder / "logs/b.log").write_bytes(other)
        done = trtlog.to_dataset([folder / "logs"], folder / "set", jobs=1)
        mistakes = [text for _, text in done.failed if "mistake in trtlog" in text]
        if mistakes:
            raise Difference(f"dataset: {mistakes[0]}")
        if done.converted:
            dataset = trtlog.open_dataset(folder / "set")
            for name in TABLES:
                rows = dataset.table(name).num_rows
                if done.converted == [str(folder / "logs/a.log")] and rows != log.table(name).num_rows:
                    raise Difference(f"dataset {name}: {rows} of {log.table(name).num_rows} rows")


# ------------------------------------------------------------------ forms


def in_forms(data: bytes, noise: Random) -> None:
    """Put a log in forms: the rows of the bare log are read, each at the line where it stands."""
    names = chosen(noise, data)
    text, plainly, numbers = with_text_around(data.split(b"\n")[:-1], names)
    bare = _refusal(lambda: trtlog.parse(plainly, engine="line"))
    if isinstance(bare, str):
        return  # nothing of TensorRT's is in it
    expected = rows_of(bare, numbers)
    # What is undone is the same for both engines, which are held to each other by the other levels.
    engine = noise.choice(("line", "auto"))
    found = _refusal(lambda: trtlog.parse(text, engine=engine))
    if isinstance(found, str):
        raise Difference(f"forms {' in '.join(names)}: refused: {found}")
    rows = rows_of(found)
    for table in expected:
        if repr(rows[table]) != repr(expected[table]):
            pairs = itertools.zip_longest(rows[table], expected[table])
            first = next(pair for pair in pairs if repr(pair[0]) != repr(pair[1]))
            raise Difference(f"forms {' in '.join(names)}: {table}: {first[0]} / {first[1]}; {found.notes}")


# ------------------------------------------------------------------ one input


def check(data: bytes, other: bytes, noise: Random, level: str, made: Readings | None = None) -> None:
    """Check one input; what the loop in Python makes of it is kept in ``made``, for when it is checked again.

    Raises
    ------
    Exception
        Whatever is found.
    """
    if level == "forms":
        if data:
            in_forms(data, noise)
        return
    log = read(data, noise, made)
    if log is None or level == "read":
        return
    answers(log, noise)
    if level == "outputs":
        outputs(log, data, other, noise)


def signature(error: BaseException) -> str:
    """Return what finds of one kind have in common: the place that raised, or the table that differs."""
    if isinstance(error, Difference):
        first, _, rest = str(error).partition(": ")
        detail = rest.partition(": ")[0] if first in ("native", "pieces") else ""
        return f"difference: {first.partition(' with ')[0]} {detail}".strip()
    places = list(_frames(error))
    name, function = places[-1] if places else ("?", "?")
    return f"{type(error).__name__} in {name}:{function}"


def _frames(error: BaseException) -> Iterator[tuple[str, str]]:
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(_PACKAGE):
            yield f"trtlog{frame.filename[len(_PACKAGE) :]}", frame.name
