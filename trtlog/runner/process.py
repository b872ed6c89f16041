"""The child process: its own group, one pipe for both streams, straight to disk, watched from outside.

What happens to a child when this program itself is killed is the business of :mod:`trtlog.runner.guard`.

Two threads serve a child. The *recorder* copies what arrives to the log file and does nothing else; whoever
wants to read along reads the file, so a slow reader can neither delay nor lose a line. The *watchdog* waits
for the end, holds the time limits and stops the child's whole process group when it must.

Standard output and standard error share one pipe, which keeps the order in which they were written.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from trtlog._util.dataclass import dataclass
from trtlog.runner.binary import start_error
from trtlog.runner.guard import Guard

_RUNNING: set[Child] = set()
_CHUNK = 1 << 16
_PIPE_SIZE = 1 << 20
_F_SETPIPE_SZ = 1031  # Linux; a larger pipe lets the child run on while this process is busy


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    Attributes
    ----------
    reason
        ``exited`` by itself, ``signal`` (ended by a signal that this program did not send), or why it was
        stopped:
        ``timed_out hung interrupted disk_full``.
    exit_code
        What the program returned; None if a signal ended it.
    signal
        The signal's name, such as ``SIGKILL``; None if it returned by itself.
    wall_s
        Seconds from start to end.
    log_bytes, log_sha256
        Size and digest of what the child wrote, as kept on disk.
    lost_bytes
        What arrived but could not be written to disk.
    disk_error
        Why the log could not be written; None if it could.
    left_behind
        Whether a process that the child started still held its output after the group was ended.
    """

    reason: str
    exit_code: int | None
    signal: str | None
    wall_s: float
    log_bytes: int
    log_sha256: str
    lost_bytes: int = 0
    disk_error: str | None = None
    left_behind: bool = False


