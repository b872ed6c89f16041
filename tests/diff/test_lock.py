"""A lock passes the build it was made of, and each single edit of that build's log fails for the right reason."""

from __future__ import annotations

import functools
import itertools
import json
import re
from random import Random

import pytest

import trtlog
from tests.conftest import FIXTURES, each
from tests.diff.conftest import load
from trtlog.analyses.gate import noise
from trtlog.analyses.gate.lock import DEFAULT_RULES, read_lock
from trtlog.errors import InputError, QueryError

FP16 = "resnet50_fp16_dyn_detailed"
FP32 = "resnet50_fp32_verbose"
CONV = "/layer1/layer1.0/conv1/Conv + /layer1/layer1.0/relu/Relu"


@pytest.mark.parametrize(
    "name",
    [
        FP32,
        FP16,
        "resnet50_fp32_verbose_rebuild",
        "mobilenet_fp16_verbose",
        "bert_fp16_verbose",
        "lstm_verbose",
        "resnet50_load_profile",
        "sweep_r50_best_b128",
        "rtxpy_resnet50_bs_dynamic",
    ],
)
def test_check_passes_on_the_log_it_was_locked_from(capture, name, tmp_path):
    locked = trtlog.lock(capture(name))
    (tmp_path / "trtlog.lock.json").write_text(locked.to_json())
    outcome = trtlog.check(capture(name), tmp_path / "trtlog.lock.json")
    assert outcome.passed
    assert outcome.findings == ()


