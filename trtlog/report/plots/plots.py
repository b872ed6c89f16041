"""Plots for notebooks, drawn with plotly: figures of what tables and analyses hold, nothing is computed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtlog._util.rows import table_rows
from trtlog._util.words import counted, significant
from trtlog.analyses.layer.profile import kept_profile
from trtlog.display import InNotebook
from trtlog.errors import QueryError
from trtlog.report.plots.figures import COLORS, Figure, finish, graphs, label, write
from trtlog.values.peaks import peaks_of

if TYPE_CHECKING:
    from trtlog.log import Log
    from trtlog.runner.study import Sweep

_BAR_PX = 21
_SPEEDS = ("samples_per_s", "throughput_qps")


class Plots(InNotebook):
    """Plots of one run: ``log.plot.profile()`` and others; each returns a plotly figure.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    QueryError
        The log lacks the lines that a plot needs; the message names the flag that prints them.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz")
    >>> figure = log.plot.profile(most=10)
    >>> len(figure.data[0].x)
    10
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def __repr__(self) -> str:
        return f"<plots of {self._log.source!r}: {', '.join(name for name in dir(self) if not name.startswith('_'))}>"

    def profile(self, most: int = 25) -> Figure:
        """Draw the slowest layers of the profile."""
        self._need("profile")
        rows = [r for r in kept_profile(self._log).rows if r["avg_ms"] is not None]
        total = len(rows)
        rows.sort(key=lambda row: row["avg_ms"], reverse=True)
        rows = rows[:most][::-1]
        bar = graphs().Bar(
            x=[row["avg_ms"] for row in rows],
            y=list(range(len(rows))),  # places, not names: two layers may be called the same
            orientation="h",
            text=["" if row["percent"] is None else f"{row['percent']:g} %" for row in rows],
            textposition="outside",
            cliponaxis=False,
            customdata=[[label(row["layer"], 200), row["line"]] for row in rows],
            hovertemplate="%{customdata[0]}<br>%{x} ms, %{text}, line %{customdata[1]}<extra></extra>",
        )
        title = f"Slowest {len(rows)} of {counted(total, 'layer')} in the profile"
        figure = finish(graphs().Figure([bar]), title, x="mean time (ms)", height=_BAR_PX * len(rows) + 130)
        return figure.update_yaxes(tickvals=bar.y, ticktext=[label(row["layer"]) for row in rows])

    def roofline(self) -> Figure:
        """Draw operations a second against operations a byte, under the roofs of the GPU; a point is a layer."""
        self._need("engine_layers")
        rows = [r for r in table_rows(self._log.analyze.table("roofline")) if r["intensity"] and r["tflops"]]
        if not rows:
            raise QueryError(
                f"{self._log.source} does not tell the operations of its layers; --verbose with "
                "--profilingVerbosity=detailed and --dumpProfile does"
            )
        peaks = peaks_of(self._log.device)
        precisions = list(dict.fromkeys(row["precision"] for row in rows))
        least = min(row["intensity"] for row in rows) / 2
        most = max(row["intensity"] for row in rows) * 4
        traces = []
        for number, precision in enumerate(precisions):
            color = COLORS[number % len(COLORS)]
            own = [row for row in rows if row["precision"] == precision]
            rate = peaks.operations.get(precision or "")
            if rate and peaks.bytes_per_s:
                ridge = rate / peaks.bytes_per_s
                ends = [least, *([ridge] if least < ridge < most else []), most]
                roof = [min(rate, peaks.bytes_per_s * x) / 1e12 for x in ends]
                line = {"color": color, "dash": "dot"}
                traces.append(graphs().Scatter(x=ends, y=roof, mode="lines", line=line, name=f"roof of {precision}"))
            traces.append(
                graphs().Scatter(
                    x=[row["intensity"] for row in own],
                    y=[row["tflops"] for row in own],
                    mode="markers",
                    name=precision or "not known",
                    marker={"color": color, "size": 8},
                    text=[
                        f"{label(row['layer'], 200)}<br>{row['time_ms']:g} ms, {row['bound'] or 'bound not known'}, "
                        f"line {row['line']}"
                        for row in own
                    ],
                )
            )
        figure = finish(graphs().Figure(traces), "Layers under the roofs of the GPU", x="FLOP/B", y="TFLOP/s")
        return figure.update_xaxes(type="log").update_yaxes(type="log")

    def passes(self) -> Figure:
        """Draw the number of layers after each pass of the graph optimizer."""
        self._need("passes")
        rows = table_rows(self._log.analyze.table("fusion_waterfall"))
        steps = graphs().Waterfall(
            x=[f"{number}: {label(row['name'])}" for number, row in enumerate(rows)],
            y=[row["layers"] if row["change"] is None else row["change"] for row in rows],
            measure=["absolute" if row["change"] is None else "relative" for row in rows],
            text=[str(row["layers"]) for row in rows],
            textposition="outside",
            cliponaxis=False,
        )
        return finish(graphs().Figure([steps]), "Layers after each pass", y="layers")

    def memory(self) -> Figure:
        """Draw the memory in use, step by step, and what of it TensorRT manages."""
        from trtlog.analyses.build.memory import in_use

        table = self._log.table("memory")
        if not table.num_rows:
            raise QueryError(f"{self._log.source} prints no memory in use; TensorRT 8 and later do, with --verbose")
        place = {line: step for step, line in enumerate(table.column("line").to_pylist())}
        lines = []
        for managed in (False, True):
            rows = in_use(table, managed=managed).to_pylist()
            for name, title, color in (("gpu_mib", "GPU", COLORS[0]), ("cpu_mib", "CPU", COLORS[1])):
                lines.append(
                    graphs().Scatter(
                        x=[place[row["line"]] for row in rows],
                        y=[row[name] for row in rows],
                        name=f"{title}, managed by TensorRT" if managed else f"{title}, in use",
                        mode="lines+markers",
                        line={"shape": "hv", "color": color, "dash": "dot" if managed else "solid"},
                        text=[f"line {row['line']}: {label(row['event'], 200)}" for row in rows],
                    )
                )
        return finish(graphs().Figure(lines), "Memory, step by step as printed", x="step", y="MiB")

    def tactics(self, layer: str, most: int = 30) -> Figure:
        """Draw the fastest candidates of a layer, by precision; the one in the engine is outlined.

        Parameters
        ----------
        layer : str
            Name of a layer: exact, else a part of it, else a regular expression.
        most : int
            Most candidates.
        """
        self._need("tactics")
        from trtlog.analyses.layer.untimed import untimed_words
        from trtlog.analyses.layer.why import one_layer

        name = one_layer(self._log, layer)
        rows = list(table_rows(self._log.analyze.table("candidates", layer=name)))
        if not rows:
            raise QueryError(untimed_words(self._log, name))
        total = len(rows)
        rows = [row for row in rows if row["rank"] <= most or row["in_engine"]]
        bars = []
        for precision in dict.fromkeys(row["precision"] for row in rows):
            own = [row for row in rows if row["precision"] == precision]
            bars.append(
                graphs().Bar(
                    x=[row["rank"] for row in own],
                    y=[row["time_ms"] for row in own],
                    name=precision or "not known",
                    marker={"line": {"width": [3 if row["in_engine"] else 0 for row in own], "color": "black"}},
                    width=0.8,
                    hovertext=[
                        f"{label(row['kernel'] or row['runner'], 200)}<br>{row['input_layout']} to "
                        f"{row['output_layout']}<br>{row['tactic']}, line {row['line']}"
                        for row in own
                    ],
                )
            )
        title = f"{len(rows)} of {counted(total, 'candidate')} of {label(name, 60)}"
        figure = finish(graphs().Figure(bars), title, x="rank", y="time (ms)")
        for row in rows:
            if row["in_engine"]:
                place = {"x": row["rank"], "y": row["time_ms"], "ax": 45, "ay": -45}
                figure.add_annotation(text="in the engine", bgcolor="white", **place)
        return figure.update_layout(barmode="overlay", showlegend=True)

    def build_time(self) -> Figure:
        """Draw what timing tactics took, by runner."""
        self._need("timings")
        rows = table_rows(self._log.analyze.table("build_time", by="runner"))[::-1]
        bar = graphs().Bar(
            x=[row["seconds"] for row in rows],
            y=[label(row["name"]) for row in rows],
            orientation="h",
            text=[f"{significant(row['seconds'])} s" for row in rows],
            textposition="outside",
            cliponaxis=False,
        )
        title = "Timing of tactics, by runner"
        return finish(graphs().Figure([bar]), title, x="seconds", height=_BAR_PX * len(rows) + 130)

    def sweep(
        self,
        result: Any,
        x: str | None = None,
        y: str | Sequence[str] | None = None,
        by: str | Sequence[str] | None = None,
    ) -> Figure:
        """Draw a study of several runs, and where this run stands in it as a dashed line.

        Where several runs share a place on a line, their median is drawn in a band from the least to the largest.

        Parameters
        ----------
        result : Sweep, DataFrame or pyarrow.Table
            What :func:`trtlog.sweep` returns, or a row for each run.
        x : str, optional
            Column from left to right: the batch size or the first axis, unless given.
        y : str or sequence of str, optional
            Columns to draw, a panel each: throughput and p99 latency, unless given.
        by : str or sequence of str, optional
            Columns that tell the lines apart: all other axes of a sweep, unless given.

        Examples
        --------
        >>> import pandas as pd, trtlog
        >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/sweep_r50_fp32_b8.log.gz")
        >>> runs = pd.DataFrame({"batch": [1, 8], "throughput_qps": [1505.71, 1168.09]})
        >>> figure = log.plot.sweep(runs, x="batch", y="throughput_qps")
        >>> list(figure.data[0].y)
        [1505.71, 1168.09]
        """
        from trtlog.analyses.build.performance import measures
        from trtlog.report.plots.sweep import draw

        axes = getattr(result, "axes", None)
        sweep = isinstance(axes, dict)  # a DataFrame has axes of another kind
        rows = result.rows if sweep else _rows(result)
        across, panels, apart = plan(rows, list(axes or ()) if sweep else [], x, y, by)
        own = measures(self._log.table("performance"))
        return draw(rows, across, panels, apart, own=own, own_name="this run")

    def _need(self, table: str) -> None:
        from trtlog.analyses.missing import advice

        if text := advice(self._log, [table]):
            raise QueryError(text)


