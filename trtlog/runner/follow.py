"""Reads a file that something else is still writing, without ever holding up the writer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from trtlog.errors import InputError
from trtlog.runner.progress import Event, Progress
from trtlog.source.decode import is_compressed
from trtlog.source.forms.following import Following
from trtlog.source.logger import Logger, logger_of

_CHUNK = 1 << 20
# A line this long without an end is not waited for.
_LONGEST = 1 << 24


class Tail:
    """Whole lines of a growing file, from its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        self._rest = b""
        self._file = open(path, "rb")  # noqa: SIM115  # closed by close()
        self._identity = os.fstat(self._file.fileno()).st_ino

    def read(self) -> list[bytes]:
        """Return the lines that have come since, without their ends; an unfinished line waits."""
        chunk = self._file.read(_CHUNK)
        if not chunk:
            return []
        self.position += len(chunk)
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST:
            lines.append(self._rest)
            self._rest = b""
        return lines

    def rest(self) -> list[bytes]:
        """Return the last line if it has no end."""
        lines = [self._rest] if self._rest else []
        self._rest = b""
        return lines

    def replaced(self) -> bool:
        """Whether the file was cut, or another one has taken its place."""
        try:
            state = os.stat(self.path)
        except OSError:
            return False
        return state.st_ino != self._identity or state.st_size < self.position

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def watch(
    path: str | os.PathLike[str],
    *,
    wait_s: float = 0.0,
    stop_after_s: float | None = None,
    interval_s: float = 0.2,
    quiet_s: float = 10.0,
    logger: str | os.PathLike[str] | Logger | None = None,
) -> Iterator[Event]:
    r"""Follow a log that something else writes, and yield what happens in it.

    Ends at the closing line of the run (``&&&& PASSED`` or ``FAILED``), unless more has been written behind
    it.

    Parameters
    ----------
    path
        The log; plain text, as trtexec writes it.
    wait_s
        How long to wait for the file if it is not there yet.
    stop_after_s
        End when nothing was written for so long; None to wait on.
    interval_s
        How often to look.
    quiet_s
        Yield a ``quiet`` event after every so many seconds without output.
    logger
        A file of patterns that say how lines of a logger of your own begin, as for :func:`trtlog.parse`.

    Raises
    ------
    InputError
        The file does not come or cannot be read, or is compressed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> log = pathlib.Path(tempfile.mkdtemp(), "x.log")
    >>> banner = "TensorRT.trtexec # trtexec --onnx=m.onnx"
    >>> _ = log.write_text(f"&&&& RUNNING {banner}\n&&&& PASSED {banner}\n")
    >>> [event.kind for event in watch(log)]
    ['phase', 'ended']
    """
    own = logger_of(logger)
    tail = _open(Path(path), wait_s)
    progress, following = Progress(), Following(own)
    started = last = time.monotonic()
    shown_quiet = 0.0
    caught_up = ended = False
    try:
        while True:
            lines = tail.read()
            now = time.monotonic()
            if lines:
                last, shown_quiet = now, 0.0
            read = following.lines(lines) if lines else following.settle()
            if read:
                ended = False
                # when lines that were already there were written is not known
                for event in in_file(progress.feed(read, now - started if caught_up else None), following):
                    ended = event.kind == "ended"
                    yield event
            if lines or read:
                continue
            caught_up = True
            if tail.replaced():
                tail.close()
                tail, progress, following = _open(Path(path), 1.0), Progress(), Following(own)
                continue
            if ended or (stop_after_s is not None and now - last >= stop_after_s):
                rest = [*following.lines(tail.rest()), *following.settle()]
                yield from in_file(progress.feed(rest, now - started), following)
                return
            if now - last >= shown_quiet + quiet_s:
                shown_quiet = now - last
                yield progress.quiet(now - last, now - started)
            time.sleep(interval_s)
    finally:
        tail.close()


def in_file(events: Iterator[Event], following: Following) -> Iterator[Event]:
    """Yield events with the line numbers of the file, where lines were joined or cut."""
    for event in events:
        moved = event.line is not None and bool(following.line_map)
        yield replace(event, line=following.line_map.of(event.line or 0)) if moved else event


def _open(path: Path, wait_s: float) -> Tail:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            tail = Tail(path)
            break
        except FileNotFoundError as error:
            if time.monotonic() >= deadline:
                raise InputError(f"{path} does not exist; give --wait SECONDS (wait_s=) to wait for it.") from error
            time.sleep(0.1)
        except OSError as error:
            raise InputError(f"{path} cannot be followed: {error.strerror or error}.") from error
    with open(path, "rb") as file:
        if is_compressed(file.read(6)):
            tail.close()
            raise InputError(f"{path} is compressed and cannot be followed; read it with trtlog.parse.")
    return tail
