"""Runs, their sections, options and devices."""

from __future__ import annotations

import datetime
from typing import ClassVar

from trtlog.records.base import Record, column, line_column, record, run_column


@record(frozen=True)
class Run(Record):
    """One run of trtexec, between its two banners or where one of them is; text of TensorRT outside of banners."""

    table: ClassVar[str] = "runs"

    run: int = run_column()
    line: int | None = line_column("the first banner, or the first line of the run; null for exports without a log")
    last_line: int | None = column("int64", "last line of the run; null for exports without a log")
    tool: str | None = column(
        "text",
        "program: the banner's word, else the one whose logger it is (trtexec, polygraphy, python, onnxruntime, "
        "torch_tensorrt, deepstream, triton, ...); null where neither says, and without banner beside other runs",
    )
    tensorrt_version: str | None = column("text", "version of TensorRT, as 8.5.3")
    build: str | None = column("text", "build number, printed from TensorRT 10.4")
    command: str | None = column("text", "command line, as the banner prints it")
    status: str | None = column(
        "text", "passed, failed or waived; incomplete without a last banner; null without any banner, and for --help"
    )
    started_at: datetime.datetime | None = column("time", "first time printed")
    finished_at: datetime.datetime | None = column("time", "last time printed")
    source: str | None = column("text", "name of the file or stream")
    plan_version: str | None = column(
        "text", "version of the TensorRT that created the engine, which --getPlanVersionOnly prints, from 9.1"
    )


@record(frozen=True)
class Section(Record):
    """A section of the log, from the line that opens it to the line before the next one."""

    table: ClassVar[str] = "sections"

    run: int = run_column()
    line: int = line_column("the first of the section")
    last_line: int = column("int64", "last line of the section")
    name: str = column("name", "model, build, system, inference, reporting, device, import, graph, autotune, ...")


@record(frozen=True)
class Option(Record):
    """An option as trtexec prints it, nothing lost: repeated keys are rows, values keep their colons."""

    table: ClassVar[str] = "options"

    run: int = run_column()
    line: int | None = line_column("the option; null for a row of an export")
    section: str = column("name", "model, build, system, inference or reporting")
    key: str = column("name", "name of the option; an entry of a list has the name of its list")
    value: str | None = column("text", "value as printed; null where nothing is printed")


@record(frozen=True)
class Device(Record):
    """The GPU, from the Device Information section; TensorRT 7.2 and later."""

    table: ClassVar[str] = "devices"

    run: int = run_column()
    line: int | None = line_column("the section's header; null for a row of an export")
    name: str | None = column("text", "name of the selected GPU")
    device_id: int | None = column("int64", "number of the selected GPU; TensorRT 9.1 and later")
    uuid: str | None = column("text", "identifier of the selected GPU; TensorRT 9.1 and later")
    compute_capability: str | None = column("text", "compute capability, major.minor")
    sms: int | None = column("int64", "streaming multiprocessors")
    memory_mib: int | None = column("int64", "memory", "MiB")
    shared_memory_per_sm_kib: int | None = column("int64", "shared memory of a multiprocessor", "KiB")
    bus_width_bits: int | None = column("int64", "width of the memory bus", "bit")
    ecc: bool | None = column("bool", "whether memory errors are corrected")
    compute_clock_ghz: float | None = column("float64", "multiprocessor clock; application clock from 8.6", "GHz")
    memory_clock_ghz: float | None = column("float64", "clock of the memory; application clock from 8.6", "GHz")
    available: list[str] | None = column("texts", "names of all GPUs of the machine; TensorRT 9.1 and later")
