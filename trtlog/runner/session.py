"""A started trtexec: follow it, wait for it, stop it."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from trtlog.errors import InputError, RunError
from trtlog.runner.causes import Verdict, judge
from trtlog.runner.earlier import earlier_build_s
from trtlog.runner.folder import RESULT, RunFolder
from trtlog.runner.follow import Tail, in_file
from trtlog.runner.process import Child
from trtlog.runner.progress import Event, Progress
from trtlog.source.forms.following import Following
from trtlog.source.logger import logger_of

if TYPE_CHECKING:
    from trtlog.runner.run_log import RunLog

_QUIET_S = 10.0
_LAST_LINES, _LAST_BYTES = 4000, 1 << 22


class Session:
    """A running trtexec. Made by :func:`trtlog.runner.start`.

    Iterate over it for live events, or call :meth:`result` to wait. Leaving its ``with`` block, or an
    exception such as Ctrl-C inside, ends the whole process group and keeps the log.

    Attributes
    ----------
    folder
        The run folder.
    warnings
        Notes about the command line, from before the start.
    """

    def __init__(self, child: Child, folder: RunFolder, *, warnings: tuple[str, ...] = ()) -> None:
        self.child = child
        self.folder = folder
        self.warnings = warnings
        self._started: tuple[Progress, Following] | None = None
        self._verdict: Verdict | None = None

    @property
    def _reading(self) -> tuple[Progress, Following]:
        # made when they are needed: nothing that takes time may stand between the child and its guard
        if self._started is None:
            self._started = Progress(earlier_build_s(self.folder)), Following(logger_of(None))
        return self._started

    def _events(self, lines: list[bytes]) -> Iterator[Event]:
        """Read lines that came, or those that were kept back where none did."""
        progress, following = self._reading
        read = following.lines(lines) if lines else following.settle()
        yield from in_file(progress.feed(read, self.child.elapsed_s), following)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.child.ending is None:
            self.stop()
        self.verdict()

    def __iter__(self) -> Iterator[Event]:
        """Yield events until trtexec has ended. A slow reader delays events only, not trtexec or its log."""
        child, quiet_from = self.child, 0.0
        tail = Tail(self.folder.log_path)
        try:
            while True:
                ended = child.ending is not None  # asked before reading: what comes after it is the last
                lines = tail.read()
                if lines:
                    quiet_from = 0.0
                    yield from self._events(lines)
                    continue
                yield from self._events([])
                if ended:
                    self.verdict()
                    yield from self._events(tail.rest())
                    yield from self._events([])
                    return
                if child.quiet_s >= quiet_from + _QUIET_S:
                    quiet_from = child.quiet_s
                    yield self._reading[0].quiet(child.quiet_s, child.elapsed_s)
                child.wait_beyond(tail.position, 0.5)
        except (KeyboardInterrupt, GeneratorExit):
            self.stop()
            raise
        finally:
            tail.close()

    def stop(self, reason: str = "interrupted") -> None:
        """End the whole process group and wait for it; the log is kept. A second Ctrl-C ends it at once."""
        self.child.stop(reason)
        try:
            self.child.wait()
        except KeyboardInterrupt:
            self.child.stop(reason, at_once=True)
            self.child.wait()
        self.verdict()

    def wait(self) -> Verdict:
        """Wait for the end without parsing anything."""
        try:
            self.child.wait()
        except KeyboardInterrupt:
            self.stop()
            raise
        return self.verdict()

    def verdict(self) -> Verdict:
        """Return what became of it, and write ``result.json``; the run must have ended."""
        if self._verdict is None:
            ending = self.child.ending
            if ending is None:
                raise RunError("trtexec is still running; wait for it first.")
            limits = {"timeout_s": self.child.timeout_s, "hang_s": self.child.hang_s}
            verdict = judge(ending, last_lines(self.folder.log_path), **limits)
            content: dict[str, Any] = {
                "status": verdict.status,
                "headline": verdict.headline,
                "cause": verdict.cause,
                "messages": list(verdict.messages),
                "exit_code": ending.exit_code,
                "signal": ending.signal,
                "started_at": _iso(self.child.started_at),
                "ended_at": _iso(self.child.started_at + ending.wall_s),
                "wall_s": round(ending.wall_s, 3),
                "built_after_s": self._built_after_s(ending.wall_s),
                "log_bytes": ending.log_bytes,
                "log_sha256": ending.log_sha256,
                "lost_bytes": ending.lost_bytes,
                "left_behind": ending.left_behind,
                "files": {name: str(path) for name, path in self.folder.files.items()},
            }
            self._verdict = verdict
            # the verdict is printed even if it cannot be written
            with contextlib.suppress(OSError):
                self.folder.release()
                self.folder.write(RESULT, content)
            self.folder.close()
        return self._verdict

    def _built_after_s(self, wall_s: float) -> float | None:
        """Return when the first build had ended; None where nobody followed the run, or nothing was built."""
        seconds = None if self._started is None else self._started[0].built_after_s
        # a reader that is behind trtexec sees the line after the end
        return None if seconds is None else round(min(seconds, wall_s), 3)

    def error(self) -> RunError | None:
        """Return the error for a run that did not pass, else None."""
        verdict = self.verdict()
        if verdict.status == "passed":
            return None
        ending = self.child.ending
        assert ending is not None
        lines = [f"trtexec did not pass. {verdict.headline}"]
        if verdict.cause:
            lines.append(f"Likely cause: {verdict.cause}")
        if verdict.messages:
            lines.append("It said last:")
            lines.extend(f"  {message[:300]}" for message in verdict.messages)
        lines.append(f"The log is in {self.folder.log_path}")
        return RunError(
            "\n".join(lines),
            status=verdict.status,
            exit_code=ending.exit_code,
            signal=ending.signal,
            messages=verdict.messages,
            cause=verdict.cause,
            folder=self.folder.path,
        )

    def result(self, *, check: bool = True) -> RunLog:
        """Wait for the end and parse the log.

        Raises
        ------
        RunError
            It did not pass, unless ``check`` is false.
        """
        self.wait()
        error = self.error()
        if check and error is not None:
            raise error
        try:
            return self.folder.log
        except InputError as unreadable:
            if error is not None:
                raise error from unreadable  # it printed nothing that could be read
            raise


def last_lines(path: Path) -> list[str]:
    """Return the last lines of a log, without their ends; those of a logger of the user's own as TensorRT prints."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LAST_BYTES))
            text = file.read()
    except OSError:
        return []
    own = logger_of(None)
    if own is not None:
        text = own.rewrite(text)
    recent = deque(text.decode("utf-8", "replace").splitlines(), _LAST_LINES)
    return list(recent)


def _iso(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, timezone.utc).isoformat(timespec="milliseconds")


def now_iso() -> str:
    """Return the time now, for records."""
    return _iso(time.time())
