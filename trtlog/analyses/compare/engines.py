"""The engines of two builds as one graph: which nodes stand for each other, and what became of them."""

from __future__ import annotations

from trtlog._util.dataclass import dataclass
from trtlog.analyses.compare.aligned import changes
from trtlog.analyses.compare.diff import diff
from trtlog.errors import QueryError
from trtlog.log import Log


@dataclass(frozen=True)
class PairedNodes:
    """Nodes of the control's engine and those of the test's that do the same work.

    Attributes
    ----------
    control, test : tuple of int
        Their places in the two engines; empty for what only the other one has.
    category : str
        ``unchanged``, ``changed``, ``removed``, ``added``.
    changed : tuple of str
        What differs: fusion, type, precision, formats, tactic, kernel.
    """

    control: tuple[int, ...]
    test: tuple[int, ...]
    category: str
    changed: tuple[str, ...]


def paired_nodes(control: Log, test: Log) -> list[PairedNodes]:
    """Return all nodes of two engines of one model, paired.

    Raises
    ------
    QueryError
        The engines are not of one model.

    Examples
    --------
    >>> import trtlog
    >>> folder = "fixtures/trt-8.5.3-h200/resnet50_fp32_verbose"
    >>> pairs = paired_nodes(trtlog.parse(f"{folder}.log.gz"), trtlog.parse(f"{folder}_rebuild.log.gz"))
    >>> sorted({pair.category for pair in pairs})
    ['changed', 'unchanged']
    """
    found = diff(control, test)
    if found.alignment is None or not found.alignment.same_model:
        raise QueryError(" ".join(found.notes) or "the two engines are not of one model: no layer stands for another")
    out = []
    for pair in found.alignment.pairs:
        what = changes(pair)
        kind = "added" if not pair.control else "removed" if not pair.test else "changed" if what else "unchanged"
        ours, theirs = (tuple(layer.position for layer in side) for side in (pair.control, pair.test))
        out.append(PairedNodes(ours, theirs, kind, tuple(what)))
    return out
