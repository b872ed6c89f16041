"""Why FP16 is not faster; who forces conversions; what they cost."""

import re

import pytest

import trtlog
from tests.analyses.conftest import engine, lines_of, parsed
from tests.command import trtlog as command
from tests.conftest import ROOT
from trtlog.analyses.layer.engine_layer import layers_of

MOBILENET = "mobilenet_fp16_verbose"
NO_ARITHMETIC = ("Constant", "Reformat", "NoOp")


def test_layers_by_precision():
    # How many layers of the FP16 build compute in FP16?
    #   Layer(CaskConvolution): X, Tactic: 0x.., a (Half[1,384:8,14,14]), .. -> ..
    totals = {r["precision"]: r for r in parsed(MOBILENET).analyze.table("precision_totals").to_pylist()}
    first = [
        rest.split("[")[0].rsplit("(")[-1] for kind, _, rest in engine(MOBILENET).values() if kind not in NO_ARITHMETIC
    ]
    assert totals["FP16"]["layers"] == first.count("Half") == 19
    assert totals["FP32"]["layers"] + totals["TF32"]["layers"] == first.count("Float") == 35
    assert totals["FP16"]["fallbacks"] == 0
    assert totals["FP32"]["fallbacks"] + totals["TF32"]["fallbacks"] == 35


def test_why_a_layer_fell_back():
    layer = "/features/features.0/features.0.0/Conv + PWN(/features/features.0/features.0.2/Clip)"
    row = next(r for r in parsed(MOBILENET).analyze.table("precision").to_pylist() if r["layer"] == layer)
    # line 13475: Tactic: 0x8ad32616b1424be4 Time: 0.00756571, the engine's; line 13812: the fastest in Half
    assert (row["used"], row["used_ms"], row["line"]) == ("FP32", 0.00756571, 13475)
    assert "0x8ad32616b1424be4 Time: 0.00756571" in lines_of(MOBILENET)[13474]
    assert row["fp16_ms"] == float(lines_of(MOBILENET)[13811].rsplit(" ", 1)[1])
    assert row["reason"] == "formats"


def test_a_loaded_engine_has_no_fallbacks_to_speak_of():
    rows = parsed("resnet50_load_profile").analyze.table("precision").to_pylist()
    assert rows
    assert {row["fallback"] for row in rows} == {None}


def test_the_same_network_in_fp32_has_none():
    rows = parsed("resnet50_fp32_verbose").analyze.table("precision").to_pylist()
    assert {row["fallback"] for row in rows} == {False}


def test_reformats_and_their_profile_time():
    rows = parsed(MOBILENET).analyze.table("reformats").to_pylist()
    added = [n for n, line in enumerate(lines_of(MOBILENET), 1) if "] Adding reformat layer: " in line]
    # One of the 15 became a NoOp: Layer(NoOp): Reformatting CopyNode for Input Tensor 0 to /classifier/classifier.1/...
    [nothing] = [n for n in added if "Input Tensor 0 to /classifier/classifier.1/Gemm" in lines_of(MOBILENET)[n - 1]]
    assert sorted(r["line"] for r in rows) == [n for n in added if n != nothing]
    row = next(r for r in rows if r["layer"] == "/features/features.11/conv/conv.2/Conv")
    #  Reformatting CopyNode for Input Tensor 0 to /features/features.11/conv/conv.2/Conv   12.20   0.0050 ...
    profile = next(
        x for x in lines_of(MOBILENET) if re.search(r"Tensor 0 to /features/features.11/conv/conv.2/Conv +12", x)
    )
    iterations = int(re.search(r"=== Profile \((\d+) iterations", "\n".join(lines_of(MOBILENET)))[1])
    assert row["profile_ms"] == pytest.approx(float(profile.split()[-4]) / iterations)
    assert (row["before"], row["after"], row["change"]) == ("FP32 linear", "FP16 NHWC8", "dtype+layout")
    assert row["forced_by"] == "producer"


