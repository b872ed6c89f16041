"""Sweeps: the same model over batch sizes, precisions and any other flags, one run of trtexec for each point."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from trtlog._util.files import write_whole
from trtlog.errors import InputError, RunError
from trtlog.flags import format_version
from trtlog.runner.arguments import FlagError
from trtlog.runner.binary import TrtexecLike, find_trtexec
from trtlog.runner.check import check_arguments, refuse
from trtlog.runner.folder import RunFolder
from trtlog.runner.launch import follow, start
from trtlog.runner.points import Point, make_points
from trtlog.runner.progress import Event
from trtlog.runner.study import Sweep, describe, run_folders
from trtlog.runner.writer import FolderLock

PLAN = "sweep.json"
CACHE = "timing.cache"
# A point that trtexec itself brought to an end is finished; one that was stopped is not.
_FINISHED = frozenset({"passed", "failed"})
# Options of a run among those of a sweep; all others are flags.
_LIMITS = ("timeout_s", "hang_s", "grace_s", "verbose", "exports", "cwd")


def sweep(
    onnx: str | os.PathLike[str] | None = None,
    *,
    batch: Sequence[int] | None = None,
    precision: Sequence[str] | None = None,
    axes: Mapping[str, Sequence[Any]] | None = None,
    shapes: Mapping[str, Any] | str | None = None,
    trtexec: TrtexecLike = None,
    prefix: Sequence[str] | str | None = None,
    out: str | os.PathLike[str] | None = None,
    args: Sequence[str] = (),
    engine: bool = False,
    timing_cache: bool = True,
    resume: bool = True,
    retry_failed: bool = False,
    check_flags: bool = True,
    seen_as: str | os.PathLike[str] | None = None,
    on_point: Callable[[Point, dict[str, Any]], object] | None = None,
    on_event: Callable[[Point, Event], object] | None = None,
    repeat: int = 1,
    progress: bool = False,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> Sweep:
    """Run trtexec once for every combination of the axes, and compare.

    Parameters
    ----------
    onnx
        The model.
    batch
        Batch sizes. The inputs' names and shapes are read from the model, or taken from ``shapes``.
    precision
        ``fp32 fp16 bf16 int8 fp8 int4 best``, also joined: ``"fp16+int8"``. ``fp32`` is trtexec without a precision
        flag, which uses TF32 where the GPU has it; ``axes={"noTF32": [True]}`` turns that off.
    axes
        Any other flags with the values to try: ``{"builderOptimizationLevel": [1, 3, 5], "useCudaGraph":
        [False, True]}``.
    shapes
        Input shapes with ``"N"`` or -1 for the batch: ``{"input": (-1, 3, 224, 224)}`` or ``"input:Nx3x224x224"``.
    trtexec, prefix, args, check_flags, seen_as, env
        As for ``trtlog.runner.launch.start``; ``args`` are shared by all points.
    out
        The folder of the sweep, by default ``trtlog-sweeps/<date>-<time>-<model>``. Each point's run folder is in
        it; :func:`open_sweep` opens it again.
    engine
        Keep the engines.
    timing_cache
        Share one timing cache among all points, so that what one point has timed is not timed again. Not with a
        trtexec that has other files than ours, unless ``seen_as`` is given.
    resume
        Take finished points in ``out`` as they are. A point is finished when trtexec ended by itself with the same
        arguments; one that was interrupted, killed or stopped is run again.
    retry_failed
        Run also those points again that failed.
    on_point
        Called after each point with its row of the table.
    on_event
        Called with every live event.
    repeat
        How often each point is run: all of them once, then all of them again, so that a machine that changes meanwhile
        changes all points alike. The table has medians and the spread; with it noise is measured and not assumed. With
        several runs nothing needs to vary: ``trtlog.sweep("m.onnx", repeat=5)``.
    progress
        Show a progress bar: under the cell of a notebook, else on the terminal.
    **options
        trtexec's flags for all points, and limits such as ``timeout_s`` (for each point).

    Returns
    -------
    Sweep
        ``.table`` with a row for each point, ``.pareto()``, ``.recommend()``, ``.plot()``. A point that fails does
        not end the sweep: its row tells its status and cause.

    Raises
    ------
    RunError
        trtexec is not found, the folder holds a sweep of another trtexec version, or somebody sweeps into it now.
    FlagError
        A flag that this trtexec does not have; nothing was started.
    """
    limits = {name: options.pop(name) for name in _LIMITS if name in options}
    if repeat < 1:
        raise FlagError(f"A point is run once or more, not {repeat} times.")
    points = make_points(
        onnx, batch=batch, precision=precision, axes=axes, shapes=shapes, args=args, flags=options, alone=repeat > 1
    )
    environment = {**os.environ, **(env or {})}
    binary = find_trtexec(trtexec, environment, prefix)
    version = None
    if check_flags:
        help_ = binary.read_help(environment)
        for point in points:
            refuse(check_arguments(point.args, help_))
        version = format_version(help_.printed_version or help_.release)
    path = Path(out) if out is not None else _default(onnx)
    path = path.expanduser().absolute()
    plan = {"version": version, "trtexec": list(binary.command), "repeat": repeat, "points": list(map(_plain, points))}
    shared = timing_cache and (seen_as is not None or not binary.foreign)
    base = Path(seen_as) if seen_as is not None else path
    _make(path)
    with FolderLock(path):
        write_plan(path, plan)
        for number, point in ((number, point) for number in range(repeat) for point in points):
            folders = run_folders(path, point, repeat)
            folder = folders[number]
            if not (resume and is_finished(folder, point, retry_failed=retry_failed)):
                given = list(point.args)
                if shared and not any(argument.startswith("--timingCacheFile=") for argument in given):
                    given.append(f"--timingCacheFile={base / CACHE}")
                session = start(
                    trtexec=binary,
                    out=folder.path,
                    args=given,
                    overwrite=True,
                    engine=engine,
                    timing_cache=False,
                    check_flags=check_flags,
                    seen_as=None if seen_as is None else base / folder.path.name,
                    env=env,
                    **limits,
                )
                with session:
                    if on_event is not None or progress:
                        tell = None if on_event is None else partial(on_event, point)
                        follow(session, tell, progress=progress, label=folder.path.name)
                    session.wait()
            if on_point is not None:
                on_point(point, describe(point, folders[: number + 1]).row)
    return Sweep(path, points, repeat)


def open_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Open the folder of an earlier sweep, finished or not.

    Raises
    ------
    RunError
        There is no sweep in it.
    """
    folder = Path(path).expanduser().absolute()
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        points = [_point(item) for item in plan["points"]]
        repeat = int(plan.get("repeat", 1))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RunError(f"{folder} holds no sweep: {PLAN} is not there or cannot be read.") from error
    return Sweep(folder, points, repeat)


