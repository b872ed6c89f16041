"""Starts trtexec with everything around it: ``trtlog.run`` and ``trtlog.runner.launch.start``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtlog._util.dataclass import dataclass
from trtlog.display import draw
from trtlog.errors import RunError
from trtlog.flags import flags_of, format_version
from trtlog.runner.arguments import arguments, profile_arguments, split_flag, value_of
from trtlog.runner.binary import Trtexec, TrtexecLike, find_trtexec
from trtlog.runner.check import Problem, check_arguments, refuse
from trtlog.runner.environment import VARIABLES, read_environment
from trtlog.runner.folder import COMMAND, ENVIRONMENT, WRITTEN, new_folder, open_folder
from trtlog.runner.helptext import Help
from trtlog.runner.process import Child
from trtlog.runner.progress import Event
from trtlog.runner.session import Session, now_iso

if TYPE_CHECKING:
    from trtlog.runner.run_log import RunLog

# With one of these nothing is built or measured; nothing may be added to the command line.
_ALONE = frozenset({"--help", "-h", "--continue", "--helpBuildRoute", "--getPlanVersionOnly", "--dryRun"})
# Engines that this trtexec cannot open, or not inspect: asking for their layers would fail the run.
_CLOSED_ENGINES = frozenset(
    {"--safe", "--buildDLAStandalone", "--stripWeights", "--stripAllWeights", "--weightless", "--cpuOnly"}
)
_CLOSED_RUNTIMES = ("--useRuntime=lean", "--useRuntime=dispatch", "--runtimePlatform=WindowsAMD64")


@dataclass(frozen=True)
class LaunchPlan:
    """A command line, ready to start.

    Attributes
    ----------
    trtexec
        What is started.
    args
        trtexec's arguments, with those that were added.
    added
        Which of them were added.
    help
        What the binary says about itself; None if it was not asked.
    problems
        Warnings about the arguments.
    """

    trtexec: Trtexec
    args: tuple[str, ...]
    added: tuple[str, ...]
    help: Help | None
    problems: tuple[Problem, ...]

    @property
    def argv(self) -> list[str]:
        """The whole command line."""
        return self.trtexec.argv(self.args)


def run(
    onnx: str | os.PathLike[str] | None = None,
    *,
    trtexec: TrtexecLike = None,
    out: str | os.PathLike[str] | None = None,
    on_event: Callable[[Event], object] | None = None,
    progress: bool = False,
    check: bool = True,
    **options: Any,
) -> RunLog:
    """Run trtexec and return its log, parsed.

    Keyword arguments beyond those below are trtexec's flags: ``fp16=True``, ``shapes={"input": (8, 3, 224,
    224)}``,
    ``mem_pool_size={"workspace": 1024}``; see ``trtlog.runner.arguments``.

    Parameters
    ----------
    onnx
        The model (``--onnx``).
    trtexec
        What to start: a path, a folder, a command as a list (``["docker", "run", ..., "trtexec"]``) or in one
        string, a :class:`trtlog.testing.FakeTrtexec`. By default ``$TRTLOG_TRTEXEC``, ``PATH``, the usual
        install folders.
    out
        The run folder, by default ``trtlog-runs/<date>-<time>-<model>``. ``trtlog.open_run(out)`` opens it
        again.
    on_event
        Called with every :class:`trtlog.runner.progress.Event`. However slow it is, it delays neither
        trtexec nor its log. An exception in it ends the run.
    progress
        Show a progress bar: under the cell of a notebook, else on the terminal.
    check
        Raise ``RunError`` if the run does not pass; otherwise the log is returned whatever became of it.
    **options
        Those of ``trtlog.runner.launch.start``, and trtexec's flags.

    Returns
    -------
    RunLog
        The same as ``trtlog.parse`` of the log in the run folder, and ``log.folder``, the folder itself.

    Raises
    ------
    RunError
        trtexec is not found, cannot be started, or does not pass.
    FlagError
        A flag that this trtexec does not have; nothing was started.
    """
    with start(onnx, trtexec=trtexec, out=out, **options) as session:
        if on_event is not None or progress:
            follow(session, on_event, progress=progress)
        return session.result(check=check)


def follow(
    session: Session, on_event: Callable[[Event], object] | None, *, progress: bool = False, label: str = ""
) -> None:
    """Follow a run to its end: call a function with every event, show a progress bar."""
    with draw("progress", session, label=label) if progress else nullcontext() as show:
        for event in session:
            if show is not None:
                show(event)
            if on_event is not None:
                on_event(event)


def start(
    onnx: str | os.PathLike[str] | None = None,
    *,
    trtexec: TrtexecLike = None,
    out: str | os.PathLike[str] | None = None,
    prefix: Sequence[str] | str | None = None,
    args: Sequence[str] = (),
    verbose: bool = True,
    exports: bool | None = None,
    engine: bool | None = None,
    timing_cache: bool | None = None,
    profiles: Sequence[Mapping[str, Any]] = (),
    check_flags: bool = True,
    overwrite: bool = False,
    seen_as: str | os.PathLike[str] | None = None,
    timeout_s: float | None = None,
    hang_s: float | None = None,
    grace_s: float = 5.0,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    **flags: Any,
) -> Session:
    """Start trtexec and return at once; iterate over the session for live events.

    Parameters
    ----------
    onnx, trtexec, out
        As for :func:`run`.
    prefix
        A command that starts trtexec, such as ``"docker run --rm --gpus=all image"``; ``trtexec`` is then its name in
        there.
    args
        trtexec's arguments as they are, before those made from keywords.
    verbose
        Add ``--verbose``.
    exports
        Add ``--exportTimes``, ``--exportProfile``, ``--exportLayerInfo`` into the run folder, as far as
        this trtexec has them, with ``--separateProfileRun`` where the summary would be lost without it.
        None means: if trtexec sees our files (not in a container or on another machine, unless ``seen_as``
        is given).
    engine, timing_cache
        Add ``--saveEngine`` and ``--timingCacheFile`` into the run folder when an engine is built; None as
        above.
    profiles
        Several optimization profiles (9.1 and newer), each a dict with ``min``, ``opt`` and ``max`` shapes.
    check_flags
        Ask ``trtexec --help`` first and refuse what this version does not have.
    overwrite
        Replace an earlier run in ``out``.
    seen_as
        The run folder's path as trtexec sees it, for a container with a volume.
    timeout_s, hang_s
        Stop it after so many seconds altogether, or without a byte of output; None for no limit. A build
        may be silent for minutes.
    grace_s
        How long SIGINT and then SIGTERM are given before SIGKILL.
    cwd
        Where to start it; relative paths in flags count from there.
    env
        Environment variables to set besides the present ones.
    **flags
        trtexec's flags.

    Raises
    ------
    RunError
        It cannot be found or started, or the run folder cannot be used.
    FlagError
        A flag that this trtexec does not have.
    """
    environment = {**os.environ, **(env or {})}
    keywords = {"onnx": onnx, **flags}
    given = [*args, *profile_arguments(profiles), *arguments(keywords)]
    binary = find_trtexec(trtexec, environment, prefix)
    help_ = binary.read_help(environment) if check_flags else None
    model = value_of(given, "--onnx") or value_of(given, "--loadEngine")
    if help_ is not None:
        refuse(check_arguments(given, help_))
    folder = new_folder(out, model=model, overwrite=overwrite)
    plan = make_plan(
        binary,
        given,
        help_,
        base=os.fspath(seen_as) if seen_as is not None else str(folder.path),
        files=seen_as is not None or not binary.foreign,
        verbose=verbose,
        exports=exports,
        engine=engine,
        timing_cache=timing_cache,
    )
    directory = Path(cwd).absolute() if cwd is not None else Path.cwd()
    surroundings = read_environment(environment, remote=binary.remote)
    try:
        folder.write(COMMAND, _command_record(plan, directory, environment, timeout_s, hang_s))
        folder.write(ENVIRONMENT, surroundings)
        folder.reserve()
        child = Child(
            plan.argv,
            folder.log_path,
            cwd=directory,
            env=environment,
            timeout_s=timeout_s,
            hang_s=hang_s,
            grace_s=grace_s,
        )
    except OSError as error:
        folder.close()
        raise RunError(f"The run folder {folder.path} cannot be written: {error.strerror or error}.") from error
    except RunError:
        folder.discard()
        raise
    return Session(child, folder, warnings=tuple(problem.text for problem in plan.problems))


def make_plan(
    trtexec: Trtexec,
    given: Sequence[str],
    help_: Help | None,
    *,
    base: str,
    files: bool = True,
    verbose: bool = True,
    exports: bool | None = None,
    engine: bool | None = None,
    timing_cache: bool | None = None,
) -> LaunchPlan:
    """Add to the arguments what a run keeps, as far as this trtexec has the flags.

    Parameters
    ----------
    trtexec, given, help_
        What is started, the arguments given, what the binary says about itself.
    base
        The run folder's path as trtexec sees it.
    files
        Whether trtexec can write there.
    verbose, exports, engine, timing_cache
        As for :func:`start`.

    Examples
    --------
    >>> old = Help({name: "" for name in flags_of((8, 5, 3))}, (8, 5, 3), None, (8, 5, 3))
    >>> make_plan(Trtexec(("trtexec",)), ["--loadEngine=m.engine"], old, base="/run").added
    ('--verbose', '--exportTimes=/run/times.json', '--exportProfile=/run/profile.json', \
'--exportLayerInfo=/run/layers.json', '--separateProfileRun')
    """
    names = {split_flag(argument)[0] for argument in given}
    # unchecked, nothing is known about the binary: then only flags that every trtexec since 8.2 has are added
    available = set(help_.flags) | flags_of(help_.release) if help_ is not None else set(flags_of((8, 2, 1)))
    release = help_.release if help_ is not None else None
    exports, engine, timing_cache = (files if choice is None else choice for choice in (exports, engine, timing_cache))
    added: list[str] = []

    def add(name: str, value: str | None = None) -> None:
        if name in available and name not in names:
            names.add(name)
            added.append(name if value is None else f"{name}={value}")

    if not names & _ALONE:
        if verbose:
            add("--verbose")
        builds = "--loadEngine" not in names
        skips = bool(names & {"--skipInference", "--buildOnly"})
        inspects = not (names & _CLOSED_ENGINES or any(a.startswith(_CLOSED_RUNTIMES) for a in given))
        if exports:
            # 7.x crashes with --exportProfile alone; the second run that keeps the summary came with 7.2.1
            profiled_run = inspects and not skips and (release is None or release >= (7, 2, 1))
            for name, suits in (
                ("--exportTimes", not skips),
                ("--exportProfile", profiled_run),
                ("--exportLayerInfo", inspects),
            ):
                if suits:
                    add(name, os.path.join(base, WRITTEN[name]))
            profiled = any(argument.startswith("--exportProfile=") for argument in added)
            if profiled and (release is None or release < (11,)):
                add("--separateProfileRun")
        if builds and engine:
            add("--saveEngine", os.path.join(base, WRITTEN["--saveEngine"]))
        if builds and timing_cache and "--noBuilderCache" not in names:
            add("--timingCacheFile", os.path.join(base, WRITTEN["--timingCacheFile"]))
    args = (*given, *added)
    problems = () if help_ is None else tuple(check_arguments(args, help_))
    return LaunchPlan(trtexec, args, tuple(added), help_, problems)


def open_run(path: str | os.PathLike[str]) -> RunLog:
    """Open the folder of an earlier run, finished or not.

    Returns
    -------
    RunLog
        The same log that ``trtlog.run`` returned. ``log.folder`` is the folder: ``.result``, ``.command`` and
        ``.environment`` tell about the run, ``.times``, ``.profile`` and ``.layers`` hold what trtexec exported.

    Raises
    ------
    RunError
        There is no such folder, or no run in it.
    InputError
        The log in it is empty.
    """
    return open_folder(path).log


def _command_record(
    plan: LaunchPlan, cwd: Path, environment: Mapping[str, str], timeout_s: float | None, hang_s: float | None
) -> dict[str, Any]:
    help_ = plan.help
    printed = help_.printed_version if help_ is not None else None
    return {
        "argv": plan.argv,
        "shell": shlex.join(plan.argv),
        "args": list(plan.args),
        "added": list(plan.added),
        "trtexec": list(plan.trtexec.command),
        "found_by": plan.trtexec.source,
        "version": format_version(printed) if printed else None,
        "build": help_.build if help_ is not None else None,
        "flags_of_release": format_version(help_.release) if help_ is not None else None,
        "warnings": [problem.text for problem in plan.problems],
        "cwd": str(cwd),
        "variables": {name: environment[name] for name in VARIABLES if name in environment},
        "timeout_s": timeout_s,
        "hang_s": hang_s,
        "planned_at": now_iso(),
    }
