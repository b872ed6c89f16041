"""What a dataset holds: one small file that is replaced as a whole. What it does not name is not there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import field
from typing import Any
from urllib.parse import quote

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._version import __version__
from trtlog.dataset.storage import Storage
from trtlog.errors import InputError, SchemaError
from trtlog.parquet.files import SCHEMA_VERSION

CONTROL = "_trtlog"
NAME = f"{CONTROL}/manifest.json"
FORMAT = 1
NULL = "__HIVE_DEFAULT_PARTITION__"
CATALOGUE = "catalogue"
_STAGING = f"{CONTROL}/staging"
# Characters that file systems accept in a folder's name, and how much of a long name stays.
_LONGEST_NAME = 255
_CUT_NAME = 103
_ID = expression(r"[A-Za-z0-9-]{1,80}")
_TABLE = expression(r"[a-z_]{1,80}")


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
        version = encoded("tensorrt_version", self.tensorrt_version)
        return f"{version}/{encoded('gpu', self.gpu)}"

    @property
    def bytes(self) -> int:
        """Size of all parts."""
        return sum(size for _, size in self.tables.values())

    def part(self, table: str) -> str:
        """Return the path of a table's part."""
        return f"{table}/{self.partition}/part-{self.id}.parquet"


def encoded(key: str, value: str | None) -> str:
    """Return the name of a partition's folder: Hive's word for null, percent signs for odd characters.

    A value too long for the name of a folder is cut, and its digest stands for the rest; readers of the dataset take
    the value from the manifest.

    Examples
    --------
    >>> encoded("gpu", "NVIDIA H200"), encoded("gpu", "A/B"), encoded("gpu", None)
    ('gpu=NVIDIA H200', 'gpu=A%2FB', 'gpu=__HIVE_DEFAULT_PARTITION__')
    >>> len(encoded("gpu", "G" * 300))
    136
    """
    name = f"{key}={NULL if value is None else quote(value, safe=' ()+,', errors='backslashreplace')}"
    if len(name) <= _LONGEST_NAME or value is None:
        return name
    digest = hashlib.sha256(value.encode("utf-8", "backslashreplace")).hexdigest()[:32]
    kept = name[:_CUT_NAME]
    if "%" in kept[-2:]:  # never within %2F
        kept = kept[: kept.rindex("%")]
    return f"{kept}~{digest}"


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
        document: dict[str, Any] = json.loads(text)
        if document["format"] > FORMAT or document["schema"] != SCHEMA_VERSION:
            raise SchemaError(
                f"{storage.place}: a dataset of format {document['format']} and schema {document['schema']}, written "
                f"by trtlog {document['trtlog']}; this trtlog {__version__} knows format {FORMAT} and schema "
                f"{SCHEMA_VERSION}: update trtlog, or convert the logs to a new dataset"
            )
        groups = [_group(group) for group in document["groups"]]
        moves = [(_inside(a, (_STAGING,)), _inside(b)) for a, b in document["moves"]]
        catalogue = [_inside(name, (CATALOGUE,)) for name in document["catalogue"]]
        removes = [_inside(name) for name in document["removes"]]
        return Manifest(int(document["generation"]), groups, catalogue, moves, removes)
    except SchemaError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        why = str(error) if type(error) is ValueError else repr(error)
        raise InputError(
            f"{storage.place}/{NAME}: cannot be understood: {why}; nothing was changed. Put back an older copy of it, "
            f"or convert the logs to a new dataset"
        ) from error


def _group(found: dict[str, Any]) -> Group:
    """Return a group as the manifest describes it.

    Raises
    ------
    ValueError
        A value is none that trtlog writes.
    """
    name, version, gpu, logs = found["id"], found["tensorrt_version"], found["gpu"], tuple(found["logs"])
    texts = [name, *logs, *(value for value in (version, gpu) if value is not None)]
    if not all(isinstance(text, str) for text in texts) or not _ID.fullmatch(name):
        raise ValueError(f"group {name!r} is none that trtlog writes")
    tables = {table: (int(rows), int(size)) for table, (rows, size) in found["tables"].items()}
    for table in tables:
        if not _TABLE.fullmatch(table):
            raise ValueError(f"{table!r} is no name of a table")
    return Group(name, version, gpu, logs, tables)


def _inside(name: Any, folders: tuple[str, ...] = ()) -> str:
    """Return the path of a part, as the manifest holds it.

    Raises
    ------
    ValueError
        It is no path of a part: it leads out of the dataset, or to a file that is none of trtlog's.
    """
    parts = name.split("/") if isinstance(name, str) else []
    odd = not parts or any(part in ("", ".", "..") for part in parts) or any(c in name for c in "\\\0:")
    first = "/".join(parts[:2]) if parts[:1] == [CONTROL] else "".join(parts[:1])
    known = (_STAGING, CATALOGUE) if first in (_STAGING, CATALOGUE) else ()
    if odd or (folders and first not in folders) or not (known or (_TABLE.fullmatch(first) and _is_part(parts))):
        raise ValueError(f"{name!r} is no path of a part of this dataset")
    return str(name)


def _is_part(parts: list[str]) -> bool:
    """Return whether a path is that of a table's part: TABLE/tensorrt_version=../gpu=../part-ID.parquet."""
    beginnings = ("tensorrt_version=", "gpu=", "part-")
    return len(parts) == 4 and all(part.startswith(b) for part, b in zip(parts[1:], beginnings, strict=True))


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
    done = dataclasses.replace(manifest, moves=[], removes=[])
    save(storage, done)
    return done
