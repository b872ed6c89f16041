"""Logs on which each rule must and must not fire: the page of rules lists them, a test runs them.

``fixtures/`` and ``tests/cases/`` come with the project; ``corpus/`` are logs of other people, which the tests read
where they are. Of a file of several runs the first one counts. A rule that says that all is well does not fire.
"""

from __future__ import annotations

_FIXTURES = "fixtures/trt-8.5.3-h200"
_MOBILENET = f"{_FIXTURES}/mobilenet_fp16_verbose.log.gz"
_RESNET = f"{_FIXTURES}/resnet50_fp32_verbose.log.gz"
_DETAILED = f"{_FIXTURES}/resnet50_fp16_dyn_detailed.log.gz"
_LOADED = f"{_FIXTURES}/resnet50_load_profile.log.gz"
_BERT = f"{_FIXTURES}/bert_fp16_verbose.log.gz"
_LSTM = f"{_FIXTURES}/lstm_verbose.log.gz"
_UNET = f"{_FIXTURES}/unet_smallws_verbose.log.gz"
_MISSING = f"{_FIXTURES}/err_missing_onnx.log.gz"
_UNSUPPORTED = f"{_FIXTURES}/err_unsupported_op.log.gz"
_DLA = f"{_FIXTURES}/err_dla.log.gz"
_FLAG = "fixtures/trt-rtx-1.7.1-h200/rtx_err_flag.log.gz"
_HELP = "corpus/8.5.0/help-trtexec.txt"
_ORIN = "corpus/10.16.2/sauravrp67-orin-int8-stronglytyped-excerpt.log"
_SKIPPED = "tests/cases/skip-error-but-built.log"
_CRASHED = "tests/cases/gpu-error-during-timing.log"
_NEAR = "tests/cases/enqueue-near-gpu.log"
_JETSON = "tests/cases/jetson-unstable.log"
_FEW_MEMORY = "tests/cases/request-above-device.log"
_UNNAMED = "tests/cases/workspace-unnamed.log"
_BEST = f"{_FIXTURES}/sweep_r50_best_b8.log.gz"
_SWEEP_1 = f"{_FIXTURES}/sweep_r50_fp32_b1.log.gz"
_SWEEP_8 = f"{_FIXTURES}/sweep_r50_fp32_b8.log.gz"
_SWEEP_128 = f"{_FIXTURES}/sweep_r50_fp32_b128.log.gz"
_UNIT = "corpus/10.16.0/cookbook-trtexec-result-02.log.gz"
_CACHE = "corpus/10.16.0/cookbook-FP16Tuning-log-main-py.log.gz"
_CUT = "corpus/10.9.0/resnet50-rtx3070-excerpt.log"
_QAT = "corpus/8.5.10/lix-qat-resnet18.log.gz"
_PLUGIN = "corpus/8.5.10/lix-build-with-plugin.log"
_T4 = "corpus/8.6.1/sudoaimer-segformer-fp32_v1.log.gz"
_CAST = "corpus/10.16.x/cookbook-Layer-Identity-log-main-py.log"

