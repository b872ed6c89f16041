# ruff: noqa: E501 - lines of logs are as long as they are
"""The cause of a failure: the error that explains the others, as a reader of the text finds it."""

import pytest

import trtlog
from tests.conftest import CORPUS, ROOT
from trtlog.analyses.lint.causes import cause_of
from trtlog.analyses.lint.failures import outcome_of
from trtlog.analyses.lint.registry import lint
from trtlog.analyses.missing import advice

CASES = ROOT / "tests" / "cases"
T = "[01/02/2026-10:00:00] "
RUNNING = "&&&& RUNNING TensorRT.trtexec [TensorRT v101300] [b35] # trtexec --onnx=m.onnx\n"
TIMED = f"{T}[V] [TRT] --------------- Timing Runner: conv7 (CaskConvolution[0x80000009])\n"
DEVICE = f"{T}[W] [TRT] Tactic Device request: 4096MB Available: 307MB. Device memory is insufficient to use tactic.\n"


def found_in(log):
    return {f["rule"]: f for f in lint(log).to_pylist()}


@pytest.mark.parametrize(
    ("name", "line", "words", "action"),
    [
        # the file is not there; not an unsupported operator, though the words are "Assertion failed"
        ("onnx-file-missing", 3, "Input file cannot be found", "dir/m.onnx cannot be opened: check the path"),
        # a node whose inputs cannot be broadcast; not --shapes
        ("shape-error-in-parser", 1, 'node 103 (Where -> where_out) of the model: broadcast', "mend the model"),
        # no kernel for a fused depthwise convolution in BF16; not memory
        ("autotuner-no-tactics", 2, "{ForeignNode[a...b]} could be used: [autotuner", "corrltn: dwconv_out"),
        # the launch that timed out, printed as a warning, before cuDNN's error and the abort
        ("gpu-error-during-timing", 5, "pool1 : the launch timed out", "longer than the system allows"),
    ],
)  # fmt: skip
def test_causes_of_cases(name, line, words, action):
    log = trtlog.parse(CASES / f"{name}.log")
    found = found_in(log)["build-failed"]
    assert found["severity"] == "error"
    assert f"(line {line})" in found["text"]
    assert words in found["text"]
    assert found["action"].startswith(f"Start with line {line}. ")
    assert action in found["action"]
    assert "--shapes" not in found["action"]
    assert "memPoolSize" not in found["action"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        # nothing left but the step that failed
        (f"{T}[E] Engine set up failed\n", 1, "the cause stands in a part that the log lacks"),
        # memory of the GPU: all that was skipped for the layer that has no tactic; no workspace helps
        (f"{TIMED}{DEVICE}{T}[E] Error[10]: IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not "
         f"find any implementation for node conv7.)\n{T}[E] Building engine failed\n", 2, "a larger workspace does not help"),
        # an exception for another layer is not the cause
        (f"{T}[E] Error Code: 9: Skipping tactic 0x0000000000000001 due to exception canImplement1\n{TIMED}"
         f"{T}[E] Error Code: 9: Skipping tactic 0x0000000000000002 due to exception NVRTC Compilation failure\n"
         f"{T}[E] Error[10]: IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not find any "
         "implementation for node conv7.)\n", 3, "does not compile"),
        # what runs survive stands first
        (f"{T}[E] [TRT] [timingCache.cpp::validate::952] Error Code 4: API Usage Error (Timing cache header mismatch)\n"
         f"{T}[E] [TRT] Error Code 1: Cuda Runtime (out of memory)\n{T}[E] Building engine failed\n", 2, "Memory ran out"),
        # a timing cache that lacks a tactic, where the build was told to fail then
        (f"{T}[E] [TRT] Error[2]: [timingCache.cpp::query::12] Error Code 2: Internal Error (Assertion !errorOnMiss "
         f"failed. )\n{T}[E] Building engine failed\n", 1, "build once without this flag and keep the cache"),
        ("Could not open file m.onnx\n"
         f"{T}[E] [TRT] ModelImporter.cpp:688: Failed to parse ONNX model from file: m.onnx\n", 1, "m.onnx cannot be opened"),
    ],
)  # fmt: skip
def test_causes_of_texts(text, line, words):
    ended = f"{RUNNING}{text}&&&& FAILED TensorRT.trtexec [TensorRT v101300] [b35] # trtexec --onnx=m.onnx\n"
    cause = cause_of(trtlog.parse(ended.encode()))
    assert cause.line == line + 1
    assert words in cause.meaning


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (f"{RUNNING}{TIMED}", "cut"),
        (f"{RUNNING}{TIMED}Aborted (core dumped)\n", "died"),
        (f"{RUNNING}{TIMED}trtexec: graph.cpp:12: int size(): Assertion `size > 0' failed.\n", "died"),
        (f"{RUNNING}{TIMED}./run.sh: line 3:  4711 Segmentation fault      (core dumped) trtexec --onnx=m.onnx\n", "died"),
        (f"{RUNNING}{T}[E] Unknown option: --what\n", "failed"),
        (f"{T}[TRT] [E] Error Code: 9: Skipping tactic 0x01 due to exception x\n", "errors"),
    ],
)  # fmt: skip
def test_how_runs_end(text, how):
    log = trtlog.parse(text.encode())
    assert outcome_of(log).how == how
    rules = found_in(log)
    assert ("run-died" in rules) == (how == "died")
    assert ("log-incomplete" in rules) == (how == "cut")
    if how == "died":
        assert "while conv7 was being timed (from line 2)" in rules["run-died"]["text"]
        assert rules["run-died"]["layers"] == ["conv7"]


