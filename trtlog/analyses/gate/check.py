"""Hold a build to its lock: each difference that a rule minds is a finding with its reason."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.redact import redact, redact_json
from trtlog._util.words import counted, first_line
from trtlog.analyses.compare.align import Pair, align
from trtlog.analyses.compare.candidates import timing_of
from trtlog.analyses.compare.diff import one_run
from trtlog.analyses.compare.performance import change_percent
from trtlog.analyses.compare.schema import both_sides
from trtlog.analyses.compare.tables import message_key
from trtlog.analyses.compare.work import inference_shapes, shapes_text
from trtlog.analyses.gate.lock import Lock, check_lock, lock, read_budgets, read_build_options, read_lock
from trtlog.analyses.gate.noise import Noise
from trtlog.analyses.layer.base import copied_for
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.messages import first_error, messages_of
from trtlog.analyses.layer.names import constituents, family_of, role_of
from trtlog.analyses.layer.precision import comparable
from trtlog.display import InNotebook, OnTerminal, draw
from trtlog.log import Log

# The wider, the slower: a layer that moves towards the front lost its precision.
_MEASURED = ("enqueue_bound", "transfer_bound", "gpu_time_unstable", "unstable_advice")
# Memory that follows from the formats and tactics of the layers, and by how much it grew between rebuilds of one model:
# activation by up to 29 %, host memory by up to 12 %, in five rebuilds (docs/lock.md).
_FOLLOWS = ("activation", "scratch", "device_persistent", "host_persistent", "peak_gpu")
_REBUILT = 0.3
_WIDTH = ("FP64", "FP32", "TF32", "BF16", "FP16", "FP8", "INT8", "FP4", "INT4")


@dataclass(frozen=True)
class Deviation:
    """A difference between a build and its lock.

    Parameters
    ----------
    rule : str
        The rule that minds it.
    level : str
        ``fail``, ``warn``, or ``note`` for what lies within the noise of identical rebuilds.
    reason : str
        What is wrong, in words.
    layer : str or None
        The layer it is about.
    locked, found : str or None
        The value in the lock and in the build.
    line : int or None
        Line of the log.
    """

    rule: str
    level: str
    reason: str
    layer: str | None = None
    locked: str | None = None
    found: str | None = None
    line: int | None = None


@dataclass(frozen=True, repr=False)
class Check(InNotebook, OnTerminal):
    """The outcome of a check.

    Parameters
    ----------
    source, against : str
        The log and the lock.
    findings : tuple of Deviation
        Failures first.
    checked : tuple of str
        Rules that were applied.
    skipped : dict
        Rule -> why it could not be applied.
    """

    source: str
    against: str
    findings: tuple[Deviation, ...]
    checked: tuple[str, ...]
    skipped: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether no rule of level fail is broken."""
        return not any(finding.level == "fail" for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        fails = sum(finding.level == "fail" for finding in self.findings)
        warns = sum(finding.level == "warn" for finding in self.findings)
        notes = len(self.findings) - fails - warns
        within = f", {counted(notes, 'note')} within noise" if notes else ""
        counts = f"{fails} failed, {counted(warns, 'warning')}{within}, {counted(len(self.checked), 'rule')} checked"
        return f"{'passed' if self.passed else 'FAILED'}: {self.source} against {self.against} ({counts})"

    def to_json(self) -> str:
        """Return the outcome as JSON."""
        document = {"schema": "trtlog.check/1", "passed": self.passed, **asdict(self)}
        return json.dumps(redact_json(document), indent=2, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """Return the outcome as Markdown, for the summary of a CI job."""
        drawn: str = draw("markdown", self)
        return drawn

    def __repr__(self) -> str:
        return f"<trtlog.Check {self.verdict}>"


def check(
    log: Log | str | os.PathLike[str],
    against: Lock | Log | Mapping[str, Any] | str | os.PathLike[str],
    *,
    exact: bool = False,
) -> Check:
    """Check a build against a lock.

    What identical rebuilds differ by is a note: a tactic or formats that this build's own timings do not tell from
    the locked ones, and a budget that is missed by less than runs of one engine differ by.

    Parameters
    ----------
    log : Log or path
        A log of one run.
    against : Lock, path of a lock file, its content as a mapping, or Log
        A Log is locked with the default rules first.
    exact : bool
        Nothing is excused as noise: for builds that share a timing cache, and machines with locked clocks.

    Raises
    ------
    QueryError
        The log holds several runs.
    InputError
        The log or the lock cannot be read.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> trtlog.check(log, trtlog.lock(log)).passed
    True
    >>> other = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose_rebuild.log.gz")
    >>> trtlog.check(other, trtlog.lock(log)).passed, trtlog.check(other, trtlog.lock(log), exact=True).passed
    (True, False)
    """
    reference = _lock_of(against)
    log = one_run(log, "log")
    work = _Check(log, reference, exact)
    work.run()
    order = {"fail": 0, "warn": 1, "note": 2}
    findings = sorted(work.findings, key=lambda finding: order[finding.level])
    checked = tuple(rule for rule in work.rules if work.rules[rule]["level"] != "off" and rule not in work.skipped)
    return Check(log.source, reference.name, tuple(findings), checked, work.skipped)


def _lock_of(against: Lock | Log | Mapping[str, Any] | str | os.PathLike[str]) -> Lock:
    if isinstance(against, Lock):
        return against
    if isinstance(against, Log):
        return lock(against)
    if isinstance(against, Mapping):
        return Lock(check_lock(dict(against), "the lock"), "the lock")
    return read_lock(against)


class _Check:
    """One check while it runs."""

    def __init__(self, log: Log, reference: Lock, exact: bool) -> None:
        self.log = log
        self.document = reference.document
        self.rules = reference.rules
        self.noise = None if exact else Noise(log)
        self.moved: set[str] = set()
        self.flipped: set[str] = set()  # layers that chose otherwise within noise
        self.findings: list[Deviation] = []
        self.skipped: dict[str, str] = {}

    def add(self, rule: str, reason: str, excuse: str | None = None, **more: Any) -> None:
        """Add a finding, unless its rule is off: a note where it is excused as noise."""
        level = self.rules[rule]["level"]
        if level == "off":
            return
        if excuse is not None:
            level, reason = "note", f"{reason}; {excuse}"
        self.findings.append(Deviation(rule, level, reason, **more))

    def run(self) -> None:
        """Apply all rules."""
        if self.log.run.status in ("failed", "incomplete"):
            word = "failed" if self.log.run.status == "failed" else "did not end"
            error = first_error(self.log)
            cause = f": {redact(first_line(error['text']))}" if error else ""
            self.add("status", f"the run {word}{cause}", line=error["line"] if error else None)
        self._environment()
        self._options()
        self._layers()
        self._budgets()
        self._messages()

    def _environment(self) -> None:
        source = self.document["source"]
        device = self.log.device
        shapes = shapes_text(inference_shapes(self.log)) or None
        for rule, found, what in (
            ("tensorrt_version", self.log.run.tensorrt_version, "TensorRT"),
            ("gpu", device.name if device else None, "GPU"),
            ("input_shapes", shapes, "input shapes"),
        ):
            locked = source.get(rule)
            if locked is None:
                self.skipped[rule] = "the lock does not tell"
            elif found is None:
                self.skipped[rule] = "the log does not tell"
            elif found != locked and not (rule == "input_shapes" and _same_inputs(locked, found)):
                self.add(rule, f"{what}: {found}, locked {locked}", locked=locked, found=found)

    def _options(self) -> None:
        locked, found = self.document["options"], read_build_options(self.log)
        if not locked or not found:
            self.skipped["options"] = f"the {'lock' if not locked else 'log'} has no build options"
            return
        for key, ours, theirs, _ in both_sides(locked, found):
            if ours != theirs:
                reason = f"build option {key}: {_shown(theirs)}, locked {_shown(ours)}"
                # What a build may compute in decides its engine, whether or not its layers are listed.
                self.add("precisions" if key == "Precision" else "options", reason, locked=ours, found=theirs)

    # ------------------------------------------------------------------ layers
    def _layers(self) -> None:
        rules = ("layers", "types", "tactics", "precisions", "formats", "reformats")
        if self.document["layers"] is None:
            self.skipped |= dict.fromkeys(rules, "the lock has no layers")
            return
        facts = layers_of(self.log)
        if facts.source != "engine" and self.log.run.status in ("failed", "incomplete"):
            self.skipped |= dict.fromkeys(rules, "the run did not get that far")
            return
        if facts.source != "engine":
            self.add("layers", "the log lists no engine layers; build with --verbose or --dumpLayerInfo")
            self.skipped |= dict.fromkeys(rules[1:], "the log lists no engine layers")
            return
        locked = [*_locked_layers(self.document)]
        found = [layer for layer in facts.layers if layer.role != "constant"]
        alignment = align(locked, found)
        if not alignment.same_model:
            self.add("layers", "the engine has hardly a layer of the lock: is it another model?")
            self.skipped |= dict.fromkeys(rules[1:], "other layers than the lock")
            return
        conversions = []
        for pair in alignment.pairs:
            if (pair.control or pair.test)[0].role.startswith("reformat"):
                conversions.append(pair)
            else:
                self._layer(pair)
        for pair in conversions:
            self._reformat(pair)

    def _reformat(self, pair: Pair) -> None:
        if not pair.test:
            return  # one conversion less is no harm
        layer = pair.test[0]
        if layer.type == "NoOp":
            return  # it gives a tensor another name and costs nothing
        excuse = self._beside(layer)
        words = f"{_formats(layer.input_formats)} -> {_formats(layer.output_formats)}"
        if not pair.control:
            reason = f"new reformat {layer.layer} ({words})"
            self.add("reformats", reason, excuse, layer=layer.layer, found=words, line=layer.line)
            return
        expected = pair.control[0]
        if (expected.input_formats, expected.output_formats) != (layer.input_formats, layer.output_formats):
            locked = f"{_formats(expected.input_formats)} -> {_formats(expected.output_formats)}"
            reason = f"reformat {layer.layer} converts {words}, locked {locked}"
            self.add("reformats", reason, excuse, layer=layer.layer, locked=locked, found=words, line=layer.line)

    def _beside(self, layer: Layer) -> str | None:
        """Return why a conversion is no more than noise: a layer beside it took other formats within noise."""
        if self.noise is None or not self.moved:
            return None
        tensors = {o["name"] for side in ("inputs", "outputs") for o in layer.operands(side)}
        beside = tensors & self.moved or copied_for(layer.layer) in self.moved
        return "it follows from the formats of a layer beside it, which are a note" if beside else None

    def _layer(self, pair: Pair) -> None:
        names = [" & ".join(layer.layer for layer in side) for side in (pair.control, pair.test)]
        line = pair.test[0].line if pair.test else None
        if not pair.test:
            self.add("layers", f"layer {names[0]} is gone", layer=names[0], locked=names[0])
            return
        if not pair.control:
            self.add("layers", f"new layer {names[1]}", layer=names[1], found=names[1], line=line)
            for layer in pair.test:
                if layer.precision in ("FP32", "TF32") and self._locks_less():
                    reason = f"new {layer.precision} layer {layer.layer}"
                    self.add("precisions", reason, layer=layer.layer, found=layer.precision, line=layer.line)
            return
        if len(pair.control) != 1 or len(pair.test) != 1:
            reason = f"fused in another way: {names[1]}, locked {names[0]}"
            self.add("layers", reason, layer=names[1], locked=names[0], found=names[1], line=line)
            return
        expected, layer = pair.control[0], pair.test[0]
        if expected.layer != layer.layer.strip() and expected.parts != layer.parts and "..." not in layer.layer:
            reason = f"fused in another way: {names[1]}, locked {names[0]}"
            self.add("layers", reason, layer=names[1], locked=names[0], found=names[1], line=line)
        tie = self._tie(expected, layer)
        excuses = self._excuses(expected, layer, tie)
        for rule, what, locked, found in (
            ("types", "type", expected.type, layer.type),
            ("precisions", "precision", expected.precision if comparable(expected, layer) else None, layer.precision),
            ("formats", "input formats", _formats(expected.input_formats), _formats(layer.input_formats)),
            ("formats", "output formats", _formats(expected.output_formats), _formats(layer.output_formats)),
            ("tactics", "tactic", expected.tactic, layer.tactic),
        ):
            if not locked or not found or locked == found:
                continue
            reason = f"{layer.layer}: {what} {found}, locked {locked}"
            if rule == "precisions" and _wider(found, locked):
                reason = f"new {found} layer {layer.layer}: locked {locked}"
            if rule == "tactics":
                allowed = self.rules["tactics"]["tie_percent"]
                if tie is not None and allowed > 0 and abs(tie) <= allowed:
                    continue
                margin = "" if tie is None else f"; this build timed the locked one at {tie:+.1f}%"
                ours, theirs = (f" ({one.kernel})" if one.kernel else "" for one in (layer, expected))
                reason = f"{layer.layer}: {what} {found}{ours}, locked {locked}{theirs}{margin}"
            self.add(rule, reason, excuses.get(rule), layer=layer.layer, locked=locked, found=found, line=layer.line)

    def _excuses(self, expected: Layer, layer: Layer, tie: float | None) -> dict[str, str]:
        """Return by rule why what changed of a layer is no more than noise."""
        if self.noise is None:
            return {}
        same = (expected.input_formats, expected.output_formats) == (layer.input_formats, layer.output_formats)
        if same:
            excuse = self.noise.tactic(layer, tie, expected.tactic_ms)
            if excuse is not None and expected.tactic != layer.tactic:
                self.flipped.add(layer.layer)
            # A runner of another type is excused with its tactic only.
            return {} if excuse is None or expected.tactic == layer.tactic else {"tactics": excuse, "types": excuse}
        # Another precision is excused only where this build could have had the locked one, and weighed it.
        excuse = self.noise.formats(layer.layer) if self.noise.timed_in(layer, expected) else None
        if excuse is None:
            return {}
        self.flipped.add(layer.layer)
        self.moved |= {layer.layer.strip(), *(o["name"] for s in ("inputs", "outputs") for o in layer.operands(s))}
        return dict.fromkeys(("tactics", "types", "formats", "precisions"), excuse)

    def _locks_less(self) -> bool:
        """Tell whether the lock has layers of less than 32 bit."""
        return any(entry.get("precision") not in (None, "FP32", "TF32") for entry in self.document["layers"])

    @staticmethod
    def _tie(expected: Layer, layer: Layer) -> float | None:
        """Return by how much this build found the locked tactic slower than its own, at the same formats."""
        own = timing_of(layer)
        if own is None:
            return None
        same = (c for c in layer.candidates if c.tactic == expected.tactic and c.raw_formats == own.raw_formats)
        return change_percent(layer.tactic_ms, min((c.time_ms for c in same), default=None))

    # ------------------------------------------------------------------ budgets
    def _budgets(self) -> None:
        locked, found = self.document["budgets"], read_budgets(self.log)
        for rule, key, unit, figures in (
            ("latency", "latency", "ms", _latencies),
            ("throughput", "throughput_qps", "qps", _one("throughput")),
            ("memory", "memory_bytes", "bytes", _named),
            ("build_time", "build_seconds", "s", _one("build time")),
        ):
            ours, theirs = dict(figures(locked.get(key))), dict(figures(found[key]))
            if not ours:
                self.skipped[rule] = "the lock has no budget"
                continue
            if not theirs and self.log.run.status in ("failed", "incomplete"):
                self.skipped[rule] = "the run did not get that far"
                continue
            tolerance = self.rules[rule]["tolerance_percent"]
            slack = self.rules[rule].get("slack_seconds", self.rules[rule].get("slack_mib", 0.0) * (1 << 20))
            for name, budget in ours.items():
                value = theirs.get(name)
                if value is None:
                    reason = f"{name}: the log has no figure, locked {_figure(budget, unit)}"
                    self.add(rule, reason, locked=_figure(budget, unit))
                    continue
                less = rule == "throughput"
                limit = budget * (1 - tolerance / 100 if less else 1 + tolerance / 100) + slack
                if (value < limit) if less else (value > limit):
                    change = f"{100 * (value / budget - 1):+.1f}%" if budget else "from 0"
                    reason = (
                        f"{name}: {_figure(value, unit)} is {'under' if less else 'over'} budget: locked "
                        f"{_figure(budget, unit)}, {change}, tolerance {tolerance:g}%"
                    )
                    excuse = self._within(name, budget, value)
                    self.add(rule, reason, excuse, locked=_figure(budget, unit), found=_figure(value, unit))

    def _within(self, name: str, budget: float, value: float) -> str | None:
        """Return why a missed budget is no more than noise: of inference, or memory of choices within it."""
        metric, _, stat = name.partition(" ")
        if metric in _FOLLOWS and self.flipped and value <= budget * (1 + _REBUILT):
            layers = counted(len(self.flipped), "layer")
            return f"{layers} chose another tactic or format within noise, which takes other memory"
        if self.noise is None or metric not in ("latency", "gpu_compute_time", "throughput"):
            return None
        return self.noise.figure(metric, stat or "value", budget, value)

    def _messages(self) -> None:
        if self.document.get("messages") is None:
            self.skipped["messages"] = "the lock has no messages"
            return
        known = {message_key(text) for text in self.document["messages"]}
        seen = set()
        for message in messages_of(self.log).distinct:
            key = message_key(redact(message["text"] or ""))
            if key not in known and key not in seen:
                seen.add(key)
                text = redact(first_line(message["text"]))
                noisy = self.noise is not None and message["kind"] in _MEASURED
                excuse = "it comes and goes with the measurement" if noisy else None
                self.add("messages", f"new {message['severity']}: {text}", excuse, found=text, line=message["line"])


def _locked_layers(document: Mapping[str, Any]) -> Iterator[Layer]:
    """Return the layers of a lock as facts, so that they pair with those of a build."""
    position = 0
    for key, field in (("layers", "layer"), ("reformats", "reformat")):
        for entry in document[key] or ():
            name = entry[field]
            type_ = entry.get("type")
            yield Layer(
                layer=name,
                position=position,
                role=role_of(name, type_),
                type=type_,
                family=family_of(type_, name),
                parts=frozenset(entry.get("onnx_nodes") or constituents(name)),
                precision=entry.get("precision"),
                input_formats=tuple(entry.get("inputs") or entry.get("from") or ()),
                output_formats=tuple(entry.get("outputs") or entry.get("to") or ()),
                tactic=entry.get("tactic"),
                tactic_ms=(document.get("layer_ms") or {}).get(name.strip()),
                kernel=entry.get("kernel"),
            )
            position += 1


def _same_inputs(locked: str, found: str) -> bool:
    """Tell whether all inputs of the lock have their shape; a further one shows as other layers."""
    return set(locked.split(",")) <= set(found.split(","))


def _shown(value: str | None) -> str:
    """Return an option's value for people."""
    return "not printed" if value is None else repr(value)


def _formats(formats: Sequence[str]) -> str:
    return ", ".join(formats)


def _wider(found: str, locked: str) -> bool:
    return found in _WIDTH and locked in _WIDTH and _WIDTH.index(found) < _WIDTH.index(locked)


def _latencies(value: Any) -> Iterator[tuple[str, float]]:
    for metric, stats in (value or {}).items():
        for stat, number in stats.items():
            yield f"{metric.removesuffix('_ms')} {stat}", number


def _named(value: Any) -> Iterator[tuple[str, float]]:
    yield from (value or {}).items()


def _one(name: str) -> Any:
    def figures(value: Any) -> Iterator[tuple[str, float]]:
        if value is not None:
            yield name, value

    return figures


def _figure(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / (1 << 20):.1f} MiB" if value >= 1 << 20 else f"{value:.0f} bytes"
    return f"{value:.6g} {unit}"
