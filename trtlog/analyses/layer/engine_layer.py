"""One layer of an engine: all that a log says of it, in one object, for whoever asks.

The engine's own list of layers leads (``Engine Layer Information``, printed under --verbose or --dumpLayerInfo);
where a log has none, the tactics that were chosen do, else the rows of the profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trtlog.analyses.layer.base import Frame, rows
from trtlog.analyses.layer.conversion_times import ConversionTimes, Place, place_of
from trtlog.analyses.layer.engines import graph_rows_of, kept_engine, rows_of
from trtlog.analyses.layer.equal import find_equals, operators
from trtlog.analyses.layer.names import constituents, family_of, role_of
from trtlog.analyses.layer.precision import operand_precision, timed_precision
from trtlog.analyses.layer.timings import (
    UNKNOWN,
    Selection,
    TacticTime,
    by_layer,
    format_key,
    stands_for,
    timed_tactics,
    used_by,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from trtlog.log import Log


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
    candidates : tuple of TacticTime
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
    candidates: tuple[TacticTime, ...] = field(default=(), repr=False)
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
    return layer.startswith(("Reformatting CopyNode", "reformat ")) or _REFORMATTER.search(layer) is not None


_REFORMATTER = re.compile(r" (?:in|out)put reformatter [0-9]+$")
_DLA_COPY = re.compile(r" (?:to|from) nvm$")


def dla_copies(profile: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of a layer profile that copy to or from the DLA, none where no DLA takes part.

    The GPU waits in them for the DLA, whose own work the profile does not show: their times are no times of copies.
    Beside copies to and from the DLA's memory the conversions of the layers after it hold that wait.

    Examples
    --------
    >>> rows = [{"layer": name} for name in ("data to nvm", "prob input reformatter 0", "prob")]
    >>> [row["layer"] for row in dla_copies(rows)], dla_copies(rows[1:])
    (['data to nvm', 'prob input reformatter 0'], [])
    """
    rows = list(profile)
    if not any(_DLA_COPY.search(row["layer"]) for row in rows):
        return []
    return [row for row in rows if _DLA_COPY.search(row["layer"]) or _REFORMATTER.search(row["layer"])]


