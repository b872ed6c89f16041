"""What a log lacks, why, and which flag of the program that wrote it prints it."""

from __future__ import annotations

from collections.abc import Sequence

from trtlog._util.dataclass import dataclass
from trtlog.analyses.programs import is_rtx, program, spelled, worded
from trtlog.log import Log, holds_help_only, is_exports_alone


@dataclass(frozen=True)
class _Need:
    """What is missing, the flags that print it, what tells it in the API, whether a build does; one thing or many."""

    what: str
    flags: tuple[str, ...] = ()
    api: str = ""
    built: bool = False
    single: bool = False


_LOGGER = "a logger of severity VERBOSE"
_VERBOSE = ("--verbose",)
_NEEDS: dict[str, _Need] = {
    "tactics": _Need("timed tactics", _VERBOSE, _LOGGER, True),
    "timings": _Need("'Timing Runner' lines", _VERBOSE, _LOGGER, True),
    "combinations": _Need("format combinations", _VERBOSE, _LOGGER, True),
    "engine_layers": _Need(
        "engine layers", ("--dumpLayerInfo", "--profilingVerbosity=detailed"), "an engine inspector"
    ),
    "passes": _Need("passes of the graph optimizer", _VERBOSE, _LOGGER, True),
    "fusions": _Need("rewrites of the graph", _VERBOSE, _LOGGER, True),
    "onnx_nodes": _Need("imported ONNX nodes", _VERBOSE, _LOGGER, True),
    "memory_totals": _Need("memory totals of the engine", _VERBOSE, _LOGGER, True),
    "phases": _Need("durations of the build", _VERBOSE, _LOGGER, True),
    "memory": _Need("memory in use", _VERBOSE, _LOGGER),
    "profile": _Need("layer profile", ("--dumpProfile", "--separateProfileRun"), "a profiler", single=True),
    "iteration_times": _Need("times of single queries", ("--exportTimes=times.json",)),
    "performance": _Need("performance summary", single=True),
}
# What TensorRT-RTX never prints: it compiles kernels where the engine runs, and times none.
_NOT_IN_RTX = ("tactics", "timings")


def advice(log: Log, tables: Sequence[str], cause: str = "'trtlog lint' looks for the cause") -> str | None:
    """Return one paragraph on the lines that a log lacks, None where it has all.

    Parameters
    ----------
    log : Log
        A log of one run.
    tables : sequence of str
        The tables that must hold rows.
    cause : str
        Where the reader finds why a run failed.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/sweep_r50_fp32_b8.log.gz")
    >>> advice(log, ["tactics"])
    'The log holds no timed tactics. trtexec 8.5.3 prints them with --verbose.'
    """
    lacking = [name for name in tables if name in _NEEDS and not log.table(name).num_rows]
    if not lacking:
        return None
    what = [_NEEDS[name].what for name in lacking]
    words = f"The log holds no {' and no '.join([', no '.join(what[:-1]), what[-1]] if what[1:] else what)}."
    if len(log.runs) != 1:
        return words
    if is_exports_alone(log):
        return _of_exports(words, lacking)
    if holds_help_only(log):
        return f"This is the help text of {program(log) or 'trtexec'}: nothing was run."
    return " ".join([words, *_reasons(log, lacking, cause), *_remedies(log, lacking)])


# What writes the tables that an export can hold.
_EXPORTS = {
    "engine_layers": "--exportLayerInfo=layers.json --profilingVerbosity=detailed",
    "profile": "--exportProfile=profile.json --separateProfileRun",
    "iteration_times": "--exportTimes=times.json",
}


def _of_exports(words: str, lacking: Sequence[str]) -> str:
    """Return the paragraph for exports that were read without a log."""
    sentences = [words.replace("The log holds", "The exports hold")]
    single = len(lacking) == 1 and _NEEDS[lacking[0]].single
    flags = " ".join(_EXPORTS[name] for name in lacking if name in _EXPORTS)
    if flags:
        sentences.append(f"trtexec writes {'it' if single else 'them'} with {flags}.")
    if any(name not in _EXPORTS for name in lacking):
        what = "the others" if flags else "it" if single else "them"
        sentences.append(f"trtexec prints {what}: pass the log of a run with --verbose.")
    return " ".join(sentences)


def _loaded(log: Log) -> bool:
    return bool(log.build.load_engine or (log.run.command and "--loadEngine" in log.run.command))


def _cut(log: Log) -> bool:
    if log.run.status == "failed":
        return not log.table("performance").num_rows  # an output that deviates too far fails a run that was measured
    return log.run.status == "incomplete"


