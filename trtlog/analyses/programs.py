"""Which program wrote a log, and what it calls the things that trtexec has flags for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trtlog._util.expression import expression
from trtlog.flags import RELEASES, Version, all_flags, parse_version, program_of
from trtlog.log import Log

# The banner names the version from 8.0 on; without one only flags that were there early are sure to exist.
_BEFORE_BANNER_VERSIONS: Version = (7, 0, 0)
# The flag that did the same where a flag was not there yet.
_EARLIER = {"--dumpProfile": "--dumpLayerTime", "--dumpLayerInfo": "--verbose", "--skipInference": "--buildOnly"}
_NAMES = {
    "polygraphy": "Polygraphy",
    "python": "TensorRT, Python API",
    "onnxruntime": "ONNX Runtime",
    "torch_tensorrt": "Torch-TensorRT",
    "deepstream": "DeepStream",
    "gstreamer": "DeepStream",
    "triton": "Triton",
    "tensorrt_llm": "TensorRT-LLM",
    "tao": "TAO Toolkit",
}
# Flag of trtexec -> what the API, Polygraphy, ONNX Runtime's provider and Torch-TensorRT have in its place, if any.
_ELSEWHERE: dict[str, tuple[str, str | None, str | None, str | None]] = {
    "--memPoolSize": ("the workspace by IBuilderConfig.set_memory_pool_limit", "--pool-limit workspace:SIZE",
                      "the option trt_max_workspace_size", "workspace_size"),
    "--workspace": ("IBuilderConfig.max_workspace_size", "--workspace", "the option trt_max_workspace_size",
                    "workspace_size"),
    "--avgTiming": ("IBuilderConfig.avg_timing_iterations", None, None, "num_avg_timing_iters"),
    "--timingCacheFile": ("IBuilderConfig.set_timing_cache", "--load-timing-cache and --save-timing-cache",
                          "the option trt_timing_cache_enable", "timing_cache_path"),
    "--staticPlugins": ("IPluginRegistry.load_library", "--plugins", "the option trt_extra_plugin_lib_paths", None),
    "--plugins": ("ctypes.CDLL or dlopen", "--plugins", "the option trt_extra_plugin_lib_paths", None),
    "--verbose": ("a logger of severity VERBOSE", "--extra-verbose", "a session logger of severity 0",
                  "torch_tensorrt.logging.debug()"),
    "--minShapes": ("IOptimizationProfile.set_shape (min)", "--trt-min-shapes", "trt_profile_min_shapes",
                    "Input(min_shape=...)"),
    "--optShapes": ("IOptimizationProfile.set_shape (opt)", "--trt-opt-shapes", "trt_profile_opt_shapes",
                    "Input(opt_shape=...)"),
    "--maxShapes": ("IOptimizationProfile.set_shape (max)", "--trt-max-shapes", "trt_profile_max_shapes",
                    "Input(max_shape=...)"),
    "--shapes": ("IExecutionContext.set_input_shape", "--input-shapes", "the session's inputs", "the inputs"),
    "--builderOptimizationLevel": ("IBuilderConfig.builder_optimization_level", "--builder-optimization-level",
                                   "the option trt_builder_optimization_level", "optimization_level"),
    "--fp16": ("BuilderFlag.FP16", "--fp16", "the option trt_fp16_enable", "enabled_precisions"),
    "--noTF32": ("BuilderFlag.TF32 cleared", "no --tf32", None, "disable_tf32"),
    "--stronglyTyped": ("NetworkDefinitionCreationFlag.STRONGLY_TYPED", "--strongly-typed", None,
                        "use_explicit_typing"),
    "--layerPrecisions": ("ILayer.precision", "--layer-precisions", None, None),
    "--precisionConstraints": ("BuilderFlag.{}_PRECISION_CONSTRAINTS", "--precision-constraints {}", None, None),
    "--profilingVerbosity": ("IBuilderConfig.profiling_verbosity = {}", "--profiling-verbosity {}", None, None),
    "--inputIOFormats": ("ITensor.allowed_formats of the inputs", "--tensor-formats", None, None),
    "--outputIOFormats": ("ITensor.allowed_formats of the outputs", "--tensor-formats", None, None),
    "--calib": ("IBuilderConfig.int8_calibrator", "--calibration-cache", "the option trt_int8_calibration_table_name",
                None),
    "--useDLACore": ("IBuilderConfig.default_device_type", "--use-dla", "the option trt_dla_enable", None),
}  # fmt: skip
_COLUMN = {"polygraphy": 1, "onnxruntime": 2, "torch_tensorrt": 3}

_ALTERNATIVES = expression(r"<<([^|<>]+)\|([^<>]*)>>")
_FLAG = expression(r"--[A-Za-z][A-Za-z0-9]*")
_WITH_VALUE = expression(r"(?<![\w-])(--[A-Za-z][A-Za-z0-9]*)(?:=(\.\.\.|[^\s,;).|>]+))?(?![\w-])")


def is_rtx(log: Log) -> bool:
    """Whether a run was one of TensorRT-RTX: by its program, its version (1.x), or its messages."""
    run = log.run
    if program(log) == "tensorrt_rtx" or (run.tensorrt_version or "").startswith("1."):
        return True
    from trtlog.analyses.layer.messages import messages_of  # the command line reads flags without numpy

    return any("TensorRT-RTX" in (row["text"] or "") for row in messages_of(log).distinct)


def program(log: Log) -> str | None:
    """Return ``trtexec`` or ``tensorrt_rtx``, None for a log of another program."""
    run = log.run
    by_tool = "trtexec" if run.tool and run.tool.rpartition(".")[2] == "trtexec" else None
    return program_of(run.command) or by_tool


def product(log: Log) -> str:
    """Return the product and its version, as ``TensorRT 8.5.3``."""
    name = "TensorRT-RTX" if is_rtx(log) else "TensorRT"
    return f"{name} {log.run.tensorrt_version}" if log.run.tensorrt_version else name


def program_name(log: Log) -> str:
    """Return the program as people call it: the banner's word, else whose logger it is, else TensorRT.

    Examples
    --------
    >>> import trtlog
    >>> program_name(trtlog.parse(b"[V] [TRT] a"))
    'TensorRT'
    """
    tool = log.run.tool
    return "TensorRT" if tool is None else _NAMES.get(tool, tool)


def version_of(log: Log) -> Version | None:
    """Return the version whose flags count, None where it is not known."""
    run = log.run
    if is_rtx(log):
        return RELEASES[-1]
    if run.tensorrt_version is None and run.command and program(log) == "trtexec":
        return _BEFORE_BANNER_VERSIONS
    return parse_version(run.tensorrt_version) if run.tensorrt_version else None


def serves(name: str, version: Version) -> bool:
    """Whether a version has a flag, and the flag does something."""
    known = all_flags()[name]
    return known.exists_in(version) and (known.deprecated is None or version < known.deprecated)


def spelled(flags: Sequence[str], log: Log) -> list[str]:
    """Return flags as the program of a log spells them: without those that its version lacks or no longer needs."""
    version = version_of(log)
    out = []
    for flag in flags:
        name, _, value = flag.partition("=")
        if version is not None and not serves(name, version):
            earlier = _EARLIER.get(name)
            if version >= all_flags()[name].first or earlier is None or not serves(earlier, version):
                continue
            name, value = earlier, ""
        out.append(f"{name}={value}" if value else name)
    return list(dict.fromkeys(out))


def worded(text: str, log: Log | None = None, *, of_trtexec: bool = False) -> str:
    """Return advice as the program of a log takes it.

    Of ``<<one|other>>`` the one whose flags its version has, the first where that is not known; without a log, for the
    documentation, both. For a log of another program than trtexec the options or the API's names in place of flags,
    unless the advice is on what only trtexec can have printed into it.

    Examples
    --------
    >>> worded("Try <<--fp16|a model in FP16>>.")
    'Try --fp16 [in other versions: a model in FP16].'
    >>> import trtlog
    >>> worded("Try <<--fp16|a model in FP16>>.", trtlog.parse("fixtures/trt-rtx-1.7.1-h200/rtx_err_missing.log.gz"))
    'Try a model in FP16.'
    >>> worded("Raise --avgTiming.", trtlog.parse("fixtures/trt-rtx-1.7.1-h200/rtxpy_bert_tiny.log.gz"))
    'Raise IBuilderConfig.avg_timing_iterations.'
    """

    def chosen(found: re.Match[str]) -> str:
        one, other = found.groups()
        if log is None:
            return f"{one} [in other versions: {other}]" if other else one
        return one if version is None or all(serves(flag, version) for flag in _FLAG.findall(one)) else other

    version = None if log is None else version_of(log)
    text = _ALTERNATIVES.sub(chosen, text)
    if log is None:
        return text
    if of_trtexec or program(log) is not None:
        return text if version is None else _WITH_VALUE.sub(lambda found: _in_version(found, version), text)
    tool = log.run.tool
    return _WITH_VALUE.sub(lambda found: _elsewhere(found, tool), text)


def _in_version(found: re.Match[str], version: Version) -> str:
    """Return a flag, with the versions that have it where this one has not."""
    known = all_flags().get(found[1])
    return found[0] if known is None or known.exists_in(version) else f"{found[0]} [{known.span()}]"


def _elsewhere(found: re.Match[str], tool: str | None) -> str:
    flag, value = found.groups()
    names = _ELSEWHERE.get(flag)
    if names is None:
        return found[0]
    value = "" if value is None else value
    api = names[0].format(value.upper())
    if tool is None:  # most logs without a banner are excerpts of trtexec's
        return f"{found[0]} or {api} in the API"
    own = names[_COLUMN[tool]] if tool in _COLUMN else None
    return own.format(value) if own is not None else api


_MODEL = expression(r"--(?:onnx|loadEngine|model|uff|deploy)=(?:\"([^\"]+)\"|'([^']+)'|(\S+))")


def model_of(log: Log) -> str | None:
    """Return the model that is built or the engine that is loaded, of the options or of the command.

    TensorRT 10 prints no build options where it loads an engine.

    Examples
    --------
    >>> import trtlog
    >>> text = b"&&&& RUNNING TensorRT.trtexec [TensorRT v100200] # trtexec --loadEngine=net.engine"
    >>> model_of(trtlog.parse(text))
    'net.engine'
    """
    printed = log.model.model or log.build.load_engine or log.model.prototxt
    found = None if printed else _MODEL.search(log.run.command or "")
    return printed or (next(filter(None, found.groups())) if found else None)


def loads_engine(log: Log) -> bool:
    """Return whether a run loads its engine: the precision that it prints is then a default, not the engine's."""
    return bool(log.build.load_engine) or "--loadEngine" in (log.run.command or "")