class Layers:
    """The layers of a run's engines; made once for a log, by :func:`layers_of`.

    Parameters
    ----------
    log : Log
        A log of one run.
    """

    def __init__(self, log: Log) -> None:
        self.log = log

    @cached_property
    def engine(self) -> int | None:
        """The number of the engine that the run ended with; None for a run without one."""
        return kept_engine(self.log.table("engines"), self.log.table("engine_layers"))

    def rows(self, table: str) -> pa.Table:
        """Return the rows of a table that tell of :attr:`engine`."""
        if table in ("passes", "fusions"):
            shared = self.log.table("phases"), self.log.table("engines")
            return graph_rows_of(self.log.table(table), *shared, self.engine)
        return rows_of(self.log.table(table), self.engine)

    @cached_property
    def timed_tactics(self) -> Frame:
        """The timed tactics as a frame, decoded."""
        return timed_tactics(self.log.table("tactics"))

    @cached_property
    def candidates(self) -> dict[str, list[TacticTime]]:
        """The timed tactics by the name of the layer, conversions among them."""
        return by_layer(self.timed_tactics)

    @cached_property
    def _kernels(self) -> dict[tuple[str | None, str | None], str | None]:
        """Kernel by runner and tactic, where the log never names another one for them: such a tactic is the kernel."""
        found: dict[tuple[str | None, str | None], str | None] = {}
        for one in (one for timed in self.candidates.values() for one in timed):
            key = one.runner, one.tactic
            found[key] = one.kernel if found.get(key, one.kernel) == one.kernel else None
        return found

    @cached_property
    def conversion_times(self) -> ConversionTimes:
        """The builder's timings of conversions."""
        held = self.timed_tactics
        rows_ = set(held.index[held["kind"] == "reformat"]) if len(held) else set()
        return ConversionTimes(
            (name, one) for name, timed in self.candidates.items() for one in timed if one.row in rows_
        )

    @cached_property
    def added_conversions(self) -> list[Added]:
        """The conversions that the builder added to :attr:`engine`, those that turned into a NoOp among them."""
        return [Added.of(row) for row in rows(self.rows("reformats"))]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of :attr:`engine`."""
        if self.source != "engine":
            return self.all
        return tuple(layer for layer in self.all if layer.engine in (self.engine, None))

    @cached_property
    def source(self) -> str | None:
        """Where the list of layers comes from: engine, tactics, profile; None where the log tells of no layer."""
        if self.log.table("engine_layers").num_rows:
            return "engine"
        if any(one.chosen for timed in self.candidates.values() for one in timed):
            return "tactics"
        return "profile" if self.log.table("profile").num_rows else None

    @cached_property
    def all(self) -> tuple[Layer, ...]:
        """The layers of all engines of the run."""
        profile = self._profile
        if self.source == "tactics":
            names = [name for name, timed in self.candidates.items() if any(one.chosen for one in timed)]
            return tuple(self._without_engine(name, number, profile) for number, name in enumerate(names))
        if self.source != "engine":
            return tuple(self._without_engine(name, number, profile) for number, name in enumerate(profile.names))
        listed = rows(self.log.table("engine_layers"))
        found: list[Layer] = []
        for number, row in enumerate(listed):
            measured = profile.next(row["layer"]) if row["engine"] in (self.engine, None) else None
            found.append(self._layer(row, number, measured))
        return tuple(self._price_conversions(self._share_timings(found)))

    @cached_property
    def _profile(self) -> _Profile:
        return _Profile(rows(self.log.table("profile")))

    @property
    def only_profiled(self) -> list[Mapping[str, Any]]:
        """The rows of the profile that are of no layer that the engine lists."""
        listed = self.all if self.source == "engine" else ()
        return self._profile.left() if listed or self.source != "engine" else []

    def _layer(self, row: Mapping[str, Any], position: int, measured: Mapping[str, Any] | None) -> Layer:
        name, type_ = row["layer"], row["type"]
        timed = self.candidates.get(name.strip(), [])
        # What became a NoOp runs nothing, whatever it was timed as before.
        timing = used_by(row, timed) if type_ != "NoOp" else UNKNOWN
        used = self._tactic(timed, timing)
        own = row["engine"] if used is None else used.engine
        timed = [one for one in timed if one.engine == own] or timed
        kernel = row["kernel"] or (used.kernel if used else self._kernels.get((type_, row["tactic"])))
        outputs = row["outputs"] or ()
        role = role_of(name, type_)
        return Layer(
            layer=name,
            position=position,
            role=role,
            type=type_,
            family="reformat" if role.startswith("reformat") else family_of(type_, name),
            parts=frozenset(row["onnx_names"] or ()) | frozenset(constituents(name)),
            outputs=tuple(o["name"] for o in outputs if o.get("name")),
            shape=tuple(outputs[0]["shape"]) if outputs and outputs[0]["shape"] is not None else None,
            precision=_precision(row, used, kernel),
            input_formats=tuple(_operand_key(o) for o in row["inputs"] or ()) or _keys(used, 0, row),
            output_formats=tuple(_operand_key(o) for o in outputs) or _keys(used, 1, row),
            tactic=row["tactic"] or (used.tactic if used else None),
            kernel=kernel,
            runner=used.runner if used else None,
            tactic_ms=used.time_ms if used else None,
            runner_up_ms=_runner_up(timed, used),
            profile_ms=mean_ms(measured) if measured else None,
            candidates=tuple(timed),
            line=row["line"],
            run=row["run"],
            engine=row["engine"],
            row=row,
            profile=measured,
            timing=timing,
        )

    def _without_engine(self, name: str, position: int, profile: _Profile) -> Layer:
        """Return a layer of a log that lists none: its fastest chosen tactic stands for it."""
        timed = self.candidates.get(name.strip(), [])
        used = stands_for(timed)
        role = role_of(name, None)
        measured = profile.all_of(name)
        return Layer(
            layer=name,
            position=position,
            role=role,
            type=used.runner if used else None,
            family="reformat" if role.startswith("reformat") else family_of(None, name),
            parts=frozenset(constituents(name)),
            precision=_precision({}, used, used.kernel if used else None),
            input_formats=_keys(used, 0, {}),
            output_formats=_keys(used, 1, {}),
            tactic=used.tactic if used else None,
            kernel=used.kernel if used else None,
            runner=used.runner if used else None,
            tactic_ms=used.time_ms if used else None,
            runner_up_ms=_runner_up(timed, used),
            profile_ms=sum(filter(None, map(mean_ms, measured))) if measured else None,
            candidates=tuple(timed),
            profile=measured[0] if measured else None,
        )

    @staticmethod
    def _tactic(timed: Iterable[TacticTime], timing: Selection) -> TacticTime | None:
        return next((one for one in timed if one.row == timing.row), None)

    def _share_timings(self, layers: list[Layer]) -> list[Layer]:
        """Give layers that were not timed the timing of an equal layer that was."""
        nodes = operators(self.log.table("onnx_nodes"))
        for position, equal in find_equals(layers, nodes).items():
            layer, other = layers[position], layers[equal]
            kernel = layer.kernel or other.kernel
            used = self._tactic(other.candidates, other.timing)
            layers[position] = replace(
                layer,
                tactic_ms=other.tactic_ms,
                timed_as=other.layer,
                runner_up_ms=other.runner_up_ms,
                kernel=kernel,
                runner=other.runner,
                precision=_precision(layer.row or {}, used, kernel),
                candidates=layer.candidates or other.candidates,
                timing=Selection(other.timing.row, "same_shape", other.layer),
            )
        return layers

    def _price_conversions(self, layers: list[Layer]) -> list[Layer]:
        """Give conversions that the builder added the timing of their tactic, between their formats."""
        added = {(row["engine"], Added.of(row).name): Added.of(row) for row in rows(self.log.table("reformats"))}
        for position, layer in enumerate(layers):
            entry = added.get((layer.engine, layer.layer.strip())) if layer.converts else None
            if entry is None or layer.tactic_ms is not None:
                continue
            time = self.conversion_times.of(entry.tensor, entry.before, entry.after, layer.tactic)
            if time is not None:
                layers[position] = replace(
                    layer,
                    runner=time.timing.runner,
                    tactic_ms=time.timing.time_ms,
                    timed_as=None if time.own else time.layer,
                    candidates=tuple(
                        one for one in self.candidates[time.layer] if one.combination == time.timing.combination
                    ),
                    timing=Selection(time.timing.row, "timed" if time.own else "same_shape", time.layer),
                )
        return layers

    @cached_property
    def profiled(self) -> bool:
        """Whether the profile tells the time of a layer."""
        return any(layer.profile_ms is not None for layer in self.layers)

    @cached_property
    def timed(self) -> bool:
        """Whether the time of a layer's tactic is known."""
        return any(layer.tactic_ms is not None for layer in self.layers)

    @cached_property
    def tactics_known(self) -> bool:
        """Whether the engine's layers tell their tactics."""
        return any(layer.row is not None and layer.row["tactic"] is not None for layer in self.all)

    @cached_property
    def used_rows(self) -> dict[int, str]:
        """Row of :attr:`timed_tactics` -> layer of an engine that uses it, where it was timed under that name."""
        own = (layer for layer in self.all if layer.row is not None and layer.timing.layer == layer.layer)
        return {layer.timing.row: layer.layer for layer in own if layer.timing.row is not None}

    def of(self, engine: int | None) -> tuple[Layer, ...]:
        """Return the layers of an engine by its number, of :attr:`engine` for None."""
        return self.layers if engine is None else tuple(layer for layer in self.all if layer.engine == engine)

    def tensors(self, layer: Layer) -> tuple[tuple[str | None, ...], tuple[str | None, ...]]:
        """Return the names of a layer's inputs and outputs outside of conversions; None for what is constant."""
        added = {
            (entry.place.side, entry.place.index): entry.tensor
            for entry in self.added_conversions
            if entry.place is not None and entry.layer == layer.layer
        }
        sides: list[tuple[str | None, ...]] = []
        for side in ("input", "output"):
            names = [operand["name"] for operand in layer.operands(f"{side}s")]
            sides.append(
                tuple(
                    None if name in self.constants else added.get((side, index), name)
                    for index, name in enumerate(names)
                )
            )
        return sides[0], sides[1]

    @cached_property
    def constants(self) -> frozenset[str]:
        """The tensors that weights alone are in: of Constant layers, and of layers that read nothing else."""
        found: set[str] = set()
        for layer in self.layers:
            inputs = layer.operands("inputs")
            if layer.type == "Constant" or (inputs and all(operand["name"] in found for operand in inputs)):
                found.update(layer.outputs)
        return frozenset(found)

    def named(self, name: str) -> Layer | None:
        """Return the layer of a name: of :attr:`engine`, else of another engine of the run."""
        return self._named.get(name)

    @cached_property
    def _named(self) -> dict[str, Layer]:
        found: dict[str, Layer] = {}
        for layer in (*self.layers, *self.all):
            found.setdefault(layer.layer, layer)
        return found


