"""Reads sources into captures: one log, or many small ones one after the other into one set of captures."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trtlog import grammar
from trtlog._util.cores import load_arrays
from trtlog._util.dataclass import dataclass
from trtlog._util.gc import no_collection
from trtlog._util.words import plural
from trtlog.errors import InputError, NoLogError

if TYPE_CHECKING:
    import os

    from trtlog.engines.line import LineEngine
    from trtlog.engines.threads import ThreadedEngine
    from trtlog.grammar import Grammar
    from trtlog.messages.captures import Captures
    from trtlog.source.chunks import Source
    from trtlog.source.logger import Logger

ENGINES = ("auto", "line")
# Names of engines that are no more, and what reads in their place.
_FORMER = {"vector": "auto"}
# Of a text that is refused so much is looked at for the line that came nearest.
SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Read:
    """A log that was read.

    Attributes
    ----------
    number : int
        Its place among the logs of its reader.
    captures : Captures
        What is counted of it, what holds for it as a whole; its rows are in the captures of the reader.
    name : str
        The name of its source.
    notes : list of str
        What was odd about the source.
    """

    number: int
    captures: Captures
    name: str
    notes: list[str]


class Reader:
    """Reads logs one after the other; what is found in all of them are the captures of :meth:`finish`.

    A log that cannot be read, or in which an error ends the reading, leaves the others as they are.

    Parameters
    ----------
    engine : {"auto", "line"}
        As for :func:`trtlog.parse`.
    logger : path, optional
        As for :func:`trtlog.parse`.
    load : callable, optional
        Loads what is needed behind the reading: while a long log is read where there are cores, else before it.

    Examples
    --------
    >>> reader = Reader()
    >>> for text in (b"[V] [TRT] Original: 179 layers", b"[V] [TRT] Original: 3 layers"):
    ...     found = reader.read(text)
    >>> found.number, [log.counts for log in reader.finish().logs]
    (1, [{'original_layers': [1, 30]}, {'original_layers': [1, 28]}])
    """

    def __init__(
        self,
        *,
        engine: str = "auto",
        logger: str | os.PathLike[str] | Logger | None = None,
        load: Callable[[], None] = load_arrays,
    ) -> None:
        from trtlog.source.logger import logger_of

        self._name = checked_engine(engine)
        self._logger = logger_of(logger)
        self._load = load
        self._engine: LineEngine | ThreadedEngine | None = None
        self.count = 0  # logs of which something was read, also those that were refused
        self.size = 0  # bytes of their text

    def read(self, source: Any, progress: Callable[[int], None] | None = None) -> Read:
        """Read a log.

        Raises
        ------
        InputError
            The source is missing, empty, binary, or no log of TensorRT.
        """
        with no_collection():
            from trtlog.source.chunks import open_source

        done = 0
        sample = b""
        engine: LineEngine | ThreadedEngine | None = None
        with open_source(source, logger=self._logger) as opened:
            for data, begin, end, first_line in opened.windows():
                with no_collection():  # what is loaded and matched makes many objects, and no cycle
                    if engine is None:
                        engine = self._begin(opened, len(data))
                        sample = data[begin : min(end, begin + SAMPLE_BYTES)]
                    above = engine.captures.above
                    engine.feed(data, above + first_line, begin, end)
                opened.tell_last_line(max(0, engine.last_line - above))
                done += end - begin
                self.size += end - begin
                if progress is not None:
                    progress(done)
            captures = (engine or self._begin(opened, 0)).end_log()
            captures.line_map = opened.line_map
            name, notes = opened.name, list(opened.notes)
        check_captures(captures, name, sample)
        return Read(self.count - 1, captures, name, notes)

    def _begin(self, opened: Source, size: int) -> LineEngine | ThreadedEngine:
        self.count += 1
        if self._engine is None:
            self._engine = make_engine(self._name, grammar.load(), opened, size, self._load)
        else:
            self._engine.begin_log()
        return self._engine

    @property
    def is_full(self) -> bool:
        """Whether no further log can be read: the only one is long and was read in stretches."""
        return self._engine is not None and not self._engine.reads_several

    def finish(self) -> Captures:
        """Return the captures of all logs, those that were refused among them."""
        from trtlog.engines.line import LineEngine

        return (self._engine or LineEngine(grammar.load())).finish()

    def close(self) -> None:
        """End what still reads."""
        if self._engine is not None:
            self._engine.close()


def read_captures(
    source: Any,
    *,
    engine: str = "auto",
    progress: Callable[[int], None] | None = None,
    logger: str | os.PathLike[str] | Logger | None = None,
    load: Callable[[], None] = load_arrays,
) -> tuple[Captures, str, list[str]]:
    """Read a source into captures; return them with the source's name and what was odd about it.

    Raises
    ------
    InputError
        The source is missing, empty, binary, or no log of TensorRT.
    """
    reader = Reader(engine=engine, logger=logger, load=load)
    try:
        read = reader.read(source, progress)
        return reader.finish(), read.name, read.notes
    finally:
        reader.close()


def checked_engine(name: str) -> str:
    """Return the name of an engine.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name in _FORMER:
        warnings.warn(f"engine={name!r} is called {_FORMER[name]!r} now", DeprecationWarning, stacklevel=3)
        return _FORMER[name]
    if name not in ENGINES:
        raise InputError(f"engine {name!r} is not one of {', '.join(ENGINES)}")
    return name


def make_engine(
    name: str, rules: Grammar, source: Source, size: int, load: Callable[[], None] = load_arrays
) -> LineEngine | ThreadedEngine:
    """Return a new engine; a long log that is held whole is read by several threads where there are cores.

    Parameters
    ----------
    name : {"auto", "line"}
        ``line`` for one that runs in Python alone.
    rules : Grammar
        The rules.
    source : Source
        Tells how long the log is about.
    size : int
        Bytes of the log's first chunk.
    load : callable, optional
        As for `Reader`.
    """
    from trtlog.engines.line import LineEngine
    from trtlog.engines.threads import ThreadedEngine, wanted_threads

    expected = source.expected_size(size)
    threads = 1 if name == "line" else wanted_threads(expected)
    if threads > 1:
        return ThreadedEngine(rules, threads, size=expected, load=load)
    load()
    return LineEngine(rules, native=name != "line")


def check_captures(captures: Captures, name: str, sample: bytes = b"") -> None:
    """Refuse a text without any line of TensorRT; of its beginning it is said which line came nearest."""
    from trtlog.messages.classify import looks_foreign

    if looks_foreign(captures):
        from trtlog.messages.nearest import nearest_words

        count = captures.lines - captures.above
        none = plural(count, "its only line is not", f"none of its {count} lines is")
        raise NoLogError(
            f"{name}: {none} of TensorRT or trtexec; "
            f"trtlog reads what 'trtexec --verbose' prints{nearest_words(captures.grammar, sample)}"
        )
