"""What a dataset holds: one small file that is replaced as a whole. What it does not name is not there."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from trtlog._version import __version__
from trtlog.dataset.storage import Storage
from trtlog.errors import InputError, SchemaError
from trtlog.parquet.files import SCHEMA_VERSION

CONTROL = "_trtlog"
NAME = f"{CONTROL}/manifest.json"
FORMAT = 1
NULL = "__HIVE_DEFAULT_PARTITION__"
CATALOGUE = "catalogue"


@dataclass(frozen=True)
class Group:
    """Rows of some logs of one version and GPU: one part a table, named after the group.

    Attributes
    ----------
    id : str
        Name of the parts.
    tensorrt_version, gpu : str or None
        The partition.
    logs : tuple of str
        Digests of the logs.
    tables : dict
        Name of a table -> (rows, bytes); a table without rows has no part.
    """

    id: str
    tensorrt_version: str | None
    gpu: str | None
    logs: tuple[str, ...]
    tables: dict[str, tuple[int, int]]

    @property
    def partition(self) -> str:
        """The folders of the partition, as Hive names them."""
        return f"tensorrt_version={encoded(self.tensorrt_version)}/gpu={encoded(self.gpu)}"

    @property
    def bytes(self) -> int:
        """Size of all parts."""
        return sum(size for _, size in self.tables.values())

    def part(self, table: str) -> str:
        """Return the path of a table's part."""
        return f"{table}/{self.partition}/part-{self.id}.parquet"


def encoded(value: str | None) -> str:
    """Return a value as the name of a partition's folder: Hive's word for null, percent signs for odd characters.

    Examples
    --------
    >>> encoded("NVIDIA H200"), encoded("A/B"), encoded(None)
    ('NVIDIA H200', 'A%2FB', '__HIVE_DEFAULT_PARTITION__')
    """
    return NULL if value is None else quote(value, safe=" ()+,")


@dataclass
class Manifest:
    """What a dataset holds.

    Attributes
    ----------
    generation : int
        Counts the changes.
    groups : list of Group
        In the order of their commits.
    catalogue : list of str
        Parts of the catalogue.
    moves : list of (from, to)
        Parts that are committed and may not have their name yet.
    removes : list of str
        Parts that are no longer of the dataset and may not be removed yet.
    """

    generation: int = 0
    groups: list[Group] = field(default_factory=list)
    catalogue: list[str] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)

    def logs(self) -> set[str]:
        """Return the digests of all logs."""
        return {digest for group in self.groups for digest in group.logs}

    def settled(self) -> Manifest:
        """Return the manifest without moves and removals, after they were done."""
        return dataclasses.replace(self, moves=[], removes=[])


def load(storage: Storage) -> Manifest | None:
    """Read the manifest; None where there is no dataset.

    Raises
    ------
    InputError
        The manifest cannot be understood.
    SchemaError
        A newer trtlog wrote it.
    """
    try:
        text = storage.read(NAME)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{storage.place}: the dataset cannot be read: {error}") from error
    try:
        found: dict[str, Any] = json.loads(text)
        if found["format"] > FORMAT or found["schema"] != SCHEMA_VERSION:
            raise SchemaError(
                f"{storage.place}: a dataset of format {found['format']} and schema {found['schema']}, written by "
                f"trtlog {found['trtlog']}; this trtlog {__version__} knows format {FORMAT} and schema "
                f"{SCHEMA_VERSION}: update trtlog, or convert the logs to a new dataset"
            )
        groups = [
            Group(
                g["id"],
                g["tensorrt_version"],
                g["gpu"],
                tuple(g["logs"]),
                {name: (int(rows), int(size)) for name, (rows, size) in g["tables"].items()},
            )
            for g in found["groups"]
        ]
        moves = [(str(a), str(b)) for a, b in found["moves"]]
        return Manifest(int(found["generation"]), groups, list(found["catalogue"]), moves, list(found["removes"]))
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, SchemaError):
            raise
        raise InputError(f"{storage.place}/{NAME}: cannot be understood: {error!r}") from error


def save(storage: Storage, manifest: Manifest) -> None:
    """Replace the manifest: this is the moment at which a change counts."""
    text = json.dumps(
        {
            "format": FORMAT,
            "schema": SCHEMA_VERSION,
            "trtlog": __version__,
            "generation": manifest.generation,
            "groups": [dataclasses.asdict(group) for group in manifest.groups],
            "catalogue": manifest.catalogue,
            "moves": manifest.moves,
            "removes": manifest.removes,
        },
        separators=(",", ":"),
    )
    storage.replace(NAME, text.encode())


def settle(storage: Storage, manifest: Manifest) -> Manifest:
    """Do the moves and removals of a change that counts; doing them again does no harm.

    Removals come first: who reads the folders meanwhile may miss rows, and never sees one twice.
    """
    if not manifest.moves and not manifest.removes:
        return manifest
    for name in manifest.removes:
        storage.remove(name)
    for name, target in manifest.moves:
        storage.move(name, target)
    done = manifest.settled()
    save(storage, done)
    return done
