"""The engine's graph as one SVG file: light and dark, with hints, nothing loaded from elsewhere."""

from __future__ import annotations

import html

from trtlog._util.words import base_name
from trtlog.report.graph.drawing import Box, Drawing
from trtlog.report.graph.placed import HEIGHT, SMALL, PlacedBox, PlacedLine, placed
from trtlog.report.safe import visible

_MARGIN = 16.0
_TOP = 66.0  # title and legend
# Colours of the report's page, but for its orange, which conversions have; words beyond them share one.
COLORS = ("#3b7dd8", "#2f9e7e", "#b55bc4", "#0f9bb5", "#6b8e23", "#8d6e63", "#6c63c9", "#d1495b")
# The same word has the same colour in every picture.
_KNOWN = {
    "FP32": "#3b7dd8", "TF32": "#0f9bb5", "FP16": "#2f9e7e", "BF16": "#6b8e23", "INT8": "#b55bc4", "FP8": "#6c63c9",
    "FP4": "#8d6e63", "INT4": "#8d6e63", "compute": "#b55bc4", "memory": "#3b7dd8", "latency": "#8d6e63",
}  # fmt: skip
NONE = "#8a94a3"
CONVERSION = "#d97706"
CHANGED = {"unchanged": NONE, "changed": "#c47a1d", "removed": "#b3261e", "added": "#1f8a4c"}
_SHADES = {"changed": "chg", "removed": "rem", "added": "add"}

_STYLE = """
svg{display:block;margin:0 auto}
svg{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;background:#f6f7f9;color:#1b2330}
.card{fill:#fff}
.t{font-size:12px;fill:#1b2330}
.s{font-size:10px;fill:#5a6679}
.h{font-size:15px;font-weight:600;fill:#1b2330}
.e{fill:none;stroke:#98a3b3;stroke-width:1.3}
.l{font-size:9.5px;fill:#5a6679;paint-order:stroke;stroke:#f6f7f9;stroke-width:3px}
.p{stroke:#b3261e;stroke-width:2.6}
.pl{fill:#b3261e;font-weight:600}
.a{fill:#98a3b3}
.b{fill:#b3261e}
.c .card{fill:#fff3df}
.n .card{fill:none}
.io .card{fill:#e6edf6}
.x .card{stroke-width:4}
.chg .card{fill:#fdf0d8}
.rem .card{fill:#fbe4e2}
.add .card{fill:#e0f3e6}
.er{stroke:#b3261e;stroke-dasharray:6 3;stroke-width:2}
.ea{stroke:#1f8a4c;stroke-width:2.2}
.br{fill:#b3261e}
.ba{fill:#1f8a4c}
@media (prefers-color-scheme:dark){svg{background:#12161c;color:#e4e9f0}
.card{fill:#1a2029}
.t,.h{fill:#e4e9f0}
.s{fill:#9aa7b8}
.e{stroke:#5d6a7c}
.l{fill:#9aa7b8;stroke:#12161c}
.p{stroke:#ff8a80}
.b{fill:#ff8a80}
.pl{fill:#ff8a80}
.c .card{fill:#3a2c14}
.io .card{fill:#222f42}
.chg .card{fill:#3a2c14}
.rem .card{fill:#43211f}
.add .card{fill:#173625}
.er{stroke:#ff8a80}
.ea{stroke:#5fd08c}
.br{fill:#ff8a80}
.ba{fill:#5fd08c}}
""".replace("\n", "")


def to_svg(drawing: Drawing) -> str:
    """Return the picture as SVG.

    Parameters
    ----------
    drawing : Drawing
        Of :func:`trtlog.report.graph.drawing.draw`.
    """
    place = placed(drawing)
    legend, legend_width = _legend(drawing)
    title = base_name(drawing.title)
    width = max(place.width, legend_width, 10.0 * len(title) + 2 * _MARGIN)
    left = (width - place.width) / 2
    height = place.height + _TOP + _MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img">',
        f"<title>{_text(drawing.title)}</title><style>{_STYLE}</style>",
        f"<defs>{''.join(map(_arrow, ('a', 'b', 'ba', 'br')))}</defs>",
        f'<text class="h" x="{_MARGIN}" y="26">{_text(title)}</text>',
        legend,
        f'<g transform="translate({left:.1f} {_TOP})">',
    ]
    out += [_edge(one) for one in place.lines]
    out += [_box(one, fill) for one, fill in zip(place.boxes, colors_of(drawing), strict=True)]
    labels = [_label(*words) for one in place.lines for words in one.words]
    return "\n".join([*out, *labels, "</g></svg>"]) + "\n"


def colors_of(drawing: Drawing) -> list[str]:
    """Return the colour of each box."""
    colors = _colors(drawing)
    ends = ("input", "output")
    return [NONE if box.kind in ends else _fill(box, drawing.color, colors) for box in drawing.boxes]


def _colors(drawing: Drawing) -> dict[str, str]:
    known = {key: _KNOWN[key] for key in drawing.keys if key in _KNOWN}
    others = (key for key in drawing.keys if key not in known and key != "conversion")
    return known | dict(zip(others, (color for color in COLORS if color not in known.values()), strict=False))


