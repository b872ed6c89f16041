"""All answers of one log as DataFrames: ``log.analyze``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from trtlog.analyses.build import fusions, memory, performance
from trtlog.analyses.build import time as build_time
from trtlog.analyses.layer import conversions, fallback, lineage, noise, tactics
from trtlog.analyses.layer.engine_layer import Layers, layers_of
from trtlog.display import InNotebook
from trtlog.errors import QueryError
from trtlog.log import to_frame

if TYPE_CHECKING:
    import pandas as pd

    from trtlog.log import Log


class Questions(InNotebook):
    """What can be asked of one log; each answer is a DataFrame, ``table("name", ...)`` gives it as Arrow.

    Columns with their units and meanings: :meth:`columns`. An answer about lines that the log lacks is empty;
    :meth:`missing` then says which flag of trtexec prints them.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz")
    >>> log.analyze.precision_totals()[["precision", "layers", "reasons"]].values.tolist()
    [['FP32', 23, 'formats 16, slower 7'], ['TF32', 12, 'formats 12'], ['FP16', 19, <NA>]]
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._kept: dict[Any, pa.Table] | None = None

    def __repr__(self) -> str:
        return f"<questions to {self._log.source!r}: {', '.join(QUESTIONS)}>"

    def _tables(self, *names: str) -> list[pa.Table]:
        return [self._log.table(name) for name in names]

    @cached_property
    def _layers(self) -> Layers:
        return Layers(self._log)

    def table(self, question: str, **options: Any) -> pa.Table:
        """Return an answer as an Arrow table; its fields' metadata holds units and meanings.

        Raises
        ------
        QueryError
            There is no such question.
        """
        answer = getattr(self, f"_{question}", None)
        if question.startswith("_") or question not in QUESTIONS or answer is None:
            raise QueryError(f"there is no question {question!r}; ask one of {', '.join(QUESTIONS)}")
        if self._kept is None:
            return answer(**options)
        key = (question, *sorted(options.items()))
        if key not in self._kept:
            self._kept[key] = answer(**options)
        return self._kept[key]

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Keep answers for a while, for who asks the same more than once: a report."""
        before, self._kept = self._kept, self._kept or {}
        try:
            yield
        finally:
            self._kept = before

    def columns(self, question: str) -> dict[str, str]:
        """Return the columns of an answer with their meanings and units."""
        schema = self.table(question).schema
        out = {}
        for field in schema:
            held = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
            out[field.name] = held["doc"] + (f" [{held['unit']}]" if held.get("unit") else "")
        return out

    def missing(self, question: str) -> str | None:
        """Return what to do where the log lacks the lines for a question, None where it has them."""
        from trtlog.analyses.missing import advice

        return advice(self._log, QUESTIONS[question])

    def __getattr__(self, name: str) -> Any:
        if name in QUESTIONS:

            def ask(**options: Any) -> pd.DataFrame:
                return to_frame(self.table(name, **options))

            ask.__name__ = name
            ask.__doc__ = getattr(self, f"_{name}").__doc__
            return ask
        raise AttributeError(f"there is no question {name!r}; ask one of {', '.join(QUESTIONS)}")

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *QUESTIONS])

    # ------------------------------------------------------------------ tactics
    def _candidates(self, layer: str | None = None) -> pa.Table:
        """Timed tactics ranked within each layer, over all formats; ``layer=`` for one."""
        return tactics.candidates(self._layers, layer)

    def _margins(self) -> pa.Table:
        """Winner and runner-up of each layer and combination of formats."""
        return tactics.margins(self._layers)

    def _best(self, by: str = "precision") -> pa.Table:
        """Each layer's best time by precision, or ``by="format"``."""
        return tactics.best(self._layers, by)

    def _winners(self, by: str = "runner") -> pa.Table:
        """How often each runner, ``by="family"`` or ``by="precision"`` is timed, wins, and is used."""
        return tactics.winners(self._layers, by)

    def _passed_over(self) -> pa.Table:
        """Layers whose fastest candidate was passed over because of its formats."""
        return tactics.passed_over(self._layers)

    def _close_calls(self, engine_only: bool = True) -> pa.Table:
        """Choices whose margin lies within the noise of the builder's timing."""
        return noise.close_calls(self._layers, engine_only)

    def _repeats(self) -> pa.Table:
        """The same conversion timed more than once: what the noise estimate rests on."""
        return noise.repeats(self._layers)

    def _winner_changes(self, other: Log) -> pa.Table:
        """Layers whose tactic differs in ``other``, another build of the network, with margin and noise."""
        return noise.winner_changes(self._layers, layers_of(other))

    def _workspace_skips(self) -> pa.Table:
        """Layers with tactics skipped for lack of memory."""
        return memory.workspace_skips(*self._tables("skips", "tactics"))

    # ------------------------------------------------------------------ graph
    def _fusion_waterfall(self) -> pa.Table:
        """Number of layers after each pass."""
        return fusions.waterfall(*self._tables("passes", "fusions"))

    def _fusion_rules(self) -> pa.Table:
        """Rewrites by rule: tried, applied."""
        return fusions.rules(*self._tables("fusions", "passes"))

    def _fusion_attempts(self) -> pa.Table:
        """Every attempt with what came of it."""
        return fusions.attempts(*self._tables("fusions", "passes"))

    def _lineage(self) -> pa.Table:
        """Engine layers and the ONNX nodes that went into them."""
        return lineage.links(*self._tables("engine_layers", "onnx_nodes", "registered_layers"))

    def _lost_nodes(self) -> pa.Table:
        """ONNX nodes that ended in no engine layer, and why."""
        return lineage.lost_nodes(*self._tables("engine_layers", "onnx_nodes", "registered_layers", "fusions"))

    # ------------------------------------------------------------------ precision, formats
    def _precision(self, engine: int | None = None) -> pa.Table:
        """Each engine layer's time by precision, what it uses, and why it fell back; ``engine=`` for another engine."""
        return fallback.layer_precisions(self._layers, engine)

    def _precision_totals(self) -> pa.Table:
        """Layers, time and fallbacks by the precision in the engine."""
        return fallback.precision_totals(self._precision())

    def _reformats(self) -> pa.Table:
        """Conversions between formats: cost, share of the profile, who forces them."""
        return conversions.conversions(self._layers)

    def _reformat_shares(self) -> pa.Table:
        """What conversions and copies of constants take of the profile."""
        return conversions.shares(*self._tables("engine_layers", "profile"))

    # ------------------------------------------------------------------ memory, build, performance
    def _memory_use(self) -> pa.Table:
        """Persistent, scratch, activation, weights and peak memory, in MiB."""
        return memory.memory_use(self._log.table("memory_totals"))

    def _build_time(self, by: str = "layer") -> pa.Table:
        """The builder's time by layer, ``by="runner"`` or ``by="kind"``."""
        timings, timestamps = self._tables("timings", "timestamps")
        return build_time.build_time(timings, timestamps, by=by)

    def _cache_use(self) -> pa.Table:
        """What the timing cache did."""
        return build_time.cache_use(*self._tables("timing_cache", "combinations", "timings"))

    def _performance(self) -> pa.Table:
        """What bounds the throughput, how stable the times are, what the host costs."""
        return performance.diagnose(
            *self._tables("performance", "iterations", "options", "messages", "runs")
        )


# Question -> the tables whose lines it needs, in order of importance.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "candidates": ("tactics",),
    "margins": ("tactics",),
    "best": ("tactics",),
    "winners": ("tactics",),
    "passed_over": ("tactics", "engine_layers"),
    "close_calls": ("tactics",),
    "repeats": ("tactics",),
    "winner_changes": ("tactics", "engine_layers"),
    "workspace_skips": ("timings",),
    "fusion_waterfall": ("passes",),
    "fusion_rules": ("fusions",),
    "fusion_attempts": ("fusions",),
    "lineage": ("engine_layers", "onnx_nodes"),
    "lost_nodes": ("onnx_nodes", "engine_layers"),
    "precision": ("engine_layers", "tactics"),
    "precision_totals": ("engine_layers", "tactics"),
    "reformats": ("timings",),
    "reformat_shares": ("profile",),
    "memory_use": ("memory_totals",),
    "build_time": ("timings",),
    "cache_use": ("combinations",),
    "performance": ("performance",),
}
