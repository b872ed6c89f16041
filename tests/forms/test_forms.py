"""Each form by itself: what it is found in, what is left when it is undone."""

from __future__ import annotations

import pytest

import trtlog
from tests.conftest import ROOT
from trtlog.source.chunks import open_source
from trtlog.source.forms import FORMS
from trtlog.source.forms.base import Sample
from trtlog.source.forms.judge import Judge
from trtlog.source.forms.layers import find_layers
from trtlog.source.plain import looks_plain

CASES = ROOT / "tests" / "forms" / "cases"
SAMPLES = [pytest.param(form, *pair, id=f"{form.name}-{n}") for form in FORMS for n, pair in enumerate(form.samples)]


@pytest.mark.parametrize(("form", "text", "undone"), SAMPLES)
def test_each_form_undoes_its_samples(form, text, undone):
    sample = Sample(text.split(b"\n"), Judge.of_grammar())
    ways = [b"\n".join(sample.undone(undo).lines) for undo in form.find(sample)]
    assert undone in ways


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_no_form_is_found_in_a_plain_log(form):
    text = (
        b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx\n"
        b"[11/22/2026-13:22:03] [I] === Model Options ===\n"
        b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n"
        b"[11/22/2026-13:22:03] [W] [TRT] Two lines:\n  the second\n"
    )
    sample = Sample(text.split(b"\n"), Judge.of_grammar())
    gains = [sample.gain(undo, sample.undone(undo))[0] for undo in form.find(sample)]
    assert not any(gains)  # most forms find nothing here
    assert find_layers(text, whole=True) == []


def test_one_line_alone_is_no_form():
    text = (
        b"[11/22/2026-13:22:03] [I] === Model Options ===\n"
        b"// [11/22/2026-13:22:03] [I] Format: ONNX\n"
        b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n"
        b"[11/22/2026-13:22:03] [V] [TRT] After dead-layer removal: 3 layers\n"
    )
    assert find_layers(text, whole=True) == []


def test_a_torn_line_is_not_taken_for_a_form():
    """Two threads wrote at once: the second record is read, what is missing of the first follows."""
    text = (
        b"[11/22/2026-13:22:03] [I] Local timing cache in u[11/22/2026-13:22:03] [I] Detected 1 inputs\nse\n"
        + b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n" * 6
    )
    assert find_layers(text, whole=True) == []
    assert not looks_plain(text)


NAMES = ["ghcli", "cppcomment", "pwsh", "br", "wrap100", "dockerjson"]


@pytest.mark.parametrize("engine", ["line", "auto"])
@pytest.mark.parametrize("name", NAMES)
def test_a_paste_reads_as_the_log_does(name, engine):
    log = trtlog.parse(CASES / f"prefix-{name}.log", engine=engine)
    (run,) = log.table("runs").to_pylist()
    assert (run["tensorrt_version"], run["status"]) == ("10.3.0", "failed")
    assert run["command"] == "trtexec --onnx=m.onnx --verbose"
    (tactic,) = log.table("tactics").to_pylist()
    assert (tactic["layer"], tactic["time_ms"]) == ("/a/Conv", 0.0521752)
    assert "Could not find any implementation for node /b/Conv." in log.table("messages").to_pylist()[0]["text"]
    assert len(log.notes) == 1
    # The tactic's line in the file, counted with an editor.
    assert tactic["line"] == {"pwsh": 15, "wrap100": 10}.get(name, 9)


def test_what_was_undone_is_said_once_in_the_notes():
    source = open_source(b"> // [I] [TRT] Loaded\n> // [V] [TRT] Original: 3 layers\n")
    assert b"".join(chunk.data for chunk in source) == b"[I] [TRT] Loaded\n[V] [TRT] Original: 3 layers\n"
    assert source.notes == ["'> // ' in front of each line was cut off"]


def test_a_text_in_several_json_objects_is_put_together_and_has_the_first_ones_line():
    text = (
        b'{"log":"[V] [TRT] Original: 3 layers\\n","stream":"stdout"}\n'
        b'{"log":"[V] [TRT] After dead-layer ","stream":"stdout"}\n'
        b'{"log":"removal: 2 layers\\n","stream":"stdout"}\n'
        b'{"log":"[V] [TRT] After concat removal: 1 layers\\n[V] [TRT] After tensor merging: 1 layers\\n"}\n'
    )
    passes = trtlog.parse(text).table("passes").to_pylist()
    assert [(row["line"], row["layers"]) for row in passes] == [(1, 3), (2, 2), (4, 1), (4, 1)]


def test_explain_shows_the_record_that_a_line_is_part_of():
    from trtlog.messages.explain import explain_line

    path = str(CASES / "prefix-wrap100.log")
    for number in (10, 11, 12):
        shown = explain_line(path, number)
        assert "kind     tactic" in shown
        assert "Time: 0.0521752" in shown
