from __future__ import annotations

import bz2
import gzip
import json
import lzma
import math
import re
import shutil
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import trtlog
from tests.conftest import FIXTURES, each
from trtlog.errors import InputError
from trtlog.exports.documents import SWAP_NOTE, TIME_COLUMNS, join_by_layer, parse_exports, read_exports
from trtlog.exports.files import find_exports, find_siblings

ROOT = Path(__file__).parents[1]
CAPTURE = next(
    (
        path
        for folder in (ROOT / "fixtures", ROOT.parent / "shared" / "captures")
        if (path := folder / "trt-8.5.3-h200" / "resnet50_fp16_dyn_detailed.log.gz").is_file()
    ),
    None,
)


# ------------------------------------------------------------------------------------------- profile
def test_a_profile_of_8_4_and_later():
    text = """[
  { "count" : 200 }
, { "name" : "conv + relu", "timeMs" : 40.5, "averageMs" : 0.2025, "medianMs" : 0.2, "percentage" : 81 }
, { "name" : "pool, \\"x\\" C:\\new", "timeMs" : 9, "averageMs" : 0.04, "medianMs" : nan, "percentage" : 9 }
, { "name" : "empty", "timeMs" : 0, "averageMs" : -nan(ind), "medianMs" : inf, "percentage" : 1e-05 }
]
"""
    [found] = parse_exports(text)
    assert (found.kind, found.iterations, len(found.rows)) == ("profile", 200, 3)
    assert found.rows[0] == {
        "layer": "conv + relu",
        "time_ms": 40.5,
        "avg_ms": 0.2025,
        "median_ms": 0.2,
        "percent": 81.0,
    }
    # trtexec does not escape names: \n in one is a backslash and an n
    assert found.rows[1]["layer"] == r"pool, \"x\" C:\new"
    assert math.isnan(found.rows[1]["median_ms"])
    assert found.rows[2]["median_ms"] == math.inf
    assert found.rows[2]["percent"] == 1e-05


def test_a_profile_before_8_4_has_no_median():
    text = '[\n  { "count" : 3 }\n, { "name" : "a", "timeMs" : 3, "averageMs" : 1, "percentage" : 100 }\n]\n'
    assert parse_exports(text)[0].rows[0]["median_ms"] is None


def test_a_profile_that_a_tool_wrote_again():
    rows = [{"count": 7}, {"name": 'a "quoted"', "timeMs": 1, "averageMs": 0.5, "percentage": 100}]
    [found] = parse_exports(json.dumps(rows))
    assert (found.iterations, found.rows[0]["layer"], found.rows[0]["time_ms"]) == (7, 'a "quoted"', 1.0)


def test_profiles_appended_to_one_file():
    one = '[\n  { "count" : 3 }\n, { "name" : "a", "timeMs" : 3, "averageMs" : 1, "percentage" : 100 }\n]\n'
    found = parse_exports(one + one.replace("3", "9"))
    assert [(f.iterations, f.rows[0]["time_ms"]) for f in found] == [(3, 3.0), (9, 9.0)]


# ---------------------------------------------------------------------------------------------- times
def times(**keys):
    return json.dumps([keys])


def test_times_of_8_4_and_later():
    text = (
        '[\n  { "startEnqMs" : 1, "endEnqMs" : 2, "startH2dMs" : 3, "endH2dMs" : 4, "startComputeMs" : 5, '
        '"endComputeMs" : 6, "startD2hMs" : 7, "endD2hMs" : 8, "h2dMs" : 1, "computeMs" : inf, "d2hMs" : 1, '
        '"latencyMs" : 3 }\n]'
    )
    [found] = parse_exports(text)
    assert (found.kind, found.notes) == ("iteration_times", ())
    assert found.rows[0] == {
        "iteration": 0,
        "start_enqueue_ms": 1.0,
        "end_enqueue_ms": 2.0,
        "start_h2d_ms": 3.0,
        "end_h2d_ms": 4.0,
        "start_compute_ms": 5.0,
        "end_compute_ms": 6.0,
        "start_d2h_ms": 7.0,
        "end_d2h_ms": 8.0,
        "h2d_ms": 1.0,
        "compute_ms": math.inf,
        "d2h_ms": 1.0,
        "latency_ms": 3.0,
        "end_to_end_ms": None,
    }


