"""Why a run failed: the error that explains the others, what it means, what to do.

The one owner of causes: lint's findings, the summary and the runner ask :func:`find_cause`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.rows import table_rows
from trtlog._util.words import first_line, first_of
from trtlog.analyses.build.memory import pool_of, skips_with_refusals
from trtlog.analyses.layer.messages import MessageRows, messages_of
from trtlog.analyses.lint.known_errors import DYNAMIC_INPUT, HARMLESS, IN_MODEL, KNOWN, RESULTS
from trtlog.analyses.programs import version_of
from trtlog.flags import all_flags
from trtlog.log import Log
from trtlog.records.options import BUILD_SHAPE

# Kinds of messages that only say which step an earlier error ended.
_STEPS = frozenset({"step_failed", "engine_failed", "inference_exception", "context_failed", "network_invalid"})
_CRASHES = frozenset({"assertion_aborted", "exception_uncaught", "process_signalled", "loader_error"})
_NO_IMPLEMENTATION = expression(r"[Cc]ould not find any implementation for node (.*?)\.?\)?(?: due to .*)?$", re.DOTALL)
_RIGHT_ABOVE = 2
_SKIPS = frozenset({"tactic_exception", "tactic_gpu_error"})
# 'While parsing node number 5 [MagicOp -> "output"]:', or 'In node 5 with name: .. and operator: MagicOp (..): ..'.
_NODE = expression(r'While parsing node number (?P<number>[0-9]+) \[(?P<op>\w+)(?: -> "(?P<output>[^"]*)")?\]')
_IN_NODE = expression(
    r"In node (?P<number>[0-9]+)(?: with name: (?P<name>(?:(?! and operator: |In node ).)*) and operator: (?P<op>\S*))?"
    r" \(\w+\): "
)
_NO_NODE = expression(
    r"^In node -1 with name: (?:(?! and operator: ).)* and operator: .*?: \w+: (?:Assertion failed: .*\): (?=\w))?"
)
_NO_MORE = "no further information"  # then the class of the error is all that it says
_PLACE_ALONE = expression(r"(?:.* due to exception )?\[[^\[\] ]*:[0-9]+\]$")
_INVALID_NODE = expression(r"\bInvalid Node - \S+$")
# A node that cannot be imported is printed in full: text format, line by line.
_NODE_TEXT = expression(r'^(?:---.*---|[a-z_]+: ".*|[a-z_]+ \{|\}|Node name: .*)$')


@dataclass(frozen=True)
class Cause:
    """The error that explains a failure.

    Attributes
    ----------
    line
        Where it stands; None for a text without lines.
    text
        The error in its own words, with the node of the model where it names one.
    meaning
        What it means and what to do; None for an unknown error.
    node
        Layer or operator that it is about; None for none.
    """

    line: int | None
    text: str
    meaning: str | None = None
    node: str | None = None


def words_of(error: Mapping[str, Any]) -> str:
    r"""Return the line of an error that says most: onnx-tensorrt puts the place above the words.

    Examples
    --------
    >>> words_of({"kind": "onnx_message", "text": "ERROR: a.cpp:1 In function parse:\n[8] Assertion failed: x"})
    '[8] Assertion failed: x'
    """
    lines = [line.strip() for line in (error["text"] or "").strip().splitlines() if line.strip()]
    if lines:
        # A code alone says nothing, and node -1 is none: the file itself could not be read.
        lines[0] = re.sub(r"^Error\[[0-9]+\]: +(?!.*Error Code)", "", lines[0])
        lines[0] = _NO_NODE.sub("", lines[0])
    if len(lines) > 1 and _PLACE_ALONE.match(lines[0]):
        lines = [" ".join(lines[1:])]  # below the place stands what the exception says
    if not lines:
        return str(error["kind"]).replace("_", " ")
    if lines[0].strip("().") == _NO_MORE and error.get("error_class"):
        return f"{error['error_class']} ({_NO_MORE})"
    first: str = lines[1] if len(lines) > 1 and "In function" in lines[0] else lines[0]
    if _INVALID_NODE.search(first) and first != lines[-1]:
        first = lines[lines.index(first) + 1]  # below the node's name stands what is wrong with it
    if len(lines) > 1 and first.endswith(":"):
        first = f"{first} {lines[1]}"
    # TensorRT 10 appends the place of the error; brackets of the class that surrounds the text may be left over.
    first = re.sub(r"(?:\.|(?<! )) +In \w+ at \S+:[0-9]+\)?$", "", first)
    return first.removesuffix(")") if first.count(")") > first.count("(") else first


def meaning_of(text: str, known: Sequence[tuple[str, str]] = KNOWN) -> str | None:
    """Return what an error's text means and what to do, None for an unknown one.

    Examples
    --------
    >>> meaning_of("Could not open file a.onnx")
    'The file a.onnx cannot be opened: check the path and the permissions.'
    """
    for pattern, meaning in known:
        found = re.search(pattern, text)
        if found:
            value = next((group for group in found.groups() if group), "")
            meaning = meaning.replace("{0}", value.rstrip(".!,") if value else "").replace("  ", " ")
            parts = found.groupdict()
            if "opt" in parts:  # the shapes of a profile, which are one where all three are
                got = dict.fromkeys(parts[name] for name in ("got", "opt", "most"))
                parts["given"] = " to ".join([*got][:: max(1, len(got) - 1)])
            for name, part in parts.items():
                meaning = meaning.replace(f"{{{name}}}", part or "")
            return meaning
    return None


def errors_of(log: Log) -> MessageRows:
    """Return a run's errors, and the GPU errors that TensorRT prints as warnings; dumps of nodes are left out."""

    def is_error(row: Mapping[str, Any], text: str) -> bool:
        return (row["severity"] in ("error", "fatal") or row["kind"] == "tactic_gpu_error") and not is_node_text(row)

    if log not in _ERRORS:
        _ERRORS[log] = messages_of(log).where(is_error)
    return _ERRORS[log]