def test_a_skipped_tactic_is_no_failed_build():
    found = found_in(trtlog.parse(CASES / "skip-error-but-built.log"))
    assert "build-failed" not in found
    assert found["errors-survived"]["severity"] == "advice"
    assert "(line 2)" in found["errors-survived"]["text"]


def test_a_crash_names_the_layer_that_was_being_timed():
    found = found_in(trtlog.parse(CASES / "gpu-error-during-timing.log"))["run-died"]
    assert found["layers"] == ["pool1"]
    assert 7 in found["lines"]


def test_layers_that_fell_back_from_the_dla_and_their_reasons():
    found = found_in(trtlog.parse(CASES / "dla-reasons.log"))["dla-fallback"]
    assert found["layers"] == ["/head/Slice_1", "conv9", "gather3"]
    for words in ("slicing 4 dimensional", "does not support dynamic shapes", "only supports FP16 and Int8"):
        assert words in found["text"]


@pytest.mark.skipif(not CORPUS.exists(), reason="the third-party logs are not here")
@pytest.mark.parametrize(
    ("path", "rule", "words"),
    [
        ("8.4.10/lix-orin-build-shqi.log", "run-died", "{ForeignNode[18 + (Unnamed Layer* 1) [Shuffle]...If_6_OutputLayer]}"),
        ("8.5.10/nv-issue4106-dla-standalone-failed-excerpt.log", "build-failed", "use cuDLA APIs instead (line 3)"),
        ("10.16.x/cookbook-PythonPlugin-log-add-scalar-cuda-python-py.log", "build-failed", "isSuccess(status) failed (line 4)"),
        ("10.x/modelopt-1615-fp8-myelin-excerpt.log", "build-failed", "NVRTC Compilation failure (line 1)"),
        ("8.x/nv-resnet-fence01.log", "build-failed", "invalid weights type of Int8 (line 6)"),
        ("10.16.2/sauravrp67-orin-int8-stronglytyped-excerpt.log", "errors-survived", "2 tactics were passed over"),
        ("8.5.0/help-trtexec.txt", None, "build-failed run-died log-incomplete"),
        ("10.9.0/resnet50-rtx3070-excerpt.log", None, "build-failed run-died errors-survived"),
    ],
)  # fmt: skip
def test_logs_of_others(path, rule, words):
    found = found_in(trtlog.parse(CORPUS / path))
    if rule is None:
        assert not set(words.split()) & set(found)
    else:
        assert words in found[rule]["text"]