def test_times_of_7_0_have_no_enqueue_times():
    [found] = parse_exports(times(startInMs=1, endInMs=2, startOutMs=3, inMs=4, outMs=5, computeMs=6, endToEndMs=7))
    row = found.rows[0]
    assert [row[k] for k in ("start_h2d_ms", "end_h2d_ms", "start_d2h_ms", "h2d_ms", "d2h_ms")] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert (row["start_enqueue_ms"], row["end_to_end_ms"], found.notes) == (None, 7.0, ())


def test_times_of_7_1_and_7_2_are_swapped_back():
    [found] = parse_exports(times(startEnqMs=10, endEnqMs=11, startInMs=1, endInMs=2, computeMs=6))
    row = found.rows[0]
    assert (row["start_enqueue_ms"], row["end_enqueue_ms"]) == (1.0, 2.0)
    assert (row["start_h2d_ms"], row["end_h2d_ms"]) == (10.0, 11.0)
    assert found.notes == (SWAP_NOTE,)


def test_a_key_nobody_knows_is_kept():
    [found] = parse_exports(times(computeMs=6, startGraphMs=2))
    assert found.rows[0]["start_graph_ms"] == 2.0


# --------------------------------------------------------------------------------------------- layers
def test_layers_as_names_and_as_objects():
    [found] = parse_exports('{"Layers": ["a -> b"\n,"{ForeignNode[c...d]}"],\n"Bindings": ["x"\n,"y"\n]}\n')
    assert found.kind == "engine_layers"
    assert [row["layer"] for row in found.rows] == ["a -> b", "{ForeignNode[c...d]}"]
    assert [row["inputs"] for row in found.rows] == [None, None]
    assert found.bindings == ("x", "y")

    tensor = {"Name": "x", "Dimensions": [1, 3], "Datatype": "Half", "Format": "(NHWC) Channel major format"}
    value = {
        "Name": "c",
        "LayerType": "kgen",
        "Inputs": [tensor],
        "Outputs": [],
        "Metadata": "[ONNX Layer: n]",
    }
    for text in (json.dumps([value]), json.dumps({"Layers": [value]})):
        row = parse_exports(text)[0].rows[0]
        assert row["inputs"] == [
            {
                "name": "x",
                "dtype": "FP16",
                "shape": [1, 3],
                "strides": None,
                "format": "(NHWC) Channel major format",
                "layout": "NHWC",
                "location": None,
            }
        ]
        assert (row["outputs"], row["onnx_names"], row["tactic"]) == ([], ["n"], None)


def test_layer_names_that_are_not_escaped():
    text = '{"Layers": [{\n  "Name": "a "quoted" \\path",\n  "LayerType": "Conv",\n  "Groups": 1\n}]}'
    row = parse_exports(text)[0].rows[0]
    assert (row["layer"], row["type"], row["attributes"]) == ('a "quoted" \\path', "Conv", '{"Groups": 1}')
    raw = '{"Layers": [{"Name": "a", "Metadata": "[ONNX Layer: m]\x1e[ONNX Layer: n]"}]}'
    assert parse_exports(raw)[0].rows[0]["onnx_names"] == ["m", "n"]


# --------------------------------------------------------------------------------------------- output
def test_output_tensors():
    text = '[\n  { "name" : "prob"\n  , "dimensions" : "1x3"\n  , "values" : [ 0.5, nan, -inf ]\n  }\n]\n'
    [found] = parse_exports(text)
    row = found.rows[0]
    assert (found.kind, row["tensor"], row["shape"], row["values"][0]) == ("output", "prob", [1, 3], 0.5)
    assert math.isnan(row["values"][1])
    assert row["values"][2] == -math.inf


# --------------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("hello", r"x\.json:1: not valid JSON"),
        ('[\n  { "count" : 3 }\n, { "name" : "a", "tim', r"x\.json:3: .*ends too early"),
        ('{"tuner_version": 1}', "keys tuner_version, which is none of trtexec's exports"),
        ("[1, 2]", "element 0 is no object"),
        ('[{"a": 1}]', "keys a, which is none"),
        ('{"Layers": [3]}', "layer 0 is neither a name nor an object"),
        ('[{"computeMs": "fast"}]', "computeMs is 'fast', expected a number"),
        ("[]", "does not tell what it would hold"),
        ("[" * 100_000, "not a file of trtexec|not valid JSON"),
    ],
)
def test_anything_else_is_a_clear_error(text, message):
    with pytest.raises(InputError, match=message):
        parse_exports(text, "x.json")


def test_an_empty_list_goes_by_the_name_of_the_file():
    assert parse_exports("[\n]\n", "x.times.json")[0].kind == "iteration_times"