# Asked for by several rules.
_ERRORS: WeakKeyDictionary[Log, MessageRows] = WeakKeyDictionary()


def chosen(
    errors: Sequence[Mapping[str, Any]], wanted: Callable[[Mapping[str, Any]], Any]
) -> Sequence[Mapping[str, Any]]:
    """Return the errors for which a function is true; it looks at all but the line: of equal ones one is asked."""
    return errors.where(wanted) if isinstance(errors, MessageRows) else [error for error in errors if wanted(error)]


def first_of_all(
    errors: Sequence[Mapping[str, Any]], wanted: Callable[[Mapping[str, Any]], Any]
) -> Mapping[str, Any] | None:
    """Return the first error for which a function is true, as `chosen`."""
    return next(iter(chosen(errors, wanted)), None)


def lines_of(errors: Sequence[Mapping[str, Any]]) -> array[int]:
    """Return the lines of errors."""
    lines = errors.lines if isinstance(errors, MessageRows) else np.array([e["line"] for e in errors], np.int64)
    return array("q", lines.astype(np.int64).tobytes())


def is_node_text(error: Mapping[str, Any]) -> bool:
    """Whether a message is part of the dump of a node that could not be imported."""
    return _NODE_TEXT.match(words_of(error)) is not None


def is_skip(error: Mapping[str, Any]) -> bool:
    """Whether an error only passes over one tactic: the builder goes on with the others."""
    return error["kind"] in _SKIPS or bool(re.search(r"Skipping tactic ?[0-9x]", error["text"] or ""))


def is_crash(error: Mapping[str, Any]) -> bool:
    """Whether a message says how the process died."""
    return error["kind"] in _CRASHES


def is_result(error: Mapping[str, Any]) -> bool:
    """Whether an error only says what an earlier one led to."""
    if error["kind"] in _STEPS or error["kind"] in ("exception_uncaught", "process_signalled"):
        return True
    return any(re.search(pattern, error["text"] or "") for pattern in RESULTS)