@dataclass(frozen=True)
class Added:
    """A conversion as the builder added it: ``Adding reformat layer``; ``name`` is the engine's name of it."""

    name: str
    layer: str
    place: Place | None
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


def layers_of(log: Log) -> Layers:
    """Return the layers of a log of one run, made once.

    Examples
    --------
    >>> import trtlog
    >>> found = layers_of(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"))
    >>> found.source, found.named("/fc/Gemm").precision
    ('engine', 'FP32')
    """
    return log.analyze._layers  # made once, beside the other answers


def mean_ms(row: Mapping[str, Any]) -> float | None:
    """Return the mean of a row of the profile: the total says more than the mean, which has few digits."""
    if row["iterations"] and row["time_ms"] is not None:
        return float(row["time_ms"]) / int(row["iterations"])
    return row["avg_ms"]  # type: ignore[no-any-return]


class _Profile:
    """The rows of the profile by layer; a name that stands twice in the engine stands twice here, in the same order."""

    def __init__(self, profile: Iterable[Mapping[str, Any]]) -> None:
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self.names: list[str] = []
        for row in profile:
            name = row["layer"].strip()
            if name not in self._rows:
                self.names.append(name)
            self._rows.setdefault(name, []).append(row)

    def next(self, name: str) -> Mapping[str, Any] | None:
        found = self._rows.get(name.strip())
        return found.pop(0) if found else None

    def left(self) -> list[Mapping[str, Any]]:
        return [row for name in self.names for row in self._rows[name]]

    def all_of(self, name: str) -> list[Mapping[str, Any]]:
        return self._rows.get(name.strip(), [])


def _precision(row: Mapping[str, Any], used: TacticTime | None, kernel: str | None) -> str | None:
    if used is None:
        return operand_precision(row, kernel)
    return timed_precision(used.input_formats, used.output_formats, kernel, used.runner)


def _operand_key(operand: Mapping[str, Any]) -> str:
    key = format_key(operand.get("format"))
    return key if key != "?" else operand.get("dtype") or "?"


def _keys(used: TacticTime | None, side: int, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the formats of a timed tactic, for a layer whose operands are not listed."""
    if used is None or row.get("inputs") or row.get("outputs"):
        return ()
    split = used.formats.index("->")
    return used.formats[split + 1 :] if side else used.formats[:split]


def _runner_up(timed: Iterable[TacticTime], used: TacticTime | None) -> float | None:
    if used is None:
        return None
    return min(
        (
            one.time_ms
            for one in timed
            if one.combination == used.combination and (one.runner, one.tactic) != (used.runner, used.tactic)
        ),
        default=None,
    )