#: Rule -> (logs on which it must fire, logs on which it must not).
EXAMPLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "build-failed": (
        (_MISSING, _UNSUPPORTED, _FLAG, "tests/cases/onnx-file-missing.log", "tests/cases/autotuner-no-tactics.log"),
        (_MOBILENET, _SKIPPED, _ORIN, _HELP, _CUT),
    ),
    "run-died": ((_UNET, _CRASHED, "corpus/8.4.10/lix-orin-build-shqi.log"), (_MISSING, _SKIPPED, _CUT, _HELP, _FLAG)),
    "log-incomplete": ((_CUT, "corpus/8.7.0/nv-sampleProgressMonitor-fence01.log"), (_MOBILENET, _UNET, _FLAG, _HELP)),
    "errors-survived": ((_SKIPPED, _ORIN), (_MOBILENET, _MISSING, _UNET)),
    "plugin-not-found": (
        (_UNSUPPORTED, "corpus/10.14.1/cookbook-ONNXParser-log-main-py.log"),
        (_MISSING, "tests/cases/onnx-file-missing.log", "tests/cases/shape-error-in-parser.log"),
    ),
    "dla-fallback": (
        ("tests/cases/dla-reasons.log", "corpus/deepstream/yolo-dla-issue27-excerpt.log"),
        (_DLA, _MOBILENET),
    ),
    "enqueue-bound": ((_MOBILENET, _LSTM, _BERT), (_NEAR, _DETAILED, _RESNET, _SWEEP_128)),
    "host-bound": (
        ("corpus/10.16.1/cookbook-trtexec-result-01.log",),
        (_MOBILENET, _NEAR, _SWEEP_128, _PLUGIN),
    ),
    "unstable-gpu-time": ((_MOBILENET, _JETSON), (_DETAILED, _SWEEP_128, _NEAR)),
    "transfers-dominate": (
        (_PLUGIN, "corpus/8.6.0/tingsong-dynamic_1-128-128-fp16.log"),
        (_MOBILENET, _NEAR, "corpus/8.6.1/sudoaimer-segformer-fp32_v1.log.gz"),
    ),
    "builder-timed-slower": ((_QAT,), (_MOBILENET, _DETAILED, _RESNET, _LSTM, _T4)),
    "profile-mixed-with-timing": (
        ("corpus/7.x-jetson/jetson-ResNet50_N2-int8-raw.txt",),
        (_MOBILENET, _LOADED, "tests/cases/profile-without-separate-run.log"),
    ),
    "default-shapes": ((_RESNET,), (_SWEEP_1, _DETAILED)),
    "hot-layer": ((_BERT, "corpus/8.x/nv-issue3143-dla-profile-excerpt.log"), (_MOBILENET, _RESNET)),
    "tiny-layers": ((_MOBILENET, _RESNET), (_BERT, _DETAILED, _T4)),
    "precision-fallback": ((_MOBILENET,), (_DETAILED, _RESNET)),
    "narrow-type-held-back": ((_MOBILENET,), (_DETAILED, _RESNET, _QAT, _LSTM)),
    "off-tensor-cores": ((_MOBILENET, _T4), (_RESNET, _DETAILED, _QAT)),
    "channel-alignment": (
        ("tests/cases/odd-channels.log",),
        (_RESNET, _DETAILED, "corpus/8.6.0/cookbook-trtexec-result-02.log.gz"),
    ),
    "only-fp32": ((_LSTM, _T4), (_DETAILED, _LOADED, _ORIN)),
    "int64-cast": ((_BERT, "corpus/8.5.3/sparsedrive-output.log.gz"), (_CAST, _CACHE)),
    "weights-lose-precision": ((_MOBILENET, _BERT), (_RESNET, _LSTM)),
    "int8-uncalibrated": (
        (
            _BEST, "corpus/8.4.10/lix-orin-build-shqi.log", "corpus/7.x-jetson/jetson-ResNet50_N2-int8-raw.txt",
            "corpus/7.x-jetson/khairul-GPU-int8_resnet-50.txt", "corpus/8.6.0/tingsong-dynamic_1-64-8-int8.log",
        ),
        (_QAT, _MOBILENET, _RESNET, "corpus/8.x/nv-sampleINT8API-fence01.log"),
    ),
    "int8-slower": (
        ("tests/cases/int8-slower.log", "tests/cases/int8-slower-conversions-included.log"),
        ("tests/cases/int8-kept-by-formats.log", _QAT, _MOBILENET, _BEST),
    ),
    "qdq-alone": (
        ("tests/cases/qdq-alone.log", "corpus/8.2-trex/trex-tests-inputs-mobilenet.qat.onnx.engine.graph.json"),
        (
            "corpus/8.2-trex/trex-A100-qat-residual-qgap-resnet-qat-residual-qgap.onnx.engine.graph.json",
            _QAT,
            _MOBILENET,
            _DETAILED,
        ),
    ),
    "older-kernels": (
        (_MOBILENET, _DETAILED, _RESNET),
        (_QAT, _CACHE, "corpus/8.5.1/kalfazed-5-1-trtexec-resnet50-build-build.log.gz", _UNET),
    ),
    "generated-pointwise": ((_T4, _UNIT), (_RESNET, _BERT, _MOBILENET)),
    "attention-fused": ((_BERT, _T4), (_MOBILENET, _LSTM, _RESNET)),
    "reformat-share": ((_MOBILENET,), (_DETAILED, _RESNET)),
    "reformat-round-trip": ((_MOBILENET,), (_LSTM, _SWEEP_1)),
    "constant-copies": ((_MOBILENET, _LOADED), (_BERT, _LSTM)),
    "timing-cache-unused": (
        (_RESNET, _SWEEP_8),
        ("corpus/10.16.x/cookbook-Polygraphy-Run-result-04.log", "fixtures/trt-rtx-1.7.1-h200/rtx_bert_verbose.log.gz"),
    ),
    "slow-layers-to-build": ((_BERT, _T4), (_RESNET, _MOBILENET, _UNIT)),
    "timing-cache-mismatch": ((_CACHE,), (_SWEEP_1, _RESNET)),
    "workspace-limit": ((_UNIT,), (_UNET, _MOBILENET, _SWEEP_1)),
    "skipped-for-memory": (
        (_FEW_MEMORY, _UNIT, _UNNAMED, "corpus/8.5.1/kalfazed-5-1-trtexec-resnet50-build-build.log.gz"),
        (_MOBILENET, _UNET),
    ),
    "choices-within-noise": ((_MOBILENET,), (_SWEEP_1, _LOADED)),
}
