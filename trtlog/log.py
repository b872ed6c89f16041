"""The handle a user holds: everything a log says, computed when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from trtlog._util.redact import redact, redact_table
from trtlog._util.rows import listed
from trtlog.display import InNotebook
from trtlog.errors import SeveralRunsError
from trtlog.records import TABLES, ByTable, Device, Record, Run
from trtlog.records.frames import TableFrames

if TYPE_CHECKING:
    import os

    import pandas as pd
    import pyarrow as pa

    from trtlog._util.maybe import MaybeNone
    from trtlog.analyses.handle import Analyses
    from trtlog.analyses.layer.why import Story
    from trtlog.analyses.lint.frame import Findings
    from trtlog.records.options import (
        BuildOptions,
        InferenceOptions,
        ModelOptions,
        Options,
        Performance,
        ReportingOptions,
        SystemOptions,
    )
    from trtlog.report.plots.plots import Plots

OptionsType = TypeVar("OptionsType", bound="Options")


# What a log answers with, and the function that does: each takes the log first. They stand on the log, so it names them
# by text and loads them when they are asked for.
BELOW = {
    "analyses": "trtlog.analyses.registry:table_names",
    "analyze": "trtlog.analyses.handle:Analyses",
    "lint": "trtlog.analyses.lint.frame:findings",
    "plot": "trtlog.report.plots.plots:Plots",
    "report": "trtlog.report.page.page:report",
    "record": "trtlog.analyses.registry:record_of",
    "sql": "trtlog.sql:query",
    "table": "trtlog.analyses.registry:table_of",
    "to_parquet": "trtlog.parquet.files:write",
    "to_trex": "trtlog.analyses.layer.trex:to_trex",
    "why": "trtlog.analyses.layer.why:why",
}


def _below(name: str) -> Any:
    module, _, function = BELOW[name].partition(":")
    return getattr(importlib.import_module(module), function)


class Log(TableFrames, InNotebook):
    """What one log says.

    Made by :func:`trtlog.parse` and :func:`trtlog.read_parquet`. Tables are attributes that give pandas
    DataFrames with Arrow types (null stays null): ``log.tactics``, ``log.fusions``, ...; :meth:`table` gives
    the Arrow table, :meth:`records` typed records. Sections are records: ``log.build.precision``.

    Parameters
    ----------
    tables : mapping
        Name of a table -> Arrow table; may build them on demand.
    source : str
        Name of the file or stream.
    notes : sequence of str
        What was odd about the source: cut, recoded, ...

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> log.run.tensorrt_version, log.run.status, log.performance.throughput_qps
    ('8.5.3', 'passed', 1336.59)
    >>> len(log.tactics)
    3692
    """

    # How the run ended, where who started it knows more than the log says.
    ending: str | None = None

    def __init__(self, tables: Mapping[str, pa.Table] | Any, source: str, notes: Sequence[str] = ()) -> None:
        self._tables = tables
        self.source = source
        self._notes = tuple(notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd: about the source, and about values of the tables that were asked for so far."""
        return (*self._notes, *getattr(self._tables, "notes", ()))

    # ------------------------------------------------------------------ tables
    def table(self, name: str) -> pa.Table:
        """Return a table as a pyarrow.Table; its fields' metadata holds units and meanings.

        Parameters
        ----------
        name : str
            A table of facts, as in :attr:`tables`, or an analysis, which is computed: ``margins``, ``lineage``, ...

        Raises
        ------
        QueryError
            There is no table of that name.

        Examples
        --------
        >>> import trtlog
        >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
        >>> log.table("tactics").num_rows, log.table("margins").num_rows
        (3692, 89)
        """
        return self._tables[name] if name in TABLES else _below("table")(self, name)

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        """All tables of facts by name; each is built when it is asked for."""
        return Tables(self)

    @property
    def analyses(self) -> Sequence[str]:
        """Names of the tables that are computed from those of facts: ``log.table("margins")``."""
        names: Sequence[str] = _below("analyses")()
        return names

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as a pandas DataFrame with Arrow-backed columns: null is ``pd.NA``."""
        return to_frame(self.table(name))

    def records(self, name: str) -> Iterator[Any]:
        """Yield a table's rows as typed records, such as :class:`trtlog.records.Tactic`."""
        table = self.table(name)
        record = self.record(name)
        for batch in table.to_batches(max_chunksize=4096):
            for row in listed(batch):
                yield record(**row)

    def record(self, name: str) -> type[Record]:
        """Return the class of a table's rows; its fields tell type, unit and meaning of the columns."""
        record: type[Record] = TABLES[name] if name in TABLES else _below("record")(name)
        return record

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in TABLES and name not in ("runs", "performance"):
                return self.frame(name)
            raise AttributeError(
                f"a Log has no {name!r}; its tables are {', '.join(TABLES)}" if not name.startswith("_") else name
            )

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *TABLES})

    # ------------------------------------------------------------------ runs and sections
    @property
    def runs(self) -> Sequence[Log]:
        """The runs of the file, each a Log of its own; ``log.table("runs")`` is the table."""
        # A log that holds itself keeps its memory until the collector comes by: what is kept holds a copy, if any.
        return (self,) if self.table("runs").num_rows == 1 else self._several

    @cached_property
    def _several(self) -> Sequence[Log]:
        """The runs of a file of several or none."""
        whole = copy(self)
        return tuple(_OneRun(whole, number) for number in range(self.table("runs").num_rows))

    @cached_property
    def _run_bounds(self) -> dict[str, Any]:
        """By table, the row at which each run begins; None where a table is not in the order of runs."""
        return {}

    def _rows_of_run(self, name: str, number: int) -> pa.Table:
        """Return one run's rows of a table; where runs are many, none of them looks through the rows of all."""
        import numpy as np

        whole = self.table(name)
        if "run" not in whole.column_names:
            return whole
        if name not in self._run_bounds:
            runs = whole.column("run").to_numpy()
            ordered = bool((runs[1:] >= runs[:-1]).all())
            count = self.table("runs").num_rows
            self._run_bounds[name] = np.searchsorted(runs, np.arange(count + 1)) if ordered else None
        bounds = self._run_bounds[name]
        if bounds is None:
            import pyarrow.compute as pc

            return whole.filter(pc.equal(whole.column("run"), number))
        return whole.slice(int(bounds[number]), int(bounds[number + 1] - bounds[number]))

    @cached_property
    def run(self) -> Run:
        """The run: version, command, status, times."""
        return self._one("runs", "run")  # type: ignore[return-value]

    @property
    def device(self) -> Device | MaybeNone:
        """The GPU; None where the log has no device section."""
        self._single("device")
        rows = list(self.records("devices"))
        return rows[-1] if rows else None

    @property
    def model(self) -> ModelOptions:
        """The model options."""
        from trtlog.records.options import ModelOptions

        return self._options("model", ModelOptions)

    @property
    def build(self) -> BuildOptions:
        """The build options."""
        from trtlog.records.options import BuildOptions

        return self._options("build", BuildOptions)

    @property
    def system(self) -> SystemOptions:
        """The system options."""
        from trtlog.records.options import SystemOptions

        return self._options("system", SystemOptions)

    @property
    def inference(self) -> InferenceOptions:
        """The inference options."""
        from trtlog.records.options import InferenceOptions

        return self._options("inference", InferenceOptions)

    @property
    def reporting(self) -> ReportingOptions:
        """The reporting options."""
        from trtlog.records.options import ReportingOptions

        return self._options("reporting", ReportingOptions)

    @property
    def performance(self) -> Performance:
        """The performance summary; ``log.table("performance")`` is the table."""
        from trtlog.records.options import read_performance

        self._single("performance")
        table = self.table("performance")
        columns = [table.column(n).to_pylist() for n in ("metric", "stat", "value")]
        return read_performance(zip(*columns, strict=True))

    def _options(self, section: str, record: type[OptionsType]) -> OptionsType:
        from trtlog.records.options import read_options

        self._single(section)
        if section not in self._sections:
            self._sections[section] = read_options(record, self._printed_options.get(section, ()))
        return self._sections[section]  # type: ignore[no-any-return]

    @cached_property
    def _sections(self) -> dict[str, Any]:
        """The sections of options that were asked for."""
        return {}

    @cached_property
    def _printed_options(self) -> dict[str, list[tuple[str, str]]]:
        """Keys and values of the options, by section."""
        columns = [self.table("options").column(name).to_pylist() for name in ("section", "key", "value")]
        found: dict[str, list[tuple[str, str]]] = {}
        for section, key, value in zip(*columns, strict=True):
            found.setdefault(section, []).append((key, value))
        return found

    def _single(self, what: str) -> None:
        count = self.table("runs").num_rows
        if count != 1:
            raise SeveralRunsError(self.source, count, what)

    def _one(self, table: str, what: str) -> Record:
        self._single(what)
        return next(self.records(table))  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ analyses
    @property
    def analyze(self) -> Analyses:
        """What is computed from the tables of this run, each a DataFrame: ``log.analyze.margins()``."""
        self._single("analyze")
        analyses: Analyses = _below("analyze")(self)
        return analyses

    @cached_property
    def _answers(self) -> dict[str, Any]:
        """What was computed of the tables; it does not hold this log, whose memory is free when it is let go."""
        return {}

    def why(self, layer: str) -> Story:
        """Tell one layer's whole story: origin, candidates, choice, conversions, cost.

        Parameters
        ----------
        layer : str
            Name of a layer or of an ONNX node: exact, else a part of it, else a regular expression.

        Raises
        ------
        QueryError
            No layer fits, or several do; the message lists them.

        Examples
        --------
        >>> import trtlog
        >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
        >>> story = log.why("/fc/Gemm")
        >>> story.winner["runner"], story.candidates
        ('CaskGemmConvolution', 210)
        """
        self._single("why")
        story: Story = _below("why")(self, layer)
        return story

    def lint(self) -> Findings:
        """Return findings with evidence, reason, remedy, severity and confidence, and what is fine.

        Examples
        --------
        >>> import trtlog
        >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz")
        >>> found = log.lint()
        >>> found[found.severity == "warning"].rule.tolist()[:2]
        ['enqueue-bound', 'unstable-gpu-time']
        """
        self._single("lint")
        found: Findings = _below("lint")(self)
        return found

    def sql(self, statement: str, parameters: Iterable[Any] | None = None) -> pd.DataFrame:
        """Run a DuckDB statement over the tables, which are views of their names; return a DataFrame.

        Raises
        ------
        QueryError
            DuckDB refuses the statement; its message is kept.

        Examples
        --------
        >>> import trtlog
        >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
        >>> log.sql("select count(*) as n from tactics where time_ms < ?", [0.005]).n.tolist()
        [3]
        """
        return to_frame(_below("sql")(self, statement, parameters))

    # ------------------------------------------------------------------ out
    @property
    def plot(self) -> Plots:
        """Plots for notebooks, with plotly: ``log.plot.profile()``; ``pip install '.[plot]'``."""
        self._single("plot")
        plots: Plots = _below("plot")(self)
        return plots

    def report(self) -> str:
        """Return the log as one HTML page that needs no network; ``trtlog report`` writes it to a file.

        Examples
        --------
        >>> import trtlog
        >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/err_unsupported_op.log.gz")
        >>> log.report()[:15]
        '<!doctype html>'
        """
        page: str = _below("report")(self)
        return page

    def redacted(self) -> Log:
        """Return the log with passwords, tokens and keys taken out of all its tables: what may be shared.

        Examples
        --------
        >>> import trtlog
        >>> log = trtlog.parse([b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --api-key 12ab"])
        >>> log.redacted().run.command
        'trtexec --api-key ***'
        """
        return Log(_Redacted(self), redact(self.source), tuple(map(redact, self._notes)))

    def to_trex(self) -> pd.DataFrame:
        """Return the engine's layers with the column names of trt-engine-explorer: ``Name``, ``latency.avg_time``, ...

        Examples
        --------
        >>> import trtlog
        >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz")
        >>> log.to_trex().columns[:3].tolist()
        ['Name', 'type', 'subtype']
        """
        self._single("to_trex")
        frame: pd.DataFrame = _below("to_trex")(self)
        return frame

    def to_parquet(self, folder: str | os.PathLike[str], *, analyses: Iterable[str] = (), redact: bool = False) -> Path:
        """Write one Parquet file a table of facts; :func:`trtlog.read_parquet` gives the same Log again.

        Parameters
        ----------
        folder : str or PathLike
            Where to write.
        analyses : iterable of str
            Names of tables that are computed from the facts, to be written beside them for other programs.
        redact : bool
            Take passwords, tokens and keys out; by default the tables keep the log's own text.

        Returns
        -------
        Path
            The folder.
        """
        written: Path = _below("to_parquet")(self.redacted() if redact else self, Path(folder), list(analyses))
        return written

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied: the tables; what is computed from them is computed again."""
        computed = ("_answers", "_several", "_own", "_run_bounds", "_sections", "_printed_options")
        return {name: value for name, value in vars(self).items() if name not in computed}

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Log):
            return NotImplemented
        return all(self.table(n).equals(other.table(n)) or _same(self.table(n), other.table(n)) for n in TABLES)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        parts = []
        for run in self.runs:
            record = run.run
            version = f"TensorRT {record.tensorrt_version}" if record.tensorrt_version else "TensorRT"
            device = run.device
            performance = run.performance
            parts.append(
                ", ".join(
                    text
                    for text in (
                        version,
                        device.name if device else None,
                        run.build.precision,
                        record.status,
                        f"{performance.throughput_qps:g} qps" if performance.throughput_qps is not None else None,
                    )
                    if text
                )
            )
        return f"<trtlog.Log {self.source!r}: {'; '.join(parts)}>"


class Tables(InNotebook, ByTable):
    """The tables of a log by name."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def __getitem__(self, name: str) -> Any:
        if name not in TABLES:
            raise KeyError(name)
        return self.log.table(name)

    def __repr__(self) -> str:
        return f"<tables of {self.log.source!r}: {', '.join(TABLES)}>"


