"""Several builds of one model on the terminal and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from trtlog._util.words import counted, plural
from trtlog.report.diff_text import markdown_table
from trtlog.report.diff_words import Columns, Section, number, one_line, signed
from trtlog.report.terminal.diff import table
from trtlog.report.terminal.text import Heading

if TYPE_CHECKING:
    from trtlog.analyses.compare.stability import Stability

_LIMIT = 15


def headline(found: Stability) -> list[str]:
    """Return the answer in a few sentences."""
    lines = [f"{len(found.build_rows)} builds"]
    times = [row["gpu_compute_ms"] for row in found.build_rows if row["gpu_compute_ms"] is not None]
    if len(times) > 1:
        lines.append(
            f"GPU compute time: {number(min(times))} to {number(max(times))} ms from build to build "
            f"({signed(100 * (max(times) / min(times) - 1))})"
        )
    if found.layer_rows:
        flipped = [row for row in found.layer_rows if row["winners"] > 1]
        kinds = ", ".join(
            f"{sum(row['verdict'] == kind for row in flipped)} {kind}"
            for kind in ("tie", "disturbed", "formats", "flips")
            if any(row["verdict"] == kind for row in flipped)
        )
        lines.append(
            f"{len(flipped)} of {counted(len(found.layer_rows), 'layer')} "
            f"{plural(len(flipped), 'changes its', 'change their')} tactic" + (f" ({kinds})" if kinds else "")
        )
    if found.noise_percent is not None:
        known = sum(row["noise_percent"] is not None for row in found.layer_rows)
        lines.append(
            f"noise of a layer's timings from build to build, outliers included: {found.noise_percent:.1f}% "
            f"(standard deviation; the median of {counted(known, 'layer')})"
        )
    return lines


def sections(found: Stability) -> list[Section]:
    """Return the tables: builds, layers that change, layers that make the time vary."""
    builds = Section(
        "Builds",
        list(found.build_rows),
        (
            ("", lambda row: str(row["build"]), "number"),
            ("log", lambda row: one_line(row["source"]), "name"),
            ("qps", lambda row: number(row["throughput_qps"]), "number"),
            ("GPU ms", lambda row: number(row["gpu_compute_ms"]), "number"),
            ("spread", lambda row: signed(row["spread_percent"]), "number"),
            ("layers ms", lambda row: number(row["layers_ms"]), "number"),
            ("same tactics", lambda row: signed(row["timing_shift_percent"]), "number"),
            ("build s", lambda row: number(row["build_seconds"]), "number"),
        ),
    )
    flipped = [row for row in found.layer_rows if row["winners"] > 1]
    varying = [row for row in found.layer_rows if row["share_percent"] is not None]
    columns: Columns = (
        ("layer", lambda row: one_line(row["layer"]), "name"),
        ("winners", lambda row: str(row["winners"]), "number"),
        ("flips", lambda row: "" if row["flips_percent"] is None else f"{row['flips_percent']:.0f}%", "number"),
        ("margin", lambda row: "" if row["margin_percent"] is None else f"{row['margin_percent']:.1f}%", "number"),
        ("noise", lambda row: "" if row["noise_percent"] is None else f"{row['noise_percent']:.1f}%", "number"),
        ("min ms", lambda row: number(row["min_ms"]), "number"),
        ("max ms", lambda row: number(row["max_ms"]), "number"),
        ("share", lambda row: "" if row["share_percent"] is None else f"{row['share_percent']:.0f}%", "number"),
        ("verdict", lambda row: str(row["verdict"]), "code"),
    )
    parts = [
        builds,
        Section("Layers whose tactic changes", flipped, columns),
        Section("Layers that make the sum vary", varying, columns, "share_percent"),
    ]
    return [part for part in parts if part.rows]


def screen(found: Stability, limit: int = _LIMIT) -> RenderableType:
    """Return it as something rich can print."""
    parts: list[RenderableType] = [Text(f"note: {note}", style="yellow") for note in found.notes]
    first, *rest = headline(found)
    parts += [Text(first, style="bold"), *[Text(line) for line in rest]]
    parts += [part for section in sections(found) for part in (Text(), table(section, limit))]
    if found.advice:
        parts += [Text(), Heading("Advice"), *[Text(f"- {line}") for line in found.advice]]
    return Group(*parts)


def to_markdown(found: Stability, limit: int = _LIMIT) -> str:
    """Return it as Markdown."""
    lines = ["## trtlog stability", "", *[f"> **Note:** {note}  " for note in found.notes], ""]
    lines += [f"- {line}" for line in headline(found)]
    for section in sections(found):
        lines += ["", f"### {section.title}", "", *markdown_table(section, limit)]
    lines += ["", "### Advice", "", *[f"- {line}" for line in found.advice]]
    return "\n".join(lines) + "\n"
