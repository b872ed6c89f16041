"""The notebooks in docs cannot rot: each runs, and shows what is stored in it."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT, each, needs
from tests.notebooks import LARGEST_BYTES, NOTEBOOKS, PLOTLY, run, shown

pytestmark = needs("plotly", "nbclient")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_is_stored(path, tmp_path):
    """Otherwise, where the change is meant: python -m tests.notebooks."""
    import nbformat

    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    made = run(path, tmp_path)
    for cell, expected, found in each(zip(made.cells, shown(stored), shown(made), strict=True)):
        assert found == expected, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_can_be_looked_at_as_it_is(path):
    """Executed from top to bottom, without warnings; a picture beside each figure; small; about this project alone."""
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST_BYTES
    assert str(ROOT) not in text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert outputs
    assert all(output.get("name") != "stderr" for output in each(outputs))
    figures = [output["data"] for output in outputs if PLOTLY in output.get("data", {})]
    assert figures
    assert all("image/png" in figure for figure in each(figures))


def test_the_notebooks_of_the_issue_are_there():
    names = {path.stem for path in NOTEBOOKS}
    assert names >= {"first_look", "why_is_fp16_not_faster", "compare_two_builds", "fleet_of_logs"}


def test_what_a_slow_kernel_prints_in_pieces_is_one_output():
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    def of_pieces(*texts):
        outputs = [new_output("stream", name="stdout", text=text) for text in texts]
        return shown(new_notebook(cells=[new_code_cell(outputs=outputs)]))

    assert of_pieces("20 % less", "\n", "sums of timings\n") == of_pieces("20 % less\nsums of timings\n")
    assert of_pieces("20 % less\n") != of_pieces("30 % less", "\n")