class _Redacted(ByTable):
    """The tables of a log without secrets, each made when it is asked for."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.made:
            self.made[name] = redact_table(self.log.table(name))
        return self.made[name]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about values of the tables."""
        return tuple(map(redact, getattr(self.log._tables, "notes", ())))


class _OneRun(Log):
    """One run of a log of several: the same tables, its rows only."""

    def __init__(self, log: Log, number: int) -> None:
        super().__init__({}, log.source, log.notes)
        self._log = log
        self.number = number

    @cached_property
    def _own(self) -> dict[str, pa.Table]:
        """The run's rows of the tables that were asked for."""
        return {}

    def table(self, name: str) -> pa.Table:
        """Return the run's rows of a table; coverage is counted over the whole file."""
        if name not in TABLES:
            return super().table(name)
        if name not in self._own:
            self._own[name] = self._log._rows_of_run(name, self.number)
        return self._own[name]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about the file."""
        return self._log.notes

    @property
    def runs(self) -> Sequence[Log]:
        """This run alone."""
        return (self,)


def holds_help_only(log: Log) -> bool:
    """Return whether a log is nothing but trtexec's help text: asked for, or printed for no error that it tells."""
    kinds = set(log.table("coverage").column("kind").to_pylist())
    return "usage" in kinds and kinds <= {"usage", "blank", "run_started", "tf32_default"}


def is_exports_alone(log: Log) -> bool:
    """Return whether nothing but trtexec's JSON exports was read: no row of it has a line."""
    return bool(log.table("runs").column("line").null_count)


def _same(left: pa.Table, right: pa.Table) -> bool:
    """Compare tables by value: dictionaries may be ordered differently, nan equals nan."""
    if left.schema.names != right.schema.names or left.num_rows != right.num_rows:
        return False
    import pyarrow as pa

    for name in left.schema.names:
        ours, theirs = left.column(name), right.column(name)
        if pa.types.is_dictionary(ours.type):
            ours = ours.cast(pa.string())
        if pa.types.is_dictionary(theirs.type):
            theirs = theirs.cast(pa.string())
        if ours.type != theirs.type:
            return False
        if not ours.equals(theirs) and repr(ours.to_pylist()) != repr(theirs.to_pylist()):
            return False
    return True


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a DataFrame with Arrow-backed columns; names become plain text columns."""
    import pandas as pd

    from trtlog._util.arrow import plain

    # Columns stay Arrow's: there is nothing to convert, and to ask threads takes as long as all the rest.
    frame: pd.DataFrame = plain(table).to_pandas(types_mapper=pd.ArrowDtype, use_threads=False)
    return frame