SKIPPED = "Skipping tactic 0 due to insuficient memory on requested size of 29147520 detected for tactic 0."
NO_IMPLEMENTATION = (
    "[optimizer.cpp::computeCosts::1] Error Code 10: Internal Error (Could not find any implementation for node "
    "{ForeignNode[a...b]}.)"
)


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ([f"[W] [TRT] {SKIPPED}", f"[E] Error[10]: {NO_IMPLEMENTATION}"], 1, "its tactics need more memory than there is"),
        (
            ["[W] [TRT] Skipping tactic 0 due to Myelin error: called with invalid memory size (0).",
             f"[E] Error[10]: {NO_IMPLEMENTATION}"],
            1, "called with invalid memory size (0).",
        ),
        # A skip further above may be another layer's, which other tactics were found for.
        (
            [f"[W] [TRT] {SKIPPED}", "[I] [TRT] a", "[I] [TRT] b", "[I] [TRT] c", f"[E] Error[10]: {NO_IMPLEMENTATION}"],
            5, "could be used",
        ),
        # The header of the error was cut off: it is no part of the message above.
        (
            ["[E] [TRT] Error Code: 9: Skipping tactic 0x0000000000000000 due to exception [shape.cpp:f:1] ",
             "Error during shape inference of", "", "Error Code 10: Internal Error (Could not find any implementation for "
             "node {ForeignNode[a...b]}.)"],
            1, "Error during shape inference of",
        ),
    ],
)  # fmt: skip
def test_what_was_skipped_right_above_a_node_without_implementation_is_the_cause(lines, line, words):
    log = trtlog.parse("\n".join([*lines, ""]).encode())
    found = cause_of(log)
    assert found.line == line
    assert found.text.startswith("no tactic of {ForeignNode[a...b]} could be used")
    assert found.text.endswith(words)
    assert [row["severity"] for row in log.lint().to_dict("records") if row["rule"] == "build-failed"] == ["error"]


def test_a_debugger_tells_the_signal():
    text = '[I] [TRT] Loaded engine size: 2 MiB\n\nThread 1 "trtexec" received signal SIGSEGV, Segmentation fault.\n'
    (row,) = (row for row in trtlog.parse(text.encode()).lint().to_dict("records") if row["severity"] == "error")
    assert (row["rule"], row["lines"]) == ("run-died", [3])