def line_of(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def replace_in(start, old, new):
    """Edit the one line that begins so."""

    def edit(text):
        line = line_of(text, start)
        assert old in line
        return text.replace(line, line.replace(old, new), 1)

    return edit


def replace(old, new):
    def edit(text):
        assert old in text
        return text.replace(old, new, 1)

    return edit


def scale(pattern, factor):
    def edit(text):
        found = re.search(pattern, text)
        assert found is not None
        return text[: found.start(1)] + f"{float(found[1]) * factor:.6g}" + text[found.end(1) :]

    return edit


def drop(start):
    def edit(text):
        return text.replace(line_of(text, start) + "\n", "", 1)

    return edit


def after(start, new):
    def edit(text):
        line = line_of(text, start)
        return text.replace(line, f"{line}\n{new}", 1)

    return edit


# The edit of the FP32 log, the rule that must mind it, what the reason must say. No other rule may mind.
EDITS = {
    "another tactic": (
        replace_in(f"Layer(CaskConvolution): {CONV}", "0xed09dcddfcf4bffb", "0x85222248e9a8aead"),
        {"tactics"},
        # The kernel behind each number is that of Set Tactic Name: .. Tactic: NUMBER.
        "tactic 0x85222248e9a8aead (sm80_xmma_fprop_implicit_gemm_f32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize64x32x64_"
        "stage5_warpsize2x2x1_g1_tensor16x8x8_simple_t1r1s1), locked 0xed09dcddfcf4bffb (sm80_",
    ),
    "another type": (
        replace(
            "Layer(CaskConvolution): /layer4/layer4.0/conv3/Conv,",
            "Layer(CudnnConvolution): /layer4/layer4.0/conv3/Conv,",
        ),
        {"types"},
        "/layer4/layer4.0/conv3/Conv: type CudnnConvolution, locked CaskConvolution",
    ),
    "other formats": (
        replace_in(
            f"Layer(CaskConvolution): {CONV}",
            "-> /layer1/layer1.0/relu/Relu_output_0 (Float[1,64:4,56,56])",
            "-> /layer1/layer1.0/relu/Relu_output_0 (Float[1,64,56,56])",
        ),
        {"formats"},
        "output formats FP32, locked FP32:4",
    ),
    "a new reformat": (
        after(
            "Layer(FusedConvActConvolution): /conv1/Conv",
            "Layer(Reformat): Reformatting CopyNode for Output Tensor 0 to /conv1/Conv + /relu/Relu, Tactic: "
            "0x00000000000003e8, Reformatted Output Tensor 0 to /conv1/Conv + /relu/Relu (Float[1,64,112,112]) -> "
            "/relu/Relu_output_0 (Float[1,64:4,112,112])",
        ),
        {"reformats"},
        "new reformat Reformatting CopyNode for Output Tensor 0 to /conv1/Conv + /relu/Relu (FP32 -> FP32:4)",
    ),
    "a reformat of other formats": (
        replace_in(
            "Layer(Reformat): Reformatting CopyNode for Output Tensor 0 to /maxpool/MaxPool",
            "64:4,56,56",
            "64:32,56,56",
        ),
        {"reformats"},
        "converts FP32 -> FP32:32, locked FP32 -> FP32:4",
    ),
    "a layer less": (
        drop("Layer(CaskConvolution): /layer4/layer4.0/conv3/Conv,"),
        {"layers"},
        "layer /layer4/layer4.0/conv3/Conv is gone",
    ),
    "a layer more": (
        after(
            "Layer(FusedConvActConvolution): /conv1/Conv",
            "Layer(PointWiseV2): PWN(/extra/Relu), Tactic: 0x0000000000000001, "
            "/relu/Relu_output_0 (Float[1,64,112,112]) -> y (Float[1,8])",
        ),
        {"layers"},
        "new layer PWN(/extra/Relu)",
    ),
    "a fusion less": (
        replace_in(
            f"Layer(CaskConvolution): {CONV}",
            f"{CONV}, Tactic: 0xed09dcddfcf4bffb",
            "/layer1/layer1.0/conv1/Conv, Tactic: 0xed09dcddfcf4bffb",
        ),
        {"layers"},
        f"fused in another way: /layer1/layer1.0/conv1/Conv, locked {CONV}",
    ),
    "a higher median": (
        scale(r"\[I\] Latency: .*median = ([0-9.]+) ms", 1.11),
        {"latency"},
        "latency median: 0.850385 ms is over budget: locked 0.766113 ms, +11.0%, tolerance 10%",
    ),
    "a longer tail": (
        scale(r"\[I\] GPU Compute Time: .*percentile\(99%\) = ([0-9.]+) ms", 1.5),
        {"latency"},
        "gpu_compute_time p99: 1.28192 ms is over budget: locked 0.854614 ms, +50.0%",
    ),
    "fewer queries": (
        scale(r"\[I\] Throughput: ([0-9.]+) qps", 0.8),
        {"throughput"},
        "throughput: 1069.27 qps is under budget: locked 1336.59 qps, -20.0%",
    ),
    "more memory": (
        replace("Total Activation Memory: 8119808", "Total Activation Memory: 18119808"),
        {"memory"},
        "activation: 17.3 MiB is over budget: locked 7.7 MiB, +123.2%",
    ),
    "a longer build": (
        scale(r"\[I\] Engine built in ([0-9.]+) sec", 2),
        {"build_time"},
        "build time: 46.4136 s is over budget: locked 23.2068 s, +100.0%, tolerance 50%",
    ),
    "a failed run": (
        replace("&&&& PASSED TensorRT.trtexec", "&&&& FAILED TensorRT.trtexec"),
        {"status"},
        "the run failed",
    ),
    "another shape": (
        lambda text: text.replace("input (Float[1,3,224,224])", "input (Float[1,3,256,256])", 1),
        {"input_shapes"},
        "input shapes: input:1x3x256x256, locked input:1x3x224x224",
    ),
    "another version": (
        lambda text: text.replace("v8503", "v8601").replace("8.5.3", "8.6.1"),
        {"tensorrt_version"},
        "8.6.1, locked 8.5.3",
    ),
    "no performance": (
        lambda text: "\n".join(x for x in text.splitlines() if "] Throughput:" not in x) + "\n",
        {"throughput"},
        "throughput: the log has no figure, locked 1336.59 qps",
    ),
}


# The run is launch-bound (enqueue 0.69 ms of 0.74 ms GPU time), and the tactics lie 1.8 % apart: by default a note.
WITHIN_NOISE = {"another tactic", "a higher median", "a longer tail", "fewer queries"}


@pytest.mark.parametrize("name", EDITS)
def test_a_single_edit_fails_for_the_right_reason(capture, capture_text, name):
    edit, rules, reason = EDITS[name]
    locked = trtlog.lock(capture(FP32))
    outcome = trtlog.check(trtlog.parse(edit(capture_text(FP32)).encode()), locked)
    assert outcome.passed == (name in WITHIN_NOISE), [f.reason for f in outcome.findings]
    if name in WITHIN_NOISE:
        assert {(f.rule, f.level) for f in outcome.findings} == {(rule, "note") for rule in rules}
        outcome = trtlog.check(trtlog.parse(edit(capture_text(FP32)).encode()), locked, exact=True)
    fails = [finding for finding in outcome.findings if finding.level == "fail"]
    assert not outcome.passed
    assert {finding.rule for finding in fails} == rules, [f.reason for f in fails]
    assert any(reason in finding.reason for finding in fails), [f.reason for f in fails]


WARNINGS = {
    "another GPU": (replace("Selected Device: NVIDIA H200", "Selected Device: NVIDIA L4"), "gpu", "NVIDIA L4, locked"),
    "an option": (replace("[I] avgTiming: 8", "[I] avgTiming: 1"), "options", "avgTiming: '1', locked '8'"),
    "a warning": (
        after(
            "[11/22/2026-13:21:14] [I] Finish parsing network model",
            "[11/22/2026-13:21:14] [W] [TRT] Something is odd.",
        ),
        "messages",
        "new warning: Something is odd.",
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_warnings_do_not_fail_unless_the_rule_says_so(capture, capture_text, name):
    edit, rule, reason = WARNINGS[name]
    log = trtlog.parse(edit(capture_text(FP32)).encode())
    outcome = trtlog.check(log, trtlog.lock(capture(FP32)))
    assert outcome.passed
    assert [(f.rule, f.level) for f in outcome.findings] == [(rule, "warn")], outcome.findings
    assert reason in outcome.findings[0].reason
    strict = trtlog.lock(capture(FP32), rules={rule: {"level": "fail"}})
    assert not trtlog.check(log, strict).passed
    silent = trtlog.lock(capture(FP32), rules={rule: {"level": "off"}})
    assert trtlog.check(log, silent).findings == ()


def test_a_layer_that_fell_back_to_fp32_is_called_so(capture, capture_text):
    """FP16 build; one convolution's detailed line turned to FP32, with an FP32 kernel."""
    text = capture_text(FP16)
    start = "Name: /layer4/layer4.0/conv3/Conv, LayerType:"
    line = next(x for x in text.splitlines() if x.startswith(start))
    other = line.replace("FP16", "FP32").replace("f16f16_f16f16_f16", "f32f32_f32f32_f32")
    assert other != line
    outcome = trtlog.check(trtlog.parse(text.replace(line, other).encode()), trtlog.lock(capture(FP16)))
    reasons = {f.rule: f.reason for f in outcome.findings if f.level == "fail"}
    assert reasons["precisions"] == "new FP32 layer /layer4/layer4.0/conv3/Conv: locked FP16"


def test_tolerances_and_ties_are_rules(capture, capture_text):
    slow = trtlog.parse(EDITS["a higher median"][0](capture_text(FP32)).encode())
    wide = trtlog.lock(capture(FP32), rules={"latency": {"tolerance_percent": 12}})
    assert trtlog.check(slow, wide, exact=True).findings == ()
    other = trtlog.parse(EDITS["another tactic"][0](capture_text(FP32)).encode())
    # The build timed the other tactic at 0.00511511 ms against 0.005024 ms: the locked one is faster.
    close = trtlog.lock(capture(FP32), rules={"tactics": {"tie_percent": 3}})
    assert trtlog.check(other, close, exact=True).findings == ()


def test_the_file_is_stable_and_one_line_a_layer(capture):
    first, again = (trtlog.lock(capture(n)).to_json() for n in (FP32, "resnet50_fp32_verbose_rebuild"))
    assert first == trtlog.lock(capture(FP32)).to_json()
    assert json.loads(first)["schema"] == "trtlog.lock/1"
    layers = [line for line in first.splitlines() if line.startswith('    {"layer"')]
    assert len(layers) == 104
    assert layers == sorted(layers, key=lambda line: json.loads(line.rstrip(","))["layer"])
    differ = [a for a, b in zip(first.splitlines(), again.splitlines(), strict=True) if a != b]
    # 17 layers with another tactic, and the figures of the run.
    assert sum('"layer"' in line for line in differ) == 17
    assert len(differ) < 35


def test_secrets_are_not_locked(capture_text):
    text = capture_text(FP32).replace("--saveEngine=demo.engine", "--saveEngine=ssh://me:s3cret@host/x")
    locked = trtlog.lock(trtlog.parse(text.encode())).to_json()
    assert "s3cret" not in locked
    assert "ssh://***@host" in locked


@pytest.mark.parametrize("name", ["err_dla", "unet_smallws_verbose", "rtx_resnet50_verbose"])
def test_a_failed_run_is_not_locked(capture, name):
    with pytest.raises(QueryError, match="lock the log of a run that passed"):
        trtlog.lock(capture(name))


@functools.cache
def locked():
    return trtlog.lock(load(FP32)).to_json()


def broken(**changes):
    """Return what makes the text of a lock with values replaced: a key is the path, ``...`` takes it away."""
    return functools.partial(_broken, changes)


def _broken(changes):
    document = json.loads(locked())
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = document
        for folder in folders:
            place = place[int(folder) if folder.isdigit() else folder]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no JSON"),
        ('<<<<<<< HEAD\n{"schema": 1}', "a merge may have left its marks"),
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec", "no lock file; 'trtlog lock LOG -o FILE' writes"),
        ("[11/22/2026-13:21:04] [I] Throughput: 10 qps", "no lock file; 'trtlog lock LOG -o FILE' writes"),
        ("", "no lock file; 'trtlog lock LOG -o FILE' writes"),
        ("[]", "it has no 'schema'"),
        ('{"schema": "trtlog.lock/9"}', "this version of trtlog knows 'trtlog.lock/1'"),
        ('{"schema": "trtlog.lock/1", "schema": "trtlog.lock/1"}', "key 'schema' stands twice"),
        (broken(layer=[]), "the lock has the unknown key 'layer'"),
        (broken(rules={}), "rules is empty"),
        (broken(rules=...), "the lock has no 'rules'"),
        (broken(layers=[]), "layers is empty"),
        (broken(layers=...), "the lock has no 'layers'"),
        (broken(rules__tactic={}), "rules: there is no rule 'tactic'"),
        (broken(rules__tactics__level="error"), "rules.tactics: level 'error' is none of fail, warn, off"),
        (broken(rules__latency__tolerance=5), "rules.latency has no setting 'tolerance'"),
        (broken(rules__latency__tolerance_percent="5%"), "rules.latency.tolerance_percent is '5%', expected a number"),
        (broken(rules__latency__tolerance_percent=float("nan")), "rules.latency.tolerance_percent is nan"),
        (broken(budgets__throughput_qps=float("nan")), "budgets.throughput_qps is nan"),
        (broken(budgets__throughput_qps=0), "budgets.throughput_qps is 0, expected a number above 0"),
        (broken(budgets__latency__latency_ms__median=float("inf")), "budgets.latency.latency_ms.median is inf"),
        (broken(budgets__latency__latency_ms__mean=1.0), "budgets.latency.latency_ms has the unknown key 'mean'"),
        (broken(budgets__memory_bytes__activation=True), "budgets.memory_bytes.activation is True"),
        (broken(source__tensorrt_versoin="8.5"), "source has the unknown key 'tensorrt_versoin'"),
        (broken(source__gpu=...), "source has no 'gpu'"),
        (broken(layers__3__tactics="0x1"), "layers[3] has the unknown key 'tactics'"),
        (broken(layers__3__precision=16), "layers[3].precision is 16, expected a text"),
        (broken(layers__0__inputs="FP16"), "layers[0].inputs is no list of texts"),
        (broken(messages=[None]), "messages[0] is None"),
        (broken(layers=None, budgets=dict.fromkeys(("latency", "throughput_qps", "memory_bytes", "build_seconds"))),
         "the lock holds a build to nothing"),
    ],
)  # fmt: skip
def test_a_broken_lock_is_refused_with_the_place(tmp_path, text, reason):
    path = tmp_path / "x.json"
    path.write_text(text if isinstance(text, str) else text())
    with pytest.raises(InputError, match=re.escape(reason)):
        read_lock(path)


def mutated(value, random):
    """Return a JSON value with one thing in it changed: taken away, doubled, renamed, of another kind."""
    odd = [None, True, -1, 0, 1e999, float("nan"), 10**400, "", "x", "\ud800", [], {}, [[]], {"x": 1}]
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        choice = random.randrange(5)
        if choice == 0:
            return {k: v for k, v in value.items() if k != key}
        if choice == 1:
            return {(k + "x" if k == key else k): v for k, v in value.items()}
        return {**value, key: mutated(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.85:
        place = random.randrange(len(value))
        if random.random() < 0.2:
            return value[:place] + value[place + 1 :]
        return [*value[:place], mutated(value[place], random), *value[place + 1 :]]
    return random.choice(odd)


def test_a_thousand_mutated_locks_give_an_answer_or_one_clear_error(tmp_path):
    """Each is refused with an InputError that names the file, or checked; some with bytes damaged, not only values."""
    source = Random(17)
    log = load("sweep_r50_fp32_b8")
    plain = trtlog.lock(load("resnet50_load_profile")).to_json(), trtlog.lock(log).to_json()
    path = tmp_path / "x.json"
    refused = 0
    for number in range(1000):
        text = source.choice(plain)
        if number % 4:
            text = json.dumps(mutated(json.loads(text), source))
        data = text.encode()
        if not number % 4:
            at = source.randrange(len(data))
            data = source.choice([data[:at], data[:at] + bytes([source.randrange(256)]) + data[at + 1 :], data[at:]])
        path.write_bytes(data)
        said = answer_or_error(log, path)
        refused += said is not None
        assert said is None or str(path) in said
    assert refused > 500


def answer_or_error(log, path):
    """Return the error's text, None where the lock was checked; any other error is none of a lock file."""
    try:
        outcome = trtlog.check(log, path)
    except InputError as error:
        return str(error).encode().decode()
    json.loads(outcome.to_json())
    return None


def test_deep_json_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"schema": "trtlog.lock/1", "layers": ' + "[" * 100_000)
    with pytest.raises(InputError, match="no JSON"):
        read_lock(path)


def test_a_log_or_a_folder_in_place_of_a_lock_is_refused(tmp_path):
    with pytest.raises(InputError, match="no lock file; 'trtlog lock LOG -o FILE' writes one of a log"):
        read_lock(FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    with pytest.raises(InputError, match=r"cannot be read: Is a directory$"):
        read_lock(tmp_path)


def test_a_missing_lock_says_how_to_write_one(tmp_path):
    with pytest.raises(InputError, match="'trtlog lock LOG -o"):
        read_lock(tmp_path / "none.json")


def test_every_rule_is_checked_or_skipped_with_a_reason(capture):
    for name in (FP32, "sweep_r50_fp32_b1", "err_dla"):
        outcome = trtlog.check(capture(name), trtlog.lock(capture(FP32)))
        assert {*outcome.checked, *outcome.skipped} == set(DEFAULT_RULES)
        json.loads(outcome.to_json())
        assert outcome.to_markdown().startswith("## trtlog check: ")


REBUILDS = {
    "build": [f"build_{n}" for n in range(5)],
    "load": [f"load_{n}" for n in range(6)],
    "graph": [f"graph_{n}" for n in range(4)],
    "engine": ["engine0_graph", "engine1_graph"],
    "resnet50": [FP32, "resnet50_fp32_verbose_rebuild"],
}


@pytest.mark.parametrize("row", REBUILDS)
def test_identical_rebuilds_and_reruns_pass(row):
    """Every ordered pair; what differs is a note with its reason, and fails where nothing is excused as noise."""
    locks = {name: trtlog.lock(load(name)) for name in REBUILDS[row]}
    notes = 0
    for a, b in each(itertools.permutations(REBUILDS[row], 2)):
        outcome = trtlog.check(load(b), locks[a])
        assert outcome.passed, (a, b, [f.reason for f in outcome.findings if f.level == "fail"])
        notes += sum(f.level == "note" for f in outcome.findings)
        if row in ("build", "resnet50"):
            assert not trtlog.check(load(b), locks[a], exact=True).passed
    assert notes or row == "engine"


def test_the_noise_of_a_build_is_found_once(monkeypatch):
    """It is that of all its tactics, and asked of each layer that differs."""
    asked = []
    found = noise.timing_noise
    monkeypatch.setattr(noise, "timing_noise", lambda layers: asked.append(layers) or found(layers))
    outcome = trtlog.check(load("resnet50_fp32_verbose_rebuild"), trtlog.lock(load(FP32)))
    assert len(outcome.findings) > 5
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("locked", "built", "rule", "reason"),
    [
        ("graph_0", "graph32_0", "latency", "gpu_compute_time median: 0.215576 ms is over budget"),
        (FP16, FP32, "precisions", "build option Precision: 'FP32', locked 'FP32+FP16'"),
        ("sweep_r50_best_b32", "sweep_r50_fp32_b32", "latency", "locked 1.11749 ms, +150.5%"),
        ("sweep_r50_best_b1", "sweep_r50_fp32_b1", "precisions", "build option Precision"),
        ("build_0", "mobilenet_fp16_verbose", "layers", "is it another model?"),
        ("build_0", FP32, "layers", "is it another model?"),
    ],
)
def test_what_is_no_noise_fails(locked, built, rule, reason):
    outcome = trtlog.check(load(built), trtlog.lock(load(locked)))
    assert not outcome.passed
    assert any(f.level == "fail" and f.rule == rule and reason in f.reason for f in outcome.findings)


def test_a_tactic_that_is_clearly_slower_fails(capture_text):
    """conv1 takes 0.0217 ms in the locked build; here the locked tactic is gone, and another one takes 0.04 ms."""
    text = capture_text(FP32)
    layer = "/conv1/Conv + /relu/Relu"
    listed = next(x for x in text.splitlines() if "): " + layer + ", Tactic: " in x)
    tactic = listed.split("Tactic: ")[1].split(",")[0]
    other = "0x00000000deadbeef"
    times = [x for x in text.splitlines() if x.endswith(f"[TRT] Tactic: {tactic} Time: 0.0217136")]
    assert len(times) == 1
    slower = times[0].replace(tactic, other).replace("0.0217136", "0.04")
    edited = text.replace(times[0], slower).replace(listed, listed.replace(tactic, other))
    outcome = trtlog.check(trtlog.parse(edited.encode()), trtlog.lock(load(FP32)))
    assert [f.layer for f in outcome.findings if f.level == "fail" and f.rule == "tactics"] == [layer]


@pytest.mark.parametrize(("factor", "level"), [(1.25, "note"), (1.6, "fail")])
def test_memory_follows_choices_within_noise_up_to_what_rebuilds_differ_by(capture_text, factor, level):
    text = capture_text("resnet50_fp32_verbose_rebuild")
    edited = text.replace("Total Activation Memory: 8119808", f"Total Activation Memory: {int(8119808 * factor)}")
    outcome = trtlog.check(trtlog.parse(edited.encode()), trtlog.lock(load(FP32)))
    [found] = [f for f in outcome.findings if f.rule == "memory"]
    assert found.level == level
    assert ("which takes other memory" in found.reason) == (level == "note")
    # The same growth where every layer chose the same fails.
    same = capture_text(FP32).replace("Memory: 8119808", f"Memory: {int(8119808 * factor)}")
    assert not trtlog.check(trtlog.parse(same.encode()), trtlog.lock(load(FP32))).passed
