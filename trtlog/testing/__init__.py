"""For tests of scripts that use trtexec, on machines without a GPU: a stand-in that replays captured logs.

::

    from trtlog.testing import FakeTrtexec

    def test_my_script(tmp_path):
        fake = FakeTrtexec("captured.log.gz")
        log = trtlog.run(onnx="m.onnx", fp16=True, trtexec=fake, out=tmp_path / "run")
        assert log.performance.throughput_qps == 1336.59

For scripts that start ``trtexec`` themselves, :meth:`FakeTrtexec.install` puts an executable into a folder
for ``PATH``.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from trtlog._util.dataclass import dataclass

__all__ = ["FakeTrtexec"]


@dataclass(frozen=True)
class FakeTrtexec:
    """A stand-in for trtexec that replays captured logs.

    It answers ``--help`` as the version in the log does, refuses flags which that version does not have,
    writes
    ``[W]`` and ``[E]`` lines to standard error and the rest to standard output as trtexec does, writes the
    JSON exports and placeholders for engine and timing cache, and ends with the exit code that the log
    shows.

    Parameters
    ----------
    log_path
        The log to replay, plain or compressed; or several, of which the one is taken whose command line has
        the same flags as those given (files that are written, and ``--verbose``, do not count).
    speed
        How fast to replay, by the log's own time stamps: 1 as it was, 10 ten times as fast; None as fast as
        possible.
    exit_code
        What to return instead of what the log shows.
    crash_signal
        Die by this signal, such as ``"SIGSEGV"``, at the end or after ``crash_after`` lines.
    crash_after
        End there: by ``crash_signal``, or else with ``exit_code`` (1 by default).
    hang_after
        Print so many lines, then nothing more, for ever.
    stubborn
        Ignore SIGINT and SIGTERM.
    flood_lines
        Print so many more verbose lines, as fast as possible, before the closing line.
    close
        Close ``"stdout"`` or ``"stderr"`` at the start; what belongs there is lost.
    exports
        Write the files that flags ask for, if the run passes.
    version
        The version to answer ``--help`` for, such as ``"8.5.3"``; by default that of the log.
    help_path
        A captured ``--help`` to answer with instead.
    check_flags
        Refuse flags that the version does not have.

    Examples
    --------
    >>> fake = FakeTrtexec("captured.log.gz", speed=10)
    >>> fake.command[-1]
    '--fake-speed=10'
    """

    log_path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
    speed: float | None = None
    exit_code: int | None = None
    crash_signal: str | None = None
    crash_after: int | None = None
    hang_after: int | None = None
    stubborn: bool = False
    flood_lines: int = 0
    close: str | None = None
    exports: bool = True
    version: str | None = None
    help_path: str | os.PathLike[str] | None = None
    check_flags: bool = True

    @property
    def logs(self) -> list[str]:
        """The logs to choose from."""
        given = [self.log_path] if isinstance(self.log_path, (str, os.PathLike)) else self.log_path
        return [os.path.abspath(path) for path in given]

    @property
    def command(self) -> list[str]:
        """The command line up to trtexec's own arguments."""
        options = {
            "speed": self.speed,
            "exit-code": self.exit_code,
            "crash-signal": self.crash_signal,
            "crash-after": self.crash_after,
            "hang-after": self.hang_after,
            "flood-lines": self.flood_lines or None,
            "close": self.close,
            "version": self.version,
            "help-file": None if self.help_path is None else os.path.abspath(self.help_path),
        }
        switches = {
            "stubborn": self.stubborn,
            "no-exports": not self.exports,
            "no-check": not self.check_flags,
        }
        return [
            sys.executable,
            str(Path(__file__).resolve().with_name("fake_trtexec.py")),
            *(f"--fake-log={path}" for path in self.logs),
            *(f"--fake-{name}={value}" for name, value in options.items() if value is not None),
            *(f"--fake-{name}" for name, given in switches.items() if given),
        ]

    def install(self, folder: str | os.PathLike[str], name: str = "trtexec") -> Path:
        """Write an executable of this name into a folder, to be put before others on ``PATH``.

        Returns
        -------
        Path
            The executable. It needs a POSIX shell.
        """
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec {shlex.join(self.command)} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        return path