def test_shares_of_the_profile():
    lines = lines_of(MOBILENET)
    start = next(n for n, line in enumerate(lines) if "=== Profile (" in line)
    times = {}
    for line in lines[start + 2 :]:
        if found := re.match(r"\[.*?\] \[I\] +(\S.*?) +([0-9.]+) +[0-9.]+ +[0-9.]+ +[0-9.]+$", line):
            times[found[1]] = float(found[2])
    total = times.pop("Total")
    assert total == pytest.approx(sum(times.values()), abs=0.1)
    shares = {r["group"]: r for r in parsed(MOBILENET).analyze.table("reformat_shares").to_pylist()}
    identities = [ms for name, ms in times.items() if name.startswith("Identity_")]
    copies = [ms for name, ms in times.items() if name.startswith("Reformatting CopyNode")]
    assert (shares["constant copy"]["layers"], shares["format conversion"]["layers"]) == (len(identities), len(copies))
    assert shares["constant copy"]["percent"] == pytest.approx(100 * sum(identities) / sum(times.values()))
    assert shares["format conversion"]["percent"] == pytest.approx(100 * sum(copies) / sum(times.values()))


def test_a_refused_int8_layer_says_so():
    text = b"""[I] === Build Options ===
[I] Precision: FP32+INT8
[V] [TRT] *************** Autotuning format combination: Float(8,4,2,1) -> Float(8,4,2,1) ***************
[11/22/2026-13:22:57] [V] [TRT] --------------- Timing Runner: conv_a (CaskConvolution)
[11/22/2026-13:22:57] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.25
[11/22/2026-13:22:57] [V] [TRT] Fastest Tactic: 0x0000000000000001 Time: 0.25
[11/22/2026-13:22:57] [V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x0000000000000001
[11/22/2026-13:22:57] [V] [TRT] Engine Layer Information:
Layer(CaskConvolution): conv_a, Tactic: 0x0000000000000001, x (Float[1,2,2,2]) -> y (Float[1,2,2,2])
"""
    row = trtlog.parse(text).analyze.table("precision").to_pylist()[0]
    assert (row["fallback"], row["reason"], row["text"]) == (True, "not_offered", "no tactic was timed in INT8")


def test_shares_of_many_small_layers_are_of_the_whole_profile():
    """Most rows print 0.0 or 0.1 %: the printed shares sum to 62 % of a profile that lacks no row.

    A conversion of 6 ms in 100 ms is 6 %. With a large row left out it still is 6 % of what was measured.
    """
    rows = [("Reformatting CopyNode for Input Tensor 0 to a", 6.0, 6.0), ("b", 56.0, 56.0)]
    rows += [(f"small{n}", 0.04, 0.0) for n in range(950)]
    assert round(sum(time for _, time, _ in rows)) == 100
    for listed in (rows, rows[:1] + rows[2:]):
        text = ["[I] === Profile (1 iterations ) ===", "[I]   Layer   Time (ms)   Avg. Time (ms)   Time %"]
        text += [f"[I]   {name}   {time:.2f}   {time:.4f}   {percent:.1f}" for name, time, percent in listed]
        (share,) = trtlog.parse(text).analyze.table("reformat_shares").to_pylist()
        assert 5.9 <= share["percent"] <= 6.1


def test_an_output_that_a_layer_reads_too_is_one():
    """y leaves the network and is read by the softmax: no layer reads v and i, the log counts three outputs."""
    log = trtlog.parse((ROOT / "tests/cases/output-read-too.log").read_bytes())
    [row] = log.analyze.table("reformats").to_pylist()
    assert (row["tensor"], row["side"], row["before"], row["after"]) == ("y", "output", "FP16 linear", "FP32 linear")
    assert row["forced_by"] == "network_io"
    # With two the conversion serves the softmax alone, which was timed in FP32 only.
    one = (ROOT / "tests/cases/output-read-too.log").read_text().replace("3 output network", "2 output network")
    [row] = trtlog.parse(one.encode()).analyze.table("reformats").to_pylist()
    assert row["forced_by"] == "consumer"


