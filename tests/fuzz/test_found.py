"""What mutated logs brought to light, each reduced to a few lines: through everything, and with the right answer."""

from __future__ import annotations

import warnings
from random import Random

import pytest

import trtlog
from tests.fuzz import checks
from trtlog.parquet.stream import convert

FOUND = {
    "an error without words while a layer is timed": (
        b"--------------- Timing Runner: /a/Conv (CaskConvolution[0x80000009])\n[06/10/2026-22:33:12] [E]"
    ),
    "a choice of which nothing was timed": b"[V] Tactic Name: 8 Tactic: 8 Time: 8\n>>> Chose Runner Type: n Tactic: 0",
    "a clock without digits": b"Memory Clock Rate: . GHz",
    "a size above 64 bits": b"Layer(C): , Tactic: 0, [t(18446744073709551616)]",
    "a size just above 63 bits": b"Layer(p): , Tactic: 1, / (t[9223372036854775809])",
    "an engine layer whose text is a word": b"[V] Running: o\nLayer(e): r",
    "tactics before the first runner": (
        b"[TRT] Tactic: 0 Time: 0\n[TRT] --------------- Timing Runner: m (n[0x3])\n[TRT] Tactic: 0 Time: 2"
    ),
    "a tactic and a header in one line": b"[TRT] Tactic: 1 Time: 0[05/28/2023-14:30:29] [V] ",
    "two times in one line": b"1[11/22/2026-13:22:99] [E] [11/22/2026-13:22:04] [V] ",
    "two producers of one line each": b"[11/22/2026-13:22:04] [I] Saving engine to .\n[TRT]",
    "fusions in one line": (
        b"[05/26/2023-15:30:23] [V] [TRT] n: Fusing   with u\n[TRT] Running: n on m\n"
        b"[TRT] u: Fusing / with u[05/26/2023-15:30:23] [V] Running: C on  "
    ),
    "fusions of two wordings in one line": (
        b"[11/01/2024-10:32:48] [V] [TRT] Running: n on c\n"
        b"[TRT] Fusing s with N[11/01/2024-10:32:48] [V] Running: o on ."
    ),
    "options in one line": (
        b"[07/07/2026-02:11:29] [I]\n[07/07/2026-02:11:29] [I] === Build Options ===\n"
        b"[07/07/2026-02:11:29] [I] o: w\n[I] s:[07/07/2026-02:11:29] [I] s: 0\n\n"
    ),
    "numbers of two kinds in one line": (
        b"[08/20/2023-10:20:39] [I] Warmup completed 9 queries over 200 ms"
        b"[08/20/2023-10:20:39] [I] Timing trace has 130 queries over 3.04739 s\n"
        b"[08/20/2023-10:20:39] [I] Timing trace has 130 queries over 3.04739 s"
    ),
    "tactics of one layer, one of them before its runner": (
        b"[V] [TRT] l Set Tactic Name: a Tactic: 0x19b688348f983aa0\n[V] [TRT] Tactic: 0x19b688348f983aa0 Time: 2\n"
        b"[V] [TRT] --------------- Timing Runner: l (Cask)\n[V] [TRT] Tactic: 0x65b36e05da14f11a Time: 1"
    ),
    "a kernel named in one run, a tactic without a block in the next": (
        b"[V] [TRT] Tactic Name: kernel\n&&&& FAILED TensorRT [TensorRT v100300] # trtexec\n"
        b"[V] [TRT] Tactic: 0x0000000000020318 Time: 0.052"
    ),
    "a number of layers above 64 bits": b"[TRT] After  : 57 layers\n[V] After merging: 9223372036854775808 layers\n[V]",
    "devices of two runs, one heading": (
        b"&&&& RUNNING TensorRT.trtexec [TensorRT v8600] # trtexec\n[I] === Device Information ===\n"
        b"[I] Device Global Memory: 6143 MiB\n&&&& RUNNING TensorRT.trtexec [TensorRT v8600] # trtexec\n"
        b"[I] Selected Device: other\n[I] Compute Capability: 8.6"
    ),
    "a layer of fewer formats than outputs": (
        b"[V] l Set Tactic Name: k Tactic: 0xaa0953b1a73b0b9b\n[V] Tactic: 0xaa0953b1a73b0b9b Time: 0.002588\n"
        b"[V] *************** Autotuning format combination: Float(3,1:4,3,3) -> Float(2,1:4,2,2) ***************\n"
        b"[V] --------------- Timing Runner: l (CudaDepthwiseConvolution)\n"
        b"[V] Tactic: 0x00000000000204ec Time: 0.00416483\n"
        b"Layer(CaskConvolution): l, Tactic: 0xaa0953b1a73b0b9b, a (Float[1,10,1,1]) -> b (Float[1,5,1,1])"
    ),
    "averages of which one has no time": (
        b"[I] Average on 10 runs - GPU latency: . ms - Host latency: 1 ms (enqueue 0 ms)\n"
        + b"[I] Average on 10 runs - GPU latency: 2 ms - Host latency: 3 ms (enqueue 1 ms)\n" * 8
        + b"[I] Throughput: 12 qps"
    ),
    "an operation of Myelin's above the place where a conversion cuts": (
        b"[V] [TRT]  (foreignNode) Autotuning op node: [ONNX Layer: node]\n"
        b"[V] [TRT]  (foreignNode) Sorted table of all evaluated tactics:\n"
        b"[V] [TRT]  (foreignNode)    2, 0.0058368, 1.00000, 0.00000, kernel, 0x38d8ab1d35e0f,\n"
        b"[V] [TRT] *************** Autotuning format combination: Float(2,1) -> Float(2,1) ***************\n"
        b"[V] [TRT] --------------- Timing Runner: l (Shuffle)\n[V] [TRT] Tactic: 0x3e8 Time: 0.1\n"
        b"[V] [TRT] The selected tactic is (tactic hash, cost(in ms)):0x38d8ab1d35e0f, 0.0058368"
    ),
    "passes in one line": (
        b"[09/07/2022-04:03:44] [V] Original: 1 layers\n[TRT] After r: 1 layers\n"
        b"[TRT] Original: 3 layers[09/07/2022-04:03:48] [V] After r: 3 layers"
    ),
}


