"""Live events from captured logs, and following a growing file."""

import threading
import time

import pytest

from trtlog import grammar
from trtlog.errors import InputError
from trtlog.runner.follow import watch
from trtlog.runner.progress import PHASES, Progress


def events_of(text, elapsed_s=None):
    return list(Progress().feed(text.split(b"\n"), elapsed_s))


def test_phases_of_a_verbose_build(text_of):
    events = events_of(text_of("resnet50_fp32_verbose.log"))
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases == list(PHASES)
    assert events[-1].kind == "ended"
    assert str(events[-1]) == "PASSED"


def test_layers_are_counted_as_the_log_times_them(text_of):
    text = text_of("resnet50_fp32_verbose.log").decode()
    events = [event for event in events_of(text.encode()) if event.kind == "layer"]
    # a second way: constants are timed first, by their names; then a line for each layer, timed or known already
    constants, _, rest = text.partition("=============== Computing costs for")
    lines = [line for line in constants.splitlines() if "Timing Runner: " in line]
    names = [line.split("Timing Runner: ")[1].rpartition(" (")[0] for line in lines]
    named = len({name for name in names if not name.startswith("Optimizer Reformat(")})
    assert named + 1 + rest.count("=============== Computing costs for") == 151
    assert max(event.layer_number for event in events) == 151
    # "After concat removal: 151 layers" is the last pass before timing; that the log counts them is known by the
    # first line that does
    assert [event.layers for event in events[:named]] == [None] * named
    assert {event.layers for event in events[named:]} == {151}
    shares = [event.share for event in events[named:]]
    assert shares == sorted(shares)
    assert 0.3 < shares[0] < shares[-1] == 150 / 151


def test_each_graph_counts_its_own_layers():
    """Two graphs in one build, as of two strategies; of a version that prints no line a layer none of how many."""
    stamp = "[11/22/2026-13:21:20] [V] [TRT] "
    graph = ["After concat removal: 2 layers", *(f"=============== Computing costs for l{n}" for n in range(2))]
    text = "\n".join(stamp + line for line in [*graph, *graph])
    events = [event for event in events_of(text.encode()) if event.kind == "layer"]
    assert [(event.layer_number, event.layers) for event in events] == [(1, 2), (2, 2), (1, 2), (2, 2)]
    timed = ["After concat removal: 1 layers", *(f"--------------- Timing Runner: l{n} (Cask)" for n in range(3))]
    events = [event for event in events_of("\n".join(stamp + line for line in timed).encode()) if event.kind == "layer"]
    assert [(event.layer_number, event.layers) for event in events] == [(1, None), (2, None), (3, None)]
    more = [*graph, "=============== Computing costs for l9"]
    last = events_of("\n".join(stamp + line for line in more).encode())[-1]
    assert (last.layer_number, last.layers, last.share) == (3, None, None), "never more than there are"


def test_best_tactic_of_a_layer():
    stamp = "[11/22/2026-13:21:20] [V] [TRT] "
    text = "\n".join(
        stamp + line
        for line in [
            "--------------- Timing Runner: conv (CudnnConvolution)",
            "Tactic: 0x0000000000000000 Time: 0.5",
            "Tactic: 0x0000000000000001 Time: 0.7",
            "--------------- Timing Runner: conv (CaskConvolution)",
            "conv Set Tactic Name: fast_kernel Tactic: 0x00000000000000aa",
            "Tactic: 0x00000000000000aa Time: 0.25",
            "Tactic: 0x00000000000000ab Time: inf",
            "--------------- Timing Runner: fc (CaskGemm)",
            "Tactic: 0x00000000000000ac Time: 3",
        ]
    )
    bests = [event.best for event in events_of(text.encode()) if event.kind == "best"]
    assert [(b.layer, b.runner, b.tactic, b.kernel, b.time_ms) for b in bests] == [
        ("conv", "CudnnConvolution", "0x0000000000000000", None, 0.5),
        ("conv", "CaskConvolution", "0x00000000000000aa", "fast_kernel", 0.25),
        ("fc", "CaskGemm", "0x00000000000000ac", None, 3.0),
    ]


def test_a_log_that_is_not_verbose_does_not_tell_layers(text_of):
    events = events_of(text_of("sweep_r50_fp32_b1.log"))
    assert {event.layers for event in events} == {None}
    assert {event.layer_number for event in events} == {0}
    assert next(str(e) for e in events if e.kind == "metric") == "Throughput: 1505.71 qps"


