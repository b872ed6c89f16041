"""What each layer of a build is: its ONNX nodes, data types and formats, tactic, times.

The engine's own list of layers leads (``Engine Layer Information``, printed under --verbose or
--dumpLayerInfo); where a log has none, the tactics that were chosen do, else the rows of the profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from trtlog.analyses.compare.timing import TacticTime, format_key, read_candidates, used_tactic
from trtlog.analyses.layer.equal import Window, find_twins, operators, windows
from trtlog.analyses.layer.names import constituents, family_of, role_of
from trtlog.values.kernels import decode_kernel

if TYPE_CHECKING:
    from trtlog.log import Log


@dataclass(frozen=True)
class LayerFacts:
    """One layer of a build.

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
        Data type of the computation: the kernel's where its name tells, else of the first input.
    input_formats, output_formats : tuple of str
        ``FP16:8`` data type and vector size.
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

    @property
    def margin_percent(self) -> float | None:
        """By how much the next best tactic of the same formats is slower."""
        if self.tactic_ms is None or self.runner_up_ms is None or self.tactic_ms <= 0:
            return None
        return 100 * (self.runner_up_ms / self.tactic_ms - 1)


@dataclass(frozen=True)
class Layers:
    """The layers of one build, and where the list comes from: engine, tactics, profile or None."""

    layers: tuple[LayerFacts, ...]
    source: str | None
    profiled: bool
    timed: bool


def read_layers(log: Log) -> Layers:
    """Return the layers of a build with all that the log tells about each.

    Parameters
    ----------
    log : Log
        A log of one run.
    """
    candidates = read_candidates(log)
    profile = _profile(log)
    rows = log.table("engine_layers").to_pylist()
    source: str | None = "engine"
    if not rows and candidates:
        rows, source = (
            [{"layer": name} for name, timed in candidates.items() if any(t.chosen for t in timed)],
            "tactics",
        )
    if not rows:
        rows, source = [{"layer": name} for name in profile], "profile" if profile else None
    timed = ((time.run, time.line) for times in candidates.values() for time in times)
    between = windows((row for row in rows if "line" in row), timed)
    facts = []
    for number, row in enumerate(rows):
        times = candidates.get(row["layer"].strip(), [])
        if "line" in row:
            first, last = between[row["run"], row["line"]]
            times = [time for time in times if first < time.line < last] or times
        facts.append(_facts(row, number, times, profile))
    layers = tuple(share_timings(facts, rows, between, log) if source == "engine" else facts)
    return Layers(
        layers,
        source,
        profiled=any(layer.profile_ms is not None for layer in layers),
        timed=any(layer.tactic_ms is not None for layer in layers),
    )


def _profile(log: Log) -> dict[str, float | None]:
    """Return the mean time of each layer of the profile; a name that stands twice is added up."""
    times: dict[str, float | None] = {}
    table = log.table("profile").select(["layer", "avg_ms"])
    for row in table.to_pylist():
        name = row["layer"].strip()
        if name != "Total" and row["avg_ms"] is not None:
            times[name] = (times.get(name) or 0.0) + row["avg_ms"]
    return times


def _facts(
    row: Mapping[str, Any],
    position: int,
    candidates: Iterable[TacticTime],
    profile: Mapping[str, float | None],
) -> LayerFacts:
    name = row["layer"]
    type_ = row.get("type")
    timed = tuple(candidates)
    inputs, outputs = row.get("inputs") or [], row.get("outputs") or []
    input_formats = tuple(_operand_key(o) for o in inputs)
    output_formats = tuple(_operand_key(o) for o in outputs)
    used = used_tactic(timed, row.get("tactic"), type_, input_formats, output_formats)
    if used is not None and not inputs and not outputs and "->" in used.formats:
        split = used.formats.index("->")
        input_formats, output_formats = used.formats[:split], used.formats[split + 1 :]
    others = (
        []
        if used is None
        else [
            t.time_ms
            for t in timed
            if t.raw_formats == used.raw_formats and (t.runner, t.tactic) != (used.runner, used.tactic)
        ]
    )
    kernel = row.get("kernel") or (used.kernel if used else None)
    parts = frozenset(row.get("onnx_names") or ()) | frozenset(constituents(name))
    shape = outputs[0]["shape"] if outputs else None
    role = role_of(name, type_)
    return LayerFacts(
        layer=name,
        position=position,
        role=role,
        type=type_ or (used.runner if used else None),
        family="reformat" if role.startswith("reformat") else family_of(type_, name),
        parts=parts,
        outputs=tuple(o["name"] for o in outputs if o.get("name")),
        shape=tuple(shape) if shape is not None else None,
        precision=_precision(kernel, input_formats, output_formats),
        input_formats=input_formats,
        output_formats=output_formats,
        tactic=row.get("tactic") or (used.tactic if used else None),
        kernel=kernel,
        runner=used.runner if used else None,
        tactic_ms=used.time_ms if used else None,
        runner_up_ms=min(others, default=None),
        profile_ms=profile.get(name.strip()),
        candidates=timed,
        line=row.get("line"),
    )


def _operand_key(operand: Mapping[str, Any]) -> str:
    key = format_key(operand.get("format"))
    return key if key != "?" else operand.get("dtype") or "?"


def _precision(kernel: str | None, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> str | None:
    if kernel:
        told = decode_kernel(kernel)
        if told.input_type:
            return told.input_type
    for formats in (inputs, outputs):
        if formats and formats[0] != "?":
            return formats[0].partition(":")[0]
    return None


def share_timings(
    layers: Sequence[LayerFacts], rows: Sequence[Mapping[str, Any]], between: Mapping[Any, Window], log: Log
) -> list[LayerFacts]:
    """Give layers that were not timed the timing of an equal layer that was."""
    twins = find_twins(rows, [layer.tactic_ms for layer in layers], between, operators(log.table("onnx_nodes")))
    shared = list(layers)
    for position, twin in twins.items():
        layer, other = layers[position], layers[twin]
        kernel = layer.kernel or other.kernel
        shared[position] = replace(
            layer,
            tactic_ms=other.tactic_ms,
            timed_as=other.layer,
            runner_up_ms=other.runner_up_ms,
            kernel=kernel,
            runner=other.runner,
            precision=_precision(kernel, layer.input_formats, layer.output_formats),
            candidates=layer.candidates or other.candidates,
        )
    return shared
