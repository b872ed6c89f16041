"""The timing of tactics, and the conversions between formats that come out of it."""

from __future__ import annotations

from typing import ClassVar

from trtlog.records.base import Record, column, engine_column, line_column, record, run_column

_FORMATS = "comma-separated, as Half(24200,1:8,440,8): data type, strides, packing"

_LAYOUTS = "as FP16 NHWC8; null for none"


@record(frozen=True)
class Timing(Record):
    """A block of one runner's tactics for one layer and one combination of formats."""

    table: ClassVar[str] = "timings"

    run: int = run_column()
    line: int = line_column("Timing Runner, or the cached result")
    layer: str = column("name", "layer, between 'Timing Runner: ' and the last ' (Runner)'")
    runner: str = column("name", "kind of implementation, as CaskConvolution")
    runner_id: str | None = column("name", "id of the runner; TensorRT 8.6 and later")
    kind: str = column("name", "layer, or reformat under an 'Autotuning Reformat' line")
    input_formats: str | None = column("name", f"formats of the inputs, {_FORMATS}; null for none")
    output_formats: str | None = column("name", f"formats of the outputs, {_FORMATS}; null for none")
    outcome: str = column(
        "name", "timed; no_valid_tactics; cached (10.14+); skipped: only skipped tactics; untimed: nothing printed"
    )
    seconds: float | None = column("float64", "time the builder spent; TensorRT 8.6 and later", "s")
    tactics: int = column("int64", "number of timed tactics")
    fastest_tactic: str | None = column("text", "id of the fastest tactic, 0x and 16 digits")
    fastest_ms: float | None = column("float64", "its time; null where it was not timed, as the only option", "ms")
    chosen: bool = column("bool", "whether the 'Chose Runner Type' line below names this block")
    engine: int = engine_column()
    symbols: str | None = column("name", "what names in the formats stand for, as E0=(# 2 (SHAPE input))")


@record(frozen=True)
class Tactic(Record):
    """A timed tactic."""

    table: ClassVar[str] = "tactics"

    run: int = run_column()
    line: int = line_column("the time")
    layer: str | None = column("name", "layer that is timed")
    runner: str | None = column("name", "kind of implementation, as CaskConvolution")
    kind: str | None = column("name", "layer, reformat, or foreign_node for Myelin's own tables (10.14+)")
    input_formats: str | None = column("name", f"formats of the inputs, {_FORMATS}; null for none")
    output_formats: str | None = column("name", f"formats of the outputs, {_FORMATS}; null for none")
    tactic: str = column("name", "id of the tactic, 0x and 16 digits")
    tactic_id: int = column("uint64", "the same id as a number; signed decimals of 8.2 and before in two's complement")
    kernel: str | None = column("name", "kernel, from 'Set Tactic Name' or 'Tactic Name'; null where none is printed")
    time_ms: float | None = column("float64", "time; null for a tactic that could not be timed", "ms")
    fastest: bool = column("bool", "whether the block's 'Fastest Tactic' line names it")
    chosen: bool = column(
        "bool", "whether the 'Chose Runner Type' line names it, or 'The selected tactic is' in Myelin's tables"
    )
    timing_line: int | None = column("int64", "line of its block in table timings")
    engine: int = engine_column()
    symbols: str | None = column("name", "what names in the formats stand for, as E0=(# 2 (SHAPE input))")
    split_k: int | None = column("int64", "slices of the reduction, numSplitK")
    buffers: int | None = column("int64", "buffers of the slices, numBuffers")
    kernels: int | None = column("int64", "kernels that it launches, numKernels")


@record(frozen=True)
class TacticName(Record):
    """A tactic that is named and not timed: no time follows its name."""

    table: ClassVar[str] = "tactic_names"

    run: int = run_column()
    line: int = line_column("Set Tactic Name")
    layer: str | None = column("name", "layer")
    runner: str | None = column("name", "kind of implementation")
    tactic: str | None = column("name", "id of the tactic, 0x and 16 digits; null where the line has none")
    kernel: str = column("name", "kernel")
    split_k: int | None = column("int64", "slices of the reduction, numSplitK")
    buffers: int | None = column("int64", "buffers of the slices, numBuffers")
    kernels: int | None = column("int64", "kernels that it launches, numKernels")
    engine: int = engine_column()


# Reason of a row that says that some tactics were skipped; where the log names them, they have rows of their own.
UNNAMED = "workspace"


@record(frozen=True)
class Skip(Record):
    """A tactic or runner that was passed over."""

    table: ClassVar[str] = "skips"

    run: int = run_column()
    line: int = line_column("the skip")
    layer: str | None = column("name", "layer")
    runner: str | None = column("name", "runner")
    tactic: str | None = column(
        "name", "id of the tactic; null where a whole runner is passed over, or where the line names none"
    )
    reason: str = column(
        "name",
        "no_valid_tactics, scratch, insufficient_memory, workspace (some, not named), time_limit, exception, ...",
    )
    requested_bytes: int | None = column("int64", "memory the tactic asks for", "bytes")
    available_bytes: int | None = column("int64", "memory there is", "bytes")
    text: str | None = column("text", "words of the line that no other column holds, as the text of an exception")
    engine: int = engine_column()


@record(frozen=True)
class Reformat(Record):
    """A conversion between formats that the chosen formats need."""

    table: ClassVar[str] = "reformats"

    run: int = run_column()
    line: int = line_column("Adding reformat layer")
    name: str = column("name", "what is reformatted, as Reformatted Input Tensor 0")
    layer: str = column("name", "layer that needs it")
    tensor: str = column("name", "tensor")
    from_format: str = column("name", "format before")
    to_format: str = column("name", "format after")
    from_layout: str | None = column("name", f"the format before in words, {_LAYOUTS}")
    to_layout: str | None = column("name", f"the format after in words, {_LAYOUTS}")
    engine: int = engine_column()


@record(frozen=True)
class Combination(Record):
    """A combination of formats that the builder weighs for one layer, timed or taken from the timing cache."""

    table: ClassVar[str] = "combinations"

    run: int = run_column()
    line: int = line_column("Autotuning format combination, or Autotuning Reformat")
    layer: str | None = column(
        "name", "layer: from the 'Computing costs' line (8.6 and later), else from a runner below; null for neither"
    )
    kind: str = column("name", "layer or reformat")
    input_formats: str | None = column("name", f"formats of the inputs, {_FORMATS}; null for none")
    output_formats: str | None = column("name", f"formats of the outputs, {_FORMATS}; null for none")
    input_layouts: str | None = column("name", f"the input formats in words, {_LAYOUTS}")
    output_layouts: str | None = column("name", f"the output formats in words, {_LAYOUTS}")
    runners: int = column("int64", "Timing Runner blocks below; 0: nothing to time, or the timing cache knew it")
    chosen_runner: str | None = column("name", "runner of the 'Chose Runner Type' line")
    chosen_tactic: str | None = column("name", "tactic of the 'Chose Runner Type' line, 0x and 16 digits")
    costs_line: int | None = column("int64", "line of 'Computing costs' above, which one layer's combinations share")
    engine: int = engine_column()
    symbols: str | None = column("name", "what names in the formats stand for, as E0=(# 2 (SHAPE input))")
