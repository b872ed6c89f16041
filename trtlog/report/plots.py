"""Plots for notebooks, drawn with plotly: figures of what tables and analyses hold, nothing is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from trtlog.errors import MissingExtra, QueryError

if TYPE_CHECKING:
    from trtlog.log import Log

Figure: TypeAlias = Any
"""A ``plotly.graph_objects.Figure``; plotly ships no types."""


class Plots:
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

    def profile(self, most: int = 25) -> Figure:
        """Draw the slowest layers of the profile."""
        self._need("profile")
        rows = [row for row in self._log.table("profile").to_pylist() if row["avg_ms"] is not None]
        rows.sort(key=lambda row: row["avg_ms"], reverse=True)
        rows = rows[:most][::-1]
        bar = _graphs().Bar(
            x=[row["avg_ms"] for row in rows],
            y=[row["layer"] for row in rows],
            orientation="h",
            customdata=[[row["percent"], row["line"]] for row in rows],
            hovertemplate="%{y}<br>%{x} ms, %{customdata[0]} %, line %{customdata[1]}<extra></extra>",
        )
        return _figure([bar], "Layer profile", x="mean time (ms)")

    def passes(self) -> Figure:
        """Draw the number of layers after each pass of the graph optimizer."""
        self._need("passes")
        rows = self._log.analyze.table("fusion_waterfall").to_pylist()
        steps = _graphs().Waterfall(
            x=[f"{number}: {row['name']}" for number, row in enumerate(rows)],
            y=[row["layers"] if row["change"] is None else row["change"] for row in rows],
            measure=["absolute" if row["change"] is None else "relative" for row in rows],
            text=[str(row["layers"]) for row in rows],
        )
        return _figure([steps], "Layers after each pass", y="layers")

    def memory(self) -> Figure:
        """Draw the memory in use, step by step."""
        rows = self._log.table("memory").to_pylist()
        if not rows:
            raise QueryError(f"{self._log.source} prints no memory in use; TensorRT 8 and later do, with --verbose")
        lines = [
            _graphs().Scatter(
                x=list(range(len(rows))),
                y=[row[name] for row in rows],
                name=title,
                line={"shape": "hv"},
                text=[f"line {row['line']}: {row['event']}" for row in rows],
            )
            for name, title in (("gpu_mib", "GPU"), ("cpu_mib", "CPU"))
        ]
        return _figure(lines, "Memory in use", x="step", y="MiB")

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
        from trtlog.analyses.why import find_layers

        found = find_layers(self._log, layer)
        if len(found) > 1:
            raise QueryError(f"{len(found)} layers fit {layer!r}: {', '.join(found[:20])}")
        rows = self._log.analyze.table("candidates", layer=found[0]).to_pylist()
        if not rows:
            raise QueryError(f"no tactic was timed for {found[0]!r}: the timing cache answered, or there was no choice")
        rows = [row for row in rows if row["rank"] <= most or row["in_engine"]]
        bars = []
        for precision in dict.fromkeys(row["precision"] for row in rows):
            own = [row for row in rows if row["precision"] == precision]
            bars.append(
                _graphs().Bar(
                    x=[row["rank"] for row in own],
                    y=[row["time_ms"] for row in own],
                    name=precision or "not known",
                    marker={"line": {"width": [3 if row["in_engine"] else 0 for row in own], "color": "black"}},
                    text=["engine" if row["in_engine"] else "" for row in own],
                    hovertext=[
                        f"{row['kernel'] or row['runner']}<br>{row['input_layout']} to {row['output_layout']}"
                        f"<br>{row['tactic']}, line {row['line']}"
                        for row in own
                    ],
                )
            )
        return _figure(bars, f"Candidates of {found[0]}", x="rank", y="time (ms)")

    def build_time(self) -> Figure:
        """Draw what timing tactics took, by runner."""
        self._need("timings")
        rows = self._log.analyze.table("build_time", by="runner").to_pylist()
        bar = _graphs().Bar(x=[row["name"] for row in rows], y=[row["seconds"] for row in rows])
        return _figure([bar], "Timing of tactics, by runner", y="s")

    def _need(self, table: str) -> None:
        from trtlog.analyses.missing import advice

        if text := advice(self._log, [table]):
            raise QueryError(text)


def _graphs() -> Any:
    try:
        import plotly.graph_objects as graphs
    except ImportError as error:
        raise MissingExtra("log.plot draws with plotly: pip install 'trtlog[plot]'") from error
    return graphs


def _figure(traces: list[Any], title: str, x: str = "", y: str = "") -> Figure:
    figure = _graphs().Figure(traces)
    figure.update_layout(title=title, xaxis_title=x, yaxis_title=y, template="plotly_white")
    figure.update_yaxes(automargin=True)
    return figure