def find_cause(errors: Sequence[Mapping[str, Any]], skips: Sequence[Mapping[str, Any]] = ()) -> Cause | None:
    """Return the cause of a failure: not the first error but the first that explains the others.

    Parameters
    ----------
    errors : sequence of dict
        Rows of table ``messages``, in the log's order: :func:`errors_of`.
    skips : sequence of dict
        Rows of table ``skips``: why the tactics of a layer without implementation were passed over.

    Examples
    --------
    >>> rows = [{"line": 7, "kind": "step_failed", "severity": "error", "text": "Failed to parse onnx file"},
    ...         {"line": 5, "kind": "model_unopened", "severity": "error", "text": "Could not open file a.onnx"}]
    >>> find_cause(sorted(rows, key=lambda row: row["line"])).line
    5
    """
    if not errors:
        return None
    layerless = first_of_all(errors, lambda e: _NO_IMPLEMENTATION.search(e["text"] or ""))
    if layerless is not None and not any(e["line"] < layerless["line"] for e in _own_causes(errors)):
        return _no_implementation(errors, layerless, skips)
    own = _own_causes(errors)
    root = own[0] if own else first_of_all(errors, lambda e: not is_result(e)) or errors[0]
    node = _node_near(errors, root)
    text = words_of(root)
    meaning = meaning_of(text if text.endswith(f"({_NO_MORE})") else root["text"] or "")
    op = None
    if node is not None:
        op = node["op"] or node.get("name")
        said = _IN_NODE.sub("", _NODE.sub("", root["text"] or ""))  # names of operators say nothing of the reason
        meaning = (meaning_of(said, IN_MODEL) or meaning or _IN_MODEL_ELSE).replace("{op}", op or "")
        named = f" -> {node['output']}" if node.get("output") else ""
        text = f"node {node['number']} ({op}{named}) of the model: {_after_node(text)}"
    if not own and root["kind"] in _STEPS and meaning is None:
        meaning = "It only says which step failed: the cause stands in a part that the log lacks."
    return Cause(root["line"], text, meaning, _layer_of(root) or op)


_IN_MODEL_ELSE = (
    "The node {op} of the model cannot be imported as it is: mend the model, export it anew with another opset, or use "
    "a newer TensorRT."
)


