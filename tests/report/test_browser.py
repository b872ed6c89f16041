"""The page as its reader sees it, in a real browser.

With TRTLOG_SCREENSHOTS=folder the pages are photographed into that folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import each
from tests.report.conftest import EVIL, REPORTED
from tests.report.test_page import SECTIONS


def cells(page, table: str, column: str) -> list[str]:
    """Return the shown texts of a column, found by its heading."""
    return page.evaluate(
        """([table, label]) => {
          const node = document.querySelector(`main [data-table=${table}]`);
          const heads = [...node.querySelectorAll('thead th')].map((h) => h.textContent.trim());
          const place = heads.findIndex((head) => head === label || head.startsWith(label + ' '));
          return [...node.querySelectorAll('tbody tr')].map((row) => row.children[place].textContent);
        }""",
        [table, column],
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", REPORTED)
def test_it_opens_with_every_section(see_page, name, scheme):
    page = see_page(name)
    page.emulate_media(color_scheme=scheme)
    assert page.locator("main > section").evaluate_all("nodes => nodes.map(n => n.id)") == SECTIONS
    assert page.locator("nav a").count() == len(SECTIONS)
    for section in each(SECTIONS):
        assert page.locator(f"#{section}").inner_text().strip() != page.locator(f"#h-{section}").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out to the right"
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, back[4:-1].split(","))) < 200) == (scheme == "dark")
    if folder := os.environ.get("TRTLOG_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)


def test_the_headline_and_the_performance_are_the_tables(see_page, logs):
    log = logs("detailed")
    page = see_page("detailed")
    tile = page.locator("[data-tile=throughput]")
    assert tile.locator(".figure").inner_text() == f"{log.performance.throughput_qps:.0f} qps"
    assert tile.get_attribute("title") == f"{log.performance.throughput_qps} qps"
    for row in each(log.records("performance")):
        cell = page.locator(f"[data-table=performance] [data-row={row.metric}] [data-column='{row.stat}']")
        assert float(cell.inner_text()) == pytest.approx(row.value, rel=1e-5)


def test_layers_are_sorted_by_a_click(open_page, logs):
    from trtlog.analyses.layer.engine_layer import layers_of
    from trtlog.analyses.layer.layers import layer_times

    log = logs("detailed")
    table = layer_times(layers_of(log), log.analyze.table("build_time"))
    rows = [row for row in table.to_pylist() if row["time_ms"] is not None]
    page = open_page("detailed")
    slowest = sorted(rows, key=lambda row: -row["time_ms"])
    assert [float(t) for t in cells(page, "layers", "time")] == pytest.approx(
        [r["time_ms"] for r in slowest[:25]], 1e-4
    )
    assert cells(page, "layers", "layer") == [row["layer"] for row in slowest[:25]]
    head = page.locator("main [data-table=layers] thead th", has_text="time")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert cells(page, "layers", "layer")[0] == slowest[-1]["layer"]
    page.locator("main [data-table=layers] thead th", has_text="layer").locator("button").press("Enter")
    assert cells(page, "layers", "layer") == sorted(row["layer"] for row in table.to_pylist())[:25]


def test_search_and_pages(open_page, logs):
    page = open_page("detailed")
    page.locator("details[data-fold=candidates] > summary").click()
    view = page.locator("main [data-table=candidates]")
    whole = logs("detailed").analyze.table("candidates").to_pylist()
    assert view.locator(".status").inner_text() == f"1 to 15 of {len(whole)}"
    view.locator("input[type=search]").fill("SM90_xmma")
    wanted = [row for row in whole if "sm90_xmma" in (row["kernel"] or "").lower()]
    assert view.locator(".status").inner_text() == f"1 to 15 of {len(wanted)} (of {len(whole)})"
    assert view.locator("tbody tr").count() == 15
    view.get_by_label("Next page").click()
    assert view.locator(".status").inner_text().startswith("16 to 30")
    view.get_by_label("Rows a page").select_option("100")
    assert view.locator("tbody tr").count() == 100
    view.locator("input[type=search]").fill("no layer is called this")
    assert view.locator("tbody").inner_text() == "no row fits"


def test_a_deep_link_opens_a_layer(open_page, logs):
    log = logs("mobilenet")
    row = next(r for r in log.analyze.table("precision").to_pylist() if r["fallback"] and r["fp16_ms"] is not None)
    page = open_page("mobilenet", "#layer=" + quote(row["layer"], safe=""))
    panel = page.locator("#layer")
    assert panel.locator("h2").inner_text() == row["layer"]
    assert panel.locator("[data-column=precision] dd").inner_text() == row["used"]
    assert row["text"] in panel.inner_text()
    count = sum(1 for name in log.table("tactics").column("layer").to_pylist() if name == row["layer"])
    assert panel.locator("[data-part=candidates] .status").inner_text() == f"1 to 15 of {count}"
    assert panel.locator("[data-part=chart] .bar.chosen").count() == 1
    page.keyboard.press("Escape")
    assert not panel.is_visible()
    assert "layer=" not in page.url


def test_a_click_on_a_name_opens_and_focus_comes_back(open_page):
    page = open_page("detailed")
    link = page.locator("main [data-table=layers] tbody a").nth(2)
    name = link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#layer h2")
    assert page.locator("#layer h2").inner_text() == name
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == name


def test_a_treemap_box_lists_its_layers(open_page, logs):
    page = open_page("detailed")
    page.locator("svg.treemap g").first.press("Enter")
    assert set(cells(page, "layers", "type")) == {"CaskConvolution"}
    types = logs("detailed").table("engine_layers").column("type").to_pylist()
    assert f"of {types.count('CaskConvolution')} " in page.locator("main [data-table=layers] .status").inner_text()


def test_keyboard_alone(open_page):
    page = open_page("failed")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_html_in_a_log_is_text(open_page):
    page = open_page("evil")
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img").count() == 0
    assert EVIL.rpartition("/")[2] in page.locator("h1").text_content(), "the model's file name"
    messages = page.locator("main [data-table=messages]")
    messages.locator("thead th", has_text="line").first.locator("button").click()
    assert EVIL in messages.locator("tbody").text_content()
    box = page.locator("main [data-table=layers] input[type=search]")
    box.fill("onerror")
    link = page.locator("main [data-table=layers] tbody a").first
    link.click()
    page.wait_for_selector("#layer h2")
    assert EVIL in page.locator("#layer h2").text_content()
    assert page.evaluate("window.pwned") is None


def test_it_prints(see_page):
    page = see_page("detailed")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("#layers").is_visible()
    assert len(page.pdf()) > 20_000


def test_two_logs_side_by_side(see_page):
    page = see_page("diff")
    assert page.locator("#headline li").count() > 0
    assert page.locator("main > section").count() == page.locator("nav a").count()
    assert page.locator("#headline").inner_text().startswith("What changed")


def test_several_runs_are_chosen_from(open_page):
    """The second run of a file of two, by the list and by the address."""
    page = open_page("runs")
    assert page.locator("h1").inner_text() == "unsupported_op.onnx"
    page.locator("#run").select_option("1")
    page.wait_for_function("document.querySelector('h1').textContent === 'resnet50_bs_dynamic.onnx'")
    page = open_page("runs", "#run=1")
    assert page.locator("h1").inner_text() == "resnet50_bs_dynamic.onnx"


def test_the_graph_and_the_drawer_lead_to_each_other(open_page, logs):
    log = logs("mobilenet")
    page = open_page("mobilenet")
    graph = page.locator("#graph svg.network")
    shown = [row for row in log.table("graph_nodes").to_pylist() if row["kind"] != "constant"]
    assert graph.locator("g.box:not(.input):not(.output)").count() == len(shown)
    assert graph.locator("g.conversion").count() == sum(row["kind"] == "conversion" for row in shown)
    assert graph.locator("path.edge.change").count() == log.analyze.graph_edges().precision_change.count()
    find = page.locator("[aria-label='Find a layer in the graph']")
    find.fill("features.4/conv/conv.2")
    find.press("Enter")
    graph.locator("g.at").click()
    assert page.locator("#layer h2").inner_text() == "/features/features.4/conv/conv.2/Conv"
    page.locator("#layer [data-act=in-graph]").click()
    assert page.locator("#layer").is_hidden()
    assert graph.locator("g.at").count() == 1
    before = graph.get_attribute("viewBox")
    page.locator("[aria-label=Larger]").click()
    assert graph.get_attribute("viewBox") != before


def test_a_diff_has_bars_and_leads_to_layers(open_page):
    """A click on a layer's name leads to its row; a bar for each kind of layer that changed, with a legend."""
    page = open_page("rebuild")
    groups = page.locator("[data-chart=groups] .bar")
    assert groups.count() > 0
    legend = page.locator("section:has([data-chart=groups]) .legend").inner_text()
    assert set(legend.split("\n")) <= {"less time", "more time"}
    first = page.locator("[data-chart=changes] a").first
    name = first.inner_text()
    first.click()
    section = page.locator("section:has([data-chart=changes])")
    assert section.locator("input[type=search]").input_value() == name
    rows = section.locator("tbody tr")
    assert rows.count() >= 1
    assert name in rows.first.inner_text()


def test_runs_are_told_apart_in_the_choice(see_page):
    labels = see_page("runs").locator("#run option").all_inner_texts()
    assert len(set(labels)) == len(labels)
    assert any("," in label for label in labels), "more than the model's name"


def test_a_table_wider_than_its_place_gives_up_room_before_it_scrolls(see_page):
    page = see_page("detailed")
    page.set_viewport_size({"width": 1280, "height": 900})

    def measured(table: str) -> tuple[int, int]:
        node = page.locator(f"[data-table={table}] .scroll")
        return node.evaluate("n => [n.scrollWidth - n.clientWidth, n.querySelector('td').offsetWidth]")

    over, _ = measured("what_if")
    assert over == 0
    over, name = measured("roofline")
    assert over < 120, "the last column alone is cut"
    assert name >= 220, "a name keeps what tells it apart"
    assert cells(page, "roofline", "flops")[0] == "1.89 G"
    raw = page.locator("[data-table=roofline] tbody tr").first.locator("td.number[title='1888223232']")
    assert raw.count() == 1
