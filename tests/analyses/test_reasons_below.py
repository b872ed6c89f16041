"""Reasons that stand below the line which names a node or a tactic, and causes that follow from them."""

from __future__ import annotations

import pytest

import trtlog
from trtlog.analyses.lint.causes import cause_of
from trtlog.analyses.lint.failures import outcome_of

T = "[11/22/2026-13:21:02] "
FAILED = "&&&& FAILED TensorRT.trtexec [TensorRT v{}] # trtexec --onnx=m.onnx\n"


def node_of(op, *below, output="y"):
    """Return what the ONNX parser prints of a node that it cannot import."""
    lines = [f'{T}[E] [TRT] ModelImporter.cpp:791: While parsing node number 4 [{op} -> "{output}"]:',
             f"{T}[E] [TRT] ModelImporter.cpp:794: --- End node ---",
             f"{T}[E] [TRT] ModelImporter.cpp:796: ERROR: ModelImporter.cpp:179 In function parseGraph:", *below,
             f"{T}[E] Failed to parse onnx file"]  # fmt: skip
    return "\n".join(lines) + "\n" + FAILED.format("8205")


def hits(text, rule):
    return [row for row in trtlog.parse(text.encode()).lint().to_dict("records") if row["rule"] == rule]


def test_the_reason_below_the_name_of_a_node_is_the_cause():
    text = node_of("Identity", "[6] Invalid Node - Identity_0", "onnx::Q_1: invalid weights type of Int8")
    log = trtlog.parse(text.encode())
    cause = cause_of(log)
    assert (cause.line, cause.node) == (3, "Identity")
    assert cause.text.endswith("of the model: onnx::Q_1: invalid weights type of Int8")
    assert "no weights of type Int8" in cause.meaning
    counts = dict(zip(*(log.coverage[name] for name in ("kind", "lines")), strict=True))
    assert (counts["continuation"], counts.get("foreign")) == (2, None)


def test_a_name_without_a_reason_below_stays_a_result():
    cause = cause_of(trtlog.parse(node_of("Gather", "[6] Invalid Node - Gather_3", "").encode()))
    assert (cause.line, cause.text) == (1, "node 4 (Gather -> y) of the model: cannot be imported")


def test_an_error_with_its_own_place_below_the_name_is_an_error_of_its_own():
    own = "[shuffleNode.cpp::symbolicExecute::392] Error Code 4: Internal Error (Reshape_3: at most 1 dimension: [-1,2])"  # noqa: E501
    log = trtlog.parse(node_of("Pad", "[6] Invalid Node - Pad_13", own).encode())
    assert cause_of(log).line == 5
    assert log.messages.loc[log.messages["line"] == 5, "code"].item() == 4


@pytest.mark.parametrize(
    ("op", "output"), [("ConstantOfShape", "onnx::Add_206"), ("Shape", "/Reshape_out"), ("Loop", "shape_1")]
)
def test_the_name_of_an_operator_says_nothing_of_shapes_that_do_not_fit(op, output):
    meaning = cause_of(trtlog.parse(node_of(op, "[6] Invalid Node - X_1", output=output).encode())).meaning
    assert "shapes do not fit" not in meaning
    fitting = node_of(op, "[8] Assertion failed: a.nbDims == b.nbDims", output=output)
    assert "shapes do not fit" in cause_of(trtlog.parse(fitting.encode())).meaning


def test_scales_that_are_not_positive():
    said = '[6] Assertion failed: scaleAllPositive && "Scale coefficients must all be positive"'
    assert "zero or negative" in cause_of(trtlog.parse(node_of("QuantizeLinear", said).encode())).meaning


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("In node 614 (parseGraph): INVALID_NODE: Invalid Node - /ArgMax\nstd::bad_alloc", "std::bad_alloc"),
        ("In node 5 with name: /a and operator: Mod (parseNode): INVALID_NODE: Invalid Node - /a\n", "Invalid Node - /a"),  # noqa: E501
    ],
)
def test_what_a_program_prints_of_the_parser_without_a_header_is_tensorrts(line, words):
    log = trtlog.parse(f"Failed parsing .onnx file!\n{line}\nDone.\n".encode())
    assert outcome_of(log).how == "failed"
    assert words in cause_of(log).text
    assert log.messages["severity"].tolist() == ["error"]


def test_the_parser_s_own_place_is_none_of_deepstream():
    text = ('While parsing node number 0 [Sub -> "_minus"]:\n'
            "ERROR: /src/onnx/builtin_op_importers.cpp:241 In function combineTensorsElementwise:\n"
            "[8] Assertion failed: a->getDimensions().nbDims == b->getDimensions().nbDims\n"
            "ERROR: failed to parse onnx file\n")  # fmt: skip
    log = trtlog.parse(text.encode())
    assert log.run.tool is None
    cause = cause_of(log)
    assert (cause.line, cause.node) == (3, "Sub")
    assert outcome_of(log).how == "failed"


