"""Finds trtexec and asks it what it is.

``trtexec=`` may be a path, a folder, a command as a list (``["docker", "run", ..., "trtexec"]``), a command
in one string, or anything with a ``command`` attribute such as :class:`trtlog.testing.FakeTrtexec`. Without it:
``$TRTLOG_TRTEXEC``, then ``PATH``, then the usual install folders.
"""

from __future__ import annotations

import functools
import glob
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol, Union, runtime_checkable

from trtlog._util.dataclass import dataclass
from trtlog.errors import RunError
from trtlog.runner.helptext import Help, parse_help

#: Programs behind which trtexec sees another file system than ours.
FOREIGN = frozenset({"docker", "podman", "nerdctl", "ssh", "kubectl", "enroot", "singularity", "apptainer"})
#: Programs that join their arguments and hand them to a shell, so that each must be quoted once more.
_RESHELLED = frozenset({"ssh"})
_NAMES = ("trtexec", "tensorrt_rtx")
_FOLDERS = (
    "/usr/src/tensorrt/bin",  # Debian and RPM packages, Jetson, NGC containers
    "/usr/src/tensorrt/targets/*/bin",
    "/opt/tensorrt/bin",
    "/usr/local/tensorrt/bin",
    "/usr/local/TensorRT*/bin",
    "/opt/TensorRT*/bin",
    "/usr/src/TensorRT*/bin",
    "~/TensorRT*/bin",
    "~/tensorrt*/bin",
)
_ROOT_VARIABLES = ("TENSORRT_ROOT", "TensorRT_ROOT", "TRT_ROOT", "TENSORRT_HOME", "TRT_HOME")
_HELP_TIMEOUT_S = 60.0


@runtime_checkable
class HasCommand(Protocol):
    """An object that stands for a trtexec, for instance ``FakeTrtexec``."""

    @property
    def command(self) -> Sequence[str]:
        """The command line up to trtexec's own arguments."""


TrtexecLike = Union[str, "os.PathLike[str]", Sequence[str], HasCommand, None]


@dataclass(frozen=True)
class Trtexec:
    """A trtexec that can be started.

    Attributes
    ----------
    command
        The command line up to trtexec's own arguments.
    source
        Where it was found, in words: ``argument``, ``$TRTLOG_TRTEXEC``, ``PATH`` or an install folder.
    """

    command: tuple[str, ...]
    source: str = field(default="argument", compare=False)

    @property
    def foreign(self) -> bool:
        """Whether trtexec runs in a container or on another machine, with other files than ours."""
        return any(os.path.basename(part) in FOREIGN for part in self.command[:-1][:4])

    @property
    def remote(self) -> bool:
        """Whether trtexec runs on another machine."""
        return any(os.path.basename(part) in _RESHELLED for part in self.command[:-1][:4])

    def argv(self, args: Iterable[str]) -> list[str]:
        """Return the whole command line for these trtexec arguments.

        Examples
        --------
        >>> Trtexec(("ssh", "gpu1", "trtexec")).argv(["--onnx=my model.onnx"])
        ['ssh', 'gpu1', 'trtexec', "'--onnx=my model.onnx'"]
        """
        return [*self.command, *(shlex.quote(arg) if self.remote else arg for arg in args)]

    def read_help(self, env: Mapping[str, str] | None = None) -> Help:
        """Run ``trtexec --help`` (once for each binary in a process) and read it.

        Raises
        ------
        RunError
            It cannot be started, or what it prints is not trtexec's help.
        """
        try:
            state = os.stat(self.command[-1])
            stamp = (state.st_mtime_ns, state.st_size)
        except OSError:
            stamp = (0, 0)
        return _read_help(self.command, stamp, tuple(sorted((env or os.environ).items())))


@functools.lru_cache(maxsize=32)
def _read_help(command: tuple[str, ...], stamp: tuple[int, int], env: tuple[tuple[str, str], ...]) -> Help:
    argv = [*command, "--help"]
    shown = shlex.join(argv)
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_HELP_TIMEOUT_S,
            env=dict(env),
            check=False,
            start_new_session=True,
        )
    except OSError as error:
        raise start_error(command, error) from error
    except subprocess.TimeoutExpired as error:
        raise RunError(f"{shown} did not answer within {_HELP_TIMEOUT_S:g} s; is it trtexec?") from error
    text = done.stdout.decode("utf-8", "replace")
    found = parse_help(text)
    if found is not None:
        return found
    tail = "\n  ".join(text.strip().splitlines()[-5:]) or "(nothing)"
    raise RunError(
        f"{shown} printed no trtexec help (exit code {done.returncode}). It said:\n  {tail}\n{_why_no_help(text)}"
    )


def _why_no_help(text: str) -> str:
    if "error while loading shared libraries" in text:
        return "A library of TensorRT or CUDA is not found: add its folder to LD_LIBRARY_PATH."
    if "No such image" in text or "Unable to find image" in text:
        return "The container image is not on this machine: pull it first."
    return "Check that the command ends with trtexec, or give check_flags=False to start it unchecked."


