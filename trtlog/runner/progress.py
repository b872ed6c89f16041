"""Where a running trtexec is, read line by line from what it prints.

:class:`Progress` takes lines as they come and yields an :class:`Event` for each change worth showing. It serves
``trtlog.run``, ``trtlog watch`` and notebooks alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, replace

from trtlog import grammar
from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.messages.classify import Classifier, Line

#: Phases in their order, with words for people. A log may leave some out.
PHASES = {
    "start": "starting",
    "options": "reading options",
    "setup": "setting up",
    "import": "reading the model",
    "graph": "rewriting the graph",
    "autotune": "timing tactics",
    "memory": "planning memory",
    "engine": "making the engine",
    "inference": "running inference",
    "performance": "reporting",
    "ended": "ended",
}
# Phases that the end of the build ends.
_OF_BUILD = ("options", "setup", "import", "graph", "autotune", "memory", "engine")
_DURATION = expression(r"([0-9]+(?:\.[0-9]+)?)s(?: \(\+ ([0-9]+(?:\.[0-9]+)?)ms warm up\))?")
_PHASE_OF_SECTION = {
    "model": "options",
    "build": "options",
    "system": "options",
    "inference": "options",
    "reporting": "options",
    "device": "setup",
    "setup": "setup",
    "import": "import",
    "graph": "graph",
    "autotune": "autotune",
    "memory": "memory",
    "engine": "engine",
    "engine_layers": "engine",
    "layer_information": "engine",
    "trace": "performance",
    "performance": "performance",
    "explanations": "performance",
    "profile": "performance",
}


@dataclass(frozen=True)
class FastestTactic:
    """The fastest tactic of the layer at hand so far.

    Attributes
    ----------
    layer, runner
        What was timed, in the log's own words.
    tactic
        The tactic's identifier as printed.
    kernel
        The kernel's name; None where the log does not give it.
    time_ms
        Its time.
    """

    layer: str
    runner: str | None
    tactic: str
    kernel: str | None
    time_ms: float


@dataclass(frozen=True)
class Event:
    """A change in a running trtexec, with the whole state after it.

    Attributes
    ----------
    kind
        What changed: ``phase``, ``layer`` (the next layer is timed), ``best`` (a faster tactic),
        ``message`` (a warning or error), ``metric`` (a line of the performance summary), ``quiet`` (nothing
        printed for a while),
        ``ended``.
    phase
        One of :data:`PHASES`.
    line
        The log line that tells it, 1-based; None for ``quiet``.
    elapsed_s
        Seconds since the start of the run; None where the line was already there when watching began.
    layer
        The layer whose tactics are timed, in the log's own words; None outside that phase.
    layer_number
        How many layers of this graph have been looked at so far, this one included: a ``Computing costs for`` each;
        constants come before the first of these lines and have none, they count when they are timed.
    layers
        How many layers the graph has after its fusions, by the last ``After ...: N layers``, all of which are looked
        at. None where the log does not print it, as without ``--verbose``, or does not print each layer (before
        8.2).
    best
        The fastest tactic of that layer so far.
    severity, text
        Of a ``message``: ``W``, ``E`` or ``F`` and what it says; of a ``metric``: its line; of ``ended``:
        PASSED or FAILED as printed, None without such a line.
    warnings, errors
        How many so far.
    eta_s
        Seconds until the end of the measurement, in the phase ``inference``, from trtexec's own duration
        and warm-up. Before it, seconds until the end of the build, where runs of the same command stand beside this
        one: as they took. None elsewhere, and where this build takes longer than they did: how long a build takes
        does not follow from the layers behind it (on captured builds such an estimate was wrong by factors both ways).
    share
        How much of the phase is done, 0 to 1: of the layers whose tactics are timed, or of the measurement's
        duration. None where the log does not tell, and in other phases.
    """

    kind: str
    phase: str = "start"
    line: int | None = None
    elapsed_s: float | None = None
    layer: str | None = None
    layer_number: int = 0
    layers: int | None = None
    best: FastestTactic | None = None
    severity: str | None = None
    text: str | None = None
    warnings: int = 0
    errors: int = 0
    eta_s: float | None = None
    share: float | None = None

    def __str__(self) -> str:
        if self.kind == "message":
            return f"[{self.severity}] {self.text}"
        if self.kind in ("metric", "ended") and self.text:
            return self.text
        words = PHASES[self.phase]
        if self.phase == "autotune" and self.layer is not None:
            of = f" of {self.layers}" if self.layers is not None else ""
            words = f"{words}: layer {self.layer_number}{of}, {self.layer}"
            if self.best is not None:
                words += f", best {self.best.time_ms:g} ms"
        if self.kind == "quiet" and self.text:
            words += f" ({self.text})"
        return words


@dataclass
class _State:
    """What is known of a run from its lines so far."""

    event: Event = field(default_factory=lambda: Event("phase"))
    seen: set[str] = field(default_factory=set)
    runner: str | None = None
    kernel: str | None = None
    kernel_tactic: str | None = None
    measuring_s: float | None = None
    prints_costs: bool = False
    graph_layers: int | None = None
    inference_at: float | None = None
    built: bool = False


class Progress:
    """Reads lines, yields events.

    Parameters
    ----------
    expected_build_s : float, optional
        How long the build took before, from the start of trtexec.

    Attributes
    ----------
    built_after_s : float or None
        How long it took now: seconds to the line that ended the first build; None before that line, and where it is
        not known when lines came.

    Examples
    --------
    >>> progress = Progress()
    >>> bodies = ["After concat removal: 2 layers", "=============== Computing costs for ",
    ...           "--------------- Timing Runner: fc (Cask)", "Tactic: 0x0000000000000001 Time: 0.5"]
    >>> lines = [f"[11/22/2026-13:22:03] [V] [TRT] {body}".encode() for body in bodies]
    >>> [str(event) for event in progress.feed(lines)][-1]
    'timing tactics: layer 1 of 2, fc, best 0.5 ms'
    """

    def __init__(self, expected_build_s: float | None = None) -> None:
        self.built_after_s: float | None = None
        self._expected_build_s = expected_build_s
        self._classifier = Classifier(grammar.load())
        self._fields = [variant.fields for variant in self._classifier.matcher.variants]
        handled = {name.removeprefix("_on_") for name in dir(self) if name.startswith("_on_")}
        self._telling = frozenset({"run_started", "run_ended", *handled})
        self._state = _State()
        self._number = 0
        self._line: Line  # the one at hand, and when it came
        self._elapsed_s: float | None = None

    @property
    def event(self) -> Event:
        """The state now."""
        return self._state.event

    def feed(self, lines: Iterable[bytes], elapsed_s: float | None = None) -> Iterator[Event]:
        """Take lines without their line ends.

        Parameters
        ----------
        lines
            Whole lines.
        elapsed_s
            When they came, in seconds since the start; None if that is not known.
        """
        for text in lines:
            self._number += 1
            line = self._classifier.classify(self._number, text.rstrip(b"\r"))
            if not self._says_nothing(line):
                self._line, self._elapsed_s = line, elapsed_s
                yield from self._take(line)

    def quiet(self, quiet_s: float, elapsed_s: float | None) -> Event:
        """Return the event that says how long nothing has come."""
        event = self._refreshed(self._state.event, elapsed_s)
        return replace(event, kind="quiet", line=None, text=f"nothing printed for {quiet_s:.0f} s", severity=None)

    # -- one line

    def _says_nothing(self, line: Line) -> bool:
        """Return whether no event and no state can come of a line: of most, and trtexec must not wait for them."""
        if line.kind in self._telling or line.header.severity in ("W", "E", "F"):
            return False
        phase = _PHASE_OF_SECTION.get(self._classifier.section)
        return phase is None or phase == self._state.event.phase

    def _take(self, line: Line) -> Iterator[Event]:
        values = self._values(line)
        if line.kind == "run_started":
            # the next run in one file: a tuning loop, or a script that appends
            self._state = _State()
            yield self._emit("phase", phase="start", text=values.get("command"))
            return
        if line.kind == "run_ended":
            yield self._emit("ended", phase="ended", text=values.get("run_status"), eta_s=None)
            return
        before, phase = self._state.event.phase, _PHASE_OF_SECTION.get(self._classifier.section)
        # passes go on between the timings of layers, and layers are timed after them again: both are "autotune"
        if phase not in (None, before) and (before, phase) != ("autotune", "graph"):
            yield self._emit("phase", phase=phase, layer=None, best=None)
        if line.header.severity in ("W", "E", "F") and line.record == line.number:
            yield self._message(line)
        handler = getattr(self, f"_on_{line.kind}", None)
        event: Event | None = None if handler is None else handler(values)
        if event is not None:
            yield event

    def _message(self, line: Line) -> Event:
        severity = line.header.severity
        event = self._state.event
        counts = {"warnings": event.warnings + 1} if severity == "W" else {"errors": event.errors + 1}
        return self._emit("message", severity=severity, text=_text(line), **counts)

    # -- kinds of line; the name after _on_ is that of the grammar's rule

    def _on_original_layers(self, values: dict[str, str]) -> None:
        # a graph of its own: of the next backend strategy, of a region that is compiled by itself
        state = self._state
        state.seen.clear()
        state.graph_layers = _integer(values.get("layers"))
        state.event = replace(state.event, layers=None, layer_number=0)

    _on_pass_layers = _on_original_layers

    def _on_option(self, values: dict[str, str]) -> None:
        if values.get("key") == "Duration" and (found := _DURATION.match(values.get("value", ""))):
            self._state.measuring_s = float(found[1]) + float(found[2] or 0) / 1000

    def _on_costs(self, values: dict[str, str]) -> Event | None:
        state = self._state
        state.prints_costs = True
        number = state.event.layer_number + 1
        # more layers than the graph has: what was counted is no count of these
        layers = None if state.graph_layers is not None and number > state.graph_layers else state.graph_layers
        state.event = replace(state.event, layer_number=number, layers=layers)
        # 8.2 to 8.5 name no layer here; its timings do
        return self._layer(values["layer"]) if values.get("layer") else None

    def _on_timing_runner(self, values: dict[str, str]) -> Event | None:
        state = self._state
        state.runner, state.kernel, state.kernel_tactic = values.get("runner"), None, None
        layer = values.get("layer", "")
        of_layer = layer and not layer.startswith("Optimizer Reformat(") and layer != "<reformat>"
        return self._layer(layer) if of_layer else None

    def _on_tactic_name(self, values: dict[str, str]) -> None:
        self._state.kernel, self._state.kernel_tactic = values.get("kernel"), values.get("tactic")

    def _on_tactic(self, values: dict[str, str]) -> Event | None:
        state = self._state
        time_ms = _number(values.get("time_ms"))
        layer = state.event.layer
        if time_ms is None or layer is None or not time_ms < 1e30:  # inf, nan and 3.40282e+38 mean "did not run"
            return None
        best = state.event.best
        if best is not None and best.layer == layer and best.time_ms <= time_ms:
            return None
        tactic = values.get("tactic", "")
        kernel = values.get("kernel") or (state.kernel if state.kernel_tactic == tactic else None)
        return self._emit("best", best=FastestTactic(layer, state.runner, tactic, kernel, time_ms))

    def _on_engine_built(self, values: dict[str, str]) -> None:
        self._state.built = True
        if self.built_after_s is None:
            self.built_after_s = self._elapsed_s

    def _on_inference_started(self, values: dict[str, str]) -> Event:
        self._state.inference_at = self._elapsed_s
        return self._emit("phase", phase="inference")

    def _on_throughput(self, values: dict[str, str]) -> Event:
        return self._emit("metric", text=_text(self._line))

    _on_performance_statistics = _on_performance_total = _on_throughput

    # -- helpers

    def _layer(self, layer: str) -> Event | None:
        state = self._state
        if layer == state.event.layer:
            return None
        state.seen.add(layer)
        number = state.event.layer_number if state.prints_costs else len(state.seen)
        return self._emit("layer", layer=layer, layer_number=number, best=None)

    def _emit(self, kind: str, **changes: object) -> Event:
        before = replace(self._state.event, severity=None, text=None)
        changed = replace(before, kind=kind, line=self._line.number, **changes)  # type: ignore[arg-type]  # field names
        self._state.event = self._refreshed(changed, self._elapsed_s)
        return self._state.event

    def _refreshed(self, event: Event, elapsed_s: float | None) -> Event:
        eta_s = self._eta(event, elapsed_s)
        return replace(event, elapsed_s=elapsed_s, eta_s=eta_s, share=self._share(event, eta_s))

    def _share(self, event: Event, eta_s: float | None) -> float | None:
        if event.phase == "autotune" and event.layers and event.layer is not None:
            return (event.layer_number - 1) / event.layers
        measuring_s = self._state.measuring_s
        if event.phase == "inference" and eta_s is not None and measuring_s:
            return 1 - eta_s / measuring_s
        return None

    def _eta(self, event: Event, elapsed_s: float | None) -> float | None:
        state = self._state
        if elapsed_s is None:
            return None
        if event.phase == "inference" and state.inference_at is not None and state.measuring_s is not None:
            return max(0.0, state.inference_at + state.measuring_s - elapsed_s)
        if self._expected_build_s is not None and event.phase in _OF_BUILD and not state.built:
            rest_s = self._expected_build_s - elapsed_s
            return rest_s if rest_s > 0 else None
        return None

    def _values(self, line: Line) -> dict[str, str]:
        if line.found is None:
            return {}
        names = self._fields[line.found.variant]
        pairs = zip(names, line.found.groups, strict=True)
        return {name: value.decode("utf-8", "replace") for name, value in pairs if value is not None}


def _text(line: Line) -> str:
    return line.body.decode("utf-8", "replace").strip()


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
