"""The handle of a dataset: the tables of all logs, read when asked for, never all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.words import did_you_mean, first_of, plural
from trtlog.dataset import manifest
from trtlog.dataset.catalogue import SCHEMA
from trtlog.dataset.manifest import CATALOGUE, Group, Manifest
from trtlog.dataset.parts import PARTITIONS, full_schema
from trtlog.dataset.storage import Storage, reason
from trtlog.display import InNotebook
from trtlog.errors import InputError, QueryError
from trtlog.log import Log, to_frame
from trtlog.records import TABLES
from trtlog.records.frames import TableFrames

if TYPE_CHECKING:
    import pandas as pd

    from trtlog.sql import Limits

_TRIES = 5
Answer = TypeVar("Answer")


class Dataset(TableFrames, InNotebook):
    """Many logs as one: the tables of a :class:`trtlog.Log`, with ``log``, ``tensorrt_version`` and ``gpu``.

    Made by :func:`trtlog.open_dataset`. Tables are attributes that give pandas DataFrames: ``dataset.tactics``;
    :meth:`table` gives chosen columns and rows as an Arrow table, :meth:`sql` answers without loading tables.

    Parameters
    ----------
    place : str or PathLike
        The folder or URL that ``trtlog convert`` wrote.
    """

    if TYPE_CHECKING:  # tables that a dataset has beside those of a log
        runs: pd.DataFrame
        performance: pd.DataFrame

    def __init__(self, place: str | os.PathLike[str]) -> None:
        self._storage = Storage(place)
        self._manifest = self._load()

    def _load(self) -> Manifest:
        found = manifest.load(self._storage)
        if found is None:
            raise InputError(f"{self._storage.place}: no dataset of trtlog; 'trtlog convert LOGS -o DATASET' makes one")
        return found

    def refresh(self) -> None:
        """See what was committed since the dataset was opened."""
        self._manifest = self._load()

    # ------------------------------------------------------------------ tables
    @property
    def tables(self) -> Mapping[str, pa.Table]:
        """All tables by name, ``catalogue`` too; each is read when it is asked for."""
        return _Tables(self)

    def table(
        self, name: str, columns: Sequence[str] | None = None, filter: Any = None, *, log: str | None = None
    ) -> pa.Table:
        """Return a table, or some columns and rows of it, as a pyarrow.Table.

        Parameters
        ----------
        name : str
            A table of a log, or ``catalogue``.
        columns : sequence of str, optional
            Only these columns are read.
        filter : pyarrow.compute.Expression, optional
            Only rows for which it holds; parts and row groups that cannot hold any are not read.
        log : str, optional
            Only rows of the log of this digest; parts of other logs are not opened.

        Raises
        ------
        QueryError
            There is no such table or column.
        """
        for column in columns or ():
            if column not in self._schema(name).names:
                raise QueryError(f"{name} has no column {column!r}; it has {', '.join(self._schema(name).names)}")

        if log is not None:
            of_log = pc.field("log") == log
            filter = of_log if filter is None else filter & of_log

        def read() -> pa.Table:
            return self.scanned(name, log).to_table(columns=list(columns) if columns else None, filter=filter)

        try:
            table: pa.Table = self._again(read)
        except (pa.ArrowException, OSError) as error:
            self._check_parts(name)
            if filter is None or isinstance(error, OSError):
                raise InputError(f"{self._storage.place}: {name} cannot be read: {reason(error)}") from error
            raise QueryError(f"{name} cannot be filtered so: {error}") from error
        return table

    def _check_parts(self, name: str) -> None:
        """Look for a part that is damaged.

        Raises
        ------
        InputError
            There is one; the message names it, and what to do.
        """
        for piece in self.scanned(name).get_fragments():
            try:
                piece.to_table()
            except (pa.ArrowException, OSError) as error:
                raise InputError(
                    f"{piece.path}: this part of {name} is damaged or missing ({reason(error).splitlines()[0]}); "
                    f"put it back from a copy, or convert the logs to a new dataset"
                ) from error

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as a pandas DataFrame with Arrow-backed columns: null is ``pd.NA``."""
        return to_frame(self.table(name))

    @property
    def catalogue(self) -> pd.DataFrame:
        """One row a run: sources, version, GPU, model, status, headline numbers; and logs that failed."""
        return self.frame(CATALOGUE)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in TABLES:
                return self.frame(name)
            raise AttributeError(
                name if name.startswith("_") else f"a Dataset has no {name!r}; its tables are {', '.join(TABLES)}"
            )

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *TABLES})

    def scanned(self, name: str, log: str | None = None) -> Any:
        """Return a table, or its parts that may hold rows of a log, as a pyarrow.dataset.Dataset, to read in pieces."""
        import pyarrow.dataset as pads

        schema = self._schema(name)
        parts: list[tuple[str, Any]]
        if name == CATALOGUE:
            parts = [(part, None) for part in self._manifest.catalogue]
        else:
            groups = [group for group in self._manifest.groups if name in group.tables]
            if log is not None:
                groups = [group for group in groups if log in group.logs]
            parts = [(group.part(name), _partition(group)) for group in groups]
        staged = {target: source for source, target in self._manifest.moves}
        pieces = []
        for file, partition in parts:
            moved = file not in staged or self._storage.exists(file)
            path = self._storage.path(file if moved else staged[file])
            piece = pads.ParquetFileFormat().make_fragment(path, self._storage.fs, partition_expression=partition)
            pieces.append(piece)
        return pads.FileSystemDataset(pieces, schema, pads.ParquetFileFormat(), self._storage.fs)

    def _schema(self, name: str) -> pa.Schema:
        if name == CATALOGUE:
            return SCHEMA
        if name not in TABLES:
            names = [CATALOGUE, *TABLES]
            raise QueryError(
                f"there is no table {name!r}{did_you_mean(name, names)}; the tables are {', '.join(names)}; "
                f"analyses such as margins are computed of one log: dataset.log(SOURCE).table({name!r})"
            )
        return full_schema(name)

    def _again(self, read: Callable[[], Answer]) -> Answer:
        """Read; where a writer replaced parts meanwhile, look again what the dataset holds."""
        for _ in range(_TRIES):
            try:
                return read()
            except FileNotFoundError:
                self.refresh()
        return read()

    # ------------------------------------------------------------------ SQL
    def query(
        self, statement: str, parameters: Iterable[Any] | None = None, *, limits: Limits | None = None
    ) -> pa.Table:
        """Run a DuckDB statement as :meth:`sql` does, within limits of time and memory; return an Arrow table."""
        from trtlog.sql import run, tables_named

        given = list(parameters) if parameters is not None else None
        tables = [CATALOGUE, *TABLES]
        try:
            return self._again(lambda: run(self.scanned, statement, given, tables, limits=limits))
        except QueryError:
            for name in tables_named(statement, tables):
                self._check_parts(name)
            raise

    def sql(self, statement: str, parameters: Iterable[Any] | None = None) -> pd.DataFrame:
        """Run a DuckDB statement over the tables and ``catalogue``; return a DataFrame.

        Tables are read piece by piece, and of them only what the statement needs.

        Raises
        ------
        QueryError
            DuckDB refuses the statement; its message is kept.
        """
        return to_frame(self.query(statement, parameters))

    # ------------------------------------------------------------------ one log
    def log(self, key: str) -> Log:
        """Return one log of the dataset.

        Parameters
        ----------
        key : str
            Its digest or the beginning of that, or its source or the end of that.

        Raises
        ------
        QueryError
            No log fits, or several do.
        """
        from trtlog.dataset.one import log_of

        return log_of(self, key)

    def logs(self) -> Iterator[Log]:
        """Give all logs, one after the other, in the order of the catalogue; each reads its tables when asked for."""
        rows = self.table(CATALOGUE, columns=["log", "source", "error"]).to_pylist()
        for digest in dict.fromkeys(row["log"] for row in rows if row["error"] is None):
            yield self.log(digest)

    def parts(self, name: str, log: str) -> list[tuple[int, str]]:
        """Return the row counts and paths of the parts of a table that may hold rows of a log."""
        return [
            (group.tables[name][0], group.part(name))
            for group in self._manifest.groups
            if log in group.logs and name in group.tables
        ]

    def __len__(self) -> int:
        return len(self._manifest.logs())

    def __repr__(self) -> str:
        groups = self._manifest.groups
        versions = sorted({g.tensorrt_version for g in groups if g.logs and g.tensorrt_version})
        gpus = sorted({g.gpu for g in groups if g.logs and g.gpu})
        rows = sum(count for g in groups for count, _ in g.tables.values())
        size = sum(g.bytes for g in groups)
        counts = f"{len(self):,} {plural(len(self), 'log')}, {rows:,} {plural(rows, 'row')}"
        made_with = f"TensorRT {_some(versions)}; {_some(gpus)}"
        return f"<trtlog.Dataset {self._storage.place!r}: {counts}, {size / 1e6:.1f} MB; {made_with}>"


