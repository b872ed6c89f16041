"""Entries for an editable timing cache: the key and the hash that the log prints, in the form TensorRT reads."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

import trtlog
from tests.analyses.conftest import FOLDER
from tests.conftest import CORPUS, ROOT, each
from trtlog.analyses.build.pin import pin
from trtlog.cli import cli

PATH = ROOT / "tests" / "cases" / "editable-timing-cache.log"


def log_of():
    return trtlog.parse(PATH)


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_the_table_of_operations(engine):
    """Keys, counts and selections, read from the text by another expression."""
    text = PATH.read_text()
    found = trtlog.parse(PATH, engine=engine).table("autotuned_ops").to_pylist()
    parts = text.split("Autotuning op ")[1:]
    assert [(row["layer"], row["key"]) for row in found] == [
        re.match(r"(\w+)\(key: (0x[0-9a-f]{32})\)", part).groups() for part in parts
    ]
    assert [row["tactics"] for row in found] == [len(re.findall(r", 0x[0-9a-f]+, $", p, re.M)) for p in parts]
    assert [(row["selected"], row["selected_ms"]) for row in found] == [
        ("0x000111122223333a", 0.011264),
        ("0x000000044445555b", 0.0098304),
    ]
    assert [row["onnx_layers"] for row in found] == [None, ["/head/MatMul", "/head/Add"]]
    lines = text.splitlines()
    assert all("Autotuning op" in lines[row["line"] - 1] for row in each(found))
    assert all("selected tactic" in lines[row["selected_line"] - 1] for row in each(found))
    assert trtlog.parse(PATH, engine=engine).coverage.set_index("kind").lines.get("unknown", 0) == 0


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_the_selected_tactic_is_chosen_in_the_table_of_tactics(engine):
    found = trtlog.parse(PATH, engine=engine).tactics
    chosen = found[found.chosen]
    assert chosen[["layer", "tactic", "line"]].values.tolist() == [
        ["matMul1", "0x000111122223333a", 5], ["matMul2", "0x000000044445555b", 12]
    ]  # fmt: skip


def test_an_edit_is_what_the_log_prints():
    (edit,) = pin(log_of(), "matMul1", "0x44445555b")
    assert (edit.key, edit.tactic, edit.replaces) == (
        "0x00112233445566778899aabbccddeeff", "0x44445555b", "0x111122223333a"
    )  # fmt: skip
    # The same tactic takes another time in the other operation: each has its own table.
    assert edit.timing_ms == 0.0118784
    assert pin(log_of(), "matMul2", "0x000000044445555b")[0].timing_ms == 0.0098304


def test_a_kernel_names_its_tactic_where_one_has_it():
    (edit,) = pin(log_of(), "matMul1", "sm80_xmma_gemm_f32f32_tf32f32_f32_nn_n_tilesize64x32x64")
    assert edit.tactic == "0x44445555b"
    with pytest.raises(trtlog.TrtlogError, match=r"2 tactics have the kernel .*: 0x6666c, 0x7777d"):
        pin(log_of(), "matMul2", "sm80_xmma_gemm_f32f32_tf32f32_f32_nn_n_tilesize64x64x64")


@pytest.mark.parametrize(
    ("layer", "tactic", "words"),
    [
        ("matMul3", "0x6666c", "no operation 'matMul3' has a key .did you mean matMul"),
        ("matMul1", "0x6666c", "matMul1 has no tactic 0x6666c; the log lists 0x111122223333a sm80"),
        ("Mul1", "none", "matMul1 has no tactic none"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(layer, tactic, words):
    with pytest.raises(trtlog.TrtlogError, match=words):
        pin(log_of(), layer, tactic)


def test_a_key_that_was_cut_is_refused():
    text = PATH.read_text().replace("0x00112233445566778899aabbccddeeff", "0x0011223344")
    with pytest.raises(trtlog.TrtlogError, match="line 2: the key 0x0011223344 is cut"):
        pin(trtlog.parse(text.encode()), "matMul1", "0x44445555b")


def test_without_keys_it_is_said_how_to_get_them():
    old = trtlog.parse(FOLDER / "resnet50_fp32_verbose.log.gz")
    with pytest.raises(trtlog.TrtlogError, match=r"TensorRT 8.5.3 has no editable timing cache"):
        pin(old, "/conv1/Conv", "0x1")
    plain = PATH.read_text()
    for key in re.findall(r"\(key: 0x[0-9a-f]+\)", plain):
        plain = plain.replace(key, "")
    with pytest.raises(trtlog.TrtlogError, match=r"without keys.*EDITABLE_TIMING_CACHE.*VERBOSE"):
        pin(trtlog.parse(plain.encode()), "matMul1", "0x44445555b")


def test_a_real_log_lists_operations_without_keys():
    path = CORPUS / "10.16.0" / "cookbook-trtexec-result-02.log.gz"
    if not path.exists():
        pytest.skip("the third-party logs are not here")
    log = trtlog.parse(path)
    found = log.table("autotuned_ops").to_pylist()
    assert {row["key"] for row in found} == {None}
    assert sum(row["tactics"] for row in found) == (log.tactics.kind == "foreign_node").sum()
    with pytest.raises(trtlog.TrtlogError, match="trtexec has no flag for it"):
        pin(log, "node_linear", "0x1")


def test_the_command_writes_a_file(tmp_path):
    target = tmp_path / "edits.json"
    done = CliRunner().invoke(cli, ["pin", str(PATH), "matMul1", "0x44445555b", "-o", str(target)])
    assert done.exit_code == 0, done.output
    plan = json.loads(target.read_text())
    assert plan["tensorrt_version"] == "10.10.0"
    assert [(edit["key"], edit["tactic"]) for edit in plan["edits"]] == [
        ("0x00112233445566778899aabbccddeeff", "0x44445555b")
    ]
    printed = CliRunner().invoke(cli, ["pin", str(PATH), "matMul1", "0x44445555b"])
    assert json.loads(printed.stdout) == plan