@pytest.mark.parametrize(
    ("command", "error", "action"),
    [
        # a GPU that is newer than TensorRT
        ("--onnx=m.onnx", "Error[9]: IBuilder::buildSerializedNetwork: Error Code 9: API Usage Error (Target GPU SM 121 is "
         "not supported by this TensorRT release.)", "does not serve this GPU: use a version that does."),
        # a type that the GPU lacks
        ("--onnx=m.onnx", "Error[9]: IBuilder::buildSerializedNetwork: Error Code 9: API Usage Error (Networks with FP8 Q/DQ "
         "layers require hardware with FP8 support.)", "This GPU does not compute in FP8, as far as this TensorRT knows it"),
        ("--onnx=m.onnx", "Error[4]: IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (fc1: Int8 precision has "
         "been set for a layer or layer output, but int8 is not configured in the builder)", "add --int8, or build with "
         "--stronglyTyped."),
        # the library of the builder's kernels; not a path in the command
        ("--onnx=m.onnx", "Error[6]: createInferBuilder: Error Code 6: API Usage Error (Unable to load library: "
         "libnvinfer_builder_resource.so.10.13.0: libnvinfer_builder_resource.so.10.13.0: cannot open shared object file: No "
         "such file or directory)", "The library libnvinfer_builder_resource.so.10.13.0 cannot be loaded: install it with"),
        # what the log says of both sides is told
        ("--loadEngine=m.plan", "Error[6]: IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan "
         "file is not compatible with this version of TensorRT, expecting library version 10.13.0.35 got 10.7.0.23, please "
         "rebuild.)", "The engine was built with TensorRT 10.7.0.23, and this is 10.13.0.35: build it again"),
        ("--loadEngine=m.plan", "Error[6]: IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan "
         "file is generated on an incompatible device, expecting compute 12.1 got compute 8.7, please rebuild.)",
         "The engine was built for a GPU of compute capability 8.7, and this one has 12.1: build it again on this GPU"),
        ("--loadEngine=m.plan", "Error[1]: IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization "
         "assertion stdVersionRead == kSERIALIZATION_VERSION failed.Version tag does not match. Note: Current Version: 7, "
         "Serialized Engine Version: 5)", "(in format 5, where this one reads 7)"),
        # shapes: which were given, and which the engine or the model takes
        ("--loadEngine=m.plan --shapes=x:9x3", "Error[3]: IExecutionContext::setInputShape: Error Code 3: API Usage Error "
         "(Parameter check failed, condition: satisfyProfile. Set dimension [9,3] for tensor x does not satisfy any "
         "optimization profiles. Valid range for profile 0: [1,3]..[8,3].)", "The engine takes [1,3] to [8,3] for the input x "
         "(profile 0), but [9,3] was given"),
        ("--onnx=m.onnx", "Error[4]: IBuilder::buildSerializedNetwork: Error Code 4: Internal Error (ids: for dimension number "
         "1 in profile 0 does not match network definition (got min=2, opt=20, max=200), expected min=opt=max=30).)",
         "Dimension 1 (from 0) of the input ids is 30 in the model and cannot be changed, but 2 to 200 was given"),
        ("--onnx=m.onnx", "Error[4]: IBuilder::buildSerializedNetwork: Error Code 4: Internal Error (ids: for dimension number "
         "1 in profile 0 does not match network definition (got min=2, opt=2, max=2), expected min=opt=max=30).)",
         "cannot be changed, but 2 was given"),
        ("--onnx=m.onnx", "Error[4]: IBuilder::buildSerializedNetwork: Error Code 4: Internal Error (kOPT values for profile 0 "
         "violate shape constraints: /up/Add: dimensions not compatible for elementwise. Condition '==' violated: 31 != 30.)",
         "computes from the OPT shapes of profile 0 does not fit together at /up/Add (31 != 30): give shapes that the model"),
        ("--onnx=m.onnx", "Error[4]: IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (/pad/Pad: tensor volume "
         "exceeds (2^31)-1, dimensions are [9,64,9000,9000])", "A tensor has more elements than TensorRT takes"),
        ("--loadEngine=m.plan", "Error[2]: [executionContext.cpp::initializeExecutionContext::600] Error Code 2: OutOfMemory "
         "(Requested size was 9000000000 bytes.)", "Memory ran out"),
        ("--loadEngine=m.plan", "Error[1]: IExecutionContext::enqueueV3: Error Code 1: Myelin ([executor.cpp:9: "
         "execute_kernel] Could not execute kernel k1. Error: CUDA_ERROR_LAUNCH_FAILED)", "A kernel failed while it ran"),
        # a flag that stands twice is unknown the second time
        ("--onnx=m.onnx --fp16 --fp16", "Unknown option: --fp16 ", "It stands 2 times in the command, and may stand once."),
    ],
)  # fmt: skip
def test_what_the_error_says_is_in_the_remedy(command, error, action):
    banner = f"TensorRT.trtexec [TensorRT v101300] [b35] # trtexec {command}\n"
    text = f"&&&& RUNNING {banner}{T}[E] {error}\n{T}[E] Engine set up failed\n&&&& FAILED {banner}"
    found = found_in(trtlog.parse(text.encode()))["build-failed"]
    assert found["action"].startswith("Start with line 2. ")
    assert action in found["action"]


@pytest.mark.parametrize(
    ("version", "option", "action"),
    [
        ("110100", "--fp16 ", "Networks are strongly typed from 11.0: the precision comes from the model;"),
        ("101300", "--workspace 4096", "Write --memPoolSize=workspace:4096. The value stays in MiB."),
        ("101300", "--noSpinWait ", "Spin wait is off by default before 11.0: leave the flag out."),
    ],
)
def test_a_flag_of_other_versions_is_told_what_takes_its_place(version, option, action):
    banner = f"TensorRT.trtexec [TensorRT v{version}] # trtexec --onnx=m.onnx {option.strip().replace(' ', '=')}\n"
    log = trtlog.parse(f"&&&& RUNNING {banner}{T}[E] Unknown option: {option}\n&&&& FAILED {banner}".encode())
    assert action in found_in(log)["build-failed"]["action"]