def holds(data: bytes, level: str = "outputs") -> None:
    """Check an input with several chunk sizes and command lines; answers, which ask none of them, of two."""
    made: checks.Readings = {}
    for chance in range(4 if level == "outputs" else 12):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            checks.check(data, data, Random(chance), "read" if level == "answers" and chance > 1 else level, made)


@pytest.mark.parametrize("name", sorted(FOUND))
def test_found(name):
    holds(FOUND[name], "answers")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FOUND))
def test_found_through_every_command(name):
    holds(FOUND[name])


# ------------------------------------------------------------------ what is right


def test_a_number_above_64_bits_is_null_and_noted():
    log = trtlog.parse(b"[V] --------------- Timing Runner: a (b)\n[V] Tactic: 18446744073709551616 Time: 2\n")
    assert log.notes == ()
    assert log.table("tactics").select(["tactic", "tactic_id", "time_ms"]).to_pylist() == [
        {"tactic": None, "tactic_id": None, "time_ms": 2.0}
    ]
    assert log.notes == (
        "table tactics: null stands for '18446744073709551616' in line 2, "
        "which cannot be read as the number it should be",
    )


def test_a_shape_with_a_size_above_64_bits_is_null_and_noted():
    log = trtlog.parse(b"Layer(C): a, Tactic: 0, x[Float(18446744073709551616)] -> y[Float(2,3)]\n")
    (layer,) = log.table("engine_layers").to_pylist()
    assert [(o["name"], o["shape"]) for o in layer["inputs"] + layer["outputs"]] == [("x", None), ("y", [2, 3])]
    assert "'18446744073709551616' in line 1" in log.notes[0]


def test_a_note_on_a_value_has_the_line_of_the_file(tmp_path):
    lines = [b"[V] Original: %d layers\n" % n for n in range(2000)]
    lines[1500] = b"[V] Original: 99999999999999999999 layers\n"
    lines[1700] = b"[V] Original: 99999999999999999998 layers\n"
    data = b"".join(lines)
    log = trtlog.parse(data)
    assert log.table("passes").column("layers").null_count == 2
    assert log.notes == (
        "table passes: null stands for '99999999999999999999' in line 1501 and 1 other text, "
        "which are no numbers that 64 bits hold",
    )
    notes = convert(data, tmp_path / "out", segment_bytes=3000)
    assert tuple(notes) == log.notes == trtlog.read_parquet(tmp_path / "out").notes