def _partition(group: Group) -> Any:
    """Return what holds for all rows of a group: folders may bear a cut name, the manifest has the whole one."""
    version, gpu = (
        pc.is_null(pc.field(name)) if value is None else pc.field(name) == value
        for name, value in zip(PARTITIONS.names, (group.tensorrt_version, group.gpu), strict=True)
    )
    return version & gpu


def _some(names: list[str]) -> str:
    return first_of(names, 4) if names else "not printed"


class _Tables(Mapping[str, Any]):
    """The tables of a dataset by name."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __getitem__(self, name: str) -> Any:
        if name not in TABLES and name != CATALOGUE:
            raise KeyError(name)
        return self._dataset.table(name)

    def __iter__(self) -> Iterator[str]:
        return iter([CATALOGUE, *TABLES])

    def __len__(self) -> int:
        return len(TABLES) + 1


def open_dataset(place: str | os.PathLike[str]) -> Dataset:
    """Open a dataset that ``trtlog convert`` or :func:`trtlog.to_dataset` wrote.

    Parameters
    ----------
    place : str or PathLike
        A folder, or a URL that fsspec understands, such as ``s3://bucket/dataset``.

    Raises
    ------
    InputError
        There is no dataset.
    SchemaError
        A newer trtlog wrote it.

    Examples
    --------
    >>> import tempfile, trtlog
    >>> folder = tempfile.mkdtemp()
    >>> done = trtlog.to_dataset(["fixtures/trt-8.5.3-h200/lstm_verbose.log.gz"], folder)
    >>> dataset = trtlog.open_dataset(folder)
    >>> dataset.sql("select tensorrt_version, gpu, count(*) as passes from passes group by all").values.tolist()
    [['8.5.3', 'NVIDIA H200', 14]]
    """
    return Dataset(place)
