"""A dataset, and what came of a conversion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trtlog._util.words import base_name
from trtlog.dataset.build import Conversion
from trtlog.dataset.handle import Dataset
from trtlog.report.document import Block, Cell, Column, Document, Section, Sentence, Table, Tiles, Title
from trtlog.report.numbers import printed
from trtlog.report.sentences import aside, badge, strong, words

_COLUMNS = ("source", "model", "tensorrt_version", "gpu", "precision", "status", "throughput_qps")
_RUNS = 12


def dataset(found: Dataset) -> Document:
    """Return a dataset: how much is in it, and the first runs of its catalogue."""
    rows = found.query(
        f"select {', '.join(_COLUMNS)}, count(*) over () as runs from catalogue order by source, run limit {_RUNS}"
    ).to_pylist()
    runs = rows[0]["runs"] if rows else 0
    blocks: list[Block] = [Title(words(strong("Dataset")))]
    blocks.append(Tiles((("logs", f"{len(found):,}", ""), ("runs and failures", f"{runs:,}", ""))))
    if rows:
        kinds = {"throughput_qps": "number", "status": "code"}
        columns = [Column(name.replace("_", " "), kinds.get(name, "name")) for name in _COLUMNS]  # type: ignore[arg-type]
        blocks.append(Table(columns, [[_cell(name, row[name]) for name in _COLUMNS] for row in rows]))
    if runs > len(rows):
        blocks.append(Sentence(words(aside(f"... and {runs - len(rows)} more: dataset.catalogue"))))
    return Document("Dataset", tuple(blocks))


def _cell(name: str, value: Any) -> Cell:
    if name in ("source", "model"):
        return base_name(value or "")
    return badge(value) if name == "status" else printed(value)


def conversion(done: Conversion) -> Document:
    """Return what came of a conversion: counts, and reasons for what was left out."""
    names = ("converted", "replaced", "known", "unchanged", "skipped", "failed")
    counts = tuple((name, str(len(getattr(done, name))), "") for name in names if getattr(done, name))
    stopped = words(" ", badge("interrupted")) if done.stopped else None
    blocks: list[Block] = [Title(words(strong("Conversion"), stopped)), Tiles(counts)]
    if not counts:
        blocks.append(Sentence(words(aside("nothing to do"))))
    blocks += [_reasons("failed", done.failed, opened=True)] if done.failed else []
    blocks += [_reasons("skipped, no logs", done.skipped, opened=False)] if done.skipped else []
    return Document("Conversion", tuple(blocks))


def _reasons(title: str, left: Sequence[tuple[str, str]], *, opened: bool) -> Section:
    rows = [(base_name(source), reason) for source, reason in left]
    return Section(title, (Table((Column("source", "name"), Column("reason")), rows),), opened=opened, count=len(rows))