words = st.sampled_from([*'[]{},:1"\\\n', '"name"', '"timeMs"', '"Layers"', '"computeMs"', '"values"', "nan", "inf"])


@given(st.text(max_size=80) | st.lists(words, max_size=40).map(" ".join))
def test_any_text_reads_or_is_an_input_error(text):
    try:
        found = parse_exports(text)
    except InputError:
        return
    assert all(export.rows is not None for export in each(found))


@pytest.mark.parametrize("unit", ['"\\"', '{ "name" : "', " ", '\n"a": "b"c"', "[ nan, ", ', { "count" : 1 }'])
def test_long_hostile_text_ends(unit):
    with pytest.raises(InputError):
        parse_exports("[" + unit * 20_000)


numbers = st.floats(allow_nan=False)
names = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.tuples(names, numbers), min_size=1, max_size=5))
def test_profiles_round_trip_whatever_the_names(rows):
    text = '[\n  { "count" : 1 }\n' + "".join(
        f', {{ "name" : "{name}", "timeMs" : {t!r}, "averageMs" : 1, "medianMs" : 1, "percentage" : 2 }}\n'
        for name, t in rows
    )
    [found] = parse_exports(text + "]\n")
    assert [(row["layer"], row["time_ms"]) for row in found.rows] == rows