def start_error(command: Sequence[str], error: OSError) -> RunError:
    """Return the error for a program that the system refused to start."""
    program = command[0]
    if isinstance(error, FileNotFoundError):
        if os.path.exists(program):
            return RunError(
                f"{program} cannot be started: its interpreter or loader is missing (a script whose first line names a "
                "program that is not here, or a binary of another system)."
            )
        return RunError(f"{program} does not exist. Give trtexec=PATH, or set TRTLOG_TRTEXEC.")
    if isinstance(error, PermissionError):
        return RunError(f"{program} may not be executed. Allow it with: chmod +x {shlex.quote(program)}")
    if error.errno == 8:  # ENOEXEC
        return RunError(f"{program} is no program for this machine (another architecture, or a damaged file).")
    return RunError(f"{program} cannot be started: {error.strerror or error}.")


def find_trtexec(
    trtexec: TrtexecLike = None,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] | str | None = None,
) -> Trtexec:
    """Find the trtexec to start.

    Parameters
    ----------
    trtexec
        A path, a folder that holds it, a command (list or one string), an object with ``command``, or None
        to look in ``$TRTLOG_TRTEXEC``, ``PATH`` and the usual install folders.
    env
        The environment to look in; the process's own by default.
    prefix
        A command that starts trtexec, such as ``["docker", "run", "--rm", "--gpus=all", "image"]``. Then
        ``trtexec`` is its name or path in there, by default ``trtexec``.

    Raises
    ------
    RunError
        None is found, or what was given cannot be executed; the message says where was looked.

    Examples
    --------
    >>> find_trtexec(["docker", "run", "--gpus=all", "image", "trtexec"]).foreign
    True
    """
    env = os.environ if env is None else env
    if prefix:
        before = shlex.split(prefix) if isinstance(prefix, str) else [os.fspath(part) for part in prefix]
        return _command([*before, *_words(trtexec)], "prefix")
    if trtexec is not None:
        return _given(trtexec, "argument")
    if env.get("TRTLOG_TRTEXEC"):
        return _given(env["TRTLOG_TRTEXEC"], "$TRTLOG_TRTEXEC")
    for name in _NAMES:
        path = shutil.which(name, path=env.get("PATH", ""))
        if path:
            return Trtexec((path,), "PATH")
    for folder in (*_root_folders(env), *_FOLDERS):
        # the newest version last in name order, so it is taken first
        for name in _NAMES:
            for path in sorted(glob.glob(os.path.join(os.path.expanduser(folder), name)), reverse=True):
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    return Trtexec((path,), os.path.dirname(path))
    looked = ", ".join((*_root_folders(env), *_FOLDERS))
    raise RunError(
        "trtexec is not found: $TRTLOG_TRTEXEC is not set, PATH has no trtexec, nor have the usual install folders "
        f"({looked}). Give trtexec=PATH (on the command line --trtexec PATH), or set TRTLOG_TRTEXEC."
    )


def _root_folders(env: Mapping[str, str]) -> list[str]:
    return [os.path.join(env[name], "bin") for name in _ROOT_VARIABLES if env.get(name)]


def _words(trtexec: TrtexecLike) -> list[str]:
    """Return the words of a command that is started by a prefix and not looked for here."""
    if trtexec is None:
        return ["trtexec"]
    if isinstance(trtexec, (str, os.PathLike)):
        return [os.fspath(trtexec)]
    return [*(trtexec.command if isinstance(trtexec, HasCommand) else trtexec)]


def _given(trtexec: TrtexecLike, source: str) -> Trtexec:
    if isinstance(trtexec, Trtexec):
        return trtexec
    if isinstance(trtexec, HasCommand):
        return Trtexec(tuple(trtexec.command), source)
    if isinstance(trtexec, (str, os.PathLike)):
        text = os.fspath(trtexec)
        if " " in text.strip() and not os.path.exists(text):
            return _command(shlex.split(text), source)
        return _command([text], source)
    assert trtexec is not None
    return _command([os.fspath(part) for part in trtexec], source)


def _command(command: list[str], source: str) -> Trtexec:
    if not command or not command[0]:
        raise RunError(f"An empty command was given for trtexec ({source}).")
    program = os.path.expanduser(command[0])
    if os.path.isdir(program) and len(command) == 1:
        inside = [Path(program, *sub, name) for sub in ((), ("bin",)) for name in _NAMES]
        found = [path for path in inside if path.is_file()]
        if not found:
            raise RunError(f"{program} is a folder without trtexec in it or in its bin folder ({source}).")
        program = str(found[0])
    if os.sep not in program:
        which = shutil.which(program)
        if which is None:
            raise RunError(f"{program} is not found on PATH ({source}). Give its whole path.")
        program = which
    elif not os.path.exists(program):
        raise RunError(f"{program} does not exist ({source}).")
    elif not os.access(program, os.X_OK):
        raise RunError(f"{program} may not be executed ({source}). Allow it with: chmod +x {shlex.quote(program)}")
    return Trtexec((os.path.abspath(program), *command[1:]), source)
