"""What ends a child when this program is killed: a shell at the other end of a pipe that only this program holds.

A program killed with SIGKILL can end nothing, and a child that prints nothing would run on unseen, holding the GPU. The
kernel closes the pipe however this program ends; the shell then ends the child's whole process group, politely first.
``PR_SET_PDEATHSIG`` would do on Linux alone, and fires when the *thread* that started the child ends.
"""

from __future__ import annotations

import contextlib
import os
import subprocess

# A line on the pipe: the child has ended, and nothing is to be done. The end of the pipe: nobody watches the child.
_SCRIPT = """
trap '' INT HUP TERM
read -r done && exit
kill -INT -"$1"; sleep "$2"
kill -TERM -"$1"; sleep "$2"
kill -KILL -"$1"
"""


class Guard:
    """Ends a process group when this program dies.

    Where there is no ``/bin/sh``, it does nothing: the child then ends with its next line of output, which nobody
    reads.

    Parameters
    ----------
    group
        The process group.
    grace_s
        How long each of the polite signals is given.
    """

    def __init__(self, group: int, grace_s: float) -> None:
        self._pipe: int | None = None
        self._shell: subprocess.Popen[bytes] | None = None
        if os.name != "posix":
            return
        reading, writing = os.pipe()
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "trtlog-guard", str(group), str(max(1, round(grace_s)))],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            os.close(writing)
        else:
            self._pipe = writing
        finally:
            os.close(reading)

    def dismiss(self) -> None:
        """Say that the group has ended; the shell ends too."""
        if self._pipe is None or self._shell is None:
            return
        with contextlib.suppress(OSError):
            os.write(self._pipe, b"done\n")
        os.close(self._pipe)
        self._pipe = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._shell.wait(5)
