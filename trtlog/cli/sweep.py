"""``trtlog sweep``: one model over batch sizes, precisions and any other flags."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Any

import click

import trtlog
from trtlog.cli.common import FORMATS, echo, print_rows, raw_option, show
from trtlog.cli.live import LiveView, ending_like_ctrl_c, running_options

if TYPE_CHECKING:
    from trtlog.runner.points import Point
    from trtlog.runner.progress import Event
    from trtlog.runner.study import Sweep


@click.command("sweep", context_settings={"ignore_unknown_options": True})
@click.option("--onnx", help="The model.")
@click.option("--batch", help="Batch sizes: 1,8,32.")
@click.option("--precision", help="Precisions: fp32,fp16,int8; also joined: fp16+int8.")
@click.option("--axis", "axes", multiple=True, metavar="FLAG=V1,V2", help="Any flag; on and off for bare ones. Repeat.")
@click.option("--shapes", help="Input shapes with N for the batch: input:Nx3x224x224 [default: the model's own].")
@click.option(
    "-o", "--out", help="Folder of the sweep, also to take up again [default: trtlog-sweeps/DATE-TIME-MODEL]."
)
@running_options
@click.option(
    "--repeat",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Run each point so often, in turns; medians and spread.",
)
@click.option("--keep-engines", is_flag=True, help="Keep the engine of every point.")
@click.option("--no-timing-cache", is_flag=True, help="Do not share a timing cache.")
@click.option("--retry-failed", is_flag=True, help="Run failed points again.")
@click.option("--show", is_flag=True, help="Run nothing; show what --out holds.")
@click.option("--max-latency", type=float, metavar="MS", help="Recommend the fastest point within this latency.")
@click.option("--stat", default="p99", show_default=True, help="Which latency: mean, median, p90, p99 ...")
@click.option("--plot", "plots", multiple=True, metavar="FILE", help="Draw: .html, .png, .svg, .pdf. Repeat.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@raw_option
@click.argument("trtexec_args", nargs=-1, type=click.UNPROCESSED, metavar="[[--] TRTEXEC_ARGS...]")
def command(
    onnx: str | None,
    batch: str | None,
    precision: str | None,
    axes: tuple[str, ...],
    shapes: str | None,
    out: str | None,
    running: dict[str, Any],
    keep_engines: bool,
    no_timing_cache: bool,
    retry_failed: bool,
    show: bool,
    repeat: int,
    max_latency: float | None,
    stat: str,
    plots: tuple[str, ...],
    format_: str,
    quiet: bool,
    as_json: bool,
    trtexec_args: tuple[str, ...],
) -> int:
    """Run trtexec once for every combination, and compare throughput, latency, memory and build time.

    Finished points in --out are not run again. What stands after --, and every option that
    is not listed here, is given to trtexec at every point.

    Example:  trtlog sweep --onnx m.onnx --batch 1,8,32 --precision fp32,fp16,int8 --max-latency 5 --plot m.html
    """
    if show:
        if out is None:
            raise click.UsageError("--show needs --out, the folder of a sweep.")
        study = trtlog.open_sweep(out)
    elif repeat == 1 and not (batch or precision or axes):
        raise click.UsageError("give something to vary: --batch, --precision or --axis; or --repeat N")
    else:
        grid = {
            "batch": None if batch is None else [_whole(text) for text in _split(batch)],
            "precision": None if precision is None else _split(precision),
            "axes": dict(_axis(text) for text in axes),
            "shapes": shapes,
            "repeat": repeat,
        }
        running |= {"engine": keep_engines, "timing_cache": not no_timing_cache, "retry_failed": retry_failed}
        study = _run(onnx, out, trtexec_args, {**grid, **running}, quiet=quiet, as_json=as_json)
    if not as_json:
        present(study, format_, max_latency, stat)
    for plot in plots:
        echo(f"drawn: {study.plot(plot, stat)}", err=True)
    return 0 if all(row["status"] == "passed" for row in study.rows) else 1


def _run(
    onnx: str | None, out: str | None, args: tuple[str, ...], options: dict[str, Any], *, quiet: bool, as_json: bool
) -> Sweep:
    from trtlog.runner.arguments import FlagError

    with ending_like_ctrl_c(), LiveView(as_json=as_json, quiet=quiet, brief=True) as view:
        done = Done(_runs(options))

        def on_event(point: Point, event: Event) -> None:
            view.point(f"{done.words()} {point.name}")
            view.show(event)

        def on_point(point: Point, row: dict[str, Any]) -> None:
            done.add()
            if not as_json and not quiet:
                speed = row["throughput_qps"]
                several = f", median of {row['runs']}" if row["runs"] > 1 else ""
                speed_text = f", {speed:g} qps{several}" if speed is not None else ""
                view.say(f"{point.name}: {row['status']}{speed_text}")

        try:
            return trtlog.sweep(onnx, out=out, args=args, on_event=on_event, on_point=on_point, **options)
        except FlagError as error:
            raise click.UsageError(str(error)) from error


def repeated(
    out: str | None, args: tuple[str, ...], repeat: int, running: dict[str, Any], *, quiet: bool, as_json: bool
) -> int:
    """Run one command line several times: a sweep of one point."""
    study = _run(None, out, args, {**running, "repeat": repeat}, quiet=quiet, as_json=as_json)
    if not as_json:
        present(study, "table", None, "p99")
    return 0 if all(row["status"] == "passed" for row in study.rows) else 1


class Done:
    """How many runs of a sweep are done, and how long the rest may take at the pace so far."""

    def __init__(self, runs: int) -> None:
        self._runs, self._done, self._started = runs, 0, time.monotonic()

    def add(self) -> None:
        """Count a run that has ended."""
        self._done += 1

    def words(self) -> str:
        """Return ``2/8`` for the run at hand, and after the first about how long the rest takes."""
        place = f"{self._done + 1}/{self._runs}"
        if not self._done:
            return place
        left_s = (time.monotonic() - self._started) / self._done * (self._runs - self._done)
        return f"{place} (about {left_s / 60:.0f} min left)" if left_s >= 90 else f"{place} (about {left_s:.0f} s left)"


def _runs(options: dict[str, Any]) -> int:
    """Return how many runs a sweep has."""
    axes = [options.get("batch"), options.get("precision"), *options.get("axes", {}).values()]
    return math.prod(len(values) for values in axes if values) * int(options["repeat"])


def present(study: Sweep, format_: str, max_latency: float | None, stat: str) -> None:
    """Print the table, and under it what to use."""
    from trtlog.report.documents.runs import sweep

    if format_ not in ("table", "md"):
        print_rows(study.table, format_)
        return
    show(sweep(study, max_latency, stat), "md" if format_ == "md" else "text")
    echo(f"kept in {study.path}", err=format_ == "md")


def _split(text: str, separator: str = ",") -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _whole(text: str) -> int:
    if not re.fullmatch("[0-9]+", text):
        raise click.UsageError(f"--batch takes whole numbers, not {text!r}.")
    return int(text)


def _axis(text: str) -> tuple[str, list[Any]]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise click.UsageError(f"--axis takes FLAG=V1,V2, not {text!r}.")
    # a value with commas, such as shapes of two inputs: separate the values with |
    words: dict[str, Any] = {"on": True, "off": False}
    parts = _split(values, "|" if "|" in values else ",")
    return name, [words.get(part, int(part) if re.fullmatch("-?[0-9]+", part) else part) for part in parts]
