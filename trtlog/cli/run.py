"""``trtlog run``: start trtexec, follow it, keep everything."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from trtlog.cli.common import echo
from trtlog.cli.live import LiveView, ending_like_ctrl_c, running_options
from trtlog.errors import InputError

TRACE = "trace.json"

if TYPE_CHECKING:
    from trtlog.log import Log
    from trtlog.runner.session import Session


@click.command("run", context_settings={"ignore_unknown_options": True})
@click.option("-o", "--out", help="Run folder [default: trtlog-runs/DATE-TIME-MODEL].")
@running_options
@click.option("--no-engine", is_flag=True, help="Do not keep the engine.")
@click.option("--no-timing-cache", is_flag=True, help="Do not keep the timing cache.")
@click.option(
    "--repeat", type=click.IntRange(1), default=1, help="Run so often; medians and spread. OUT is a sweep of one point."
)
@click.option("--trace", is_flag=True, help="Write trace.json into the folder: a timeline for Perfetto.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier run in the folder.")
@click.option("--dry-run", is_flag=True, help="Print the command line and what is wrong with it, and stop.")
@click.argument("trtexec_args", nargs=-1, type=click.UNPROCESSED, metavar="[--] TRTEXEC_ARGS...")
def command(
    out: str | None,
    running: dict[str, Any],
    quiet: bool,
    as_json: bool,
    no_engine: bool,
    no_timing_cache: bool,
    repeat: int,
    trace: bool,
    overwrite: bool,
    dry_run: bool,
    trtexec_args: tuple[str, ...],
) -> int:
    """Start trtexec, show where it is, and keep its log, exports, engine and surroundings in a folder.

    What stands after --, and every option that is not listed here, is given to trtexec as it is.

    Example:  trtlog run --out r50 -- --onnx=resnet50.onnx --fp16
    """
    from trtlog.runner.arguments import FlagError
    from trtlog.runner.launch import start

    if repeat > 1 and (trace or overwrite):
        raise click.UsageError("--repeat keeps each run in a folder of its own, without --trace and --overwrite")
    if not trtexec_args:
        raise click.UsageError("give trtexec's arguments after --, as in: trtlog run -- --onnx=m.onnx --fp16")
    if repeat > 1 and not dry_run:
        from trtlog.cli.sweep import repeated

        running |= {"engine": not no_engine, "timing_cache": not no_timing_cache}
        return repeated(out, trtexec_args, repeat, running, quiet=quiet, as_json=as_json)
    with ending_like_ctrl_c():
        try:
            if dry_run:
                _dry_run(out, trtexec_args, running)
                return 0
            session = start(
                out=out,
                args=trtexec_args,
                engine=False if no_engine else None,
                timing_cache=False if no_timing_cache else None,
                overwrite=overwrite,
                **running,
            )
        except FlagError as error:
            raise click.UsageError(str(error)) from error
        log = _follow(session, quiet=quiet, as_json=as_json, traced=trace)
    if not as_json and log is not None:
        echo(headline(log))
    if not as_json:
        echo(f"kept in {session.folder.path}")
    return 0


def _follow(session: Session, *, quiet: bool, as_json: bool, traced: bool) -> Log | None:
    with session, LiveView(as_json=as_json, quiet=quiet) as view:
        if not as_json:
            for warning in session.warnings:
                view.say(f"trtlog: {warning}")
        try:
            for event in session:
                view.show(event)
        except KeyboardInterrupt:
            view.say(f"trtlog: trtexec is ended; its log is kept in {session.folder.path}")
            raise
    session.wait()
    if traced:
        _write_trace(session)
    error = session.error()
    if error is not None:
        raise error
    try:
        return session.folder.log
    except InputError:
        return None  # such as --help: nothing was run


def _write_trace(session: Session) -> None:
    """Write the timeline, of a run that failed too; one that printed nothing has none."""
    from trtlog.report.trace.events import save
    from trtlog.report.trace.events import trace as trace_of

    try:
        log = session.folder.log
    except InputError:
        return
    save(trace_of(log), session.folder.path / TRACE)


def headline(log: Log) -> str:
    """Return the result of a run in a line or two."""
    performance = log.performance
    if performance.throughput_qps is None:
        return f"{log.run.status}, without a performance summary"
    parts = [f"{performance.throughput_qps:g} qps"]
    latency = performance.latency
    if latency is not None:
        parts.append(f"latency median {latency.median_ms:g} ms" if latency.median_ms is not None else "")
        parts.extend(f"p{p:g} {value:g} ms" for p, value in latency.percentiles.items())
    return f"{log.run.status}: " + ", ".join(part for part in parts if part)


def _dry_run(out: str | None, args: tuple[str, ...], running: dict[str, Any]) -> None:
    from trtlog.runner.binary import find_trtexec
    from trtlog.runner.check import check_arguments, refuse
    from trtlog.runner.launch import make_plan

    found = find_trtexec(running["trtexec"], prefix=running["prefix"])
    help_ = found.read_help()
    refuse(check_arguments(args, help_))
    base = running["seen_as"] or out or "RUN"
    plan = make_plan(found, args, help_, base=base, verbose=running["verbose"], exports=running["exports"])
    echo(f"# {help_.name}, found by {found.source}")
    for problem in plan.problems:
        echo(f"# {problem.text}")
    echo(shlex.join(plan.argv))
