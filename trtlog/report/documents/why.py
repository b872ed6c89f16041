"""The story of one layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from trtlog._util.words import counted, plural, significant, size
from trtlog.analyses.build.fusions import describe
from trtlog.analyses.layer.why import Story
from trtlog.analyses.layer.why_words import FORCED_WORDS, formats_in_words
from trtlog.report.document import Bar, Block, Cell, Column, Document, Point, Points, Section, Sentence, Table, Title
from trtlog.report.numbers import figure
from trtlog.report.sentences import Span, aside, strong, words

_NODES = 12
_OPEN = ("candidates", "cost", "not in this log")
_CANDIDATE = (
    Column("", "code"),
    Column("#", "number"),
    Column("ms", "number"),
    Column("", "bar"),
    Column("slower", "number"),
    Column("", "code"),
    Column("formats", "code"),
    Column("line", "number", "aside"),
    Column("kernel", "name", least=48),
)


def why(story: Story) -> Document:
    """Return the story of a layer: the verdict, then where it comes from, candidates, conversions, cost."""
    sections = (
        ("where it comes from", _origin(story)),
        ("tensors", _tensors(story)),
        ("candidates", _candidates(story)),
        ("skipped", _skips(story)),
        ("conversions around it", _conversions(story)),
        ("cost", _cost(story)),
        ("not in this log", map(_sentence, story.missing)),
    )
    made = [(title, tuple(blocks)) for title, blocks in sections]
    parts = [Section(title, blocks, opened=title in _OPEN, indent=2) for title, blocks in made if blocks]
    verdict = Points(tuple(Point(words(sentence)) for sentence in story.verdict), indent=2)
    return Document("trtlog why", (_title(story), verdict, *parts))


def _title(story: Story) -> Title:
    line = story.engine["line"] if story.engine else None
    kind = words("  ", Span(story.type, tone="accent")) if story.type else None
    return Title(words(strong(story.layer), kind, aside(f"  line {line}") if line is not None else None))


def _sentence(text: str, line: int | None = None) -> Sentence:
    return Sentence(words(text, aside(f"  [line {line}]") if line is not None else None))


def _origin(story: Story) -> Iterator[Block]:
    for link in story.nodes[:_NODES]:
        how = "" if link["how"] in ("name", "metadata") else f" (by {link['how']})"
        op = f" [{link['op']}]" if link["op"] else ""
        yield _sentence(f"ONNX {link['node']}{op}{how}", link["node_line"])
    left = len(story.nodes) - _NODES
    if left > 0:
        ops = Counter(link["op"] or "initializer" for link in story.nodes)
        counts = ", ".join(f"{count} {op}" for op, count in ops.most_common())
        yield _sentence(f"and {left} more {plural(left, 'node')}; in all {counts}")
    for event in story.rewrites:
        rule = f"{event['rule']}: " if event["rule"] else ""
        yield _sentence(f"{rule}{describe(event)}", event["line"])
    for attempt in story.attempted:
        what = "no effect" if attempt["outcome"] == "not_applied" else "this rule prints no outcome"
        yield _sentence(f"{attempt['rule']} tried on {attempt['layer']}: {what}", attempt["line"])


def _tensors(story: Story) -> Iterator[Block]:
    for arrow, side in (("in ", story.formats[0]), ("out", story.formats[1])):
        yield from (_sentence(f"{arrow}  {tensor}") for tensor in side)


def _candidates(story: Story) -> Iterator[Block]:
    if not story.candidates:
        return
    by = f", by {', '.join(story.runners)}" if story.runners else ""
    whose = "" if story.timed_layer == story.layer else f" for {story.timed_layer}"
    yield _sentence(
        f"{counted(story.candidates, 'tactic')} timed{whose} in "
        f"{counted(story.combinations, 'combination')} of formats{by}"
    )
    yield _table(story)
    if len(story.by_precision) > 1:
        best = ", ".join(f"{b['precision'] or 'unknown'} {b['best_ms']:.6g} ms" for b in story.by_precision)
        yield _sentence(f"best by precision: {best}")
    found = story.precision
    if found and found["fallback"] and found["text"]:
        yield _sentence(f"why not narrower ({found['reason'].replace('_', ' ')}): {found['text']}")


def _table(story: Story) -> Table:
    shown = list(story.top)
    for extra in (story.winner, story.second):
        if extra is not None and all(extra["line"] != row["line"] for row in shown):
            shown.append(extra)
    shown.sort(key=lambda row: row["rank"])
    slowest = max((row["time_ms"] for row in shown), default=0.0) or 1.0
    rows: list[list[Cell]] = []
    for row in shown:
        used = story.winner is not None and row["line"] == story.winner["line"]
        kernel = row["kernel"] or " ".join(filter(None, (row["runner"], row["tactic"])))
        slower = row["slower_percent"]
        rows.append(
            [
                Span(">", "badge", "good") if used else "",
                str(row["rank"]),
                figure(row["time_ms"], ".6g"),
                Bar(row["time_ms"] / slowest, "good" if used else "accent", 8),
                figure(slower, "+.1f", " %"),
                row["precision"] or "",
                formats_in_words(row),
                str(row["line"]),
                strong(kernel) if used else kernel,
            ]
        )
    return Table(_CANDIDATE, rows, most=len(rows))


def _skips(story: Story) -> Iterator[Block]:
    for skip in story.skips:
        text = f"{skip['runner'] or 'a runner'}: {skip['reason'].replace('_', ' ')}"
        if skip["count"] > 1:
            text += f", {skip['count']} times"
        if skip["requested_bytes"] is not None:
            text += f", asked for {size(skip['requested_bytes'])}"
        if skip["available_bytes"] is not None:
            text += f" of {size(skip['available_bytes'])}"
        yield _sentence(text, skip["line"])


def _conversions(story: Story) -> Iterator[Block]:
    for row in story.reformats:
        cost = row["profile_ms"] if row["profile_ms"] is not None else row["timed_ms"]
        source = "in the profile" if row["profile_ms"] is not None else "as timed by the builder"
        text = f"{row['place']}: {row['before']} to {row['after']} of {row['tensor']}"
        if cost is not None:
            text += f", {cost:.6g} ms {source}"
        yield _sentence(f"{text}; {FORCED_WORDS[row['forced_by']]}", row["line"])


def _roofline(row: dict[str, Any]) -> str:
    """How far the layer is from what the GPU can do."""
    shares = [f"{significant(row['gb_per_s'])} GB/s, {significant(row['percent_of_bandwidth'], 2)} % of its memory's"]
    if row["tflops"]:
        rate = significant(row["percent_of_compute"], 2)
        shares.insert(0, f"{significant(row['tflops'])} TFLOP/s, {rate} % of the GPU's rate")
    bound = "bound by neither: launches and small work" if row["bound"] == "latency" else f"nearer to {row['bound']}"
    note = f" ({row['note']})" if row["note"] else ""
    return f"roofline: {'; '.join(filter(None, shares))}; ideally {significant(row['ideal_ms'])} ms; {bound}{note}"


def _cost(story: Story) -> Iterable[Block]:
    row = story.profile
    if row is not None:
        mean = row["time_ms"] / row["iterations"] if row["iterations"] else row["avg_ms"]
        among = f"{counted(story.profile_layers, 'layer')}{'' if story.profile_whole else ' that the log shows of it'}"
        yield _sentence(
            f"profile: {mean:.4g} ms an inference, {row['percent']:g} % of the total, "
            f"number {story.profile_rank} of {among}",
            row["line"],
        )
    if story.roofline is not None and story.roofline["bound"] is not None:
        yield _sentence(_roofline(story.roofline))
    if story.memory is not None:
        memory = story.memory
        yield _sentence(
            f"memory: host persistent {memory['host_persistent_bytes']} bytes, device persistent "
            f"{memory['device_persistent_bytes']} bytes, scratch {memory['scratch_bytes']} bytes",
            memory["line"],
        )
    if story.build_seconds is not None:
        about = "" if story.build_source == "printed" else "about "
        source = "" if story.build_source == "printed" else " (from timestamps of whole seconds)"
        whose = "" if story.timed_layer in (story.layer, None) else f" timing {story.timed_layer}"
        spent = f"{story.build_seconds:.2g}" if story.build_seconds < 10 else f"{story.build_seconds:.0f}"
        yield _sentence(f"build: the builder spent {about}{spent} s{whose}{source}")
