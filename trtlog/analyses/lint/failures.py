"""Runs that failed: the chain of errors from its root, and the usual remedies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trtlog._util.words import counted
from trtlog.analyses.lint.registry import Hit, good, messages, rule

if TYPE_CHECKING:
    from trtlog.log import Log

# Words in the error -> remedy. The first that matches counts.
REMEDIES: tuple[tuple[str, str], ...] = (
    (r"could not load library|cannot open shared object",
     "Install the named library where the loader finds it (LD_LIBRARY_PATH); TensorRT's release notes name "
     "versions."),
    (r"plugin not found|no importer registered|could not find plugin|getplugincreator",
     "The model needs an operator that this TensorRT lacks: load its plugin "
     "(<<--staticPlugins=FILE|--plugins=FILE>>), or export the model without it."),
    (r"could not find any implementation",
     "Look at what was skipped for this node ('trtlog why NODE LOG'): often too little memory "
     "(<<--memPoolSize=workspace:MIB|--workspace=MIB>>), a precision constraint, or a kernel of a newer version."),
    (r"unknown option|unknown flag", "Correct the command line; 'trtexec --help' lists the options of this version."),
    (r"could not open file|failed to open|no such file", "Check the path and the rights of the named file."),
    (r"failed to parse onnx model from file|could not parse|protobuf|modelproto",
     "The model file is missing, damaged or no ONNX model: check the path, and the file with onnx.checker."),
    (r"magic ?tag|version ?tag|serialization|deserialize",
     "The engine file is damaged or of another TensorRT or GPU: build it again with this version on this GPU."),
    (r"dla engine|dla core|not available", "This GPU has no such DLA core: leave out --useDLACore."),
    (r"out of memory|cuda error|insufficient memory|allocat",
     "Free memory of the GPU, use a smaller batch or workspace, or a larger GPU."),
    (r"compute capability|not supported on this", "Use a TensorRT version that serves this GPU."),
    (r"unsupported|assertion failed|not supported",
     "The model uses what this TensorRT cannot import: look at the node named above it, or use a newer version."),
    (r"shape|dimension|profile",
     "Check --shapes, --minShapes, --optShapes and --maxShapes against the model's inputs."),
)  # fmt: skip


def remedy(text: str) -> str | None:
    """Return the usual remedy for an error's text, None for an unknown one.

    Examples
    --------
    >>> remedy("Could not open file a.onnx")
    'Check the path and the rights of the named file.'
    """
    return next((words for pattern, words in REMEDIES if re.search(pattern, text.lower())), None)


def _first_line(row: dict[str, Any]) -> str:
    """Return the line of an error that says most: onnx-tensorrt puts the place above the words."""
    lines = [line.strip() for line in row["text"].strip().splitlines() if line.strip()]
    if not lines:
        return str(row["kind"]).replace("_", " ")
    first: str = lines[1] if len(lines) > 1 and "In function" in lines[0] else lines[0]
    return first


# A node that cannot be imported is printed in full: text format, line by line.
_NODE_TEXT = re.compile(r'^(?:---.*---|[a-z_]+: ".*|[a-z_]+ \{|\})$')


_STATUS = {"failed": "The run failed.", "incomplete": "The run did not finish."}


@rule(
    "build-failed",
    severity="error",
    confidence="high",
    why="The errors after the first are mostly its consequences: the first one names the cause.",
    action="Start with the first error.",
)
def build_failed(log: Log) -> Iterable[Hit]:
    """Failed runs: the chain of errors, the root cause first."""
    errors = [m for m in log.table("messages").to_pylist() if m["severity"] in ("error", "fatal")]
    status = log.run.status
    if status == "passed":
        if not errors:
            yield good("The run passed, without any error.")
        return
    if not errors and status != "failed":
        return
    telling = [e for e in errors if not _NODE_TEXT.match(_first_line(e))] or errors
    unique = list({_first_line(e): e for e in reversed(telling)}.values())[::-1]
    if not unique:
        yield Hit("The run failed, and the log holds no error message.", [log.run.last_line], confidence="medium")
        return
    root = next((e for e in unique if remedy(e["text"])), unique[0])
    chain = " -> ".join(f"line {e['line']}: {_first_line(e)}" for e in unique[:6])
    more = f" -> and {len(unique) - 6} more" if len(unique) > 6 else ""
    words = f"{_STATUS.get(status or '', 'There are errors.')} Errors in order: {chain}{more}."
    known = remedy(root["text"])
    action = f"Start with line {root['line']}. {known}" if known else f"Start with line {root['line']}."
    severity = "error" if status in ("failed", "incomplete") else "warning"
    yield Hit(words, [e["line"] for e in unique], severity=severity, action=action)


@rule(
    "run-died",
    severity="error",
    confidence="high",
    why="The log has no '&&&& PASSED' or '&&&& FAILED' at its end: the process was killed, crashed, or still runs.",
    action="Look at the last lines and at the system's log (out-of-memory killer, signal); run again with the "
    "same options.",
)
def run_died(log: Log) -> Iterable[Hit]:
    """Logs that end in the middle of a run."""
    if log.run.status != "incomplete":
        return
    sections = log.table("sections").to_pylist()
    where = sections[-1]["name"] if sections else "its start"
    yield Hit(f"The log ends at line {log.run.last_line} in section {where}.", [log.run.last_line])


@rule(
    "plugin-not-found",
    severity="error",
    confidence="high",
    why="An operator without importer or plugin cannot be built.",
    action="Load the plugin's library (<<--staticPlugins=FILE|--plugins=FILE>>), or replace the operator in the model.",
)
def plugin_not_found(log: Log) -> Iterable[Hit]:
    """Operators for which neither an importer nor a plugin was found."""
    found = [
        m
        for words in (("plugin not found",), ("no importer registered",), ("could not find plugin",))
        for m in messages(log, *words)
    ]
    if found:
        yield Hit("; ".join(dict.fromkeys(_first_line(m) for m in found[:3])), [m["line"] for m in found])


@rule(
    "dla-fallback",
    severity="warning",
    confidence="high",
    why="Each change between DLA and GPU costs a copy, and the DLA idles meanwhile.",
    action="Replace or reshape the named layers after the DLA's list of supported layers, or keep the network on "
    "the GPU.",
)
def dla_fallback(log: Log) -> Iterable[Hit]:
    """Layers that fell back from the DLA to the GPU."""
    found = [*messages(log, "dla", "falling back"), *messages(log, "unsupported on dla")]
    if found:
        lines = [m["line"] for m in found]
        layers = counted(len(found), "layer")
        yield Hit(f"{layers} fell back from the DLA to the GPU, first: {_first_line(found[0])}", lines)