def _text(text: str) -> str:
    return html.escape(visible(text))


def _fill(box: Box, color: str, colors: dict[str, str]) -> str:
    if color == "time":
        return NONE if box.share is None else heat(box.share)
    if color == "change":
        return CHANGED.get(box.key or "", NONE)
    return CONVERSION if box.key == "conversion" else colors.get(box.key or "", NONE)


def heat(share: float) -> str:
    """Return the colour of a share of the longest time, from pale blue to red.

    Examples
    --------
    >>> heat(0.0), heat(1.0)
    ('#9db9dd', '#c62828')
    """
    scale = ((157, 185, 221), (224, 138, 30), (198, 40, 40))
    place = min(max(share, 0.0), 1.0) * 2
    low, high = scale[min(int(place), 1)], scale[min(int(place), 1) + 1]
    part = place - min(int(place), 1)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(low, high, strict=True))


def _box(one: PlacedBox, fill: str) -> str:
    box, x, y, width = one.box, one.x, one.y, one.width
    shape = {"conversion": "c", "noop": "n", "input": "io", "output": "io"}.get(box.kind, "")
    if box.key in CHANGED and shape != "io":
        shape = _SHADES.get(box.key or "", "")
    dashed = ' stroke-dasharray="5 3"' if box.kind in ("conversion", "noop") else ""
    round_ = 20 if shape == "io" else 6
    return (
        f'<g class="{shape}{" x" if box.strong else ""}"><title>{_text(box.hint)}</title>'
        f'<rect class="card" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEIGHT}" rx="{round_}" '
        f'stroke="{fill}" stroke-width="{2 if box.kind == "conversion" else 1.4}"{dashed}/>'
        + ("" if shape == "io" else f'<rect x="{x:.1f}" y="{y:.1f}" width="7" height="{HEIGHT}" rx="3" fill="{fill}"/>')
        + f'<text class="t" x="{x + 13:.1f}" y="{y + 17:.1f}">{_text(box.title)}</text>'
        f'<text class="s" x="{x + 13:.1f}" y="{y + 31:.1f}">{_text(box.line)}</text></g>'
    )


def _edge(one: PlacedLine) -> str:
    line = one.line
    title = " ".join(filter(None, (line.tensor, line.label, line.change, line.state)))
    state = {"added": "a", "removed": "r"}.get(line.state, "")
    shade, arrow = (" p", "b") if line.change else (f" e{state}", f"b{state}") if state else ("", "a")
    return f'<path class="e{shade}" d="{one.path}" marker-end="url(#{arrow})"><title>{_text(title)}</title></path>'


def _label(words: str, x: float, y: float, change: bool) -> str:
    return f'<text class="l{" pl" if change else ""}" x="{x:.1f}" y="{y:.1f}">{_text(words)}</text>'


def _arrow(name: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" orient="auto" '
        f'markerUnits="userSpaceOnUse"><path class="{name}" d="M0 0 8 4 0 8z"/></marker>'
    )


def _legend(drawing: Drawing) -> tuple[str, float]:
    """Return what the colours stand for, and how wide that is."""
    counts = {key: sum(1 for box in drawing.boxes if box.key == key) for key in drawing.keys}
    colors = _colors(drawing)
    if drawing.color == "time":
        pairs = [("no time known", NONE), *((f"{share:.0%} of the longest", heat(share)) for share in (0.0, 0.5, 1.0))]
    elif drawing.color == "change":
        pairs = [(f"{key} ({counts.get(key, 0)})", color) for key, color in CHANGED.items()]
    else:
        pairs = [(f"{key} ({counts[key]})", color) for key, color in colors.items()]
        others = sum(counts[key] for key in drawing.keys if key not in colors and key != "conversion")
        if others:
            pairs.append((f"other types ({others})", NONE))
        unknown = sum(1 for box in drawing.boxes if box.key is None and box.kind not in ("input", "output"))
        if unknown:
            pairs.append((f"not known ({unknown})", NONE))
    if "conversion" in counts:
        pairs.append((f"conversion of a format ({counts['conversion']})", CONVERSION))
    out, x = [], _MARGIN
    for word, color in pairs:
        out.append(f'<rect x="{x:.0f}" y="40" width="11" height="11" rx="2" fill="{color}"/>'
                   f'<text class="s" x="{x + 16:.0f}" y="49">{_text(word)}</text>')  # fmt: skip
        x += 34 + SMALL * len(word)
    for state, words in (("removed", "only in the first"), ("added", "only in the second")):
        number = sum(1 for line in drawing.lines if line.state == state)
        if number:
            word = f"tensor {words} ({number})"
            out.append(f'<path class="e e{state[0]}" d="M{x:.0f} 45.5h18"/>'
                       f'<text class="s" x="{x + 24:.0f}" y="49">{word}</text>')  # fmt: skip
            x += 44 + SMALL * len(word)
    changes = sum(1 for line in drawing.lines if line.change)
    if changes:
        word = f"precision changes ({changes})"
        out.append(f'<path class="e p" d="M{x:.0f} 45.5h18"/><text class="s" x="{x + 24:.0f}" y="49">{word}</text>')
        x += 44 + SMALL * len(word)
    return "".join(out), x
