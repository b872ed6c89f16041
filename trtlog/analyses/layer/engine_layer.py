"""The layers of a run's engines, each an object that holds all that the log says of it.

The engine's own list of layers leads (``Engine Layer Information``, printed under --verbose or --dumpLayerInfo);
where a log has none, the tactics that were chosen do, else the rows of the profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.rows import table_rows
from trtlog.analyses.layer.conversion_times import Added, ConversionTimes
from trtlog.analyses.layer.engines import graph_rows_of, kept_engine, number_of, rows_of
from trtlog.analyses.layer.equal import find_equals, operators
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.names import constituents, family_of, role_of
from trtlog.analyses.layer.precision import operand_precision, timed_precision
from trtlog.analyses.layer.profile import Profile, kept_profile, mean_ms
from trtlog.analyses.layer.timed import MOST_KEPT, TimedTactics, with_left_out
from trtlog.analyses.layer.timings import (
    UNKNOWN,
    Selection,
    TacticTime,
    TacticTimes,
    by_layer,
    format_key,
    stands_for,
    used_by,
)
from trtlog.log import Log


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

    @cached_property
    def build(self) -> int | None:
        """The number of the build that made :attr:`engine`; None where the log does not tell."""
        return number_of(self.log.table("engines"), self.engine)

    def rows(self, table: str) -> pa.Table:
        """Return the rows of a table that tell of :attr:`engine`."""
        if table in ("passes", "fusions"):
            shared = self.log.table("phases"), self.log.table("engines")
            return graph_rows_of(self.log.table(table), *shared, self.engine)
        return rows_of(self.log.table(table), self.engine)

    @cached_property
    def timed_tactics(self) -> TimedTactics:
        """The timed tactics, decoded; with those that only the 'Fastest Tactic' line of their block tells of."""
        return TimedTactics(with_left_out(self.log.table("tactics"), self.log.table("timings")))

    @cached_property
    def candidates(self) -> dict[str, Sequence[TacticTime]]:
        """The timed tactics by the name of the layer, conversions among them."""
        return by_layer(self.timed_tactics)

    @cached_property
    def timed_by_row(self) -> Mapping[int, TacticTime] | Sequence[TacticTime]:
        """The timed tactics by their row of :attr:`timed_tactics`, as :class:`Selection` names it."""
        if len(self.timed_tactics) > MOST_KEPT:
            return TacticTimes(self.timed_tactics, np.arange(len(self.timed_tactics)))
        return {one.row: one for timed in self.candidates.values() for one in timed}

    @cached_property
    def _kernels(self) -> dict[tuple[str | None, str | None], str | None]:
        """Kernel by runner and tactic, where the log never names another one for them: such a tactic is the kernel."""
        found: dict[tuple[str | None, str | None], str | None] = {}
        timed = chain.from_iterable(self.candidates.values())
        for runner, tactic, kernel in set(map(attrgetter("runner", "tactic", "kernel"), timed)):
            found[runner, tactic] = kernel if (runner, tactic) not in found else None
        return found

    @cached_property
    def conversion_times(self) -> ConversionTimes:
        """The builder's timings of conversions."""
        return ConversionTimes(
            (name, one) for name, timed in self.candidates.items() for one in timed if one.kind == "reformat"
        )

    @cached_property
    def added_conversions(self) -> list[Added]:
        """The conversions that the builder added to :attr:`engine`, those that turned into a NoOp among them."""
        return [Added.of(row) for row in table_rows(self.rows("reformats"))]

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
        listed = table_rows(self.log.table("engine_layers"))
        found: list[Layer] = []
        for number, row in enumerate(listed):
            measured = profile.next(row["layer"]) if row["engine"] in (self.engine, None) else None
            found.append(self._layer(row, number, measured))
        return tuple(self._price_conversions(self._share_timings(found)))

    @cached_property
    def _profile(self) -> Profile:
        return Profile(kept_profile(self.log).rows)

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
            candidates=tuple(timed) if isinstance(timed, list) else timed,
            line=row["line"],
            run=row["run"],
            engine=row["engine"],
            row=row,
            profile=measured,
            timing=timing,
        )

    def _without_engine(self, name: str, position: int, profile: Profile) -> Layer:
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
            candidates=tuple(timed) if isinstance(timed, list) else timed,
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
        added = {(row["engine"], Added.of(row).name): Added.of(row) for row in table_rows(self.log.table("reformats"))}
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
                    None if name in self.constants else added.get((side, index), self._builder_names.get(name, name))
                    for index, name in enumerate(names)
                )
            )
        return sides[0], sides[1]

    @cached_property
    def _builder_names(self) -> dict[str, str]:
        """Name in the list of layers -> name by which the builder times a tensor's conversions, where it has another.

        Networks made by the API name tensors after their layers are added: the list holds the first names.
        """
        added = {entry.name: entry for entry in self.added_conversions if entry.place is not None}
        found: dict[str, str] = {}
        for layer in self.layers:
            entry = added.get(layer.layer.strip())
            if entry is None or entry.place is None:
                continue
            ends = layer.operands("inputs" if entry.place.side == "input" else "outputs")
            if len(ends) == 1 and ends[0]["name"] and ends[0]["name"] != entry.tensor:
                found[ends[0]["name"]] = entry.tensor
        return found

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
    """Return the time of the next tactic of the same formats; None too where lines of them were left out."""
    if used is None:
        return None
    same = [one for one in timed if one.combination == used.combination]
    if any(one.left_out for one in same):
        return None
    return min((one.time_ms for one in same if (one.runner, one.tactic) != (used.runner, used.tactic)), default=None)
