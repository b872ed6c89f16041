"""How a dataset, and what came of a conversion, show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trtlog.report.notebook.fragment import Html, badge, block, dim, folded, line, number, strong, table, tiles

if TYPE_CHECKING:
    from trtlog.dataset.build import Conversion
    from trtlog.dataset.handle import Dataset

_COLUMNS = ("source", "model", "tensorrt_version", "gpu", "precision", "status", "throughput_qps")
_RUNS = 12


def dataset_html(dataset: Dataset) -> str:
    """Return a dataset: how much is in it, and the first runs of its catalogue."""
    found = dataset.query(
        f"select {', '.join(_COLUMNS)}, count(*) over () as runs from catalogue order by source, run limit {_RUNS}"
    ).to_pylist()
    runs = found[0]["runs"] if found else 0
    counts = [("logs", f"{len(dataset):,}", ""), ("runs and failures", f"{runs:,}", "")]
    rows = [
        [badge(value) if name == "status" else _shown(name, value) for name, value in row.items() if name in _COLUMNS]
        for row in found
    ]
    heads = [(name.replace("_", " "), name == "throughput_qps") for name in _COLUMNS]
    more = line(dim(f"... and {runs - len(rows)} more: dataset.catalogue")) if runs > len(rows) else ""
    return block(line(strong("Dataset")), tiles(counts), table(heads, rows) if rows else "", more)


def _shown(name: str, value: object) -> object:
    if name in ("source", "model"):
        return str(value or "").replace("\\", "/").rpartition("/")[2]
    return number(value)


def conversion_html(done: Conversion) -> str:
    """Return what came of a conversion: counts, and reasons for what was left out."""
    counts = [
        (name, len(getattr(done, name)), "")
        for name in ("converted", "replaced", "known", "unchanged", "skipped", "failed")
        if getattr(done, name)
    ]
    parts = [line(strong("Conversion"), badge("interrupted") if done.stopped else ""), tiles(counts)]
    if not counts:
        parts.append(line(dim("nothing to do")))
    parts += [_reasons("failed", done.failed, opened=True), _reasons("skipped, no logs", done.skipped, opened=False)]
    return block(*parts)


def _reasons(title: str, left: Sequence[tuple[str, str]], *, opened: bool) -> Html:
    if not left:
        return Html()
    rows = [(_shown("source", source), reason) for source, reason in left]
    return folded(f"{title} ({len(left)})", table((("source", False), ("reason", False)), rows), opened=opened)
