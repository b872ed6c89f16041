"""Exports without a log: what a user of trt-engine-explorer has."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import threading

import pytest
from click.testing import CliRunner

import trtlog
from tests.conftest import FIXTURES, ROOT
from trtlog.cli import cli
from trtlog.errors import InputError

STEM = "trt-8.5.3-h200/resnet50_fp16_dyn_detailed"
LAYERS, PROFILE, TIMES = (FIXTURES / f"{STEM}.{word}.json.gz" for word in ("layers", "profile", "times"))
LOG = FIXTURES / f"{STEM}.log.gz"
CORPUS = ROOT.parent / "shared" / "corpus"

ACT = {"Location": "Device", "Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}
GRAPH = {
    "Layers": [
        {
            "Name": "conv",
            "LayerType": "CaskConvolution",
            "ParameterType": "Convolution",
            "Inputs": [{"Name": "x", "Dimensions": [1, 64, 8, 8], **ACT}],
            "Outputs": [{"Name": "y", "Dimensions": [1, 32, 8, 8], **ACT}],
            "Kernel": [1, 1],
            "Weights": {"Type": "Half", "Count": 2048},
            "TacticValue": "0x00000000000003e8",
            "TacticName": "sm80_xmma_fprop",
        }
    ],
    "Bindings": ["x", "y"],
}
PROFILED = [{"count": 4}, {"name": "conv", "timeMs": 2.0, "averageMs": 0.5, "medianMs": 0.5, "percentage": 100.0}]
TIMED = [{"startEnqMs": 0.0, "startComputeMs": 0.1, "endComputeMs": 0.6, "computeMs": 0.5, "latencyMs": 0.7}]
PROFILE_METADATA = {
    "performance_summary": {"Throughput": 1500.5, "Latency": [0.6, 1.0, 0.7, 0.7, 0.8, 0.8, 0.9]},
    "inference_options": {"Batch": "1", "CUDA Graph": "Enabled"},
    "device_information": {
        "Selected Device": "NVIDIA TITAN RTX",
        "Compute Capability": 7.5,
        "SMs": 72.0,
        "Compute Clock Rate": 1.77,
        "Device Global Memory": "24217 MiB",
        "Memory Bus Width": 384.0,
        "Memory Clock Rate": 7.001,
    },
}
BUILD_METADATA = {
    "build_options": {"Precision": "FP32+FP16"},
    "device_information": {"Selected Device": "NVIDIA TITAN RTX"},
}
DRIVER = [
    {
        "Name": "A",
        "ComputeCapability": [8, 6],
        "TotalMemory": 25393561600,
        "MULTIPROCESSOR_COUNT": 82,
        "CLOCK_RATE": 1695000,
        "MEMORY_CLOCK_RATE": 9751000,
        "GLOBAL_MEMORY_BUS_WIDTH": 384,
        "ECC_ENABLED": 0,
    }
]


def write(folder, **files):
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(json.dumps(value))
    return folder


def test_the_tables_of_a_log_without_its_lines():
    """As many rows as the JSON files have elements, counted by their keys."""
    log = trtlog.parse([LAYERS, PROFILE, TIMES])
    text = {path: gzip.open(path, "rt").read() for path in (LAYERS, PROFILE, TIMES)}
    assert len(log.engine_layers) == len(json.loads(text[LAYERS])["Layers"])
    assert len(log.profile) == len(re.findall('"averageMs"', text[PROFILE]))
    assert len(log.iteration_times) == len(re.findall('"computeMs"', text[TIMES]))
    assert log.run.status is None
    assert log.run.line is None
    for table in ("runs", "engine_layers", "profile", "iteration_times"):
        assert log.frame(table).line.isna().all(), table
    assert log.profile.time_ms.max() == max(map(float, re.findall('"timeMs" : ([0-9.]+)', text[PROFILE])))


def test_layers_of_an_export_are_those_of_its_log():
    """The export of layers says what the detailed lines of the log say."""
    alone = trtlog.parse([LAYERS]).table("engine_layers")
    log = trtlog.parse(LOG, exports=[]).table("engine_layers")
    assert alone.column("layer").to_pylist() == log.column("layer").to_pylist()
    assert alone.column("outputs").to_pylist() == log.column("outputs").to_pylist()


def test_siblings_are_found_by_name(tmp_path):
    write(
        tmp_path,
        **{"m.engine.graph.json": GRAPH, "m.engine.profile.json": PROFILED, "m.engine.timing.json": TIMED},
        **{"m.engine.profile.metadata.json": PROFILE_METADATA, "m.engine.build.metadata.json": BUILD_METADATA},
        **{"other.engine.profile.json": PROFILED, "profile.json": PROFILED},
    )
    log = trtlog.parse(tmp_path / "m.engine.graph.json")
    assert (len(log.engine_layers), len(log.profile), len(log.iteration_times)) == (1, 1, 1)
    assert log.device.name == "NVIDIA TITAN RTX"
    assert (log.device.compute_capability, log.device.sms, log.device.memory_mib) == ("7.5", 72, 24217)
    assert (log.build.precision, log.inference.cuda_graph) == ("FP32+FP16", True)
    assert log.performance.throughput_qps == 1500.5
    assert (log.performance.latency.median_ms, log.performance.latency.percentile(99)) == (0.7, 0.9)
    assert "m.engine.timing.json" in log.notes[0]
    assert trtlog.parse(tmp_path / "m.engine.profile.json").table("profile").equals(log.table("profile"))


def test_a_layer_is_measured_against_the_gpu_of_the_metadata(tmp_path):
    """1x64x8x8 in, 32 filters of 1x1: 2 * 64 * 32 * 64 operations in 0.5 ms."""
    write(tmp_path, **{"m.graph.json": GRAPH, "m.profile.json": PROFILED, "m.metadata.json": DRIVER})
    log = trtlog.parse(tmp_path / "m.graph.json")
    [row] = log.table("roofline").to_pylist()
    assert (row["flops"], row["time_ms"], row["time_from"]) == (2 * 64 * 32 * 64, 0.5, "profile")
    assert row["bytes"] == 2 * (64 * 64 + 32 * 64 + 64 * 32)
    assert (log.device.compute_capability, log.device.sms, log.device.ecc) == ("8.6", 82, False)
    assert (log.device.memory_mib, log.device.compute_clock_ghz) == (24217, 1.695)
    assert row["bound"] == "latency"


def test_two_engines_are_no_log(tmp_path):
    write(tmp_path, **{"a.graph.json": GRAPH, "b.graph.json": GRAPH})
    with pytest.raises(InputError, match=r"a.graph.json and .*b.graph.json both hold layers: they are of two engines"):
        trtlog.parse([tmp_path / "a.graph.json", tmp_path / "b.graph.json"])


def test_what_lies_beside_and_cannot_be_read_is_left_out(tmp_path):
    write(tmp_path, **{"x.graph.json": GRAPH, "x.layers.json": GRAPH})
    (tmp_path / "x.profile.json").write_text('[{"count" : 3},')
    log = trtlog.parse(tmp_path / "x.graph.json")
    assert len(log.engine_layers) == 1
    assert len(log.profile) == 0
    notes = " ".join(log.notes)
    assert "x.layers.json: left out; it holds layers, as x.graph.json does" in notes
    assert "x.profile.json:1: not valid JSON" in notes


def test_json_that_is_a_log_is_read_as_one(tmp_path):
    """Containers write logs as JSON; their files end in .json too."""
    line = json.dumps({"log": "[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n", "stream": "stdout"})
    (tmp_path / "container-json.json").write_text(line + "\n")
    assert trtlog.parse(tmp_path / "container-json.json").passes.layers.tolist() == [3]


def test_lines_are_no_paths():
    """A list of lines stays a list of lines."""
    assert trtlog.parse(["[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers"]).passes.layers.tolist() == [3]


def test_what_is_missing_names_the_option_that_writes_it(tmp_path):
    write(tmp_path, **{"x.graph.json": GRAPH})
    log = trtlog.parse(tmp_path / "x.graph.json")
    assert log.analyze.missing("reformat_shares") == (
        "The exports hold no layer profile. trtexec writes it with --exportProfile=profile.json --separateProfileRun."
    )
    assert "pass the log of a run with --verbose" in log.analyze.missing("margins")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("what", ["export", "log"])
def test_a_named_pipe(tmp_path, what):
    """``trtlog summary <(zcat layers.json.gz)``: what is in it can be read once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = LAYERS.read_bytes() if what == "export" else b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n"
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    log = trtlog.parse(pipe)
    writer.join()
    assert (len(log.engine_layers), log.passes.layers.tolist()) == ((154, []) if what == "export" else (0, [179]))