def test_each_flag_that_is_not_known_is_told_what_takes_its_place():
    banner = "TensorRT.trtexec [TensorRT v100300] # trtexec --onnx=m.onnx --workspace=2048 --buildOnly\n"
    text = "".join(f"{T}[E] Unknown option: {option}\n" for option in ("--workspace 2048", "--buildOnly ", "--what "))
    action = found_in(trtlog.parse(f"{text}&&&& FAILED {banner}".encode()))["build-failed"]["action"]
    assert "Write --memPoolSize=workspace:2048." in action
    assert "It does not know --buildOnly" in action
    assert "either: Write --skipInference." in action
    assert "--what" not in action


def test_a_node_whose_inputs_are_of_two_types():
    text = (
        f"{RUNNING}{T}[E] [TRT] ITensor::getDimensions: Error Code 4: API Usage Error (/Sub: ElementWiseOperation SUB must have "
        "same input types. But they are of types Half and Float.)\n"
        f'{T}[E] [TRT] ModelImporter.cpp:142: While parsing node number 5 [Sub -> "/Sub_out"]:\n{T}[E] Failed to parse onnx file\n'
    )
    found = found_in(trtlog.parse(text.encode()))["build-failed"]
    assert "node 5 (Sub -> /Sub_out) of the model: /Sub: ElementWiseOperation SUB must have same input types" in found["text"]
    assert "The inputs of the node Sub are of different types" in found["action"]


def test_an_engine_that_was_not_loaded_is_no_run_that_passed():
    banner = "TensorRT.trtexec [TensorRT v101300] [b35] # trtexec --loadEngine=m.plan --skipInference\n"
    text = (
        f"&&&& RUNNING {banner}{T}[E] Error[6]: IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan "
        "file is not compatible with this version of TensorRT, expecting library version 10.13.0.35 got 10.7.0.23, please "
        f"rebuild.)\n{T}[E] Engine deserialization failed\n{T}[I] Skipped inference phase since --skipInference is added.\n"
        f"&&&& PASSED {banner}"
    )
    log = trtlog.parse(text.encode())
    assert (log.run.status, outcome_of(log).how) == ("passed", "failed")
    found = found_in(log)
    assert "errors-survived" not in found
    assert found["build-failed"]["severity"] == "error"
    assert found["build-failed"]["text"].startswith(
        "trtexec says that the run passed, but the engine could not be loaded: The engine plan file is not compatible"
    )
    loaded = text.replace(f"{T}[I] Skipped", f"{T}[I] Engine deserialized in 0.1 sec.\n{T}[I] Skipped")
    assert outcome_of(trtlog.parse(loaded.encode())).how == "passed"


def test_how_a_process_died_is_no_rest_of_a_line_that_is_as_wide():
    """The line above the assertion is the widest: nothing was cut there."""
    text = (
        f"{T}[I] Starting inference\n"
        f"{T}[E] Error[1]: [runner.cpp::execute::718] Error Code 1: Myelin (Final synchronize failed (700))\n"
        "trtexec: samples/common/inference.cpp:84: void sample::Timeline::advance(unsigned int): Assertion `0' failed.\n"
        "Aborted (core dumped)\n"
    )
    log = trtlog.parse(text.encode())
    assert outcome_of(log).how == "died"
    found = found_in(log)
    assert found["run-died"]["lines"] == [3, 4]
    assert found["build-failed"]["action"].startswith("Start with line 2. A kernel accessed memory that is not its own")


def test_an_engine_that_another_program_could_not_load():
    text = (
        "ERROR: [TRT]: IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion "
        "plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed.Trying to load an engine created with incompatible serialization "
        "version.)\n"
    )
    found = found_in(trtlog.parse(text.encode()))
    assert "errors-survived" not in found
    assert found["build-failed"]["text"].startswith("No engine was loaded: Serialization assertion")
    assert "build it again with this version on this GPU" in found["build-failed"]["action"]
    built = f"{text}INFO: [TRT]: Engine generation completed in 3 seconds.\n"
    assert "build-failed" not in found_in(trtlog.parse(built.encode()))


def test_an_engine_that_was_run_before_its_shapes_were_set():
    text = f"{T}[E] [TRT] 1: [runner.cpp::run::7] Error Code 1: Myelin ([myelinGraphExecute] Called without resolved dynamic shapes.)\n"
    assert "was run before their shapes were set" in found_in(trtlog.parse(text.encode()))["errors-survived"]["action"]