def test_the_tensor_of_an_output_of_a_loaded_engine_is_what_is_written():
    """Reformatting CopyNode for Output Tensor 0 to reshape_after_/fc/Gemm, ... -> output (Float[1,1000])"""
    rows = parsed("resnet50_load_profile").analyze.table("reformats").to_pylist()
    [row] = [r for r in rows if r["side"] == "output"]
    assert (row["tensor"], row["forced_by"]) == ("output", "network_io")


def test_copies_of_constants_are_named_where_nothing_is_converted():
    layers = "".join(
        f"Layer(Constant): w{n}, Tactic: 0x0000000000000000,  -> c{n}[Float(1,4)]\n"
        f"Layer(Reformat): slice{n}, Tactic: 0x0000000000000000, c{n}[Float(1,2)] -> y{n}[Float(1,2)]\n"
        for n in range(6)
    )
    text = f"[V] [TRT] Engine Layer Information:\n{layers}".encode()
    said = command("reformats", "-", stdin=text).stdout
    assert said == "the engine converts no formats; 6 layers copy constants at each inference: slice0\n"
    [found] = [row for row in trtlog.parse(text).table("findings").to_pylist() if row["rule"] == "constant-copies"]
    assert (found["severity"], len(found["layers"])) == ("advice", 6)
    # Of two engines the copies of the one that was kept are counted.
    again = f"[V] [TRT] Original: 9 layers\n{text.decode()}[V] [TRT] Original: 9 layers\n{text.decode()}"
    [found] = [row for row in trtlog.parse(again.encode()).table("findings").to_pylist()
               if row["rule"] == "constant-copies"]  # fmt: skip
    assert found["text"].startswith("6 layers copy")


@pytest.mark.parametrize("before", ["input 0 to conv", "output 0 to pool"])
@pytest.mark.parametrize("behind", ["input 0 to next", "output 0 to conv"])
def test_a_layer_alone_in_its_format_whoever_the_conversions_belong_to(before, behind):
    (side, _, _, owner), (back, _, _, reader) = before.split(), behind.split()
    linear, nhwc = "Float(64,16,4,1)", "Float(64,1,16,4)"
    said = "[V] [TRT] Adding reformat layer: Reformatted {} Tensor 0 to {} ({}) from {} to {}\n"
    named = "Reformatting CopyNode for {} Tensor 0 to {}"
    text = said.format(side.title(), owner, "p", linear, nhwc) + said.format(back.title(), reader, "c", nhwc, linear)
    first, second = named.format(side.title(), owner), named.format(back.title(), reader)
    made, wanted = ("p", "p2") if side == "input" else ("p2", "p")
    given, left = ("c", "c2") if back == "input" else ("c2", "c")
    text += "[V] [TRT] Engine Layer Information:\n" + "".join(
        f"Layer({kind}): {name}, Tactic: 0x0000000000000000, {a} (Float[1,4,4,4]) -> {b} (Float[1,4,4,4])\n"
        for kind, name, a, b in (
            ("Pooling", "pool", "x", made), ("Reformat", first, made, wanted), ("Cask", "conv", wanted, given),
            ("Reformat", second, given, left), ("Pooling", "next", left, "y"),
        )
    )  # fmt: skip
    rows = trtlog.parse(text.encode()).analyze.reformats()
    alone = rows[rows.round_trip]
    assert alone.round_trip_of.tolist() == ["conv"]
    assert alone.layer.tolist() == [owner]