@pytest.mark.parametrize("command", ["summary", "lint", "roofline", "report", "diff", "precision", "reformats"])
def test_commands_take_exports_one_after_the_other(command, tmp_path, capsys):
    from trtlog.cli import main

    write(tmp_path, **{"x.graph.json": GRAPH, "p.json": PROFILED, "m.json": DRIVER, "y.graph.json": GRAPH})
    files = [str(tmp_path / name) for name in ("x.graph.json", "p.json", "m.json")]
    if command == "diff":
        files.append(str(tmp_path / "y.graph.json"))
    if command == "report":
        files += ["-o", str(tmp_path / "r.html")]
    with pytest.raises(SystemExit) as left:
        main([command, *files])
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    if command == "summary":
        assert "0.5 ms" in printed.out
        assert "read from trtexec's exports, without a log" in printed.out
    if command == "report":
        assert "conv" in (tmp_path / "r.html").read_text()


def test_two_graphs_are_compared(tmp_path, capsys):
    from trtlog.cli import main

    other = json.loads(json.dumps(GRAPH).replace("sm80_xmma_fprop", "sm80_other").replace("3e8", "3e9"))
    write(tmp_path, **{"x.graph.json": GRAPH, "y.graph.json": other})
    with pytest.raises(SystemExit) as left:
        main(["diff", str(tmp_path / "x.graph.json"), str(tmp_path / "y.graph.json"), "--format", "json"])
    assert left.value.code == 0
    assert "sm80_other" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", [*sorted(FIXTURES.rglob("*.json.gz")), *sorted(CORPUS.rglob("*.json*"))], ids=lambda path: path.name
)
def test_every_real_export_is_a_log(path):
    log = trtlog.parse([path])
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = sum(log.table(name).num_rows for name in ("engine_layers", "profile", "iteration_times", "outputs"))
    keys = ("LayerType", "averageMs", "latencyMs", "dimensions")
    counts = [len(re.findall(rf'"{key}"\s*:', text)) for key in keys]
    assert rows == (max(counts) if any(counts) else len(json.loads(text)["Layers"]))
    log.lint()
    log.table("roofline")