def _own_causes(errors: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return errors that are neither results nor passed over, nor ones that runs survive."""

    def is_own(error: Mapping[str, Any]) -> bool:
        text = error["text"] or ""
        survived = any(re.search(pattern, text) for pattern in HARMLESS)
        node_alone = _NODE.search(text) is not None and len(text.strip().splitlines()) == 1
        skipped = is_skip(error) and error["kind"] != "tactic_gpu_error"
        return not (is_result(error) or survived or node_alone or skipped)

    return chosen(errors, is_own)


def _no_implementation(
    errors: Sequence[Mapping[str, Any]], error: Mapping[str, Any], skips: Sequence[Mapping[str, Any]]
) -> Cause:
    """Return why no tactic of a layer could be used: the exception or the memory that its tactics were skipped for."""
    found = _NO_IMPLEMENTATION.search(first_line(error["text"]))
    layer = re.sub(r"(?:\.|(?<! )) +In \w+ at .*$", "", found[1]) if found else None
    before = [s for s in skips if s["line"] is not None and s["line"] < error["line"]]
    named = [s for s in before if s["layer"] == layer]
    lines = {s["line"]: s for s in named or [s for s in before if s["layer"] is None]}
    skipped = [e for e in chosen(errors, is_skip) if e["line"] < error["line"]]
    of_layer = [e for e in skipped if not lines or e["line"] in lines] or skipped
    if of_layer:
        root = of_layer[0]
        text = re.sub(r"^.*?due to (?:exception|Myelin error:?|kernel error:?) ?", "", words_of(root))
        return Cause(root["line"], f"no tactic of {layer} could be used: {text}", meaning_of(root["text"] or ""), layer)
    # Without the lines of the timing no layer is named: what is skipped right above the error is this one's tactic.
    above = [s for s in before if s["layer"] is None and error["line"] - s["line"] <= _RIGHT_ABOVE]
    short = [s for s in named or above if s["requested_bytes"] is not None]
    if not short and above and above[-1]["text"]:
        return Cause(
            above[-1]["line"], f"no tactic of {layer} could be used: {above[-1]['text']}",
            meaning_of(above[-1]["text"]) or meaning_of(error["text"] or ""), layer,
        )  # fmt: skip
    if short:
        pools = {pool_of(s) for s in short}
        meaning = (
            "Free memory of the GPU (nvidia-smi shows who uses it), use smaller shapes, or a larger GPU: a larger "
            "workspace does not help." if "device" in pools and "workspace" not in pools
            else "Give the builder more workspace (<<--memPoolSize=workspace:MIB|--workspace=MIB>>), free memory of "
            "the GPU, or use smaller shapes."
        )  # fmt: skip
        text = f"no tactic of {layer} could be used: its tactics need more memory than there is"
        return Cause(short[0]["line"], text, meaning, layer)
    runners = {s["runner"] for s in named if s["reason"] == "no_valid_tactics"}
    if runners and all(s["reason"] == "no_valid_tactics" for s in named):
        text = f"no tactic of {layer} could be used: {_none_of(len(runners))} for its types, formats and shapes"
        return Cause(error["line"], f"{text} (from line {named[0]['line']})", _NO_VALID_TACTICS, layer)
    return Cause(error["line"], f"no tactic of {layer} could be used", meaning_of(error["text"] or ""), layer)


def _none_of(runners: int) -> str:
    return "the runner that was tried has none" if runners == 1 else f"none of {runners} runners has one"


_NO_VALID_TACTICS = (
    "No kernel of this TensorRT computes this layer as it is asked for: let it compute in another precision (without "
    "constraints on it), change what is fused into it in the model, or use another version."
)


def _node_near(errors: Sequence[Mapping[str, Any]], root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the node of the model that an error is about: named in it, or by the parser's lines around it."""
    own = _IN_NODE.search(root["text"] or "")
    if own is not None and own["op"]:
        return own.groupdict()
    place = next(place for place, one in enumerate(errors) if one["line"] == root["line"] and one == root)
    nodes = [
        (abs(i - place), found.groupdict())
        for i in range(max(0, place - 2), min(len(errors), place + 3))
        if (found := _NODE.search(errors[i]["text"] or ""))
    ]
    importer = root["kind"] in ("onnx_message", "node_failed", "library_assertion_failed") or any(
        distance == 1 for distance, _ in nodes
    )
    return min(nodes, key=lambda entry: entry[0])[1] if nodes and importer else None


def _after_node(text: str) -> str:
    return _IN_NODE.sub("", _NODE.sub("", text)).strip(" :") or "cannot be imported"


def _layer_of(error: Mapping[str, Any]) -> str | None:
    found = re.search(r"GPU error during getBestTactic: (.*?) : ", error["text"] or "")
    return found[1] if found else None


def cause_of(log: Log) -> Cause | None:
    """Return the cause of a failed or died run, None where the log holds no error.

    Examples
    --------
    >>> import trtlog
    >>> cause_of(trtlog.parse("fixtures/trt-8.5.3-h200/err_missing_onnx.log.gz")).meaning
    'The file nope.onnx cannot be opened: check the path and the permissions.'
    """
    errors = errors_of(log)
    if not errors:
        return missing_device(log)
    skipping = chosen(errors, lambda e: is_skip(e) or _NO_IMPLEMENTATION.search(e["text"] or ""))
    found = find_cause(errors, skips_with_refusals(log.table("skips"), log.table("facts")) if skipping else ())
    return found and _with_losses(log, _with_flags(log, _with_given_shape(log, _with_default_shape(log, found))))


def missing_device(log: Log) -> Cause | None:
    """Return the line that says that there is no GPU of that number, None for none.

    TensorRT 9.1 and later print it with the severity of the device's properties, and end without a banner.

    Parameters
    ----------
    log : Log
        A log of one run.
    """
    if "device_missing" not in log.table("coverage").column("kind").to_pylist():
        return None
    rows = [row for row in table_rows(log.table("facts")) if row["kind"] == "device_missing"]
    text = f"Cannot find device ID {rows[-1]['value']:.0f}" if rows else "Cannot find any available devices (GPUs)"
    return Cause(rows[-1]["line"] if rows else log.run.last_line, text, meaning_of(text))


_ABOUT_SHAPES = expression(r"[Ss]hape|[Dd]imension|broadcast|volume|out of bounds", re.DOTALL)
_DEFAULT_SHAPE = expression(
    r"Dynamic dimensions required for input: (.*?), but no shapes were provided\. "
    r"Automatically overriding shape to: (\S+)"
)


def _with_default_shape(log: Log, cause: Cause) -> Cause:
    """Say of an error about shapes that trtexec chose them: it takes 1 for each dimension that is not given."""
    if not _ABOUT_SHAPES.search(cause.text):
        return cause
    chosen = [
        (found[1], found[2], row["line"])
        for row in messages_of(log).where(lambda row, text: _DEFAULT_SHAPE.search(row["text"] or ""))
        if (found := _DEFAULT_SHAPE.search(row["text"])) and (cause.line is None or row["line"] < cause.line)
    ]
    if not chosen:
        return cause
    named = " and ".join(f"{shape} for {tensor} (line {line})" for tensor, shape, line in dict.fromkeys(chosen))
    first = chosen[0][0]
    shapes = f"No shapes were given, and trtexec took {named}: give those of your data, --shapes={first}:.."
    return replace(cause, meaning=f"{shapes} {cause.meaning}" if cause.meaning else shapes)


_NO_DIMENSIONS = expression(DYNAMIC_INPUT)
_IN_PROFILE = expression(r"in profile ([0-9]+)")


def _with_given_shape(log: Log, cause: Cause) -> Cause:
    """Say of an input without dimensions that the command gave it some: to give them again does not help."""
    found, profile = _NO_DIMENSIONS.search(cause.text), _IN_PROFILE.search(cause.text)
    tensor = found and (found[1] or found[2] or found[3])
    given = [
        row for row in table_rows(log.table("options"))
        if (key := BUILD_SHAPE.fullmatch(row["key"])) and (row["value"] or "").startswith(f"{tensor}=")
        and (key[1] is None or profile is None or key[1] == profile[1])
    ]  # fmt: skip
    if tensor is None or not given:
        return cause
    told = f"The command gives dimensions for the input {tensor} (line {given[-1]['line']})"
    as_values = [
        row["line"] for row in table_rows(log.table("facts"))
        if (row["kind"], row["wording"], row["subject"]) == ("profile_shape_set", "values", tensor)
    ]  # fmt: skip
    if as_values:
        meaning = (
            f"{told}, but trtexec took it for a shape tensor and set them as its values (line {as_values[-1]}), so the "
            f"builder has none: give the model no shape that is computed from the values of {tensor}, or build with "
            "the API, where the profile's set_shape gives dimensions."
        )
    else:
        meaning = (
            f"{told}, but the builder has none in this profile: check that --minShapes, --optShapes and --maxShapes "
            "each name it for the profile, in the model's own spelling."
        )
    return replace(cause, meaning=meaning)


_UNKNOWN_OPTION = expression(r"Unknown option: (--\w+)(?: (\S+))?")
_MOST_FLAGS = 10


def _with_flags(log: Log, cause: Cause) -> Cause:
    """Say of flags that other versions of trtexec have what takes their place in this one, or that one stands twice."""
    cause = _with_flag(log, cause)
    if cause.meaning is None or _UNKNOWN_OPTION.search(cause.text) is None:
        return cause
    others = [
        one
        for row in errors_of(log).where(lambda e: _UNKNOWN_OPTION.search(e["text"] or "")).firsts()[:_MOST_FLAGS]
        if row["line"] != cause.line and (one := _with_flag(log, Cause(row["line"], row["text"], ""))).meaning
    ]
    told = [
        f" It does not know {found[1]} either: {(one.meaning or '').strip()}"
        for one in others
        if (found := _UNKNOWN_OPTION.search(one.text))
    ]
    return replace(cause, meaning=f"{cause.meaning}{''.join(told)}") if told else cause


def _with_flag(log: Log, cause: Cause) -> Cause:
    found, version = _UNKNOWN_OPTION.search(cause.text), version_of(log)
    known = all_flags().get(found[1]) if found else None
    if found is None or known is None or version is None or cause.meaning is None:
        return cause
    if known.exists_in(version):
        copies = sum(word.partition("=")[0] == known.name for word in (log.run.command or "").split())
        more = f"It stands {copies} times in the command, and may stand once." if copies > 1 else ""
    else:
        instead = known.replacement and known.replacement.replace("{value}", found[2] or "..")
        note = known.note and f"{known.note[0].upper()}{known.note[1:]}."
        more = " ".join(word for word in (f"Write {instead}." if instead else None, note) if word)
    return replace(cause, meaning=f"{cause.meaning} {more}") if more else cause


def _with_losses(log: Log, cause: Cause) -> Cause:
    """Say of outputs that deviate too far which they are, and by how much."""
    if "Accuracy validation FAILED" not in cause.text:
        return cause
    beyond: dict[int, dict[str, Any]] = {}
    for row in table_rows(log.table("facts")):
        if (row["kind"], row["wording"]) == ("accuracy_loss", "beyond"):
            beyond.setdefault(row["line"], {"tensor": row["subject"]})[row["field"]] = row["value"]
    told = [
        f"{at['tensor']} by {at['accuracy_loss']:g}, where {at['accuracy_threshold']:g} is allowed, line {line}"
        for line, at in beyond.items() if at.get("accuracy_loss") is not None and "accuracy_threshold" in at
    ]  # fmt: skip
    return replace(cause, text=f"outputs deviate too far: {first_of(told, 5, '; ')}") if told else cause
