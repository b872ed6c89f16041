"""A log as a timeline: what stands in it is what the log says, read back by other means."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import subprocess
from collections import Counter
from datetime import datetime

import pyarrow as pa
import pytest

import trtlog
from tests import warm
from tests.conftest import ROOT, each, parsed_once
from tests.runner.conftest import find_capture
from trtlog.analyses.build.time import LineClock
from trtlog.report.trace.events import _lanes, trace, write
from trtlog.testing import FakeTrtexec

FOLDER = ROOT / "fixtures" / "trt-8.5.3-h200"
LOG = FOLDER / "resnet50_fp16_dyn_detailed.log.gz"
STAMP = re.compile(r"\[([0-9/]{10}-[0-9:]{8})\]")

SMALL = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=a.onnx --verbose
[11/22/2026-13:00:00] [V] [TRT] =============== Computing costs for
[11/22/2026-13:00:00] [V] [TRT] *************** Autotuning format combination: Float(3,1) -> Float(3,1) ***************
[11/22/2026-13:00:00] [V] [TRT] --------------- Timing Runner: a (Shuffle)
[11/22/2026-13:00:01] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.25
[11/22/2026-13:00:01] [V] [TRT] Fastest Tactic: 0x0000000000000001 Time: 0.25
[11/22/2026-13:00:01] [V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: Shuffle Tactic: 0x0000000000000001
[11/22/2026-13:00:04] [V] [TRT] Engine generation completed in 3.5 seconds.
"""


@pytest.fixture(scope="module")
def made():
    return trace(parsed_once(LOG))


def slices(made, category):
    return [event for event in made["traceEvents"] if event.get("cat") == category and event["ph"] == "X"]


def test_a_small_log():
    events = trace(trtlog.parse(SMALL.encode()))["traceEvents"]
    (runner,) = [event for event in events if event.get("cat") == "runner"]
    assert runner["name"] == "Shuffle"
    assert runner["args"] == {
        "layer": "a", "outcome": "timed", "fastest_tactic": "0x0000000000000001", "fastest_ms": 0.25, "chosen": True,
        "tactics_ms": {"0x0000000000000001": 0.25}, "line": 4,
    }  # fmt: skip
    (phase,) = [event for event in events if event.get("cat") == "phase"]
    assert (phase["name"], phase["ts"], phase["dur"]) == ("engine_generation", 500_000.0, 3_500_000.0)


def test_counts_are_those_of_the_text(made):
    text = gzip.open(LOG, "rt", encoding="utf-8").read()
    assert len(slices(made, "runner")) == text.count("--------------- Timing Runner: ")
    tactics = sum(len(event["args"].get("tactics_ms", ())) for event in slices(made, "runner"))
    assert tactics == len(re.findall(r"(?m)\] Tactic: 0x[0-9a-f]{16} Time: ", text))
    headings = ("Autotuning format combination: ", "Autotuning Reformat: ")
    assert len(slices(made, "formats")) == sum(map(text.count, headings))


def test_a_slice_never_contradicts_the_stamp_of_its_line(made):
    stamps: list[datetime] = []
    for line in gzip.open(LOG, "rt", encoding="utf-8"):
        found = STAMP.match(line)
        stamps.append(datetime.strptime(found[1], "%m/%d/%Y-%H:%M:%S") if found else stamps[-1] if stamps else None)
    origin = next(stamp for stamp in stamps if stamp)
    checked = 0
    for event in each((*slices(made, "runner"), *slices(made, "formats"))):
        printed = (stamps[event["args"]["line"] - 1] - origin).total_seconds()
        assert printed <= event["ts"] / 1e6 <= printed + 1
        checked += 1
    assert checked > 6000


def test_slices_of_a_track_are_nested_or_apart(made):
    tracks: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for event in made["traceEvents"]:
        if event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    assert len(tracks) > 5
    for track in each(tracks.values()):
        open_ends: list[float] = []
        for begin, end in each(track):
            while open_ends and open_ends[-1] <= begin + 0.0005:
                open_ends.pop()
            assert not open_ends or end <= open_ends[-1] + 0.0005
            open_ends.append(end)


@pytest.mark.parametrize("name", ["resnet50_fp16_dyn_detailed", "lstm_verbose", "unet_smallws_verbose"])
def test_runners_lie_in_formats_and_those_in_layers(name):
    """Also where they begin and end together, and where formats were timed nowhere."""
    stack: list[dict[str, object]] = []
    outer = {"runner": {"formats"}, "formats": {"layer", "reformat"}}
    made = trace(parsed_once(FOLDER / f"{name}.log.gz"))
    for event in each(e for e in made["traceEvents"] if e.get("cat") in ("layer", "reformat", "formats", "runner")):
        while stack and stack[-1]["ts"] + stack[-1]["dur"] <= event["ts"] + 0.0005:
            stack.pop()
        assert {around["cat"] for around in stack[-1:]} <= outer.get(event["cat"], set())
        assert bool(stack) == (event["cat"] in outer)
        stack.append(event)


