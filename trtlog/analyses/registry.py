"""The analyses of one log: what each is called, the function that answers, what that takes, the record of its rows.

An analysis is a table like those of facts. It is reached by its name wherever a table's name is taken:
``log.table("margins")``, ``log.sql("select * from margins")``, ``trtlog show margins LOG``, ``trtlog tables margins``;
and as a DataFrame, with options, by ``log.analyze.margins()``. Functions are named by text: listing them loads nothing.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from trtlog import plugins
from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.words import did_you_mean
from trtlog.errors import PluginError, QueryError
from trtlog.records import TABLES, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from trtlog.log import Log


@dataclass(frozen=True)
class Analysis:
    """A table that is computed from others.

    Parameters
    ----------
    table : str
        Its name among the tables.
    function : str
        ``module:function`` below ``trtlog.analyses``: takes what ``takes`` names, and options by keyword; returns an
        Arrow table. Of an analysis in SQL the record, which has the statement (:mod:`trtlog.analyses.query`).
    record : str
        Class of a row, in the same module: columns, units, meanings.
    takes : tuple of str
        Tables of facts, other analyses, or what analyses share (:class:`trtlog.analyses.handle.Analyses`);
        ``kept_passes`` are the rows of ``passes`` that tell of the engine that was kept.
    needs : tuple of str
        Tables without whose rows the answer is empty, in order of importance.
    about : str
        What it tells, in a line.
    method : str
        Name in ``log.analyze``, where a table of facts has it too; else as the table.
    package : str
        The plug-in package that adds it, whose functions are named in full; empty for those of trtlog.
    """

    table: str
    function: str
    record: str
    takes: tuple[str, ...]
    needs: tuple[str, ...]
    about: str
    method: str = ""
    package: str = ""

    @property
    def name(self) -> str:
        """Name in ``log.analyze``."""
        return self.method or self.table

    def load(self) -> Callable[..., pa.Table]:
        """Return the function."""
        module, name = self._place()
        found = self._import(module, name)
        if isinstance(found, type):
            from trtlog.analyses.query import query

            return lambda *tables, **options: query(found, dict(zip(self.takes, tables, strict=True)), **options)
        function: Callable[..., pa.Table] = found
        return function

    def rows(self) -> type[Record]:
        """Return the class of its rows."""
        record: type[Record] = self._import(self._place()[0], self.record)
        return record

    def _import(self, module: str, name: str) -> Any:
        if not self.package:
            return getattr(importlib.import_module(module), name)
        return plugins.EntryPoint(plugins.ANALYSES, self.table, f"{module}:{name}", self.package).load()

    def is_table(self) -> bool:
        """Whether it is a table of one log: an analysis with an option that must be given is none."""
        return self.table not in _WITH_OPTIONS

    def _place(self) -> tuple[str, str]:
        module, _, name = self.function.partition(":")
        return module if self.package else f"trtlog.analyses.{module}", name


# Analyses that take another log.
_WITH_OPTIONS = frozenset({"winner_changes"})

_DECLARED = (
    Analysis("candidates", "layer.tactics:candidates", "Candidate", ("layers",), ("tactics",),
             "Timed tactics ranked within each layer, over all formats; ``layer=`` for one."),
    Analysis("margins", "layer.tactics:margins", "Margin", ("layers",), ("tactics",),
             "Winner and runner-up of each layer and combination of formats."),
    Analysis("best", "layer.tactics:best", "Best", ("layers",), ("tactics",),
             'Each layer\'s best time by precision, or ``by="format"``.'),
    Analysis("winners", "layer.tactics:winners", "Winners", ("layers",), ("tactics",),
             'How often each runner, ``by="family"`` or ``by="precision"`` is timed, wins, and is used.'),
    Analysis("passed_over", "layer.tactics:passed_over", "PassedOver", ("layers",),
             ("tactics", "engine_layers"), "Layers whose fastest candidate was passed over because of its formats."),
    Analysis("close_calls", "layer.noise:close_calls", "CloseCall", ("layers", "margins"), ("tactics",),
             "Choices that the next build may make otherwise, with the probability."),
    Analysis("flip_risk", "layer.risk:flip_risk", "FlipRisk", ("layers",), ("tactics", "engine_layers"),
             "How likely the next build chooses otherwise, for each layer of the engine."),
    Analysis("repeats", "layer.noise:repeats", "Repeat", ("layers",), ("tactics",),
             "The same conversion timed more than once: what the noise estimate rests on."),
    Analysis("winner_changes", "compare.winners:winner_changes", "WinnerChange", ("log",),
             ("tactics", "engine_layers"),
             "Layers whose tactic differs in ``other``, another build of the network, with margin and noise."),
    Analysis("workspace_skips", "build.memory:workspace_skips", "WorkspaceSkip", ("skips", "tactics", "facts"),
             ("timings",),
             "Layers with tactics skipped for lack of memory."),
    Analysis("fusion_waterfall", "build.fusions:WaterfallStep", "WaterfallStep", ("kept_passes", "kept_fusions"),
             ("passes",), "Number of layers after each pass."),
    Analysis("fusion_rules", "build.fusions:RuleUse", "RuleUse", ("fusion_attempts", "kept_fusions"),
             ("fusions",),
             "Rewrites by rule: tried, applied."),
    Analysis("fusion_attempts", "build.fusions:attempts", "Attempt", ("kept_fusions", "kept_passes"),
             ("fusions",),
             "Every attempt with what came of it."),
    Analysis("lineage", "layer.lineage:links", "Link", ("layers",), ("engine_layers", "onnx_nodes"),
             "Engine layers and the ONNX nodes that went into them."),
    Analysis("lost_nodes", "layer.lineage:lost_nodes", "Lost", ("layers",), ("onnx_nodes", "engine_layers"),
             "ONNX nodes that ended in no engine layer, and why."),
    Analysis("precision", "layer.fallback:layer_precisions", "LayerPrecision", ("layers",),
             ("engine_layers", "tactics"),
             "Each engine layer's time by precision, its own, and why it fell back; ``engine=`` for another engine."),
    Analysis("precision_totals", "layer.fallback:PrecisionTotal", "PrecisionTotal", ("precision",),
             ("engine_layers", "tactics"), "Layers, time and fallbacks by the precision in the engine."),
    Analysis("what_if", "layer.what_if:what_if", "WhatIf", ("layers",), ("tactics", "engine_layers"),
             "What other formats and each precision throughout would cost, conversions included, and which layer holds "
             "them back; ``first=``, ``last=`` for a path of layers."),
    Analysis("what_if_blocks", "layer.what_if_blocks:what_if_blocks", "WhatIfBlock", ("layers",),
             ("tactics", "engine_layers"),
             "Blocks of layers that would be faster in a precision by themselves, and what keeps the engine from it; "
             "``precision=`` for one."),
    Analysis("reformat_costs", "layer.conversions:conversion_costs", "ReformatCost", ("layers",), ("engine_layers",),
             "Conversions between formats: cost, share of the profile, who forces them.", method="reformats"),
    Analysis("reformat_shares", "layer.conversions:shares", "ReformatShare", ("layers",), ("profile",),
             "What conversions and copies of constants take of the profile."),
    Analysis("roofline", "layer.roofline:roofline", "Roofline", ("layers",), ("engine_layers",),
             "Each layer's operations and bytes against what the GPU can do, and what bounds it."),
    Analysis("roofline_total", "layer.roofline:roofline_total", "RooflineTotal", ("layers",), ("engine_layers",),
             "The ideal time of the network on this GPU against the measured one."),
    Analysis("graph_nodes", "layer.graph:nodes", "GraphNode", ("layers", "roofline"), ("engine_layers",),
             "The engine's graph: its layers, with time, precision and bound."),
    Analysis("graph_edges", "layer.graph:edges", "GraphEdge", ("layers",), ("engine_layers",),
             "The engine's graph: the tensors between its layers, with shape and format."),
    Analysis("memory_use", "build.memory:memory_use", "MemoryUse", ("layers", "kept_facts"), ("memory_totals", "facts"),
             "Persistent, scratch, activation, weights and peak memory, in MiB."),
    Analysis("build_time", "build.time:build_time", "BuildTime",
             ("timings", "timestamps", "engines", "tactics", "phases"), ("timings",),
             'The builder\'s time by layer, ``by="runner"`` or ``by="kind"``; each build by itself.'),
    Analysis("cache_use", "build.time:cache_use", "CacheUse", ("timing_cache", "combinations", "timings", "engines"),
             ("combinations",), "What the timing cache did for each build."),
    Analysis("diagnosis", "build.performance:diagnose", "Diagnosis",
             ("performance", "iterations", "options", "messages", "runs"), ("performance",),
             "What bounds the throughput, how stable the times are, what the host costs.", method="performance"),
    Analysis("reconciliation", "build.reconciliation:reconcile", "ReconciliationStep", ("layers", "diagnosis"),
             ("performance", "profile"),
             "From the builder's timings over profile and GPU compute time to the walltime, and what explains each "
             "step."),
    Analysis("layer_times", "layer.layers:layer_times", "LayerTime", ("layers", "build_time"), ("engine_layers",),
             "Each layer's time, by the best source that the log has, with its tactic and rivals."),
    Analysis("type_times", "layer.layers:TypeTime", "TypeTime", ("layer_times",), ("engine_layers",),
             "Layers and their time by type."),
    Analysis("stretches", "layer.layers:Stretch", "Stretch", ("iteration_times", "iterations"), ("iteration_times",),
             "GPU time over the run, in at most ``most`` stretches."),
    Analysis("findings", "lint.registry:lint", "Finding", ("log",), (),
             "What is wrong and what is fine, by rule; ``log.lint()`` shows it."),
)  # fmt: skip

ANALYSES: dict[str, Analysis] = {analysis.table: analysis for analysis in _DECLARED}
"""Analyses by the name of their table."""

METHODS: dict[str, Analysis] = {analysis.name: analysis for analysis in _DECLARED}
"""Analyses by their name in ``log.analyze``."""

_NAME = expression(r"[a-z][a-z_]*")  # as SQL and the command line name it


@lru_cache(maxsize=1)
def analyses() -> dict[str, Analysis]:
    """Return the analyses by the name of their table: those of trtlog, then those of plug-in packages.

    Raises
    ------
    PluginError
        A package adds what is no analysis, or one whose name is taken.

    Examples
    --------
    >>> analyses()["margins"].about
    'Winner and runner-up of each layer and combination of formats.'
    """
    found = dict(ANALYSES)
    for entry in plugins.entry_points(plugins.ANALYSES):
        given = entry.load()
        for analysis in (given,) if isinstance(given, Analysis) else given:
            if not isinstance(analysis, Analysis):
                raise PluginError(f"the plug-in {entry} adds {analysis!r}; give objects of the class Analysis")
            names = {analysis.table, analysis.name}
            if taken := sorted(names & {*TABLES, *found, *METHODS}):
                raise PluginError(f"the plug-in {entry}: there is a table {taken[0]} already; take another name")
            if not all(map(_NAME.fullmatch, names)):
                raise PluginError(f"the plug-in {entry}: the name {analysis.table!r} is not made of a to z and _")
            found[analysis.table] = replace(analysis, package=entry.package)
    return found


def methods() -> dict[str, Analysis]:
    """Return the analyses by their name in ``log.analyze``, those of plug-in packages last."""
    return {analysis.name: analysis for analysis in analyses().values()}


def table_names() -> list[str]:
    """Return the names of the analyses that are tables of one log."""
    return [name for name, analysis in analyses().items() if analysis.is_table()]


def record_of(name: str) -> type[Record]:
    """Return the class of a table's rows, of facts and of analyses.

    Raises
    ------
    QueryError
        There is no table of that name.

    Examples
    --------
    >>> record_of("tactics").__name__, record_of("margins").__name__
    ('Tactic', 'Margin')
    """
    return TABLES[name] if name in TABLES else find(name).rows()


def find(name: str) -> Analysis:
    """Return the analysis that is the table of this name.

    Raises
    ------
    QueryError
        There is no such table, neither of facts nor of analyses.
    """
    found = analyses().get(name)
    if found is None:
        names = [*TABLES, *table_names()]
        raise QueryError(
            f"there is no table {name!r}{did_you_mean(name, names)}; the tables are {', '.join(TABLES)}; "
            f"and computed from these {', '.join(table_names())}"
        )
    if not found.is_table():
        raise QueryError(f"{name} compares two logs: ask log.analyze.{found.name}(other=log)")
    return found


def table_of(log: Log, name: str) -> pa.Table:
    """Return an analysis as a table; of a log of several runs the rows of all.

    Raises
    ------
    QueryError
        There is no table of that name.
    """
    find(name)
    tables = [run.analyze.table(name) for run in log.runs]
    if len(tables) == 1:
        return tables[0]
    import pyarrow as pa

    return pa.concat_tables(tables)
