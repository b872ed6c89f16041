"""What a conversion between two formats takes, by the builder's own timings of conversions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.analyses.layer.base import tells_size
from trtlog.analyses.layer.timings import TacticTime
from trtlog.values.formats import split_formats

_TIMED = expression(r"Optimizer Reformat\((?:<in> -> (?P<made>.*)|(?P<read>.*) -> <out>)\)", re.DOTALL)
_NAME = expression(
    r"(?:Reformatted|Reformatting CopyNode for) (?P<side>Input|Output) Tensor (?P<index>[0-9]+)(?: to (?P<layer>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class OperandPlace:
    """Where a conversion stands: at which operand of which layer."""

    side: str
    index: int
    layer: str | None = None


def place_of(name: str) -> OperandPlace | None:
    """Return where a conversion of the builder stands, by its name; None for another layer.

    Examples
    --------
    >>> place_of("Reformatting CopyNode for Input Tensor 1 to /fc/Gemm")
    OperandPlace(side='input', index=1, layer='/fc/Gemm')
    >>> place_of("Reformatted Output Tensor 0"), place_of("/fc/Gemm")
    (OperandPlace(side='output', index=0, layer=None), None)
    """
    found = _NAME.fullmatch(name.strip())
    return OperandPlace(found["side"].lower(), int(found["index"]), found["layer"]) if found else None


@dataclass(frozen=True)
class Added:
    """A conversion as the builder added it: ``Adding reformat layer``; ``name`` is the engine's name of it."""

    name: str
    layer: str
    place: OperandPlace | None
    tensor: str
    before: str
    after: str
    line: int
    run: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Added:
        """Make it of a row of table ``reformats``."""
        place = place_of(row["name"])
        words = f"{place.side.title()} Tensor {place.index}" if place else row["name"]
        name = f"Reformatting CopyNode for {words} to {row['layer'].strip()}"
        formats = row["from_format"], row["to_format"]
        return cls(name, row["layer"], place, row["tensor"], *formats, row["line"], row["run"])


@lru_cache(maxsize=65536)
def operand_formats(text: str | None) -> tuple[str, ...]:
    """Return the formats of a list one by one, as printed."""
    return tuple(split_formats(text)) if text else ()


@dataclass(frozen=True)
class ConversionTime:
    """The timing of a conversion; ``own`` where it is that of the very tensor, else of an equally large one."""

    timing: TacticTime
    layer: str
    own: bool


class ConversionTimes:
    """The timings of conversions of one log, by tensor and formats.

    Parameters
    ----------
    timed : iterable of (str, TacticTime)
        Each timing of a conversion, with the name that it was timed under.
    """

    def __init__(self, timed: Iterable[tuple[str, TacticTime]]) -> None:
        self._own: dict[tuple[str, str | None, str | None], list[tuple[str, TacticTime]]] = {}
        self._equal: dict[tuple[str | None, str | None], list[tuple[str, TacticTime]]] = {}
        tensors: dict[str, str] = {}
        for entry in timed:
            name, one = entry
            tensor = tensors.get(name)
            if tensor is None:
                found = _TIMED.fullmatch(name)
                tensor = tensors[name] = (found["made"] or found["read"]) if found else name
            before, after = one.input_formats, one.output_formats
            self._own.setdefault((tensor, before, after), []).append(entry)
            self._equal.setdefault((before, after), []).append(entry)

    def of(
        self, tensor: str | None, before: str | None, after: str | None, tactic: str | None = None
    ) -> ConversionTime | None:
        """Return the fastest timing of a conversion, of one tactic where it is given; None where none was timed.

        Of another tensor's timings only those count that are of an equally large one: where the formats tell the
        size, or where a single tensor was converted so.
        """
        own = [entry for entry in self._own.get((tensor or "", before, after), ()) if tactic in (None, entry[1].tactic)]
        if own:
            name, best = min(own, key=lambda entry: entry[1].time_ms)
            return ConversionTime(best, name, own=True)
        same = self._equal.get((before, after), ())
        if len({name for name, _ in same}) > 1 and not (tells_size(before) and tells_size(after)):
            return None
        same = [entry for entry in same if tactic in (None, entry[1].tactic)]
        if not same:
            return None
        name, best = min(same, key=lambda entry: entry[1].time_ms)
        return ConversionTime(best, name, own=False)

    def between(
        self,
        used: tuple[str | None, str | None],
        wanted: tuple[str | None, str | None],
        tensors: tuple[tuple[str | None, ...], tuple[str | None, ...]] = ((), ()),
    ) -> float | None:
        """Return what it costs to run a layer in other formats among unchanged neighbours, None where not timed.

        Every operand whose format differs is converted: inputs to the wanted format, outputs back from it. Constants
        are stored in the wanted format.

        Parameters
        ----------
        used, wanted : (str or None, str or None)
            Formats of inputs and of outputs, as the timings print them.
        tensors : (tuple of str, tuple of str)
            Names of the operands, where they are known; None for a constant.
        """
        total = 0.0
        for side in (0, 1):
            pairs = zip(operand_formats(used[side]), operand_formats(wanted[side]), strict=False)
            for index, (outside, inside) in enumerate(pairs):
                name = tensors[side][index] if index < len(tensors[side]) else ""
                if outside == inside or name is None:
                    continue
                found = self.of(name, outside, inside) if side == 0 else self.of(name, inside, outside)
                if found is None:
                    return None
                total += found.timing.time_ms
        return total
