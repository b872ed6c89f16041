"""The story of one layer as terminal text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from trtlog._util.words import counted, plural
from trtlog.analyses.build.fusions import describe
from trtlog.analyses.layer.why import Story
from trtlog.report.terminal.text import Bar, Cell, Column, Heading, Indented, Sheet

_NODES = 12
_CANDIDATE = (
    Column("", "code"),
    Column("#", "number"),
    Column("ms", "number"),
    Column("", "bar"),
    Column("slower", "number"),
    Column("", "code"),
    Column("formats", "code"),
    Column("line", "number", "dim"),
    Column("kernel", "name", least=48),
)


def render(story: Story) -> RenderableType:
    """Return the story of a layer as something rich can print."""
    shown: list[RenderableType] = [_title(story)]
    shown += [Indented(Text(sentence)) for sentence in story.verdict]
    for title, held in parts(story):
        shown.append(Heading(title))
        shown += [Indented(item) for item in held]
    return Group(*shown)


def parts(story: Story) -> list[tuple[str, list[RenderableType]]]:
    """Return the parts of the story under their titles, without those that have nothing to tell."""
    sections = (
        ("where it comes from", _origin(story)),
        ("tensors", _tensors(story)),
        ("candidates", _candidates(story)),
        ("skipped", _skips(story)),
        ("conversions around it", _reformats(story)),
        ("cost", _cost(story)),
        ("not in this log", [Text(words) for words in story.missing]),
    )
    told = [(title, list(body)) for title, body in sections]
    return [(title, body) for title, body in told if body]


def _title(story: Story) -> Text:
    title = Text(story.layer, style="bold")
    if story.type:
        title.append(f"  {story.type}", style="cyan")
    if story.engine and story.engine["line"] is not None:
        title.append(f"  line {story.engine['line']}", style="dim")
    return title


def _line(words: str, line: int | None) -> Text:
    text = Text(words)
    if line is not None:
        text.append(f"  [line {line}]", style="dim")
    return text


def _origin(story: Story) -> Iterable[RenderableType]:
    for link in story.nodes[:_NODES]:
        how = "" if link["how"] in ("name", "metadata") else f" (by {link['how']})"
        op = f" [{link['op']}]" if link["op"] else ""
        yield _line(f"ONNX {link['node']}{op}{how}", link["node_line"])
    if len(story.nodes) > _NODES:
        ops: dict[str, int] = {}
        for link in story.nodes:
            ops[link["op"] or "initializer"] = ops.get(link["op"] or "initializer", 0) + 1
        counts = ", ".join(f"{count} {op}" for op, count in sorted(ops.items(), key=lambda item: -item[1]))
        yield Text(f"and {len(story.nodes) - _NODES} more {plural(len(story.nodes) - _NODES, 'node')}; in all {counts}")
    for event in story.rewrites:
        rule = f"{event['rule']}: " if event["rule"] else ""
        yield _line(f"{rule}{describe(event)}", event["line"])
    for attempt in story.attempted:
        what = "no effect" if attempt["outcome"] == "not_applied" else "this rule prints no outcome"
        yield _line(f"{attempt['rule']} tried on {attempt['layer']}: {what}", attempt["line"])


def _tensors(story: Story) -> Iterable[RenderableType]:
    for arrow, side in (("in ", story.formats[0]), ("out", story.formats[1])):
        for words in side:
            yield Text(f"{arrow}  {words}")


def _candidates(story: Story) -> Iterable[RenderableType]:
    if not story.candidates:
        return
    whose = "" if story.timed_layer == story.layer else f" for {story.timed_layer}"
    yield Text(
        f"{counted(story.candidates, 'tactic')} timed{whose} in "
        f"{counted(story.combinations, 'combination')} of formats, by {', '.join(story.runners)}"
    )
    yield _table(story)
    if len(story.by_precision) > 1:
        best = ", ".join(f"{b['precision'] or 'unknown'} {b['best_ms']:.6g} ms" for b in story.by_precision)
        yield Text(f"best by precision: {best}")
    found = story.precision
    if found and found["fallback"] and found["text"]:
        yield Text(f"why not narrower ({found['reason'].replace('_', ' ')}): {found['text']}")


def _table(story: Story) -> Sheet:
    shown = list(story.top)
    for extra in (story.winner, story.second):
        if extra is not None and all(extra["line"] != row["line"] for row in shown):
            shown.append(extra)
    shown.sort(key=lambda row: row["rank"])
    slowest = max((row["time_ms"] for row in shown), default=0.0) or 1.0
    rows: list[list[Cell]] = []
    for row in shown:
        used = story.winner is not None and row["line"] == story.winner["line"]
        rows.append(
            [
                Text(">" if used else "", style="bold green"),
                str(row["rank"]),
                f"{row['time_ms']:.6g}",
                Bar(row["time_ms"] / slowest, "green" if used else "cyan", 8),
                f"+{row['slower_percent']:.1f} %" if row["slower_percent"] is not None else "",
                row["precision"] or "",
                f"{row['input_layout'] or 'none'} -> {row['output_layout'] or 'none'}",
                str(row["line"]),
                Text(row["kernel"] or f"{row['runner']} {row['tactic']}", style="bold" if used else ""),
            ]
        )
    return Sheet(_CANDIDATE, rows)


def _skips(story: Story) -> Iterable[RenderableType]:
    for skip in story.skips:
        words = f"{skip['runner'] or 'a runner'}: {skip['reason'].replace('_', ' ')}"
        if skip["count"] > 1:
            words += f", {skip['count']} times"
        if skip["requested_bytes"] is not None:
            words += f", asked for {_mib(skip['requested_bytes'])}"
        if skip["available_bytes"] is not None:
            words += f" of {_mib(skip['available_bytes'])}"
        yield _line(words, skip["line"])


def _reformats(story: Story) -> Iterable[RenderableType]:
    for row in story.reformats:
        cost = row["profile_ms"] if row["profile_ms"] is not None else row["timed_ms"]
        source = "in the profile" if row["profile_ms"] is not None else "as timed by the builder"
        words = f"{row['place']}: {row['before']} to {row['after']} of {row['tensor']}"
        if cost is not None:
            words += f", {cost:.6g} ms {source}"
        yield _line(f"{words}; {_FORCED[row['forced_by']]}", row["line"])


_FORCED = {
    "network_io": "asked for by the network's inputs and outputs",
    "consumer": "the layer behind it has no tactic for the format before",
    "producer": "the layer before it has no tactic for the format after",
    "cost": "both sides could do without; the layer gains more than the conversion costs",
    "unknown": "no timings tell who forces it",
}


def _cost(story: Story) -> Iterable[RenderableType]:
    row: dict[str, Any] | None = story.profile
    if row is not None:
        mean = row["time_ms"] / row["iterations"] if row["iterations"] else row["avg_ms"]
        yield _line(
            f"profile: {mean:.4g} ms an inference, {row['percent']:g} % of the total, "
            f"number {story.profile_rank} of {counted(story.profile_layers, 'layer')}",
            row["line"],
        )
    if story.memory is not None:
        memory = story.memory
        yield _line(
            f"memory: host persistent {memory['host_persistent_bytes']} bytes, device persistent "
            f"{memory['device_persistent_bytes']} bytes, scratch {memory['scratch_bytes']} bytes",
            memory["line"],
        )
    if story.build_seconds is not None:
        about = "" if story.build_source == "printed" else "about "
        source = "" if story.build_source == "printed" else " (from timestamps of whole seconds)"
        whose = "" if story.timed_layer in (story.layer, None) else f" timing {story.timed_layer}"
        yield Text(f"build: the builder spent {about}{story.build_seconds:.2g} s{whose}{source}")


def _mib(size: int) -> str:
    return f"{size / 2**20:.4g} MiB"
