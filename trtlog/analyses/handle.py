"""The analyses of one log as DataFrames: ``log.analyze``."""

from __future__ import annotations

import threading
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from trtlog._util.words import did_you_mean
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.registry import Analysis, analyses, methods
from trtlog.display import InNotebook
from trtlog.errors import QueryError
from trtlog.log import to_frame
from trtlog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from trtlog.log import Log


# What stands before a table's name where only the rows that tell of the engine that was kept are taken.
KEPT = "kept_"
# Tables that tell of layers.
_OF_LAYERS = ("engine_layers", "tactics", "timings", "profile", "reformats")


class _Answers:
    """What was computed of a log's tables; a log keeps it, and it does not hold the log."""

    def __init__(self) -> None:
        self.tables: dict[str, pa.Table] = {}
        self.layers: Layers | None = None
        self.lock = threading.RLock()  # threads may share a log


class Analyses(InNotebook):
    """What is computed from the tables of one log; each analysis is a DataFrame, :meth:`table` gives it as Arrow.

    Columns with their units and meanings: :meth:`columns`. An analysis of lines that the log lacks is empty;
    :meth:`missing` then says which flag of trtexec prints them.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz")
    >>> log.analyze.precision_totals()[["precision", "layers", "reasons"]].values.tolist()
    [['FP32', 23, 'formats 16, slower 7'], ['TF32', 12, 'formats 12'], ['FP16', 19, <NA>]]
    """

    if TYPE_CHECKING:  # for type checkers and completion; __getattr__ gives them

        def candidates(self, layer: str | None = None) -> pd.DataFrame: ...
        def margins(self) -> pd.DataFrame: ...
        def best(self, by: str = "precision") -> pd.DataFrame: ...
        def winners(self, by: str = "runner") -> pd.DataFrame: ...
        def passed_over(self) -> pd.DataFrame: ...
        def close_calls(self, engine_only: bool = True) -> pd.DataFrame: ...
        def flip_risk(self) -> pd.DataFrame: ...
        def repeats(self) -> pd.DataFrame: ...
        def winner_changes(self, other: Log) -> pd.DataFrame: ...
        def workspace_skips(self) -> pd.DataFrame: ...
        def fusion_waterfall(self) -> pd.DataFrame: ...
        def fusion_rules(self) -> pd.DataFrame: ...
        def fusion_attempts(self) -> pd.DataFrame: ...
        def lineage(self) -> pd.DataFrame: ...
        def lost_nodes(self) -> pd.DataFrame: ...
        def precision(self, engine: int | None = None) -> pd.DataFrame: ...
        def precision_totals(self) -> pd.DataFrame: ...
        def what_if(
            self, first: str | None = None, last: str | None = None, precision: str | None = None
        ) -> pd.DataFrame: ...
        def what_if_blocks(self, precision: str | None = None) -> pd.DataFrame: ...
        def reformats(self) -> pd.DataFrame: ...
        def reformat_shares(self) -> pd.DataFrame: ...
        def roofline(self) -> pd.DataFrame: ...
        def roofline_total(self) -> pd.DataFrame: ...
        def graph_nodes(self) -> pd.DataFrame: ...
        def graph_edges(self) -> pd.DataFrame: ...
        def memory_use(self) -> pd.DataFrame: ...
        def build_time(self, by: str = "layer") -> pd.DataFrame: ...
        def cache_use(self) -> pd.DataFrame: ...
        def performance(self) -> pd.DataFrame: ...
        def reconciliation(self) -> pd.DataFrame: ...
        def layer_times(self) -> pd.DataFrame: ...
        def type_times(self) -> pd.DataFrame: ...
        def stretches(self, most: int = 400) -> pd.DataFrame: ...
        def findings(self) -> pd.DataFrame: ...

    def __init__(self, log: Log) -> None:
        self._log = log
        self._answers: _Answers = log._answers.setdefault("analyses", _Answers())

    def __repr__(self) -> str:
        return f"<analyses of {self._log.source!r}: {', '.join(methods())}>"

    def __reduce__(self) -> tuple[type[Analyses], tuple[Log]]:
        return Analyses, (self._log,)

    # ------------------------------------------------------------------ what several of them take
    @property
    def _layers(self) -> Layers:
        with self._answers.lock:
            if self._answers.layers is None:
                self._answers.layers = Layers(copy(self._log))
            return self._answers.layers

    def _taken(self, name: str) -> Any:
        """Return what an analysis takes: the log, what is shared, another analysis, or a table of facts."""
        if name == "log":
            return self._log
        if name == "layers":
            return self._layers
        if name.startswith(KEPT):
            return self._layers.rows(name.removeprefix(KEPT))
        return self.table(name) if name in analyses() else self._log.table(name)

    # ------------------------------------------------------------------ answers
    def table(self, analysis: str, **options: Any) -> pa.Table:
        """Return an analysis as an Arrow table; its fields' metadata holds units and meanings.

        One without options is computed once.

        Raises
        ------
        QueryError
            There is no such analysis.
        """
        found = self._find(analysis)
        kept = self._answers.tables
        with self._answers.lock:
            if found.table in kept and not options:
                return kept[found.table]
            if not options and not found.package and not self._has_rows(found):
                kept[found.table] = answer(found.rows(), [])
                return kept[found.table]
            taken = list(map(self._taken, found.takes))
            # A log may print nan, inf and what is larger than numbers are: what is computed of it is nan or inf too.
            with np.errstate(all="ignore"):
                rows = found.load()(*taken, **options)
            if not options:
                kept[found.table] = rows
            return rows

    def _has_rows(self, analysis: Analysis) -> bool:
        """Whether any table of facts that an analysis rests on has rows: a file may hold many bare runs."""
        if not analysis.needs:
            return True
        facts = {*analysis.needs, *(_OF_LAYERS if "layers" in analysis.takes else ())}
        facts |= {name.removeprefix(KEPT) for name in analysis.takes if name.startswith(KEPT)}
        for name in analysis.takes:
            if name in TABLES:
                facts.add(name)
            elif name in analyses() and self._has_rows(analyses()[name]):
                return True
        return any(self._log.table(name).num_rows for name in facts)

    def columns(self, analysis: str) -> dict[str, str]:
        """Return the columns of an analysis with their meanings and units."""
        columns = self._find(analysis).rows().columns()
        return {name: about.doc + (f" [{about.unit}]" if about.unit else "") for name, about in columns.items()}

    def missing(self, analysis: str) -> str | None:
        """Return what to do where the log lacks the lines for an analysis, None where it has them."""
        from trtlog.analyses.missing import advice

        return advice(self._log, self._find(analysis).needs)

    def _find(self, name: str) -> Analysis:
        found = methods().get(name) or analyses().get(name)
        if found is None:
            raise QueryError(
                f"there is no analysis {name!r}{did_you_mean(name, methods())}; the analyses are {', '.join(methods())}"
            )
        return found

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., pd.DataFrame]:
            if name.startswith("_"):
                raise AttributeError(name)
            try:
                found = self._find(name)
            except QueryError as error:
                raise AttributeError(str(error)) from None

            def ask(**options: Any) -> pd.DataFrame:
                return to_frame(self.table(name, **options))

            ask.__name__ = name
            ask.__doc__ = found.about
            return ask

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *methods()])