def test_a_tensor_that_the_list_of_layers_calls_otherwise_than_the_builder():
    """A network made by the API: its tensors are named after its layers, and the list holds their first names."""
    combination = "[V] [TRT] *************** Autotuning format combination: {0} -> {0} ***************\n"
    timed = "[V] [TRT] --------------- Timing Runner: {0} (Cask)\n[V] [TRT] Tactic: 1 Time: {1}\n"
    timed += "[V] [TRT] Fastest Tactic: 1 Time: {1}\n[V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: Cask Tactic: 1\n"
    linear, packed = "Float(64,16,4,1)", "Float(16,1:4,4,1)"
    text = combination.format(packed) + timed.format("conv", 0.5)
    text += combination.format(linear) + timed.format("conv", 0.75)
    text += combination.format(linear) + timed.format("pool", 0.25) + combination.format(packed)
    text += timed.format("pool", 0.5)
    text += "[V] [TRT] *************** Autotuning Reformat: Float(16,1:4,4,1) -> Float(64,16,4,1) ***************\n"
    text += timed.format("Optimizer Reformat(named_output -> <out>)", 0.125).replace("Cask", "Reformat")
    text += "[V] [TRT] Adding reformat layer: Reformatted Input Tensor 0 to pool (named_output) "
    text += f"from {packed} to {linear}\n"
    copy = "Reformatting CopyNode for Input Tensor 0 to pool"
    text += "[V] [TRT] Engine Layer Information:\n"
    text += "Layer(Cask): conv, Tactic: 0x0000000000000001, x (Float[1,4:4,4,4]) -> (Unnamed Layer* 0) [Conv]_output "
    text += f"(Float[1,4:4,4,4])\nLayer(Reformat): {copy}, Tactic: 0x0000000000000001, "
    text += "(Unnamed Layer* 0) [Conv]_output (Float[1,4:4,4,4]) -> Reformatted Input Tensor 0 to pool "
    text += "(Float[1,4,4,4])\n"
    text += "Layer(Cask): pool, "
    text += "Tactic: 0x0000000000000001, Reformatted Input Tensor 0 to pool (Float[1,4,4,4]) -> y (Float[1,4,4,4])\n"
    log = trtlog.parse(text.encode())
    [row] = log.analyze.reformats().to_dict("records")
    assert (row["tensor"], row["timed_ms"], row["forced_by"], row["gain_ms"]) == ("named_output", 0.125, "cost", 0.25)
    found = layers_of(log)
    outputs, inputs = found.tensors(found.named("conv"))[1], found.tensors(found.named("pool"))[0]
    assert outputs == inputs == ("named_output",)


def test_a_conversion_behind_a_reshape_that_runs_nothing_is_the_output_s():
    """conv_a writes FP16, the network FP32: the reshape between them is a NoOp, whichever side of it is converted."""
    v = "[01/02/2026-10:00:00] [V] [TRT] "
    wide, narrow, flat = "Float(512,256,16,1)", "Half(512,256,16,1)", "Float(512,1)"
    text = ""
    for layer, before, after in (("conv_a", narrow, narrow), ("reshape", wide, flat)):
        text += (
            f"{v}*************** Autotuning format combination: {before} -> {after} ***************\n"
            f"{v}--------------- Timing Runner: {layer} (CaskConvolution)\n"
            f"{v}Tactic: 0x0000000000000011 Time: 0.01\n"
            f"{v}Fastest Tactic: 0x0000000000000011 Time: 0.01\n"
            f"{v}>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x0000000000000011\n"
        )
    text += f"{v}Adding reformat layer: Reformatted Input Tensor 0 to reshape (a) from {narrow} to {wide}\n"
    copied, tactic = "Reformatted Input Tensor 0 to reshape", "Tactic: 0x0000000000000011"
    text += (
        f"{v}Engine Layer Information:\n"
        f"Layer(CaskConvolution): conv_a, {tactic}, x (Half[1,2,16,16]) -> a (Half[1,2,16,16])\n"
        f"Layer(Reformat): Reformatting CopyNode for Input Tensor 0 to reshape, {tactic}, a (Half[1,2,16,16]) -> "
        f"{copied} (Float[1,2,16,16])\n"
    )
    end = f"{copied} (Float[1,2,16,16]) -> y (Float[1,512])\n"
    for kind, forced_by in (("NoOp", "network_io"), ("Shuffle", "consumer")):
        log = trtlog.parse((text + f"Layer({kind}): reshape, {tactic}, {end}").encode())
        [found] = log.analyze.table("reformat_costs").to_pylist()
        assert (found["tensor"], found["forced_by"]) == ("a", forced_by)