def test_a_reason_that_names_a_tensor_is_that_of_the_layer_below():
    text = (
        f"{T}[W] [TRT] Validation failed for DLA layer: mul1. Switching to GPU fallback.\n"
        f"{T}[W] [TRT] Input tensor has less than 4 dimensions for mod2. At least one shuffle layer will be inserted which "
        "cannot run on DLA.\n"
        f"{T}[W] [TRT] DLA does not support dynamic shape tensor: topk_out\n"
        f"{T}[W] [TRT] Validation failed for DLA layer: mod2. Switching to GPU fallback.\n"
    )
    log = trtlog.parse(text.encode())
    assert log.coverage.set_index("kind").lines.to_dict() == {
        "dla_fallback": 2, "dla_dynamic_tensor": 1, "dla_shuffle_inserted": 1,
    }  # fmt: skip
    found = found_in(log)["dla-fallback"]
    assert found["text"] == (
        "2 layers fell back from the DLA to the GPU: mul1, mod2 (DLA does not support dynamic shape tensor: topk_out)."
    )
    assert found["lines"] == [1, 3, 4]


def test_a_flag_that_is_not_set_for_another_one_is_not_the_cause():
    text = (
        f"{T}[E] Error[3]: [builderConfig.cpp::setFlag::65] Error Code 3: API Usage Error (Parameter check failed at: "
        "builderConfig.cpp::setFlag::65, condition: flag. kPREFER_PRECISION_CONSTRAINTS cannot be set if "
        "kOBEY_PRECISION_CONSTRAINTS is set.)\n"
        f"{T}[E] Error[2]: [nvmRegionOptimizer.cpp::forceToUseNvmIO::175] Error Code 2: Internal Error (Assertion all_of(a, "
        "[](Node* n) { return isDLA(n->backend); }) failed. )\n"
        f"{T}[E] Error[2]: [builder.cpp::buildSerializedNetwork::636] Error Code 2: Internal Error (Assertion engine != nullptr "
        f"failed. )\n{T}[E] Engine could not be created from network\n"
    )
    found = found_in(trtlog.parse(text.encode()))["build-failed"]
    assert found["action"].startswith("Start with line 2. An input or output is to be in the DLA's own memory")


def test_an_engine_that_is_a_null_pointer_was_lost():
    text = (
        "ERROR: [Torch-TensorRT TorchScript Conversion Context] - 1: [nvdlaUtils.cpp::submit::198] Error Code 1: DLA (Failure "
        "to submit program to DLA engine.)\n"
        "ERROR: [Torch-TensorRT TorchScript Conversion Context] - 2: [builder.cpp::buildSerializedNetwork::620] Error Code 2: "
        "Internal Error (Assertion enginePtr != nullptr failed. )\n"
    )
    found = found_in(trtlog.parse(text.encode()))
    assert "errors-survived" not in found
    assert found["build-failed"]["text"].startswith("No engine was built: Failure to submit program to DLA engine (line 1).")
    assert "The DLA did not take its program" in found["build-failed"]["action"]


def test_outputs_that_deviate_too_far_are_named():
    """The run is measured and fails all the same: it did finish."""
    banner = "TensorRT.trtexec [TensorRT v110100] # trtexec --loadEngine=m.plan --loadRefOutputs=y:r.bin"
    text = (
        f"&&&& RUNNING {banner}\n{T}[I] Accuracy loss for tensor x (L0): 0.000100\n"
        f"{T}[I] Accuracy loss for tensor y (L0): 0.300000 [FAIL: >= threshold 0.010000]\n"
        f"{T}[I] === Performance summary ===\n{T}[I] Throughput: 90 qps\n"
        f"{T}[E] Accuracy validation FAILED: one or more tensors exceeded the threshold.\n&&&& FAILED {banner}\n"
    )
    log = trtlog.parse(text.encode())
    found = found_in(log)["build-failed"]
    assert found["text"] == (
        "The run failed: outputs deviate too far: y by 0.3, where 0.01 is allowed, line 3 (line 6)."
    )
    assert "the engine and its times stand" in found["action"]
    assert "did not finish" not in (advice(log, ["profile"]) or "")