def test_a_note_on_a_value_counts_lines_as_the_file_does():
    wrapped = b"[11/22/2026-13:22:03] [V] [TRT] %s\n" % (b"x" * 200)
    data = b"[11/22/2026-13:22:03] [I] === Device Information ===\n" + wrapped + b"[I] Memory Clock Rate: . GHz\n"
    width = 80
    lines = [line[i : i + width] for line in data.splitlines() for i in range(0, len(line), width)]
    log = trtlog.parse(b"\n".join(lines) + b"\n")
    log.table("devices")
    assert f"'.' in line {len(lines)}," in log.notes[-1]


def test_a_clock_without_digits_is_null_and_noted():
    log = trtlog.parse(b"[I] === Device Information ===\n[I] SMs: 132\n[I] Memory Clock Rate: . GHz\n")
    assert (log.device.sms, log.device.memory_clock_ghz) == (132, None)
    assert log.notes == (
        "table devices: null stands for '.' in line 3, which cannot be read as the number it should be",
    )


def test_notes_on_values_go_where_the_tables_go(tmp_path):
    log = trtlog.parse(b"[I] === Device Information ===\n[I] Memory Clock Rate: . GHz\n")
    assert "'.'" in trtlog.read_parquet(log.to_parquet(tmp_path / "out")).notes[0]
    assert "'.'" in log.runs[0].notes[0]


def test_tactics_without_a_layer_come_last():
    log = trtlog.parse(FOUND["tactics before the first runner"])
    assert log.table("tactics").column("layer").to_pylist() == [None, "m"]
    assert log.analyze.table("best").column("layer").to_pylist() == ["m"]  # the other one has no time


def test_the_name_of_a_kernel_stays_in_its_run():
    log = trtlog.parse(FOUND["a kernel named in one run, a tactic without a block in the next"])
    assert log.table("tactic_names").select(["run", "line", "kernel"]).to_pylist() == [
        {"run": 0, "line": 1, "kernel": "kernel"}
    ]
    assert log.table("tactics").select(["run", "line", "kernel"]).to_pylist() == [
        {"run": 1, "line": 3, "kernel": None}
    ]


def test_what_is_told_of_a_device_stays_in_its_run():
    log = trtlog.parse(FOUND["devices of two runs, one heading"])
    assert log.table("devices").select(["run", "line", "name", "memory_mib"]).to_pylist() == [
        {"run": 0, "line": 2, "name": None, "memory_mib": 6143},
        {"run": 1, "line": 5, "name": "other", "memory_mib": None},
    ]


def test_what_is_selected_below_another_layer_is_not_of_the_operation_above():
    (row,) = trtlog.parse(FOUND["an operation of Myelin's above the place where a conversion cuts"]).table(
        "autotuned_ops"
    ).to_pylist()
    assert (row["layer"], row["tactics"], row["selected"]) == ("node", 1, None)


def test_the_drift_is_of_the_times_that_are_there():
    log = trtlog.parse(FOUND["averages of which one has no time"])
    assert log.analyze.table("performance").column("drift_percent").to_pylist() == [0.0]


def test_records_of_one_line_keep_their_order():
    log = trtlog.parse(FOUND["passes in one line"], engine="auto")
    assert [(r["line"], r["name"], r["layers"]) for r in log.table("passes").to_pylist()] == [
        (1, "Original", 1),
        (2, "r", 1),
        (3, "Original", 3),
        (3, "r", 3),
    ]


def test_options_and_statistics_that_are_no_numbers_are_passed_over():
    head = b"[11/22/2026-13:22:03] [I] "
    log = trtlog.parse(
        head + b"=== Inference Options ===\n" + head + b"Iterations: 1e999\n" + head + b"Duration: 3s (+ .ms warm up)\n"
        b"" + head + b"=== Performance summary ===\n"
        b"" + head + b"Latency: min = 1 ms, max = 2 ms, mean = 1.5 ms, median = 1.5 ms, percentile(9.9.9%) = 2 ms\n"
    )
    assert log.inference.iterations is None
    assert log.inference.warm_up_ms is None
    assert log.performance.latency.mean_ms == 1.5
    assert log.performance.latency.percentiles == {}
