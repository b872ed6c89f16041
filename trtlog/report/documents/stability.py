"""Several builds of one model."""

from __future__ import annotations

from trtlog._util.words import counted, plural
from trtlog.analyses.compare.stability import Stability
from trtlog.report.document import Block, Document, Note, Point, Points, Section
from trtlog.report.documents.diff_tables import Drawn, change, table_of, text, value
from trtlog.report.numbers import number, signed
from trtlog.report.sentences import strong, words

_BUILDS: tuple[Drawn, ...] = (
    ("", "number", value("build")),
    ("log", "name", text("source")),
    ("qps", "number", value("throughput_qps")),
    ("GPU ms", "number", value("gpu_compute_ms")),
    ("spread", "number", change("spread_percent")),
    ("layers ms", "number", value("layers_ms")),
    ("same tactics", "number", change("timing_shift_percent")),
    ("build s", "number", value("build_seconds")),
)
_LAYERS: tuple[Drawn, ...] = (
    ("layer", "name", text("layer")),
    ("winners", "number", value("winners")),
    ("flips", "number", value("flips_percent", ".0f", "%")),
    ("margin", "number", value("margin_percent", ".1f", "%")),
    ("noise", "number", value("noise_percent", ".1f", "%")),
    ("min ms", "number", value("min_ms")),
    ("max ms", "number", value("max_ms")),
    ("share", "number", value("share_percent", ".0f", "%")),
    ("verdict", "code", text("verdict")),
)


def stability(found: Stability) -> Document:
    """Return several builds: the answer, the builds, the layers that change, advice."""
    blocks: list[Block] = [*map(Note, found.notes), Points(tuple(headline(found))), *_sections(found)]
    if found.advice:
        advice = Points(tuple(Point(words(line)) for line in found.advice), marker="- ")
        blocks.append(Section("Advice", (advice,), apart=True))
    return Document("trtlog stability", tuple(blocks))


def headline(found: Stability) -> list[Point]:
    """Return the answer in a few sentences."""
    points = [Point(words(strong(f"{len(found.build_rows)} builds")))]
    times = [row["gpu_compute_ms"] for row in found.build_rows if row["gpu_compute_ms"] is not None]
    if len(times) > 1:
        spread = signed(100 * (max(times) / min(times) - 1))
        range_ = f"{number(min(times))} to {number(max(times))} ms from build to build ({spread})"
        points.append(Point(words(f"GPU compute time: {range_}")))
    if found.layer_rows:
        verdicts = [row["verdict"] for row in found.layer_rows if row["winners"] > 1]
        kinds = [kind for kind in ("tie", "disturbed", "formats", "flips") if kind in verdicts]
        counts = ", ".join(f"{verdicts.count(kind)} {kind}" for kind in kinds)
        change_ = plural(1 if found.compared == 1 else len(verdicts), "changes its", "change their")
        line = f"{len(verdicts)} of {counted(found.compared, 'layer')} {change_} tactic"
        line += f" ({counts})" if counts else ""
        others = len(found.layer_rows) - found.compared
        if not found.compared:
            line = f"the tactics of the {counted(others, 'layer')} are not compared: no two logs name one"
        elif others:
            line += f"; of {others} more no two logs name the tactic"
        points.append(Point(words(line)))
    if found.noise_percent is not None:
        known = sum(row["noise_percent"] is not None for row in found.layer_rows)
        noise = f"{found.noise_percent:.1f}% (standard deviation; the median of {counted(known, 'layer')})"
        points.append(Point(words(f"noise of a layer's timings from build to build, outliers included: {noise}")))
    return points


def _sections(found: Stability) -> list[Section]:
    """Return the tables: builds, layers that change, layers that make the time vary."""
    flipped = [row for row in found.layer_rows if row["winners"] > 1]
    varying = [row for row in found.layer_rows if row["share_percent"] is not None]
    tables = (
        ("Builds", found.build_rows, _BUILDS, None),
        ("Layers whose tactic changes", flipped, _LAYERS, None),
        ("Layers that make the sum vary", varying, _LAYERS, "share_percent"),
    )
    return [
        Section(title, (table_of(rows, columns, bar),), opened=title == "Builds", count=len(rows), apart=True)
        for title, rows, columns, bar in tables
        if rows
    ]
