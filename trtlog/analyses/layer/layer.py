"""One layer of an engine: all that a log says of it, in one object, for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog.analyses.layer.profile import REFORMATTER
from trtlog.analyses.layer.timings import UNKNOWN, Selection, TacticTime


@dataclass(frozen=True)
class Layer:
    """One layer of an engine.

    Parameters
    ----------
    layer : str
        Name as the log prints it.
    position : int
        Place in the engine's list, from 0.
    role : str
        ``layer``, ``constant``, or ``reformat input 0`` for a conversion in front of an operand.
    type, family : str or None
        The engine's type; the kind of operation it belongs to.
    parts : frozenset of str
        Names of the nodes that were fused into it.
    outputs : tuple of str
        Output tensors.
    shape : tuple of int, or None
        Shape of the first output, -1 where it is known at run time only.
    precision : str or None
        What it computes in; None where nothing tells.
    input_formats, output_formats : tuple of str
        ``FP16:8`` data type and vector size, of all operands.
    tactic, kernel, runner : str or None
        What the engine runs.
    tactic_ms : float or None
        Time of that tactic when the builder timed it.
    timed_as : str or None
        The layer whose timing ``tactic_ms`` is, where it is not this layer's own: the builder times one of
        several equal layers only.
    runner_up_ms : float or None
        Time of the next best tactic with the same formats.
    profile_ms : float or None
        Mean time of one inference in the layer profile.
    candidates : sequence of TacticTime
        All tactics that were timed for the layer.
    line : int or None
        Line of the log that lists the layer.
    run, engine : int
        Number of the run, and of the engine in the run; None for a layer of an export beside several engines.
    row, profile : mapping or None
        Its rows of tables ``engine_layers`` and ``profile``.
    timing : Selection
        Which timed tactic it uses, and how that was found.
    """

    layer: str
    position: int
    role: str
    type: str | None = None
    family: str | None = None
    parts: frozenset[str] = frozenset()
    outputs: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    precision: str | None = None
    input_formats: tuple[str, ...] = ()
    output_formats: tuple[str, ...] = ()
    tactic: str | None = None
    kernel: str | None = None
    runner: str | None = None
    tactic_ms: float | None = None
    timed_as: str | None = None
    runner_up_ms: float | None = None
    profile_ms: float | None = None
    candidates: Sequence[TacticTime] = field(default=(), repr=False)
    line: int | None = None
    run: int = 0
    engine: int | None = None
    row: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    profile: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    timing: Selection = UNKNOWN

    @property
    def margin_percent(self) -> float | None:
        """By how much the next best tactic of the same formats is slower."""
        if self.tactic_ms is None or self.runner_up_ms is None or self.tactic_ms <= 0:
            return None
        return 100 * (self.runner_up_ms - self.tactic_ms) / self.tactic_ms

    @property
    def converts(self) -> bool:
        """Whether it moves data from one format or place to another and computes nothing."""
        return is_conversion(self.layer, self.type)

    def operands(self, side: str) -> Sequence[Mapping[str, Any]]:
        """Return its ``inputs`` or ``outputs`` as table ``engine_layers`` has them."""
        return (self.row or {}).get(side) or ()


def is_conversion(layer: str, type_: str | None) -> bool:
    """Return whether a layer converts between formats: by the engine's type, by the name where no type is known.

    A NoOp of the same name gives a tensor another name only and costs nothing. Up to TensorRT 7 the profile names a
    conversion after the layer it is for: ``conv1 input reformatter 0``.

    Examples
    --------
    >>> name = "Reformatting CopyNode for Input Tensor 0 to /fc/Gemm"
    >>> is_conversion(name, "Reformat"), is_conversion(name, "NoOp"), is_conversion(name, None)
    (True, False, True)
    """
    if type_ is not None:
        return type_.lower().endswith("reformat")
    return layer.startswith(("Reformatting CopyNode", "reformat ")) or REFORMATTER.search(layer) is not None
