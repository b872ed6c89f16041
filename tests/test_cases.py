"""Small damaged logs on which an answer once went wrong: read by both engines alike, and through every answer."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

import trtlog
from tests.command import trtlog as command
from tests.conftest import each
from tests.fuzz import checks
from tests.fuzz.material import text_of
from trtlog._util.redact import redact

CASES = Path(__file__).parent / "cases"
DAMAGED = sorted((CASES / "crash").iterdir())
READ = {path.name.partition(".")[0]: path for path in DAMAGED}


def test_the_damaged_logs_are_there():
    assert len(DAMAGED) == 14


@pytest.mark.parametrize("name", READ)
def test_both_engines_say_the_same_whatever_the_size_of_chunks(name):
    """Tables, counts and remarks of both loops, fed in pieces; then every analysis, page, comparison and file."""
    data, made = text_of(READ[name]), {}
    for seed in range(3):
        checks.check(data, text_of(READ["diff-passes"]), random.Random(seed), "outputs" if not seed else "read", made)


def test_a_size_above_64_bits_is_null_and_noted():
    log = trtlog.parse(READ["arrays176"])
    [layer] = log.table("engine_layers").to_pylist()
    assert [tensor["shape"] for tensor in layer["inputs"]] == [None]
    assert any("18446744073709551616" in note for note in log.notes)


def test_a_choice_whose_block_was_never_timed_chooses_no_tactic():
    assert trtlog.parse(READ["blocks161"]).table("tactics").column("chosen").to_pylist() == [False]


def test_tactics_above_the_first_runner_have_no_layer():
    path = READ["tactics136"]
    assert trtlog.parse(path).table("tactics").column("layer").to_pylist() == [None, "m"]
    for arguments in (("tactics", path, "--by", "precision"), ("tactics", path), ("why", "m", path)):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.errors


def test_a_torn_time_and_a_clock_without_digits_are_null():
    assert trtlog.parse(READ["noise163"]).table("tactics").column("time_ms").to_pylist() == [None]
    assert trtlog.parse(READ["runs224"]).table("devices").column("memory_clock_ghz").to_pylist() == [None]


def test_an_engine_layer_whose_text_is_a_word_is_a_layer():
    assert trtlog.parse(READ["lineage74"]).table("engine_layers").column("layer").to_pylist() == ["r"]


def test_a_long_name_is_whole_in_a_dataset(tmp_path):
    [name] = trtlog.parse(READ["gpu_name_long"]).table("devices").column("name").to_pylist()
    assert len(name) > 250
    trtlog.to_dataset([READ["gpu_name_long"]], tmp_path / "set")
    assert trtlog.open_dataset(tmp_path / "set").table("devices").column("name").to_pylist() == [name]


def test_a_comparison_shows_no_secret():
    paths = READ["diff_secret_a"], READ["diff_secret_b"]
    for form in each(("text", "md", "json")):
        for pair in (paths, paths[::-1]):
            done = command("diff", *pair, "--format", form)
            assert b"api-key" in done.output
            assert b"SECRET" not in done.output + done.errors


@pytest.mark.parametrize("name", ["redact_cmd", "redact_dashes"])
def test_redacting_twice_the_text_takes_about_twice_the_time(name):
    text = (CASES / "slow" / f"{name}.log").read_text()
    line = max(text.splitlines(), key=len)
    spent = {}
    for times in (8, 64):
        longer = line * times
        began = time.process_time()
        redact(longer)
        spent[times] = time.process_time() - began
    # Eight times the text; a quadratic expression would take sixty-four times as long.
    assert spent[64] < 24 * max(spent[8], 0.005)


def test_who_asks_for_a_conversion_is_unknown_without_engine_layers():
    rows = trtlog.parse(CASES / "reformat-without-engine-layers.log").analyze.table("reformats").to_pylist()
    assert [(row["layer"], row["forced_by"]) for row in rows] == [("conv1", "unknown"), ("conv2", "unknown")]