def plot_sweep(
    sweep: Sweep,
    path: str | os.PathLike[str] | None = None,
    stat: str = "p99",
    x: str | None = None,
    y: str | Sequence[str] | None = None,
    by: str | Sequence[str] | None = None,
) -> Figure | Path:
    """Draw the points of a sweep; return the figure, or the path it was written to."""
    from trtlog.report.plots.sweep import draw

    across, panels, apart = plan(sweep.rows, list(sweep.axes), x, y, by, stat)
    figure = draw(sweep.rows, across, panels, apart)
    return figure if path is None else write(figure, Path(path))


def plan(
    rows: Sequence[Mapping[str, Any]],
    axes: Sequence[str],
    x: str | None,
    y: str | Sequence[str] | None,
    by: str | Sequence[str] | None,
    stat: str = "p99",
) -> tuple[str, list[str], list[str]]:
    """Return what to draw where it is not given: the column across, the columns to draw, those that part lines."""
    known = list(dict.fromkeys(name for row in rows for name in row))
    if x is None:
        x = "batch" if "batch" in axes or (not axes and "batch" in known) else next(iter(axes), None)
        if x is None:
            raise QueryError(f"x is the column to draw against; the columns are {', '.join(known) or 'none'}")
    if y is None:
        speeds = [name for name in _SPEEDS if any(row.get(name) is not None for row in rows)]
        y = [*speeds[:1], f"latency_{stat}_ms"]
        if not axes:
            y = [name for name in y if name in known]
    panels = [y] if isinstance(y, str) else list(y)
    if not panels:
        raise QueryError(f"y is the column to draw; the columns are {', '.join(known) or 'none'}")
    if by is None:
        by = [name for name in axes if name != x]
    return x, panels, [by] if isinstance(by, str) else list(by)


def _rows(result: Any) -> list[dict[str, Any]]:
    import pyarrow as pa

    if isinstance(result, pa.Table):
        return result.to_pylist()  # type: ignore[no-any-return]
    if hasattr(result, "columns") and hasattr(result, "to_dict"):
        return pa.Table.from_pandas(result, preserve_index=False).to_pylist()  # type: ignore[no-any-return]
    raise QueryError(f"a sweep, a DataFrame or a pyarrow.Table can be drawn, not {type(result).__name__}")
