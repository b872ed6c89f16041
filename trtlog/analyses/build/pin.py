"""Pin a tactic: what to write into an editable timing cache so that the next build takes another tactic.

TensorRT 10.3 and later print the key of each operation where the cache is editable; ``ITimingCache::update`` takes the
key with the hash of a tactic. An edit is these two as printed, which is what NVIDIA's sample for editable timing caches
and ``tensorrt.TimingCacheKey.parse`` read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog._util.words import counted, did_you_mean, first_of
from trtlog.analyses.programs import program
from trtlog.errors import QueryError
from trtlog.flags import parse_version
from trtlog.log import Log
from trtlog.values.layer_info import tactic_id

_FIRST = (10, 3, 0)
_SHOWN = 8
# A key is 16 bytes; another length is one that the sample refuses.
_KEY_LETTERS = 34


@dataclass(frozen=True)
class Edit:
    """An entry of the timing cache to be written.

    Attributes
    ----------
    layer : str
        The operation.
    key : str
        Its key as printed: ``0x`` and 32 hexadecimal digits.
    tactic : str
        Hash of the tactic: ``0x`` and up to 16 hexadecimal digits.
    timing_ms : float
        What the builder measured for it.
    kernel : str or None
        Its kernel.
    replaces : str or None
        The tactic that the builder selected.
    line : int
        The line that prints the key.
    """

    layer: str
    key: str
    tactic: str
    timing_ms: float
    kernel: str | None
    replaces: str | None
    line: int


def pin(log: Log, layer: str, tactic: str) -> list[Edit]:
    """Return the entries that make a build take a tactic for an operation.

    Parameters
    ----------
    log : Log
        A log of one run, of a build with an editable timing cache.
    layer : str
        Name of the operation, or the end of it.
    tactic : str
        Its hash, or the name of its kernel where one tactic has it.

    Returns
    -------
    list of Edit
        One for each key of the operation whose tactics this one is among: it has several where it was timed in several
        forms.

    Raises
    ------
    QueryError
        The log prints no key, or names no such operation or tactic; the message says what to do.
    """
    listed = table_rows(log.table("autotuned_ops"))
    keyed = [op for op in listed if op["key"] is not None]
    if not keyed:
        raise QueryError(_without_keys(log, listed))
    wanted = _named(layer, [op["layer"] for op in keyed])
    found: dict[str, Edit] = {}
    offered: dict[str, str | None] = {}
    tactics = table_rows(log.table("tactics"))
    timed = [row for row in tactics if row["kind"] == "foreign_node" and row["layer"] == wanted]
    own = [op for op in keyed if op["layer"] == wanted]
    for place, op in enumerate(own):
        end = min((other["line"] for other in listed if other["line"] > op["line"]), default=None)
        table = [row for row in timed if row["line"] > op["line"] and (end is None or row["line"] < end)]
        offered |= {row["tactic"]: row["kernel"] for row in table}
        row = _chosen(table, tactic)
        if row is not None:
            found[op["key"]] = _edit(own[place], row)
    if not found:
        some = first_of([f"{_short(name)} {kernel}" for name, kernel in offered.items()], _SHOWN)
        raise QueryError(f"{wanted} has no tactic {tactic}; the log lists {some}")
    return list(found.values())


def _edit(op: dict[str, Any], row: dict[str, Any]) -> Edit:
    if len(op["key"]) != _KEY_LETTERS:
        raise QueryError(f"line {op['line']}: the key {op['key']} is cut; a key has 32 hexadecimal digits")
    if row["time_ms"] is None:
        raise QueryError(f"line {row['line']}: the time of this tactic cannot be read, which the cache needs")
    replaced = op["selected"]
    return Edit(
        layer=op["layer"],
        key=op["key"],
        tactic=_short(row["tactic"]),
        timing_ms=row["time_ms"],
        kernel=row["kernel"],
        replaces=None if replaced is None else _short(replaced),
        line=op["line"],
    )


def _short(tactic: str) -> str:
    """Return a hash as TensorRT prints it there, without leading zeros."""
    return f"0x{int(tactic, 16):x}"


def _named(layer: str, names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    found = [name for name in different if name == layer] or [name for name in different if name.endswith(layer)]
    if len(found) == 1:
        return found[0]
    if found:
        raise QueryError(f"{counted(len(found), 'operation')} end in {layer!r}: {', '.join(found[:_SHOWN])}")
    some = first_of(different, _SHOWN)
    raise QueryError(f"no operation {layer!r} has a key{did_you_mean(layer, different)}; those with one are {some}")


def _chosen(table: list[dict[str, Any]], tactic: str) -> dict[str, Any] | None:
    wanted = tactic_id(tactic)
    if wanted is not None:
        return next((row for row in table if row["tactic"] == wanted), None)
    found = [row for row in table if row["kernel"] == tactic]
    if len({row["tactic"] for row in found}) > 1:
        tactics = ", ".join(_short(row["tactic"]) for row in found)
        raise QueryError(f"{len(found)} tactics have the kernel {tactic}: name one by its hash: {tactics}")
    return found[0] if found else None


def _without_keys(log: Log, listed: Sequence[dict[str, Any]]) -> str:
    version = parse_version(log.run.tensorrt_version) if log.run.tensorrt_version else None
    if version is not None and version < _FIRST:
        return (
            f"TensorRT {log.run.tensorrt_version} has no editable timing cache, which 10.3 brought: a tactic cannot be "
            "pinned by its key; a shared timing cache (--timingCacheFile) keeps all choices of a build"
        )
    there = "lists tactics of operations without keys" if listed else "lists no operations of an editable timing cache"
    flag = "trtexec has no flag for it: " if program(log) == "trtexec" else ""
    return (
        f"the log {there}. {flag}build through the API with BuilderFlag.EDITABLE_TIMING_CACHE, an empty timing cache "
        "and a logger of severity VERBOSE; the log then prints 'Autotuning op NAME(key: 0x..)'"
    )
