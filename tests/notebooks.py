"""The notebooks in docs/notebooks: run, and kept with their outputs.

``python -m tests.notebooks [NAME ...]`` runs them and stores what they show, with a picture beside each plotly figure
for pages that draw none (GitHub, the site). A test runs them again and compares.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests import warm
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
LARGEST_BYTES = 500_000
_WIDTH = 900


def run(path: Path, folder: Path) -> Any:
    """Return a notebook as it comes out of a run in an empty folder, where it finds the logs as it does in docs.

    A cell that fails ends it with nbclient's CellExecutionError.
    """
    import nbformat
    from nbclient import NotebookClient

    place = folder / "docs" / "notebooks"
    place.mkdir(parents=True)
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(place)}},
    )
    surroundings = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PLOTLY_RENDERER": "plotly_mimetype",
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "COLUMNS": "110",
    }
    client.create_kernel_manager()
    client.km.kernel_spec.argv = [warm.python(), "-m", "tests.kernel", "-f", "{connection_file}"]
    client.execute(env=surroundings)
    return notebook


def shown(notebook: Any) -> list[list[tuple[str, Any]]]:
    """Return what each cell shows, as far as it is the same wherever it runs: texts word by word, numbers of figures.

    Pictures depend on the browser and its fonts, the markup and the spacing of a DataFrame on the version of pandas.
    """
    return [_joined([part for output in cell.get("outputs", ()) for part in _parts(output)]) for cell in notebook.cells]


def _joined(parts: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Put together what was printed one after the other: a kernel sends it in pieces where it is slow."""
    joined: list[tuple[str, Any]] = []
    for name, shown in parts:
        if name in ("stdout", "stderr") and joined and joined[-1][0] == name:
            joined[-1] = name, [*joined[-1][1], *shown]
        else:
            joined.append((name, shown))
    return joined


def _parts(output: Any) -> list[tuple[str, Any]]:
    if output.output_type == "stream":
        return [(output.name, output.text.split())]
    if output.output_type == "error":
        return [("error", [output.ename, output.evalue])]
    data = output.data
    if PLOTLY in data:
        return [("figure", data[PLOTLY]["data"])]
    parts = [("text", data["text/plain"].split())] if "text/plain" in data else []
    if 'class="trtlog"' in data.get("text/html", ""):
        parts.append(("html", re.sub(r"<[^>]*>", " ", data["text/html"]).split()))
    return parts


def store(path: Path) -> None:
    """Run a notebook and write it with its outputs, a picture in each figure."""
    import nbformat
    import plotly.io

    with tempfile.TemporaryDirectory() as folder:
        notebook = run(path, Path(folder))
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.get("data") and PLOTLY in output.data:
                output.data[PLOTLY].get("config", {}).pop("plotlyServerURL", None)
                figure = plotly.io.from_json(json.dumps(output.data[PLOTLY]), skip_invalid=True)
                picture = figure.to_image("png", width=_WIDTH, height=figure.layout.height or 400, scale=2)
                output.data["image/png"] = base64.b64encode(_small(picture)).decode()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook, indent=1) + "\n", encoding="utf-8")


def _small(picture: bytes) -> bytes:
    """Return a picture with a palette, a quarter of the size: plots have few colours."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    for stored in NOTEBOOKS:
        if not sys.argv[1:] or stored.stem in sys.argv[1:]:
            store(stored)
            print(f"{stored.relative_to(ROOT)}: {stored.stat().st_size / 1000:.0f} kB")
