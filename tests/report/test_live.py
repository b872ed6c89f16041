"""The line of a running trtexec: it fits any width, and says what the log says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from trtlog.report.live import as_html, fit, pieces
from trtlog.runner.progress import Event, FastestTactic

LONG = Event(
    "best",
    "autotune",
    elapsed_s=75.4,
    layer="/layer1/layer1.0/conv1/Conv + /layer1/layer1.0/relu/Relu",
    layer_number=28,
    layers=57,
    best=FastestTactic("x", None, "0x1", None, 0.0123456),
    warnings=1,
    errors=2,
    share=27 / 57,
)
MEASURING = Event("phase", "inference", elapsed_s=80.0, eta_s=1.9, share=0.4)


@pytest.mark.parametrize("width", [1, 8, 20, 30, 40, 60, 79, 80, 120, 200])
@pytest.mark.parametrize("event", [LONG, MEASURING, Event("quiet", "import", text="nothing printed for 10 s")])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_it_fits_any_width(event, width, ascii_only):
    line = fit(pieces(event, "3/8 batch8-fp16"), width, ascii_only)
    assert cell_len(line) <= width
    assert "\n" not in line
    assert not ascii_only or line.isascii()


def test_what_matters_stays_where_there_is_little_room():
    assert fit(pieces(LONG), 40) == "timing tactics: layer 28 of 57  75 s"
    wide = fit(pieces(LONG), 200)
    for words in ("layer 28 of 57", LONG.layer, "best 0.01235 ms", "75 s", "1 warning, 2 errors"):
        assert words in wide
    assert fit(pieces(MEASURING), 60).endswith("80 s, 2 s left")
    building = replace(LONG, eta_s=12.3)
    assert fit(pieces(building), 200).endswith("  75 s, about 12 s left  1 warning, 2 errors")
    assert fit(pieces(building), 40) == "timing tactics: layer 28 of 57  75 s"


def test_the_bar_is_as_long_as_the_share():
    bar = fit(pieces(MEASURING), 80).partition("running inference ")[2].partition("  ")[0]
    assert len(bar) == 20
    assert bar.count("█") == 8


def test_without_a_share_there_is_no_bar():
    assert "·" not in fit(pieces(Event("layer", "autotune", layer="fc", layer_number=3, elapsed_s=1.0)), 120)


def test_a_layer_is_text_in_a_notebook():
    html = as_html(pieces(Event("layer", "autotune", layer="<img src=x>", layer_number=1, layers=4, share=0.25)))
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html
    assert 'value="0.2500"' in html
    assert "layer 1 of 4" in html
