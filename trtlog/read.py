"""From a source to a Log: choose the engine, feed it chunks, check what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trtlog.errors import InputError, StrictError
from trtlog.log import Log

if TYPE_CHECKING:
    from trtlog.captures import Captures

ENGINES = ("auto", "line", "vector")
_SHOWN = 10


def parse(
    source: str | os.PathLike[str] | bytes | Iterable[Any] | Any,
    *,
    engine: str = "auto",
    strict: bool = False,
    exports: Sequence[str | os.PathLike[str]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Log:
    r"""Read a log of trtexec or of anything else that prints TensorRT's messages.

    Parameters
    ----------
    source : path, bytes, file object, or iterable of lines or chunks
        Text may be compressed (gzip, xz, bzip2, zstd) and of UTF-8 or UTF-16.
    engine : {"auto", "line", "vector"}
        How to read; the result is the same.
    strict : bool
        Make a line that no rule knows an error.
    exports : sequence of paths, optional
        JSON files that trtexec wrote in the same run: layer information, profile, times, output. By default
        those beside the log that carry its name are read; an empty sequence reads none.
    progress : callable, optional
        Called with the number of bytes read so far, chunk by chunk.

    Returns
    -------
    Log

    Raises
    ------
    InputError
        The source is missing, empty, binary, or no log of TensorRT.
    StrictError
        ``strict`` and there are unknown lines; the message names them.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n")
    >>> log.passes.layers.tolist()
    [179]
    """
    from trtlog.tables import TableSet

    captures, name, notes = read_captures(source, engine=engine, progress=progress)
    if strict and captures.unknown:
        raise _strict_error(captures, name)
    return Log(TableSet(captures, name), name, notes)


def read_captures(
    source: Any, *, engine: str = "auto", progress: Callable[[int], None] | None = None
) -> tuple[Captures, str, list[str]]:
    """Read a source into captures; return them with the source's name and what was odd about it.

    Raises
    ------
    InputError
        The source is missing, empty, binary, or no log of TensorRT.
    """
    from trtlog import grammar
    from trtlog.source import open_source

    if engine not in ENGINES:
        raise InputError(f"engine {engine!r} is not one of {', '.join(ENGINES)}")
    done = 0
    with open_source(source) as opened:
        reader = _engine(engine, grammar.load())
        for chunk in opened:
            reader.feed(chunk.data, chunk.first_line)
            done += len(chunk.data)
            if progress is not None:
                progress(done)
        name, notes = opened.name, list(opened.notes)
    captures = reader.finish()
    _check(captures, name)
    return captures, name, [*notes, *captures.notes]


def _engine(name: str, rules: Any) -> Any:
    from trtlog.engines.line import LineEngine

    return LineEngine(rules)


def _check(captures: Captures, name: str) -> None:
    """Refuse a text without any line of TensorRT."""
    strange = ("foreign", "blank", "continuation")
    if not any(kind not in strange for kind in captures.counts):
        raise InputError(
            f"{name}: none of its {captures.lines} lines is of TensorRT or trtexec; "
            f"trtlog reads what 'trtexec --verbose' prints"
        )


def _strict_error(captures: Captures, name: str) -> StrictError:
    from trtlog.captures import text

    unknown = captures.unknown
    shown = "\n".join(f"  {name}:{r.line}: {text(r.body)[:160]}" for r in unknown[:_SHOWN])
    more = f"\n  ... and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return StrictError(
        f"{name}: {len(unknown)} lines that no rule knows:\n{shown}{more}\n"
        f"'trtlog unknown {name}' ranks their shapes; leave strict out to read the rest",
        [(r.line, text(r.body)) for r in unknown],
    )