def _point(item: dict[str, Any]) -> Point:
    """Return a point of a plan that was written; ValueError where it is none, or its name leads out of the folder."""
    name, values, args = item["name"], item["values"], item["args"]
    texts = [name, *args, *values]
    if not isinstance(args, list) or not isinstance(values, dict) or not all(isinstance(text, str) for text in texts):
        raise ValueError("no point")
    if Path(name).name != name or any(isinstance(value, dict | list) for value in values.values()):
        raise ValueError(f"no point: {name!r}")
    return Point(name, values, tuple(args))


def is_finished(folder: RunFolder, point: Point, *, retry_failed: bool = False) -> bool:
    """Whether this very point was run to its end before."""
    result = folder.result
    if result is None or result["status"] not in _FINISHED or not folder.log_path.exists():
        return False
    if result["status"] == "failed" and retry_failed:
        return False
    if folder.log_path.stat().st_size != result["log_bytes"]:
        return False
    command = folder.command
    added = command.get("added", [])
    # the path of the shared timing cache says nothing about the point
    kept = [argument for argument in command.get("args", []) if argument not in added]
    given = [item for item in kept if item in point.args or not item.startswith("--timingCacheFile=")]
    return tuple(given) == point.args


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error


def write_plan(path: Path, plan: Mapping[str, Any]) -> None:
    """Write ``sweep.json``, if the folder holds no sweep of another trtexec."""
    file = path / PLAN
    try:
        if file.exists():
            before = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(before, dict):
                raise ValueError("it holds no JSON object")
            old, new = before.get("version"), plan["version"]
            if old is not None and new is not None and old != new:
                raise RunError(
                    f"{path} holds a sweep of trtexec {old}, this is {new}: their points do not belong into one table. "
                    "Give another out=."
                )
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} is damaged ({error}): remove it, or give another out=.") from error
    try:  # whole or not at all: a disk that was full must not forbid to take the sweep up
        write_whole(file, [json.dumps({"schema": 1, **plan}, indent=1) + "\n"])
    except InputError as error:
        raise RunError(f"{error}.") from error


def _plain(point: Point) -> dict[str, Any]:
    return {"name": point.name, "values": point.values, "args": list(point.args)}


def _default(onnx: str | os.PathLike[str] | None) -> Path:
    stem = Path(onnx).stem if onnx is not None else "sweep"
    return Path("trtlog-sweeps", f"{time.strftime('%Y%m%d-%H%M%S')}-{stem}")