def _reasons(log: Log, lacking: Sequence[str], cause: str) -> list[str]:
    """Return sentences on why the lines are not there."""
    out = []
    if _loaded(log) and any(_NEEDS[name].built for name in lacking):
        out.append("The engine was loaded, not built: the builder's lines are in the log of its build, with --verbose.")
    if _cut(log):
        out.append(f"The run did not finish: {cause}.")
    if "performance" in lacking and _profiled(log):
        out.append(
            "The log says why there is no performance summary: the layer profiler was on, whose synchronizations make "
            "it inaccurate. It is printed with --separateProfileRun, or without --dumpProfile."
        )
    if is_rtx(log) and any(name in _NOT_IN_RTX for name in lacking):
        out.append("TensorRT-RTX compiles kernels where the engine runs, and times no tactics in a build.")
    elif "tactics" in lacking and log.table("combinations").num_rows:
        if any(event == "loaded" for event in log.table("timing_cache").column("event").to_pylist()):
            out.append("A timing cache had their results: build with an empty one to time them.")
        elif _single(log):
            out.append("Its layers had one tactic each, which the builder takes without timing it.")
    if "passes" in lacking and _begins_late(log):
        out.append("It is verbose, and begins behind the passes.")
    if _shortened(log, lacking):
        out.append("The command has the flags that print them: those lines were left out of the log.")
    return out


def _single(log: Log) -> bool:
    """Whether the builder tried combinations of formats, and timed none: each had one tactic."""
    outcomes = set(log.table("timings").column("outcome").to_pylist())
    # Without a block of a runner the log must hold the engine: of an excerpt others may have been left out.
    return bool(log.table("combinations").num_rows) and (
        outcomes == {"untimed"} or (not outcomes and log.table("engine_layers").num_rows > 0)
    )


def _begins_late(log: Log) -> bool:
    """Whether a log holds what the builder timed behind the passes of the optimizer, but not these."""
    return bool(log.table("combinations").num_rows or log.table("timings").num_rows)


def _shortened(log: Log, lacking: Sequence[str]) -> bool:
    """Whether a run that ended well was asked for lines that its log lacks: its beginning is not there, or more."""
    if log.run.status != "passed" or _loaded(log) or log.table("combinations").num_rows:
        return False
    never = _NOT_IN_RTX if is_rtx(log) else ()
    asked = [spelled(_NEEDS[name].flags, log) for name in lacking if _NEEDS[name].flags and name not in never]
    return bool(asked) and all(_given(flag, log) for flags in asked for flag in flags)


def _remedies(log: Log, lacking: Sequence[str]) -> list[str]:
    """Return sentences on how the lines are printed."""
    out = []
    rtx = is_rtx(log)
    never: tuple[str, ...] = _NOT_IN_RTX if rtx else ()
    if not rtx and _single(log):
        never += ("tactics", "timings")
    if "passes" in lacking and _begins_late(log):
        never += ("passes",)
    printed = [n for n in lacking if _NEEDS[n].flags and n not in never and not (_NEEDS[n].built and _loaded(log))]
    single = len(printed) == 1 and _NEEDS[printed[0]].single
    them = "it" if single else "them"
    if printed != list(lacking):
        them = "the " + " and the ".join(_NEEDS[n].what for n in printed)
    if "performance" in lacking and not _profiled(log):
        out += _inference(log)
    flags = list(dict.fromkeys(flag for n in printed for flag in spelled(_NEEDS[n].flags, log)))
    name = program(log)
    if name is None:
        api = list(dict.fromkeys(_NEEDS[n].api for n in printed if _NEEDS[n].api))
        if api:
            which = "tensorrt_rtx" if rtx else "trtexec"
            come = "it comes" if single else "they come"
            if log.run.tool == "polygraphy" and flags == ["--verbose"]:
                return [*out, f"Polygraphy prints {them} with {worded(flags[0], log)}."]
            out.append(f"{which} prints {them} with {' '.join(flags)}; in the API {come} from {' and '.join(api)}.")
        return out
    # A run that failed may have been given the flags: the next one needs them again.
    flags = flags if _cut(log) else [flag for flag in flags if not _given(flag, log)]
    if flags:
        version = log.run.tensorrt_version
        which = f"{name} {version}" if version else name
        verb = "writes" if printed == ["iteration_times"] else "prints"
        end = ", in a run that ends" if _cut(log) else ""
        out.append(f"{which} {verb} {them} with {' '.join(flags)}{end}.")
    return out


def _inference(log: Log) -> list[str]:
    """Return the sentence on how a performance summary is printed, if there is one to say."""
    if log.table("iterations").num_rows:
        return ["Inference ran: its performance summary stands behind the averages, in a part that the log lacks."]
    if program(log) is None:
        return ["The performance summary is trtexec's own."]
    if log.table("profile").num_rows:
        separate = spelled(["--separateProfileRun"], log)  # later versions always profile in a run of its own
        if not separate or _given(separate[0], log):
            return []
        return ["A run with --separateProfileRun, or without --dumpProfile, prints the performance summary."]
    skips = [flag for flag in spelled(["--skipInference"], log) if _given(flag, log)]
    if skips:
        return [f"A run with inference prints the performance summary: without {skips[0]}."]
    return [] if _cut(log) else ["A run with inference prints the performance summary."]


def _profiled(log: Log) -> bool:
    """Whether the log says that a profiler kept it from reporting times."""
    return "timing_report_missing" in log.table("coverage").column("kind").to_pylist()


def _given(flag: str, log: Log) -> bool:
    """Whether the run had a flag already."""
    if flag == "--verbose" and log.reporting.verbose is not None:
        return log.reporting.verbose
    words = (log.run.command or "").split()
    return flag in words or (flag.startswith("--exportTimes") and any(w.startswith("--exportTimes") for w in words))
