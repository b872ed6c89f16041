"""A chapter of a tutorial with excerpts of logs: prose around them, odd spaces, a header without its beginning."""

from __future__ import annotations

import re

import pytest

import trtlog
from tests.conftest import ROOT

CHAPTER = ROOT.parent / "shared" / "corpus" / "blog" / "trtexec-chapter.txt"

pytestmark = pytest.mark.skipif(not CHAPTER.is_file(), reason="the third-party logs are not beside this checkout")


@pytest.fixture(scope="module")
def log():
    return trtlog.parse(CHAPTER)


def test_both_devices_all_passes_and_tactics_are_read(log):
    assert log.table("devices").column("name").to_pylist() == [
        "NVIDIA GeForce RTX 3060 Laptop GPU",
        "NVIDIA GeForce RTX 4060 Laptop GPU",
    ]
    assert (log.table("passes").num_rows, log.table("tactics").num_rows) == (12, 2)


def test_device_0_lost_its_closing_quotation_mark_and_is_read(log):
    assert log.table("devices").column("available").to_pylist() == [None, ["NVIDIA GeForce RTX 4060 Laptop GPU"]]


def test_seven_inference_options_stand_in_their_section(log):
    options = [row for row in log.table("options").to_pylist() if row["section"] == "inference"]
    assert [row["key"] for row in options] == [
        "Batch",
        "Input inference shapes",
        "Iterations",
        "Duration",
        "Sleep time",
        "Idle time",
        "Inference Streams",
    ]


def test_the_profile_behind_no_break_spaces_and_a_lost_bracket_is_read(log):
    rows = [
        (row["line"], row["layer"], row["time_ms"], row["median_ms"], row["iterations"])
        for row in log.table("profile").to_pylist()
    ]
    assert rows == [
        (631, "Reformatting CopyNode for Input Tensor 0 to Conv_0 + Relu_1", 18.53, 0.5765, 32),
        (633, "Conv_0 + Relu_1", 116.65, 3.6336, 32),
        (635, "MaxPool_2", 51.21, 1.6005, 32),
    ]


def test_no_line_with_a_header_is_foreign(log):
    """Headers are counted in the raw text: what is not of a kind is unknown, never another program's."""
    text = CHAPTER.read_text(encoding="utf-8").replace("\u00a0", " ")
    headers = len(re.findall(r"^\[?[0-9]{1,2}/[0-9]{2}/[0-9]{4}-[0-9:]+\] \[[VIWE]\]", text, flags=re.MULTILINE))
    special = {"foreign", "continuation", "blank", "usage", "engine_layer"}
    lines = {row["kind"]: row["lines"] for row in log.table("coverage").to_pylist()}
    blank = len(re.findall(r"^\[[0-9/:-]+\] \[[VIWE]\] *$", text, flags=re.MULTILINE))
    bare = len(re.findall(r"^Layer\([A-Za-z]+\): ", text, flags=re.MULTILINE))
    assert "unknown" not in lines
    known = sum(count for kind, count in lines.items() if kind not in special)
    assert known in (headers - blank, headers - blank + bare)
