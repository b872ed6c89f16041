"""Whether the engines of two logs differ, whatever their times say."""

from __future__ import annotations

import trtlog
from trtlog.analyses.compare.verdict import beside_times, engine_verdict
from trtlog.report.documents.diff import headline
from trtlog.report.sentences import plain

SUMMARY = (
    "[I] Throughput: {0} qps\n"
    "[I] Latency: min = {1} ms, max = {1} ms, mean = {1} ms, median = {1} ms\n"
    "[I] GPU Compute Time: min = {1} ms, max = {1} ms, mean = {1} ms, median = {1} ms\n"
)


def built(*, tactic=1, activation=4096, ms=1.0, node="a", inputs="[x -> (1, 4)[FLOAT]], "):
    text = f"[V] [TRT] Parsing node: {node} [Conv]\n[V] [TRT] {node} [Conv] inputs: {inputs}\n"
    text += f"[V] [TRT] {node} [Conv] outputs: [y -> (1, 4)[FLOAT]], \n"
    text += "[V] [TRT] Original: 1 layers\n[I] [TRT] Total Host Persistent Memory: 16\n"
    text += f"[I] [TRT] Total Activation Memory: {activation}\n[V] [TRT] Engine Layer Information:\n"
    text += f"Layer(CaskConvolution): {node}, Tactic: {tactic}, x[Float(1,4)] -> y[Float(1,4)]\n"
    return trtlog.parse((text + SUMMARY.format(1000 / ms, ms)).encode())


def test_equal_times_of_other_engines_are_no_equal_engines():
    found = trtlog.diff(built(), built(tactic=2, activation=8192))
    assert found.engines.differ is True
    assert found.engines.evidence == ("1 of 1 layer (tactic of 1)", "activation memory 4 KiB -> 8 KiB")
    first = plain(headline(found)[0].words)
    assert first.startswith("engines: they differ: 1 of 1 layer (tactic of 1)")
    assert "their times do not differ beyond noise" in first
    assert '"differ": true' in found.to_json()


def test_the_same_engine_with_other_times():
    found = trtlog.diff(built(), built(ms=3.0))
    assert (found.engines.differ, found.engines.evidence) == (False, ())
    assert plain(headline(found)[0].words) == "engines: the same layers, tactics and memory"


def test_memory_that_no_log_tells_is_not_said_to_be_the_same():
    text = "[V] [TRT] Engine Layer Information:\nLayer(CaskConvolution): a, Tactic: 1, x[Float(1,4)] -> y[Float(1,4)]\n"
    log = trtlog.parse(text.encode())
    found = trtlog.diff(log, log)
    assert found.engines.differ is False
    assert plain(headline(found)[0].words) == "engines: the same layers and tactics"


def test_times_that_differ_speak_for_themselves():
    found = trtlog.diff(built(), built(tactic=2, ms=3.0))
    assert found.engines.differ is True
    assert beside_times(found.engines, found.rows("performance")) is None


def test_logs_without_layers_and_memory_cannot_tell():
    log = trtlog.parse(SUMMARY.format(1000, 1.0).encode())
    found = trtlog.diff(log, log)
    assert found.engines.differ is None
    assert not any(plain(point.words).startswith("engines") for point in headline(found))


def test_another_model_is_another_engine():
    found = trtlog.diff(built(), built(node="b", inputs="[x -> (1, 4)[FLOAT]], [w -> (9, 9)[FLOAT]], "))
    assert (found.engines.differ, found.engines.evidence) == (True, ("builds of different models",))
    assert any("different models (their ONNX nodes differ)" in note for note in found.notes)


def test_a_size_in_whole_mib_is_another_from_two_on():
    tables = {"layers": [], "memory": [], "options": []}
    assert engine_verdict(tables, (98.0, 99.0), False).differ is None
    assert engine_verdict(tables, (98.0, 49.0), False).evidence == ("engine of 98 -> 49 MiB",)
