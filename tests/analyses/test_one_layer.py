"""Precision, type, tactic and time of a layer are the same in all answers, on every log that lists layers."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

import trtlog
from tests.analyses.conftest import FOLDER
from tests.conftest import FIXTURES, ROOT, beside, each
from tests.test_corpus import LOGS
from trtlog.analyses.build.overview import slowest
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layers import layer_times
from trtlog.analyses.layer.why import story
from trtlog.errors import InputError

OURS = sorted(FIXTURES.rglob("*.log.gz")) + sorted((ROOT / "tests" / "cases").glob("*.log"))
ALL = {"report", "precision", "candidates", "diff", "lock", "first screen", "why"}
COMPLETE = ("resnet50_fp16_dyn_detailed.log.gz", "resnet50_fp32_verbose.log.gz", "mobilenet_fp16_verbose.log.gz")
_STORIES = 6  # of each log: one story asks for all tables


_LAYER = re.compile(rb".{0,80}(Layer\(\w+\): |Name: .*, LayerType: )")


def lists_layers(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if b"Layer(" not in data and b", LayerType: " not in data:
        return False
    return any(_LAYER.match(line) for line in data.split(b"\n") if b"Layer(" in line or b", LayerType: " in line)


LISTING = [path for path in OURS if lists_layers(path)]
THEIRS = [path for path in LOGS if lists_layers(path)]
# A fourth of the third-party logs at once; all of them where time is no matter.
LISTING += [path if not place % 4 else pytest.param(path, marks=pytest.mark.slow) for place, path in enumerate(THEIRS)]


@pytest.mark.parametrize("path", beside(LISTING), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_all_answers_say_the_same_of_a_layer(path):
    try:
        log = trtlog.parse(path, exports=[])
    except InputError as error:
        pytest.skip(f"refused: {error}")
    runs = [run for run in log.runs if run.table("engine_layers").num_rows]
    assert runs or not log.table("engine_layers").num_rows
    said = [one for run in runs for one in answers(run)]
    assert [one for one in said if one.found != one.expected] == []
    answered = {one.answer for one in said}
    assert answered >= (ALL if path.name in COMPLETE else {"report", "diff"} if runs else set())


class Said(NamedTuple):
    """What an answer says of a layer, and what the model of the layer does."""

    answer: str
    layer: str
    found: Sequence[Any]
    expected: Sequence[Any]


def answers(run) -> Iterator[Said]:
    """Give what each answer says of the layers of a run whose names stand once."""
    layers = layers_of(run).layers
    names = Counter(layer.layer for layer in layers)
    once = {layer.layer: layer for layer in layers if names[layer.layer] == 1}

    def of(rows, name="layer"):
        return [(row, once[row[name]]) for row in rows if row[name] in once]

    report = layer_times(layers_of(run), run.analyze.table("build_time")).to_pylist()
    names_of = ("layer", "type", "precision", "kernel", "tactic_ms")
    shown = [tuple(row[name] for name in names_of) for row in report if row["type"]]
    listed = [(x.layer, x.type, x.precision, x.kernel, x.tactic_ms) for x in once.values() if x.type]
    yield Said("report", "all", [row for row in shown if row[0] in once], listed)
    for row, layer in of(run.analyze.table("precision").to_pylist()):
        found = row["type"], row["used"], row["used_ms"]
        yield Said("precision", layer.layer, found, (layer.type, layer.precision, layer.tactic_ms))
    for row, layer in of(run.analyze.table("candidates").to_pylist()):
        if row["in_engine"] and not layer.timed_as and len(layers_of(run).all) == len(layers):
            found = row["tactic"], row["time_ms"], row["precision"]
            yield Said("candidates", layer.layer, found, (layer.tactic, layer.tactic_ms, layer.precision))
    diff = trtlog.diff(run, run)
    for row, layer in of(diff.rows("layers"), "control_layer"):
        found = tuple(row[f"control_{name}"] for name in ("type", "precision", "tactic", "kernel"))
        yield Said("diff", layer.layer, found, (layer.type, layer.precision, layer.tactic, layer.kernel))
        if row["time_source"] == "tactic" and diff.work.scale == (1, 1):
            yield Said("diff", layer.layer, (row["control_ms"],), (layer.tactic_ms,))
    if run.run.status != "failed":
        for entry, layer in of(trtlog.lock(run).document["layers"]):
            found = tuple(entry[name] for name in ("type", "precision", "tactic", "kernel"))
            yield Said("lock", layer.layer, found, (layer.type, layer.precision, layer.tactic, layer.kernel))
    first_screen = slowest(run)
    for entry in first_screen.layers if first_screen else ():
        if layer := once.get(entry.layer):
            known = layer.tactic_ms if layer.profile_ms is None else layer.profile_ms
            # as the profile rounds it
            expected = pytest.approx(known, abs=0.005 if layer.profile_ms else 0)
            yield Said("first screen", layer.layer, entry.time_ms, expected)
    computing = [layer for layer in once.values() if layer.role == "layer"]
    for layer in computing[:: max(1, len(computing) // _STORIES)]:
        why = story(run, layer.layer)
        if why.precision is not None:
            found = why.type, why.precision["used"], why.precision["used_ms"]
            yield Said("why", layer.layer, found, (layer.type, layer.precision, layer.tactic_ms))
        winner = why.winner or {"tactic": layer.tactic, "time_ms": None, "precision": layer.precision}
        found = why.type, winner["tactic"], winner["time_ms"], winner["precision"]
        yield Said("why", layer.layer, found, (layer.type, layer.tactic, layer.tactic_ms, layer.precision))


@pytest.mark.parametrize("name", ["resnet50_fp32_verbose", "mobilenet_fp16_verbose"])
def test_the_precision_is_that_of_formats_and_kernel(name):
    """Read by hand: the first operand's type on the Layer line, and tf32 in the kernel's name above the tactic."""
    lines = gzip.open(FOLDER / f"{name}.log.gz", "rt").read().split("\n")
    named = (re.search(r"Set Tactic Name: (\S+) Tactic: (0x[0-9a-f]{16})", line) for line in lines)
    kernels = {found[2]: found[1] for found in named if found}
    layers = {layer.layer: layer for layer in layers_of(trtlog.parse(FOLDER / f"{name}.log.gz")).layers}
    checked = 0
    for line in each(lines):
        found = re.match(r"Layer\(CaskConvolution\): (.+), Tactic: (0x[0-9a-f]{16}), \S+ \((\w+)\[", line)
        if found is None:
            continue
        word = {"Half": "FP16", "Float": "FP32"}[found[3]]
        kernel = kernels.get(found[2], "")
        wanted = "TF32" if word == "FP32" and "_tf32" in kernel else word
        assert layers[found[1]].precision == wanted, line
        checked += 1
    assert checked > 30


def test_of_several_strategies_the_kept_one_answers():
    """TensorRT 10.16: strategy 4 is the initial choice, 3 and 2 are skipped; the list of layers is of strategy 4."""
    [path] = [path for path in LOGS if str(path).endswith("10.16.0/cookbook-trtexec-result-02.log.gz")] or [None]
    if path is None:
        pytest.skip("the third-party logs are not beside this checkout")
    log = trtlog.parse(path)
    lines = gzip.open(path, "rt").read().split("\n")
    [kept] = [n for n, line in enumerate(lines, 1) if "Use backend strategy 4 with estimated inference time" in line]
    # Total Activation Memory: 2105856 bytes, then 2408448 and 1003520 of the discarded engines
    activation = log.analyze.memory_use().query("name == 'activation'")
    assert (activation.mib * 2**20).tolist() == [2105856]
    assert trtlog.lock(log).document["budgets"]["memory_bytes"]["activation"] == 2105856
    added = [n for n, line in enumerate(lines[:kept], 1) if "] Adding reformat layer: " in line]
    conversions = log.analyze.reformats()
    assert len(added) == 4
    # of these, Layer(NoOp): Reformatting CopyNode for Input Tensor 0 to node_max_pool2d converts nothing
    assert sorted(conversions.line) == [n for n in added if "Input Tensor 0 to node_max_pool2d (" not in lines[n - 1]]
    passes = log.analyze.fusion_waterfall()
    assert passes.iloc[0][["name", "layers"]].tolist() == ["Original", 24]
    assert passes.line.max() < kept
    used = [layer.timing.row for layer in layers_of(log).layers if layer.timing.row is not None]
    assert used
    assert max(layers_of(log).timed_tactics[row]["line"] for row in used) < kept