def test_an_exception_whose_words_stand_below_its_place():
    text = "".join(
        f"{T}[E] Error[9]: Skipping tactic 0x0000000000000000 due to exception [::0]\nError during shape inference of\n"
        f"/PRelu_{n}_less = lt(/Conv_{n}, /PRelu_{n}_zero), name=/PRelu_{n}\nError is:\n"
        "Input 0's element type (half) differs from input 1's element type (float).\n" for n in (6, 7)
    )
    text += f"{T}[E] Error[10]: Error Code 10: Internal Error (Could not find any implementation for node {{ForeignNode[a...b]}}.)\n"  # noqa: E501
    log = trtlog.parse((text + FAILED.format("100001")).encode())
    cause = cause_of(log)
    assert cause.line == 1
    assert "name=/PRelu_6 Error is: Input 0's element type (half) differs from input 1's element type (float)" in cause.text  # noqa: E501
    assert "different types" in cause.meaning
    assert "foreign" not in log.coverage["kind"].tolist()


def test_an_exception_that_is_its_class_alone_has_no_words_below():
    text = f"{T}[E] Cannot load the engine due to exception [std::bad_alloc]\nsomething of another program\n"
    log = trtlog.parse(text.encode())
    assert log.messages.text.tolist() == ["Cannot load the engine due to exception [std::bad_alloc]"]
    assert log.coverage.set_index("kind").lines["foreign"] == 1


def test_types_that_differ_without_a_node_of_the_model():
    said = "/Sub: ElementWiseOperation SUB must have same input types. But they are of types Half and Float."
    text = f"{T}[E] [TRT] ITensor::getDimensions: Error Code 4: API Usage Error ({said})\n{FAILED.format('110201')}"
    assert cause_of(trtlog.parse(text.encode())).meaning.startswith("The inputs of the layer /Sub are of different types")  # noqa: E501


OLD = "[TensorRT] ERROR: "
NO_CREATOR = (f"{OLD}INVALID_ARGUMENT: getPluginCreator could not find plugin MY_TRT version 1.0\n"
              f"{OLD}a.cpp (323) - Serialization Error in load: 0 (Cannot deserialize plugin since corresponding "
              f"IPluginCreator not found in Plugin Registry)\n{OLD}INVALID_CONFIG: Deserialize the cuda engine failed.\n")  # fmt: skip  # noqa: E501


def test_an_engine_whose_plugin_is_missing_is_not_damaged():
    [failed] = hits(NO_CREATOR, "build-failed")
    assert failed["text"].startswith("No engine was loaded: ")
    assert "damaged" not in failed["action"]
    [missing] = hits(NO_CREATOR, "plugin-not-found")
    assert missing["text"] == "The engine holds a plugin that is not registered: MY_TRT (line 1)."
    odd = NO_CREATOR.replace("MY_TRT", "operator") + f"{OLD}Cannot find plugin creator for Crop_TRT\n"
    [missing] = hits(odd, "plugin-not-found")
    assert missing["text"] == "The engine holds a plugin that is not registered: operator (line 1); Crop_TRT (line 4)."
    assert not hits(NO_CREATOR, "errors-survived")
    [second] = hits(NO_CREATOR.split("\n", 1)[1], "build-failed")
    assert "plugin that is not loaded here" in second["action"]


def test_an_operator_is_named_once():
    text = node_of("Custom", '[8] Assertion failed: creator && "Plugin not found, are the plugin name correct?"')
    text = f"{T}[E] [TRT] 3: getPluginCreator could not find plugin: Custom version: 1\n{text}"
    [found] = hits(text, "plugin-not-found")
    assert found["text"] == "No importer and no plugin for operator Custom (lines 1, 4)."


REFUSED = f"{T}[W] [TRT] Requested amount of GPU memory (2359296 bytes) could not be allocated. There may not be enough free memory for allocation to succeed.\n"  # noqa: E501
SKIPPED = f"{T}[W] [TRT] Skipping tactic 1 due to insufficient memory on requested size of 2359296 detected for tactic 0x0000000000000007.\n"  # noqa: E501
LOST = f"{T}[E] Error[10]: [optimizer.cpp::computeCosts::36] Error Code 10: Internal Error (Could not find any implementation for node conv1.)\n"  # noqa: E501


