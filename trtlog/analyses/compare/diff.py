"""Two builds, or two runs, side by side: what changed, and what of it matters."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

from trtlog._util.dataclass import dataclass
from trtlog._util.redact import redact
from trtlog._util.rows import table_rows
from trtlog._util.words import did_you_mean, first_line
from trtlog.analyses.compare.align import Alignment, Pair, align, read_nodes
from trtlog.analyses.compare.aligned import attribution_rows, format_rows, layer_rows, reformat_rows, time_source
from trtlog.analyses.compare.candidates import Machine, candidate_rows, layer_shifts, machine, noises_of, tactic_rows
from trtlog.analyses.compare.figures import engine_mib
from trtlog.analyses.compare.performance import (
    MeasuredRun,
    change_percent,
    performance_notes,
    performance_rows,
    verdict_columns,
)
from trtlog.analyses.compare.schema import DIFF_TABLES
from trtlog.analyses.compare.tables import (
    device_rows,
    fusion_rows,
    memory_rows,
    message_rows,
    option_rows,
    phase_rows,
    run_rows,
)
from trtlog.analyses.compare.verdict import EngineVerdict, engine_verdict
from trtlog.analyses.compare.work import (
    Shape,
    Work,
    batch_of,
    compare_work,
    inference_shapes,
    tuning_batch,
    tuning_shapes,
    work_text,
)
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers, layers_of
from trtlog.analyses.layer.messages import first_error
from trtlog.display import InNotebook, OnTerminal, draw
from trtlog.errors import QueryError, SeveralRunsError
from trtlog.log import Log, to_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SCHEMA = "trtlog.diff/1"
LogOrLogs: TypeAlias = Log | str | os.PathLike[str] | Sequence[Log | str | os.PathLike[str]]


@dataclass(frozen=True)
class Side:
    """What a diff says of one of its logs."""

    source: str
    version: str | None
    status: str | None
    layers: Layers = field(repr=False)


class Diff(InNotebook, OnTerminal):
    """What changed from a control build to a test build; made by :func:`trtlog.diff`.

    The tables are attributes that give DataFrames: ``run options device performance layers attribution
    tactics candidates formats fusions reformats memory phases messages``. Rows have a category (added,
    removed, changed, unchanged) and are sorted by cost.

    Parameters
    ----------
    tables : mapping
        Table -> rows.
    control, test : Side
        The two logs.
    alignment : Alignment or None
        The paired layers; None where a log has no layers.
    machine : Machine
        Shift and noise of the tactics that both builds timed.
    work : Work
        The input shapes that layer times were measured at.
    layer_time_source : str or None
        ``profile`` or ``tactic``.
    engines : EngineVerdict
        Whether the engines differ, whatever their times: ``engines.differ`` and ``engines.evidence``.
    notes : sequence of str
        What limits the comparison: read them first.
    """

    if TYPE_CHECKING:  # for type checkers and completion; __getattr__ gives them
        run: pd.DataFrame
        options: pd.DataFrame
        device: pd.DataFrame
        performance: pd.DataFrame
        layers: pd.DataFrame
        attribution: pd.DataFrame
        tactics: pd.DataFrame
        candidates: pd.DataFrame
        formats: pd.DataFrame
        fusions: pd.DataFrame
        reformats: pd.DataFrame
        memory: pd.DataFrame
        phases: pd.DataFrame
        messages: pd.DataFrame

    def __init__(
        self,
        tables: Mapping[str, list[dict[str, Any]]],
        control: Side,
        test: Side,
        *,
        alignment: Alignment | None,
        machine: Machine,
        work: Work,
        layer_time_source: str | None,
        engines: EngineVerdict,
        notes: tuple[str, ...],
    ) -> None:
        self._rows = tables
        self._tables: dict[str, pa.Table] = {}
        self.control = control
        self.test = test
        self.alignment = alignment
        self.machine = machine
        self.work = work
        self.layer_time_source = layer_time_source
        self.engines = engines
        self.notes = notes

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return a table's rows as dictionaries."""
        return list(table_rows(self.table(name)))

    def table(self, name: str) -> pa.Table:
        """Return a table as a pyarrow.Table; its fields' metadata holds the meanings.

        Raises
        ------
        QueryError
            There is no table of that name.
        """
        if name not in DIFF_TABLES:
            near = did_you_mean(name, DIFF_TABLES)
            raise QueryError(f"a diff has no table {name!r}{near}; its tables are {', '.join(DIFF_TABLES)}")
        if name not in self._tables:
            self._tables[name] = answer(DIFF_TABLES[name], self._rows[name])
        return self._tables[name]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """All tables by name."""
        return {name: self.table(name) for name in DIFF_TABLES}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> pd.DataFrame:
            if name in DIFF_TABLES:
                return to_frame(self.table(name))
            raise AttributeError(f"a Diff has no {name!r}; its tables are {', '.join(DIFF_TABLES)}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *DIFF_TABLES})

    @property
    def changed(self) -> bool:
        """Whether anything but the names of the logs and the measured numbers differs."""
        structure = ("options", "device", "layers", "fusions", "reformats", "messages")
        return any(row["category"] != "unchanged" for name in structure for row in self._rows[name])

    def to_json(self, *, unchanged: bool = False) -> str:
        """Return the diff as JSON; secrets in command lines are redacted.

        Parameters
        ----------
        unchanged : bool
            Whether rows of category unchanged, and the candidates, are written too.
        """
        drawn: str = draw("json", self, unchanged=unchanged)
        return drawn

    def to_markdown(self, *, limit: int = 20) -> str:
        """Return the diff as Markdown for a pull request, at most ``limit`` rows a table."""
        drawn: str = draw("markdown", self, limit=limit)
        return drawn

    def __repr__(self) -> str:
        counts = Counter(row["category"] for row in self._rows["layers"])
        layers = ", ".join(f"{number} {name}" for name, number in counts.items()) or "not compared"
        return f"<trtlog.Diff {self.control.source!r} -> {self.test.source!r}: layers {layers}>"


def diff(control: LogOrLogs, test: LogOrLogs) -> Diff:
    """Compare two builds or runs: the ``control`` before and the ``test`` after a change.

    Parameters
    ----------
    control, test : Log or path, or a sequence of them
        Logs of one run each; of a file of several give ``log.runs[i]``. Of several logs a side, which repeat the same
        measurement, the spread between them decides what a change of performance is; the rest compares the first
        of each side.

    Returns
    -------
    Diff

    Raises
    ------
    QueryError
        A log holds several runs.
    InputError
        A path cannot be read.

    Examples
    --------
    >>> import trtlog
    >>> d = trtlog.diff("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz",
    ...                 "fixtures/trt-8.5.3-h200/resnet50_fp32_verbose_rebuild.log.gz")
    >>> d.layers.category.value_counts().to_dict()
    {'unchanged': 136, 'changed': 17}
    """
    several = (_logs(control, "control"), _logs(test, "test"))
    runs = (list(map(MeasuredRun.of, several[0])), list(map(MeasuredRun.of, several[1])))
    logs = [side[0] for side in several]
    sides = [Side(log.source, log.run.tensorrt_version, log.run.status, layers_of(log)) for log in logs]
    notes = [*_notes(logs, sides), *_one_engine_a_side(several)]
    alignment = _alignment(logs, sides, notes)
    pairs: tuple[Pair, ...] = alignment.pairs if alignment and alignment.same_model else ()
    source = time_source(sides[0].layers, sides[1].layers) if pairs else None
    shapes, batch = (inference_shapes, batch_of) if source == "profile" else (tuning_shapes, tuning_batch)
    work = _work(logs, shapes, batch)
    if pairs:
        notes += _work_notes(work, source)
    if not work.comparable:
        source = None
    candidates = candidate_rows(pairs) if work.comparable and work.scale == (1, 1) else []
    if sides[0].version != sides[1].version:
        # Numbers of tactics are of one version; a kernel's name says what it is.
        candidates = [row for row in candidates if row["kernel"]]
    found, shifts = machine(candidates), layer_shifts(candidates)
    performance_work = _work(logs, inference_shapes, batch_of)
    batches = [batch_of(log, inference_shapes(log)) for log in logs]
    layers = layer_rows(pairs, source, work.scale, shifts)
    rebuilt = sum(row["category"] != "unchanged" for row in layers) if pairs else None
    tables = {
        "run": run_rows(*logs),
        "options": option_rows(*logs),
        "device": device_rows(*logs),
        "performance": _performance(runs, performance_work, batches, notes),
        "layers": layers,
        "attribution": attribution_rows(pairs, source, work.scale, shifts),
        "tactics": tactic_rows(pairs, found, noises_of([side.layers for side in sides])),
        "candidates": candidates,
        "formats": format_rows(pairs),
        "fusions": fusion_rows(*logs) if pairs and _rewritten(logs, notes) else [],
        "reformats": reformat_rows(pairs, source, work.scale),
        "memory": memory_rows(logs[0], logs[1], rebuilt),
        "phases": phase_rows(*logs),
        "messages": message_rows(*logs),
    }
    return Diff(
        tables,
        *sides,
        alignment=alignment,
        machine=found,
        work=work,
        layer_time_source=source,
        engines=_engines(tables, logs, sides, alignment),
        notes=tuple(dict.fromkeys(notes)),
    )


def _engines(
    tables: dict[str, list[dict[str, Any]]], logs: list[Log], sides: list[Side], alignment: Alignment | None
) -> EngineVerdict:
    """Judge whether the engines differ."""
    if alignment is not None and not alignment.same_model:
        return EngineVerdict(True, ("builds of different models",))
    listed = all(side.layers.source == "engine" and side.layers.tactics_known for side in sides)
    return engine_verdict(tables, (engine_mib(logs[0]), engine_mib(logs[1])), listed and bool(tables["layers"]))


def _logs(side: LogOrLogs, name: str) -> list[Log]:
    """Return the logs of one side, each of one run."""
    if isinstance(side, (Log, str, os.PathLike)):
        return [one_run(side, name)]
    logs = [one_run(log, name) for log in side]
    if not logs:
        raise QueryError(f"{name}: there is no log; give one or more")
    return logs


def one_run(log: Log | str | os.PathLike[str], name: str) -> Log:
    """Return a log of one run, parsed where it is a path.

    Raises
    ------
    QueryError
        It holds several runs.
    """
    if not isinstance(log, Log):
        from trtlog.read import parse

        log = parse(log)
    if len(log.runs) != 1:
        raise SeveralRunsError(log.source, len(log.runs), option="--run" if name == "log" else f"--{name}-run")
    return log.runs[0]


def _notes(logs: list[Log], sides: list[Side]) -> list[str]:
    notes = []
    for log, name in zip(logs, ("control", "test"), strict=True):
        if log.run.status in ("failed", "incomplete"):
            notes.append(f"the {name} run {'failed' if log.run.status == 'failed' else 'did not end'}: {_cause(log)}")
    control, test = sides
    if control.version and test.version and control.version != test.version:
        notes.append(
            f"TensorRT {control.version} against {test.version}: names, tactic numbers and messages may "
            "differ without a change in what runs"
        )
    for side, name in zip(sides, ("control", "test"), strict=True):
        if side.version is None:
            notes.append(f"the {name} log does not name its version of TensorRT")
    devices = [log.device for log in logs]
    if devices[0] and devices[1] and devices[0].name != devices[1].name:
        notes.append(f"different GPUs, {devices[0].name} and {devices[1].name}: times compare the machines too")
    return notes


def _rewritten(logs: list[Log], notes: list[str]) -> bool:
    """Tell whether both logs print the rewrites of the graph."""
    printed = True
    for log, name in zip(logs, ("control", "test"), strict=True):
        if not log.table("fusions").num_rows and not log.table("passes").num_rows:
            notes.append(f"{name} prints no rewrites of the graph, so fusions are not compared; --verbose does")
            printed = False
    return printed


def _cause(log: Log) -> str:
    error = first_error(log)
    if error:
        return redact(first_line(error["text"]))
    return "the log gives no error" if log.run.status == "failed" else "the log ends before the run does"


def _alignment(logs: list[Log], sides: list[Side], notes: list[str]) -> Alignment | None:
    """Pair the layers, or say in ``notes`` why not."""
    missing = False
    for log, side, name in zip(logs, sides, ("control", "test"), strict=True):
        if not side.layers.layers:
            missing = True
            notes.append(
                f"no layers in {name} ({log.source}), so layers are not compared; --verbose or "
                "--dumpLayerInfo prints them"
            )
        elif side.layers.source == "tactics":
            notes.append(f"{name} lists no engine layers: its layers are those whose tactics were timed")
        elif side.layers.source == "profile":
            notes.append(f"{name} lists no engine layers: its layers are those of the profile, without tactics")
    if missing:
        return None
    nodes = [read_nodes(log) for log in logs]
    alignment = align(sides[0].layers.layers, sides[1].layers.layers, *nodes)
    if not alignment.same_model:
        shared = 0.0 if alignment.shared is None else alignment.shared
        why = "their ONNX nodes differ" if all(nodes) else f"{shared:.0%} of the layers in common"
        notes.append(
            f"these are builds of different models ({why}), so layers, tactics, fusions and reformats are not compared"
        )
    return alignment


def _work(
    logs: Sequence[Log],
    shapes_of: Callable[[Log], dict[str, Shape]],
    batch_of_: Callable[[Log, dict[str, Shape]], int | None],
) -> Work:
    control, test = (shapes_of(log) for log in logs)
    return compare_work(control, test, (batch_of_(logs[0], control), batch_of_(logs[1], test)))


def _work_notes(work: Work, source: str | None) -> list[str]:
    what = {"profile": "the profile", "tactic": "the tactics' timing"}.get(source or "", "the layers")
    shapes = work_text(work)
    if not work.comparable:
        return [f"{what} saw other input shapes ({shapes}): layer times are of different work and not compared"]
    if work.scale != (1, 1):
        return [
            f"{what} saw other batches ({shapes}): layer times are given per sample, divided by "
            f"{work.scale[0]} and {work.scale[1]}"
        ]
    return []


# How the figure in samples compares where one throughput counts them, and the other the queries of equal batches.
EQUAL_BATCHES = "samples of equal batches"
_NO_VERDICT = dict.fromkeys(("verdict", "p_value", "limit_percent", "reason"))


def _performance(
    sides: tuple[Sequence[MeasuredRun], Sequence[MeasuredRun]],
    work: Work,
    batches: Sequence[int | None],
    notes: list[str],
) -> list[dict[str, Any]]:
    rows = performance_rows(*sides)
    counted = [side[0].counted for side in sides]
    if not rows or (work.comparable and work.scale == (1, 1) and counted[0] == counted[1]):
        notes += performance_notes(rows, *sides)
        return rows
    shapes = work_text(work)
    if not work.comparable:
        notes.append(f"the inferences had other input shapes ({shapes}): their times are of different work")
        for row in rows:
            row.update(_NO_VERDICT, method="other input shapes")
        return rows
    rate = next((row for row in rows if row["metric"] == "throughput"), None)
    scale = (work.scale[0] / counted[0], work.scale[1] / counted[1])
    how = "" if scale == (1.0, 1.0) else "throughput times batch, "
    if work.scale == (1, 1):
        # Equal batches, of which one throughput counts the queries and the other the samples: unlike as printed.
        words = ["queries" if n == 1 else "samples" for n in counted]
        what = f"the throughput counts {words[0]} in control and {words[1]} in test"
        if rate is not None:
            rate.update(_NO_VERDICT, change_percent=None, method="other units", reason=what)
        if batches[0] != batches[1] or not batches[0]:
            notes += [f"{what}, and a log does not tell its batch: not compared", *performance_notes(rows, *sides)]
            return rows
        notes.append(f"{what}, of batches of {batches[0]}: 'samples' is in samples of both")
        scale, how = (batches[0] / counted[0], batches[0] / counted[1]), f"{EQUAL_BATCHES}, "
    else:
        product = "the throughput times the batch" if how else "the throughput, which counts samples"
        notes.append(f"the inferences had other batches ({shapes}): 'samples' is {product}")
        for row in rows:
            if row.get("verdict") is not None:
                row.update(_NO_VERDICT, method="other batches")
    if rate is not None and rate["control"] is not None and rate["test"] is not None:
        ours, theirs = rate["control"] * scale[0], rate["test"] * scale[1]
        samples = {**rate, **verdict_columns("throughput", "value", sides, scale)}
        samples["method"] = samples["method"] and f"{how}{samples['method']}"
        samples |= {"metric": "samples", "unit": "1/s", "control": ours, "test": theirs}
        rows.insert(0, samples | {"change_percent": change_percent(ours, theirs)})
    judged = rows if work.scale == (1, 1) else [row for row in rows if row["metric"] == "samples"]
    notes += performance_notes(judged, *sides)
    return rows


def _one_engine_a_side(sides: tuple[Sequence[Log], Sequence[Log]]) -> list[str]:
    """Say what of several logs a side is compared."""
    several = [
        f"{len(side)} logs of {name}" for side, name in zip(sides, ("control", "test"), strict=True) if len(side) > 1
    ]
    if not several:
        return []
    return [
        f"{' and '.join(several)}: performance is compared over all of them, everything else (layers, options, "
        "memory, messages) between the first of each side"
    ]