def test_messages_are_counted(text_of):
    text = text_of("resnet50_fp32_verbose.log")
    messages = [event for event in events_of(text) if event.kind == "message"]
    assert len(messages) == text.count(b"] [W] ") == 6
    assert messages[-1].warnings == 6
    errors = [event for event in events_of(text_of("err_dla.log")) if event.severity == "E"]
    assert errors[0].text == "Cannot create DLA engine, 0 not available"


def test_time_left_is_told_only_while_measuring(text_of):
    lines = text_of("resnet50_fp32_verbose.log").split(b"\n")
    starting = next(number for number, line in enumerate(lines) if line.endswith(b"Starting inference"))
    progress = Progress()
    assert {event.eta_s for event in progress.feed(lines[:starting], 10.0)} == {None}
    list(progress.feed(lines[starting : starting + 1], 24.0))
    assert progress.event.eta_s == pytest.approx(3.2)  # Duration: 3s (+ 200ms warm up)
    assert progress.quiet(2.0, 26.0).eta_s == pytest.approx(1.2)


def test_time_left_of_a_build_is_as_it_took_before(text_of):
    lines = text_of("resnet50_fp32_verbose.log").split(b"\n")
    built = next(number for number, line in enumerate(lines) if b"] Engine built in " in line)
    progress = Progress(expected_build_s=30.0)
    list(progress.feed(lines[:1000], 10.0))
    assert (progress.event.phase, progress.event.eta_s) == ("import", 20.0)
    assert progress.event.share is None
    assert progress.quiet(5.0, 15.0).eta_s == 15.0
    assert progress.quiet(40.0, 31.0).eta_s is None, "it takes longer now"
    assert progress.built_after_s is None
    list(progress.feed(lines[1000 : built + 1], 28.0))
    assert progress.built_after_s == 28.0
    list(progress.feed(lines[built + 1 : built + 60], 28.5))
    assert progress.event.phase != "inference"
    assert progress.event.eta_s is None, "the build has ended"


def test_several_runs_in_one_log(text_of):
    text = text_of("lstm_verbose.log") + text_of("err_dla.log")
    ends = [str(event) for event in events_of(text) if event.kind == "ended"]
    assert ends == ["PASSED", "FAILED"]


def test_kinds_that_are_read_are_kinds_of_the_grammar():
    handled = {name[len("_on_") :] for name in dir(Progress) if name.startswith("_on_")}
    assert handled - set(grammar.load().messages) == set()
    assert {"option", "tactic", "timing_runner", "pass_layers", "throughput"} <= handled


def test_watch_follows_a_file_that_grows(tmp_path, text_of):
    path = tmp_path / "log"
    text = text_of("lstm_verbose.log")

    def write():
        time.sleep(0.1)
        with open(path, "wb", buffering=0) as file:
            for start in range(0, len(text), 9973):  # cuts lines anywhere
                file.write(text[start : start + 9973])
                time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    seen = list(watch(path, wait_s=30, interval_s=0.01))
    writer.join()
    assert [str(event) for event in seen] == [str(event) for event in events_of(text)]
    assert seen[-1].kind == "ended"


def test_watch_a_file_that_is_replaced(tmp_path, text_of):
    path = tmp_path / "log"
    path.write_bytes(b"&&&& RUNNING TensorRT.trtexec # trtexec --onnx=a\n")
    events = watch(path, interval_s=0.01, stop_after_s=30)
    assert next(events).kind == "phase"
    (tmp_path / "new").write_bytes(text_of("err_dla.log"))
    (tmp_path / "new").replace(path)
    assert str(list(events)[-1]) == "FAILED"


def test_watch_ends_when_asked_to(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"&&&& RUNNING TensorRT.trtexec # trtexec --onnx=a\nno line end")
    kinds = [event.kind for event in watch(path, stop_after_s=0.4, interval_s=0.05, quiet_s=0.1)]
    assert kinds[0] == "phase"
    assert "quiet" in kinds


def test_watch_what_is_not_there_or_compressed(tmp_path, capture):
    with pytest.raises(InputError, match="does not exist"):
        next(watch(tmp_path / "nothing"))
    with pytest.raises(InputError, match="compressed"):
        next(watch(capture("lstm_verbose.log")))