@pytest.mark.parametrize(("above", "pool", "remedy"), [(REFUSED, "device", "does not help"), ("", None, "more workspace")])  # noqa: E501
def test_memory_that_the_gpu_refused_is_not_asked_of_the_workspace(above, pool, remedy):
    """The line on the tactic does not say whose memory was short; the one above it does."""
    text = above + SKIPPED + LOST + FAILED.format("8402")
    log = trtlog.parse(text.encode())
    [skip] = log.analyze.table("workspace_skips").to_pylist()
    assert (skip["pool"], skip["requested_mib"], skip["skipped"]) == (pool, 2.25, 1)
    assert remedy in cause_of(log).meaning
    [found] = hits(text, "skipped-for-memory")
    assert ("A larger workspace does not help" in found["text"]) == (pool == "device")


def test_a_graph_that_could_not_be_captured_is_explained():
    text = f"{T}[E] Error[1]: [executionContext.cpp::f::146] Error Code 1: Cuda Runtime (operation not permitted when stream is capturing)\n"  # noqa: E501
    text += "&&&& PASSED TensorRT.trtexec [TensorRT v8502] # trtexec --useCudaGraph --onnx=m.onnx\n"
    [found] = hits(text, "errors-survived")
    assert "trtexec then launches it without a graph" in found["action"]
    assert "Leave --useCudaGraph out" in found["action"]


def test_the_version_that_polygraphy_prints_of_the_module():
    text = "[V] Loaded Module: numpy    | Version: 1.24.1 | Path: ['/opt/numpy']\n"
    text += "[V] Loaded Module: tensorrt           | Version: 8.0.3.4  | Path: ['/opt/tensorrt']\n"
    assert trtlog.parse(text.encode()).run.tensorrt_version == "8.0.3"


def test_a_size_whose_unit_the_line_above_told_elsewhere():
    """538 MB of the line above are 538 without a unit below; of 449 the line above was left out."""
    asked = "[W] [TRT] Tactic Device request: 538MB Available: 166MB. Device memory is insufficient to use tactic."
    skipped = "[W] [TRT] Skipping tactic 3 due to insuficient memory on requested size of {} detected for tactic 4."
    text = "".join(f"{T}{line}\n" for line in (skipped.format(449), asked, skipped.format(538)))
    assert trtlog.parse(text.encode()).table("skips").column("requested_bytes").to_pylist() == [
        449 << 20, 538 << 20, 538 << 20
    ]  # fmt: skip
    alone = f"{T}{skipped.format(449)}\n"
    assert trtlog.parse(alone.encode()).table("skips").column("requested_bytes").to_pylist() == [449]
    banner = "&&&& RUNNING TensorRT.trtexec [TensorRT v{}] # trtexec --onnx=m.onnx\n"
    both = (banner.format(8205) + text + banner.format(7203) + alone).encode()
    assert [run.table("skips").column("requested_bytes").to_pylist()[0] for run in trtlog.parse(both).runs] == [
        449 << 20, 449
    ]  # fmt: skip


def test_an_error_that_is_its_class_alone():
    text = f"{T}[TRT] [E] 2: [buffer.cpp::resizePhysical::145] Error Code 2: OutOfMemory (no further information)\n"
    cause = cause_of(trtlog.parse(text.encode()))
    assert cause.text == "OutOfMemory (no further information)"
    assert cause.meaning.startswith("Memory ran out")


def test_a_process_that_was_killed_while_a_layer_was_being_timed():
    timed = f"{T}[V] [TRT] --------------- Timing Runner: conv7 (CudnnConvolution)\n{T}[V] [TRT] Tactic: 0 Time: 20.1\n"
    [died] = hits(f"{timed}Killed\n", "run-died")
    assert died["text"] == "The process died while conv7 was being timed (from line 1): Killed."
    assert "out-of-memory killer" in died["action"]
    ended = f"{timed}{T}[V] [TRT] Fastest Tactic: 0 Time: 20.1\n"
    [died] = hits(f"{ended}Killed\n", "run-died")
    assert died["text"] == "The process died: Killed."


def test_deepstream_without_an_engine():
    text = "ERROR: ../nvdsinfer/nvdsinfer_model_builder.cpp:1124 Build engine failed from config file\n"
    assert outcome_of(trtlog.parse(text.encode())).how == "failed"


def test_the_logger_of_tensorrt_pro():
    head = "[2026-11-22 13:22:03][warn][trt_builder.cpp:33]:NVInfer WARNING: "
    log = trtlog.parse(f"{head}Detected invalid timing cache, setup a local cache instead\n".encode())
    assert log.messages[["severity", "text"]].values.tolist() == [
        ["warning", "Detected invalid timing cache, setup a local cache instead"]
    ]