# ---------------------------------------------------------------------------------------------- files
@pytest.mark.parametrize(
    ("ending", "compress"),
    [
        ("", lambda data: data),
        (".gz", gzip.compress),
        (".xz", lzma.compress),
        (".bz2", bz2.compress),
        (".zst", lambda data: zstandard.ZstdCompressor().compress(data)),
    ],
)
def test_compressed_files(tmp_path, ending, compress):
    path = tmp_path / f"x.json{ending}"
    path.write_bytes(compress('\ufeff{"Layers": ["größe"]}'.encode()))
    assert read_exports(path)[0].rows[0]["layer"] == "größe"
    path.write_bytes(compress(b"0" * 5000)[: -20 if ending else None])
    with pytest.raises(InputError, match=re.escape(path.name)):
        read_exports(path)


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_exports(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_exports(tmp_path)


def test_exports_beside_a_log(tmp_path):
    ours = [
        "x.layers.json",
        "x.profile.json.gz",
        "X_times.json",
        "x-layer-info.json",
        "layers_x.json",
        "mine.json",
    ]
    trex = ["m.engine.graph.json", "m.engine.profile.json", "m.engine.timing.json"]
    others = ["x.log", "y.layers.json", "x2.times.json", "x.json", "x.layers.txt", "m.engine.build.log.gz"]
    for name in ours + trex + others:
        (tmp_path / name).write_text("")
    command = r"trtexec --onnx=a --exportLayerInfo=C:\out\mine.json --exportTimes=/tmp/none.json"
    assert [p.name for p in find_exports(tmp_path / "x.log", command)] == sorted(ours)
    assert "mine.json" not in [p.name for p in find_exports(tmp_path / "x.log")]
    assert [p.name for p in find_exports(tmp_path / "m.engine.build.log.gz")] == trex
    assert find_exports(tmp_path / "none" / "x.log") == []


def test_rows_join_by_name_never_by_position():
    layers = [{"layer": "b"}, {"layer": "a"}, {"layer": "twice"}, {"layer": "twice"}]
    profile = [
        {"layer": "a", "time_ms": 1.0},
        {"layer": "b", "time_ms": 2.0},
        {"layer": "twice", "time_ms": 3.0},
        {"layer": "other", "time_ms": 4.0},
    ]
    rows, left_over = join_by_layer(layers, profile, ["time_ms"])
    assert [row["time_ms"] for row in rows] == [2.0, 1.0, None, None]
    assert left_over == ["twice", "other"]


# ----------------------------------------------------------------------------------------- real files
def real_exports() -> list[Path]:
    folders = (ROOT / "fixtures", ROOT.parent / "shared" / "corpus", ROOT.parent / "shared" / "captures")
    return sorted(path for folder in folders for path in folder.glob("*/*.json*") if path.is_file())


@pytest.mark.skipif(not real_exports(), reason="there are no exported files")
def test_every_real_export_agrees_with_a_count_by_text():
    kinds = set()
    for path in each(real_exports()):
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        exports = read_exports(path)
        rows = [row for export in exports for row in export.rows]
        kind = exports[0].kind
        kinds.add(kind)
        if kind == "profile":
            assert [row["layer"] for row in rows] == re.findall(r'"name" : "(.*)", "timeMs"', text)
            percent = [float(n) for n in re.findall(r'"percentage" : ([-0-9.e+]+)', text)]
            assert [row["percent"] for row in rows] == percent
            assert all(99 < sum(row["percent"] for row in export.rows) < 101 for export in each(exports))
        elif kind == "iteration_times":
            latencies = [float(n) for n in re.findall(r'"latencyMs" : ([-0-9.e+]+)', text)]
            assert [row["latency_ms"] for row in rows] == latencies
            assert all(row["start_compute_ms"] <= row["end_compute_ms"] for row in each(rows))
            assert set(rows[0]) == {"iteration", *TIME_COLUMNS}
        elif kind == "output":
            assert len(rows) == text.count('"values"')
            # up to 7.x the dimensions leave out the batch
            assert all(len(row["values"]) % math.prod(row["shape"]) == 0 for row in each(rows))
        else:
            objects = len(re.findall(r'^  "Name": "', text, re.MULTILINE))
            assert objects in (0, len(rows))
            undecoded = [t for row in rows for t in (row["inputs"] or []) if t["dtype"] is None]
            assert undecoded == []
    assert kinds >= {"profile", "iteration_times", "engine_layers"}


@pytest.mark.skipif(CAPTURE is None, reason="the capture is in neither fixtures nor ../shared/captures")
def test_profile_and_layers_of_a_capture_join():
    found = {export.kind: export for path in find_exports(CAPTURE) for export in read_exports(path)}
    rows, left_over = join_by_layer(found["engine_layers"].rows, found["profile"].rows, ["time_ms"])
    assert left_over == []
    assert all(row["time_ms"] is not None for row in each(rows))
    total = sum(row["time_ms"] for row in rows)
    assert total == pytest.approx(sum(row["time_ms"] for row in found["profile"].rows))
    # the same figure as printed in the log's own profile table
    text = gzip.decompress(CAPTURE.read_bytes()).decode()
    printed = re.search(r"Total +([0-9.]+) +[0-9.]+ +[0-9.]+ +100\.0", text)
    assert total == pytest.approx(float(printed[1]), abs=0.01 * len(rows))


def test_a_copy_of_an_export_beside_it_is_one_export(tmp_path):
    """x.times.json and x.times.json.gz hold the same rows: they are read once, by parse and in a dataset."""
    folder, dataset_folder = FIXTURES / "trt-8.5.3-h200", tmp_path / "dataset"
    tmp_path = tmp_path / "logs"
    tmp_path.mkdir()
    name = "resnet50_fp16_dyn_detailed"
    shutil.copy(folder / f"{name}.log.gz", tmp_path)
    for kind in ("times", "profile", "layers"):
        shutil.copy(folder / f"{name}.{kind}.json.gz", tmp_path)
    tables = ("iteration_times", "profile", "engine_layers")
    once = {table: trtlog.parse(tmp_path / f"{name}.log.gz").table(table).num_rows for table in tables}
    assert once["iteration_times"] > 1000
    for kind in ("times", "profile", "layers"):
        packed = tmp_path / f"{name}.{kind}.json.gz"
        (tmp_path / f"{name}.{kind}.json").write_bytes(gzip.decompress(packed.read_bytes()))
    assert {table: trtlog.parse(tmp_path / f"{name}.log.gz").table(table).num_rows for table in tables} == once
    done = trtlog.to_dataset(tmp_path, dataset_folder)
    assert (len(done.converted), done.failed, done.skipped) == (1, [], [])
    dataset = trtlog.open_dataset(dataset_folder)
    assert {table: dataset.table(table).num_rows for table in tables} == once
    exports = [path.name for path in find_siblings(tmp_path / f"{name}.profile.json.gz")]
    assert sum("profile" in name for name in exports) == 1, "the file that is named, and not its copy"


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_of_several_runs_an_export_goes_to_the_one_whose_command_names_it(tmp_path, ending, compress):
    log = tmp_path / "two.log"
    log.write_text(
        "".join(
            f"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --exportProfile={name}.json\n"
            "[11/22/2026-13:22:03] [I] TensorRT version: 8.5.3\n"
            f"&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --exportProfile={name}.json\n"
            for name in ("one", "other")
        )
    )
    profile = b'[{ "count" : 3 }, { "name" : "a", "timeMs" : 3, "averageMs" : 1, "percentage" : 100 }]'
    (tmp_path / f"other.json{ending}").write_bytes(compress(profile))
    found = trtlog.parse(log)
    assert found.notes == ()
    assert found.table("profile").column("run").to_pylist() == [1]
