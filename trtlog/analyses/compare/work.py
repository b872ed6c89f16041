"""Whether two builds were timed on the same amount of work: the shapes of their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog.log import Log
from trtlog.records.options import BUILD_SHAPE
from trtlog.values.shapes import parse_shape_range

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Work:
    """How the work of two runs compares.

    Parameters
    ----------
    control, test : dict
        Shapes of the inputs by name; empty where the log does not tell.
    comparable : bool
        Whether times compare: the shapes are equal, differ in the first dimension only, or are not known.
    scale : tuple of int
        Samples in one inference of control and test; (1, 1) where the shapes are equal.
    """

    control: dict[str, Shape]
    test: dict[str, Shape]
    comparable: bool = True
    scale: tuple[int, int] = (1, 1)

    @property
    def known(self) -> bool:
        """Whether both logs tell the shapes."""
        return bool(self.control and self.test)


def compare_work(
    control: dict[str, Shape], test: dict[str, Shape], batches: tuple[int | None, int | None] = (None, None)
) -> Work:
    """Compare the shapes of the inputs of two runs; where one is not known, their batches.

    Examples
    --------
    >>> compare_work({"x": (1, 3, 8, 8)}, {"x": (4, 3, 8, 8)}).scale
    (1, 4)
    >>> compare_work({"x": (1, 128)}, {"x": (1, 256)}).comparable
    False
    >>> compare_work({}, {}, (1, 8)).scale
    (1, 8)
    """
    if not control or not test:
        before, after = batches
        return Work(control, test, scale=(before, after) if before and after and before != after else (1, 1))
    if control == test:
        return Work(control, test)
    if control.keys() != test.keys():
        # Renamed inputs of equal shapes are the same work.
        same = sorted(control.values()) == sorted(test.values())
        return Work(control, test, comparable=same)
    ratios = set()
    for name, ours in control.items():
        theirs = test[name]
        if ours == theirs and len(ours) < 2:
            continue
        if len(ours) != len(theirs) or not ours or ours[1:] != theirs[1:] or 0 in (ours[0], theirs[0]):
            return Work(control, test, comparable=False)
        ratios.add((ours[0], theirs[0]))
    if len(ratios) != 1:
        return Work(control, test, comparable=False)
    return Work(control, test, scale=ratios.pop())


def inference_shapes(log: Log) -> dict[str, Shape]:
    """Return the shapes that were inferred with, where the log tells."""
    return _option_shapes(log.inference.input_shapes) or network_shapes(log)


def batch_of(log: Log, shapes: dict[str, Shape]) -> int | None:
    """Return the samples of one inference: the batch that trtexec was given, else the inputs' first dimension."""
    return _batch(log.inference.batch, shapes)


def tuning_batch(log: Log, shapes: dict[str, Shape]) -> int | None:
    """Return the batch that tactics were timed at: the largest that the build allows, else the first dimension."""
    return _batch(log.build.max_batch, shapes)


def _batch(given: str | None, shapes: dict[str, Shape]) -> int | None:
    if given and given.isdigit() and not shapes:
        return int(given)
    first = {shape[0] for shape in shapes.values() if len(shape) > 1}
    return first.pop() if len(first) == 1 else None


def tuning_shapes(log: Log) -> dict[str, Shape]:
    """Return the shapes that tactics were timed at: the optimal ones of the profile, or of each of several."""
    shapes = _option_shapes(log.build.input_shapes, optimal=True)
    for key, values in log.build.other.items():
        found = BUILD_SHAPE.fullmatch(key)
        if shapes and found is not None and found[1] not in (None, "0"):  # the first has a field of its own
            later = _option_shapes([value for value in values if value is not None], optimal=True)
            shapes.update({f"{name} (profile {found[1]})": shape for name, shape in later.items()})
    return shapes or network_shapes(log)


def _option_shapes(values: Sequence[str] | None, *, optimal: bool = False) -> dict[str, Shape]:
    """Read ``name=1x3+8x3+32x3`` and ``name=8x3``; nothing where any is not fully known."""
    shapes: dict[str, Shape] = {}
    for value in values or ():
        found = parse_shape_range(value)
        dims = None if found is None else found.opt if optimal else found.min
        if found is None or dims is None or not all(isinstance(d, int) and d >= 0 for d in dims):
            return {}
        shapes[found.name] = tuple(int(d) for d in dims)
    return shapes


def network_shapes(log: Log) -> dict[str, Shape]:
    """Return the static shapes of the engine's inputs: tensors that layers read and none writes."""
    read: dict[str, Shape] = {}
    written: set[str] = set()
    for row in table_rows(log.table("engine_layers").select(["inputs", "outputs"])):
        written.update(o["name"] for o in row["outputs"] or () if o["name"])
        for operand in row["inputs"] or ():
            if operand["name"]:
                read.setdefault(operand["name"], tuple(operand["shape"] or ()))
    shapes = {
        name: shape for name, shape in read.items() if name not in written and not name.startswith("Reformatted ")
    }
    if not shapes or any(not shape or prod(shape) <= 0 or min(shape) < 0 for shape in shapes.values()):
        return {}
    return shapes


def work_text(work: Work) -> str:
    """Return in words what each side ran: the shapes, else the batch."""
    sides = [shapes_text(work.control), shapes_text(work.test)]
    if not all(sides):
        sides = [f"batch {samples}" for samples in work.scale]
    return f"{sides[0]} in control, {sides[1]} in test"


def shapes_text(shapes: dict[str, Shape]) -> str:
    """Return shapes as trtexec takes them: ``input:8x3x224x224``."""
    return ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in shapes.items())