def test_a_layer_that_no_runner_has_a_tactic_for():
    """It lacks no memory: each runner says that it has nothing for these types and formats."""
    text = "".join(
        f"{T}[V] [TRT] --------------- Timing Runner: conv7 ({runner})\n"
        f"{T}[V] [TRT] {runner} has no valid tactics for this config, skipping\n"
        for runner in ("CudaDepthwiseConvolution", "CaskConvolution")
    )
    text += LOST.replace("conv1", "conv7")
    cause = cause_of(trtlog.parse(text.encode()))
    assert (cause.line, cause.node) == (5, "conv7")
    words = "none of 2 runners has one for its types, formats and shapes (from line 2)"
    assert cause.text == f"no tactic of conv7 could be used: {words}"
    assert "memory" not in cause.meaning
    alone = cause_of(trtlog.parse("".join(text.splitlines(keepends=True)[2:]).encode()))
    assert "the runner that was tried has none for its types, formats and shapes (from line 2)" in alone.text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Error Code 3: API Usage Error (Parameter check failed, condition: e.isRefittable())", "without --refit"),
        ("Error Code 1: Myelin (Error 716 destroying event '0x2df914a0'.)", "memory that is not its own"),
    ],
)
def test_errors_whose_meaning_is_known(said, words):
    assert words in cause_of(trtlog.parse(f"{T}[E] Error[1]: [a.cpp::f::1] {said}\n".encode())).meaning


def test_a_share_of_the_profile_names_its_rows_without_engine_layers():
    head = "[11/22/2026-13:22:04] [I] "
    rows = [("Reformatting CopyNode for Input Tensor 0 to Conv_0", 58.0, 58.0), ("Conv_0", 42.0, 42.0)]
    text = f"{head}=== Profile (100 iterations ) ===\n{head}{'Layer':>55}   Time (ms)   Avg. Time (ms)   Time %\n"
    text += "".join(f"{head}{name:>55}{time:12.2f}{time / 100:17.4f}{share:9.1f}\n" for name, time, share in rows)
    [found] = hits(text, "reformat-share")
    assert list(found["lines"]) == [3]


def failed_of(text):
    """Return how a text ends and the cause, each as its analysis tells it."""
    log = trtlog.parse(text.encode())
    return outcome_of(log).how, cause_of(log)


def test_shapes_of_a_profile_that_the_model_cannot_compute_with():
    said = "kOPT values for profile 2 violate shape constraints: pick_9: axis 3 is out of bounds"
    how, cause = failed_of(f"{T}[E] 4: {said}\n")
    assert how == "failed"
    assert "computes from the OPT shapes of profile 2" in cause.meaning
    assert "pick_9: axis 3 is out of bounds" in cause.meaning


def test_a_layer_that_nothing_implements():
    said = "Error Code 2: Internal Error (Assertion !impls.empty() failed. /Filter_31 has no runners that implement it)"
    how, cause = failed_of(f"{T}[E] Error[2]: [tacticSupply.cpp::formats::48] {said}\n")
    assert how == "failed"
    assert "nothing that computes the layer /Filter_31:" in cause.meaning


def test_an_error_of_a_logger_that_prints_no_severity():
    said = "Error Code 9: Internal Error (head/Floor_2: IUnaryLayer cannot be used to compute a shape tensor)"
    text = f"[TRT] Loaded engine size: 3 MiB\n[TRT] [graph.cpp::uses::555] {said}\n"
    assert trtlog.parse(text.encode()).messages[["line", "severity", "code"]].values.tolist()[-1] == [2, "error", 9]
    how, cause = failed_of(text)
    assert how == "failed"
    assert "head/Floor_2 is part of what computes a shape" in cause.meaning


def test_the_name_of_an_error_behind_the_header_of_any_program():
    text = "[2026-11-22 13:22:03   ERROR] FAILED_ALLOCATION: std::exception\n"
    [message] = trtlog.parse(text.encode()).messages.to_dict("records")
    assert (message["severity"], message["text"]) == ("error", "FAILED_ALLOCATION: std::exception")


def test_a_place_of_the_parser_without_a_header():
    text = "ERROR: ModelImporter.cpp:92 In function parseGraph:\n[8] Assertion failed: has(weights.name)\n"
    log = trtlog.parse(text.encode())
    assert "foreign" not in set(log.coverage["kind"][log.coverage["lines"] > 0])
    assert "has(weights.name)" in cause_of(log).text


def test_the_list_of_errors_that_a_program_prints_is_a_failed_import():
    how, cause = failed_of("In node 6 (flip_axis): UNSUPPORTED_NODE: Assertion failed: axis >= 0 && axis < rank\n")
    assert how == "failed"
    assert cause.line == 1