def test_columns_of_trt_engine_explorer(tmp_path):
    write(tmp_path, **{"x.graph.json": GRAPH, "x.profile.json": PROFILED})
    [row] = trtlog.parse(tmp_path / "x.graph.json").to_trex().to_dict("records")
    assert (row["Name"], row["type"], row["subtype"]) == ("conv", "Convolution", "CaskConvolution")
    assert (row["precision"], row["input_precision"], row["tactic"]) == ("FP16", "FP16", "sm80_xmma_fprop")
    assert (row["latency.avg_time"], row["latency.pct_time"], row["latency.time"]) == (0.5, 100.0, 2.0)
    assert row["total_io_size_bytes"] == 2 * (64 * 64 + 32 * 64)
    assert row["weights_size"] == 2 * 2048
    assert row["total_footprint_bytes"] == 2 * (64 * 64 + 32 * 64 + 2048)
    assert row["Inputs"][0]["Dimensions"] == [1, 64, 8, 8]


@pytest.mark.parametrize("name", ["layers", "layers.log", "exported.txt.gz"])
def test_an_export_of_any_name(tmp_path, name):
    """The content tells, not the ending: .json, .log, .gz or none."""
    data = gzip.decompress(LAYERS.read_bytes())
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert len(trtlog.parse(path).engine_layers) == 154
    (tmp_path / "p").write_bytes(gzip.decompress(PROFILE.read_bytes()))
    both = trtlog.parse([str(path), str(tmp_path / "p")])
    assert (len(both.engine_layers), len(both.profile)) == (154, 154)


@pytest.mark.parametrize("made", [bytes, io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data))])
@pytest.mark.parametrize("packed", [False, True])
def test_an_export_as_bytes_or_an_open_file(made, packed):
    data = PROFILE.read_bytes()
    log = trtlog.parse(made(data if packed else gzip.decompress(data)))
    assert len(log.profile) == 154


@pytest.mark.parametrize("command", ["summary", "lint", "roofline", "layers", "report", "graph", "diff"])
def test_commands_on_an_export_from_standard_input(tmp_path, command):
    data = gzip.decompress(LAYERS.read_bytes())
    more = {
        "layers": ["show", "engine_layers", "-", "--format", "jsonl"],
        "report": ["report", "-", "-o", str(tmp_path / "r.html")],
        "graph": ["graph", "-", "-o", "-"],
        "diff": ["diff", "-", str(LAYERS)],
    }.get(command, [command, "-"])
    done = CliRunner().invoke(cli, more, input=data)
    assert done.exit_code == 0, done.output
    if command == "layers":
        assert len(done.stdout.splitlines()) == 154
    if command == "graph":
        assert done.stdout.startswith("digraph")


def test_a_log_in_json_is_no_export(tmp_path):
    """One object a line, as containers write it; from a pipe too, where nothing can be read twice."""
    line = json.dumps({"log": "[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n", "stream": "stderr"})
    text = f"{line}\n{line}\n".encode()
    (tmp_path / "container").write_bytes(text)
    for source in (tmp_path / "container", text, io.BytesIO(text), io.BytesIO(f"{line}\n".encode())):
        assert trtlog.parse(source).passes.layers.tolist()[0] == 179


def test_other_json_is_refused_with_a_word():
    with pytest.raises(InputError, match="JSON, not a log"):
        trtlog.parse(io.BytesIO(b'{"name": "x", "version": 1}'))