class Child:
    """A started program whose output goes to a file.

    Parameters
    ----------
    argv
        The whole command line.
    log_path
        Where its output is kept; must not exist.
    timeout_s
        Longest time it may take altogether; None for no limit.
    hang_s
        Longest time without a single byte of output; None for no limit.
    grace_s
        How long each of the polite signals (SIGINT, SIGTERM) is given before the next one.

    Raises
    ------
    RunError
        The program cannot be started, or the log file cannot be made.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log_path: Path,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        hang_s: float | None = None,
        grace_s: float = 5.0,
    ) -> None:
        self.log_path = log_path
        self.timeout_s, self.hang_s, self.grace_s = timeout_s, hang_s, grace_s
        self._changed = threading.Condition()
        self._bytes = self._lost = 0
        self._digest = hashlib.sha256()
        self._disk_error: OSError | None = None
        self._stop_reason: str | None = None
        self._impatient = threading.Event()
        self._closing = threading.Event()
        self._ending: Ending | None = None

        self._log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        reading, writing = os.pipe()
        with contextlib.suppress(OSError, ImportError):
            import fcntl  # Windows has none

            fcntl.fcntl(writing, _F_SETPIPE_SZ, _PIPE_SIZE)
        self.started_at = time.time()
        self._started = self._last_output = time.monotonic()
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,  # its own process group: all it starts can be ended with it
            )
        except OSError as error:
            os.close(reading)
            os.close(self._log)
            log_path.unlink()
            if isinstance(error, FileNotFoundError) and cwd is not None and not cwd.is_dir():
                raise start_error([str(cwd)], error) from error
            raise start_error(argv, error) from error
        finally:
            os.close(writing)
        self.pid = self._process.pid
        self._guard = Guard(self.pid, grace_s)
        self._recorder = threading.Thread(target=self._record, args=(reading,), name="trtlog-recorder", daemon=True)
        self._watchdog = threading.Thread(target=self._watch, name="trtlog-watchdog", daemon=True)
        _RUNNING.add(self)
        self._recorder.start()
        self._watchdog.start()

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it runs."""
        return self._ending

    @property
    def log_bytes(self) -> int:
        """Bytes of output that are on disk by now."""
        return self._bytes

    @property
    def quiet_s(self) -> float:
        """Seconds since the last output."""
        return time.monotonic() - self._last_output

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def wait_beyond(self, position: int, timeout_s: float) -> bool:
        """Wait until the log is longer than ``position`` or the child has ended; tells if either came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._bytes > position or self._ending is not None, timeout_s)

    def wait(self, timeout_s: float | None = None) -> Ending | None:
        """Wait for the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending is not None, timeout_s)
        return self._ending

    def stop(self, reason: str, *, at_once: bool = False) -> None:
        """Ask the watchdog to end the whole process group: SIGINT, SIGTERM, SIGKILL in turn.

        With ``at_once`` the polite signals are skipped, also for a stop that is under way.
        """
        if self._stop_reason is None:
            self._stop_reason = reason
        if at_once:
            self._impatient.set()

    # -- the recorder

    def _record(self, reading: int) -> None:
        poll = select.poll() if hasattr(select, "poll") else None
        if poll is not None:
            poll.register(reading, select.POLLIN | select.POLLHUP)
        try:
            while True:
                # a process left behind by the child may hold the pipe open for ever
                if poll is not None and not poll.poll(200):
                    if self._closing.is_set():
                        return
                    continue
                chunk = os.read(reading, _CHUNK)
                if not chunk:
                    return
                self._keep(chunk)
        finally:
            os.close(reading)

    def _keep(self, chunk: bytes) -> None:
        written = 0
        if self._disk_error is None:
            try:
                while written < len(chunk):
                    written += os.write(self._log, chunk[written:])
            except OSError as error:
                self._disk_error = error  # go on reading, so that the child is not blocked until it is stopped
        self._digest.update(chunk[:written])
        with self._changed:
            self._bytes += written
            self._lost += len(chunk) - written
            self._last_output = time.monotonic()
            self._changed.notify_all()

    # -- the watchdog

    def _watch(self) -> None:
        while self._process.poll() is None and self._reason_to_stop() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.1)
        reason = self._stop_reason
        if self._process.poll() is None:
            self._end_group()
        returncode = self._process.wait()
        wall_s = self.elapsed_s
        self._recorder.join(1.0)
        if self._recorder.is_alive():
            # the program is gone, but something it started still holds its output
            self._signal(signal.SIGTERM)
            self._recorder.join(1.0)
            self._signal(signal.SIGKILL)
            self._recorder.join(1.0)
        left_behind = self._recorder.is_alive()
        self._closing.set()
        self._recorder.join(2.0)
        try:
            os.fsync(self._log)
        except OSError as error:
            if error.errno not in (22, 95):  # not every file system can
                self._disk_error = self._disk_error or error
        os.close(self._log)
        if self._disk_error is not None and reason is None:
            reason = "disk_full"  # the child ended by itself before it could be stopped
        ended_by = None if returncode >= 0 else signal_name(-returncode) or f"signal {-returncode}"
        ending = Ending(
            reason=reason or ("signal" if ended_by else "exited"),
            exit_code=returncode if returncode >= 0 else None,
            signal=ended_by,
            wall_s=wall_s,
            log_bytes=self._bytes,
            log_sha256=self._digest.hexdigest(),
            lost_bytes=self._lost,
            disk_error=None if self._disk_error is None else (self._disk_error.strerror or str(self._disk_error)),
            left_behind=left_behind,
        )
        self._guard.dismiss()
        _RUNNING.discard(self)
        with self._changed:
            self._ending = ending
            self._changed.notify_all()

    def _reason_to_stop(self) -> str | None:
        if self._stop_reason is None:
            if self._disk_error is not None:
                self._stop_reason = "disk_full"
            elif self.timeout_s is not None and self.elapsed_s > self.timeout_s:
                self._stop_reason = "timed_out"
            elif self.hang_s is not None and self.quiet_s > self.hang_s:
                self._stop_reason = "hung"
        return self._stop_reason

    def _end_group(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._signal(number)
            deadline = time.monotonic() + self.grace_s
            while time.monotonic() < deadline and not self._impatient.is_set():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.05)
                    # the leader is gone; what it started gets the same end
                    self._signal(signal.SIGTERM)
                    return
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


@atexit.register
def _end_all() -> None:
    """End what still runs when this program ends: its output would go nowhere."""
    for child in list(_RUNNING):
        child.stop("interrupted")
    for child in list(_RUNNING):
        child.wait(2 * child.grace_s + 5)


def signal_name(number: int) -> str | None:
    """Return the name of a signal, such as ``SIGKILL``; None for a number without one."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