def test_a_phase_that_began_before_the_log_begins_at_zero():
    """Perfetto drops what begins below zero."""
    early = "[11/22/2026-13:00:00] [V] [TRT] Graph construction completed in 4.5 seconds."
    banner, *rest = SMALL.splitlines()
    log = trtlog.parse("\n".join([banner, early, *rest]).encode())
    events = [event for event in trace(log)["traceEvents"] if "ts" in event]
    phase, later = [event for event in events if event["cat"] == "phase"]
    assert (phase["ts"], phase["dur"]) == (0.0, 4_500_000.0)
    assert (later["ts"], later["dur"]) == (5_000_000.0, 3_500_000.0)
    (runner,) = [event for event in events if event["cat"] == "runner"]
    assert runner["ts"] >= 4_500_000.0


def test_each_of_many_overlapping_inferences_has_a_track():
    spans = [(float(number), number + 40.5, number) for number in range(200)]
    tracks: dict[int, float] = {}
    for track, begin, end, _ in each(_lanes(spans)):
        assert tracks.get(track, begin) <= begin
        tracks[track] = end
    assert len(tracks) == 41


def test_inferences_add_up_to_what_the_log_says(made):
    computed = sum(event["dur"] for event in slices(made, "inference") if event["name"] == "compute") / 1e6
    text = gzip.open(LOG, "rt", encoding="utf-8").read()
    total = float(re.search(r"Total GPU Compute Time: ([0-9.]+) s", text)[1])
    assert computed == pytest.approx(total, rel=1e-4)
    steps = Counter(event["name"] for event in slices(made, "inference"))
    assert set(steps.values()) == {int(re.search(r"Timing trace has ([0-9]+) queries", text)[1])}


def test_a_log_without_times_says_so():
    made = trace(trtlog.parse(b"[V] [TRT] Original: 3 layers\n"))
    assert (made["traceEvents"], made["otherData"]["notes"]) == ([], "run 0 prints no times: its build is left out")


def test_a_clock_that_was_set_back_tells_no_duration():
    times = [datetime(2026, 1, 1, *time) for time in ((1, 0, 0), (0, 0, 0), (1, 0, 2))]
    stamps = pa.table({"line": [1, 5, 9], "time": pa.array(times, pa.timestamp("s"))})
    seconds = LineClock(stamps, 9).seconds(range(10)).tolist()
    assert seconds == sorted(seconds)
    assert seconds[9] == 2.0


def test_what_is_written_is_json_and_whole(made):
    text = "".join(write(made))
    assert json.loads(text) == json.loads(json.dumps(made))


def test_the_command_and_a_run(tmp_path):
    def run(*args):
        command = [warm.python(), "-m", "trtlog", *map(str, args)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)

    run("trace", LOG, "-o", tmp_path / "t.json")
    assert len(json.loads((tmp_path / "t.json").read_text())["traceEvents"]) > 20_000
    program = FakeTrtexec([find_capture("lstm_verbose.log")]).install(tmp_path / "bin")
    run("run", "-q", "--trace", "--trtexec", program, "-o", tmp_path / "r", "--", "--onnx=m.onnx")
    assert json.loads((tmp_path / "r" / "trace.json").read_text())["otherData"]["source"].endswith("trtexec.log")


def test_phases_of_one_name_that_overlap_by_the_clock_lie_on_two_tracks():
    """The clock of whole seconds tells when each ended: 2.9 s of compilation within a second of the end of another."""
    text = SMALL.replace(
        "[11/22/2026-13:00:04] [V] [TRT] Engine generation completed in 3.5 seconds.",
        "[11/22/2026-13:00:04] [V] [TRT] Subgraph compilation completed in 2.1 seconds.\n"
        "[11/22/2026-13:00:05] [V] [TRT] Subgraph compilation completed in 2.9 seconds.\n"
        "[11/22/2026-13:00:05] [V] [TRT] Subgraph compilation completed in 0.1 seconds.\n",
    )
    events = trace(trtlog.parse(text.encode()))["traceEvents"]
    phases = [event for event in events if event.get("cat") == "phase"]
    spans = sorted((event["tid"], event["ts"], event["ts"] + event["dur"]) for event in phases)
    assert len(spans) == 3
    for (track, _, end), (other, begin, _) in each(itertools.pairwise(spans)):
        assert track != other or end <= begin
    titles = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    named = [titles[track] for track in sorted({event["tid"] for event in phases})]
    assert named == ["phase subgraph_compilation", "phase subgraph_compilation, overlapping 1"]
