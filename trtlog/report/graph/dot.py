"""The engine's graph in Graphviz' DOT."""

from __future__ import annotations

from trtlog.report.graph.drawing import Drawing
from trtlog.report.graph.svg import CHANGED, colors_of
from trtlog.report.safe import visible

_SHAPES = {"conversion": "hexagon", "noop": "plaintext", "input": "ellipse", "output": "ellipse"}
_STATES = {
    "added": f', color="{CHANGED["added"]}", penwidth=2',
    "removed": f', color="{CHANGED["removed"]}", style=dashed, penwidth=2',
}


def to_dot(drawing: Drawing) -> str:
    """Return the picture as DOT; ``dot -Tsvg`` draws it.

    Parameters
    ----------
    drawing : Drawing
        Of :func:`trtlog.report.graph.drawing.draw`.
    """
    out = [
        "digraph engine {",
        f"  label={_quoted(drawing.title)}; labelloc=t; rankdir=TB;",
        '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=9];',
    ]
    for number, (box, color) in enumerate(zip(drawing.boxes, colors_of(drawing), strict=True)):
        shape = f", shape={_SHAPES[box.kind]}" if box.kind in _SHAPES else ""
        width = ", penwidth=4" if box.strong else ", penwidth=2" if box.kind == "conversion" else ""
        label = _quoted("\n".join(filter(None, (box.title, box.line))))
        out.append(f'  n{number} [label={label}, color="{color}"{shape}{width}, tooltip={_quoted(box.hint)}];')
    for line in drawing.lines:
        change = ', color="#b3261e", fontcolor="#b3261e", penwidth=2.5' if line.change else _STATES.get(line.state, "")
        words = "\n".join(filter(None, (line.label, line.change)))
        out.append(
            f"  n{line.source} -> n{line.target} [label={_quoted(words)}, tooltip={_quoted(line.tensor)}{change}];"
        )
    return "\n".join([*out, "}"]) + "\n"


def _quoted(text: str) -> str:
    """Return a text as DOT writes it."""
    shown = "\\n".join(visible(part).replace("\\", "\\\\").replace('"', '\\"') for part in text.split("\n"))
    return f'"{shown}"'
