"""Logs that are read together have the tables that each has alone, whatever lies between them."""

from __future__ import annotations

import gzip
import os
import pickle
import random
import re

import pytest

import trtlog
from tests.conftest import CORPUS, FIXTURES, ROOT, each, parsed_once, passes_fail_on
from trtlog.errors import InputError, NoLogError, StrictError
from trtlog.log import _same
from trtlog.messages.classify import Classifier
from trtlog.reader import Reader
from trtlog.records import TABLES
from trtlog.several import parse_each
from trtlog.tables import TableSet

FOLDERS = [FIXTURES, CORPUS, *(ROOT.parent / "shared" / name for name in ("captures", "cases"))]
_ENDINGS = (".log", ".txt", ".out", ".log.gz", ".txt.gz")


def logs(most_bytes):
    found = sorted(p for folder in FOLDERS for p in folder.rglob("*") if p.name.endswith(_ENDINGS))
    return [path for path in found if path.is_file() and path.stat().st_size <= most_bytes]


def differences(one, other):
    """Return the names of the tables that differ."""
    return [n for n in each(TABLES) if not (one.table(n).equals(other.table(n)) or _same(one.table(n), other.table(n)))]


def assert_as_alone(paths):
    together = list(parse_each(paths))
    assert len(together) == len(paths)
    read = 0
    for path, found in each(zip(paths, together, strict=True)):
        if isinstance(found, InputError):
            with pytest.raises(type(found), match=re.escape(str(found))):
                trtlog.parse(path)
            continue
        alone = parsed_once(path)
        assert isinstance(found, trtlog.Log), (path, found)
        assert differences(found, alone) == [], path
        assert (found.source, found.notes) == (alone.source, alone.notes), path
        read += 1
    return read


@pytest.fixture
def bad(tmp_path):
    """Files that are no logs, or that cannot be read."""
    texts = {
        "empty.log": b"",
        "binary.log": bytes(range(256)) * 40,
        "refused.log": b"Starting the service\n" * 300,
        "cut.log.gz": gzip.compress(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n" * 2000)[:90],
        "damaged.log.gz": b"\x1f\x8b\x08\0\0\0\0\0 damaged",
        "export.log": b'{"Layers": ["conv1"]}\n',
    }
    for name, data in texts.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.log").mkdir()
    return [*(tmp_path / name for name in texts), tmp_path / "folder.log", tmp_path / "none.log"]


def test_logs_have_the_tables_that_each_has_alone(bad):
    """In an order in which neighbours have nothing to do with each other, with bad ones in between."""
    paths = logs(60_000)[::5]
    for number, path in enumerate(bad):
        paths.insert(2 + 5 * number, path)
    random.Random(1).shuffle(paths)
    assert assert_as_alone(paths) >= 10


@pytest.mark.slow
def test_all_logs_have_the_tables_that_each_has_alone():
    paths = logs(1_000_000)
    random.Random(2).shuffle(paths)
    assert assert_as_alone(paths) >= 80


@pytest.mark.parametrize("engine", ["auto", "line"])
def test_one_set_of_captures(engine, tmp_path):
    """Ends that go on in the next log, were it the same one: an open section, a help text, a torn line, no line end."""
    head = "[11/22/2026-13:22:03] "
    texts = [
        f"{head}[I] === Build Options ===\n{head}[I] Precision: FP32\n{head}[I] Layer precisions:",
        f"{head}[I] conv1: fp16\n{head}[I] Format: ONNX\n",
        f"{head}[V] [TRT] --------------- Timing Runner: conv1 (CaskConvolution)\n",
        f"{head}[V] [TRT] Tactic: 0x0000000000000002 Time: 0.5\n{head}[E] [TRT] 3: a text (that goes\n",
        f"on and on)\n{head}[V] [TRT] Original: 3 layers\n{head}[I] Average on 10 runs - GPU lat",
        f"Original: 4 layers\n{head}[W] [TRT] Skipping tactic 0x1 due to insufficient memory\nUsage:\n --onnx",
        f"--help\n{head}[V] [TRT] Original: 5 layers\n",
    ]
    reader = Reader(engine=engine)
    numbers = [reader.read(text.encode()).number for text in texts]
    tables = TableSet(reader.finish(), [f"log {n}" for n in numbers])
    for number, text in enumerate(each(texts)):
        alone = trtlog.parse(text.encode(), engine=engine)
        log = trtlog.Log(tables.of(number), "<bytes>")
        assert [name for name in differences(log, alone) if name != "runs"] == [], number
        assert log.table("runs").column("source").to_pylist() == [f"log {number}"]


def test_a_mistake_while_one_is_read(monkeypatch, tmp_path):
    """Nothing of the log in which reading ends is in the tables of the others."""
    path = FIXTURES / "trt-8.5.3-h200" / "sweep_r50_fp32_b1.log.gz"
    text = gzip.decompress(path.read_bytes())
    paths = [tmp_path / f"{number}.log" for number in range(4)]
    for number, one in enumerate(paths):
        one.write_bytes(text if number != 2 else text[: len(text) // 2] + b"\nkill: here\n" + text[len(text) // 2 :])
    classify = Classifier.classify

    def failing(self, number, line):
        if line == b"kill: here":
            raise ZeroDivisionError("a mistake")
        return classify(self, number, line)

    monkeypatch.setattr(Classifier, "classify", failing)
    found = list(parse_each(paths))
    assert [type(one).__name__ for one in found] == ["Log", "Log", "ZeroDivisionError", "Log"]
    alone = trtlog.parse(path, exports=())
    for place in (0, 1, 3):
        assert [name for name in differences(found[place], alone) if name != "runs"] == []


def test_a_mistake_in_the_rows_of_one(monkeypatch, tmp_path):
    """Where a table of all cannot be made, each log's is made alone; the others have theirs."""
    texts = [b"[11/22/2026-13:22:03] [V] [TRT] Original: %d layers\n" % n for n in (3, 666, 5)]
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.log").write_bytes(text)
    passes_fail_on(b"666", monkeypatch)
    found = list(parse_each([tmp_path / f"{number}.log" for number in range(3)]))
    assert [found[n].table("passes").column("layers").to_pylist() for n in (0, 2)] == [[3], [5]]
    assert found[1].table("runs").num_rows == 1
    with pytest.raises(ZeroDivisionError):
        found[1].table("passes")


def test_what_cannot_be_read_is_noted_of_its_own_log(tmp_path):
    lines = [b"Original: 3 layers", b"Original: 18446744073709551616 layers", b"Original: 4 layers"]
    for number, line in enumerate(lines):
        (tmp_path / f"{number}.log").write_bytes(b"[V] [TRT] Original: 2 layers\n[V] [TRT] " + line + b"\n")
    found = list(parse_each([tmp_path / f"{number}.log" for number in range(3)]))
    assert [one.table("passes").column("layers").to_pylist() for one in found] == [[2, 3], [2, None], [2, 4]]
    assert [len(one.notes) for one in found] == [0, 1, 0]
    assert "'18446744073709551616' in line 2" in found[1].notes[0]


def test_a_log_is_as_good_as_one_that_was_read_alone(tmp_path):
    """It goes to other processes without the others, and its names are its own."""
    folder = FIXTURES / "trt-8.5.3-h200"
    paths = [folder / f"{name}.log.gz" for name in ("sweep_r50_fp32_b1", "err_missing_onnx", "lstm_verbose")]
    found = list(parse_each(paths))
    again = pickle.loads(pickle.dumps(found[1]))
    assert again == found[1] == trtlog.parse(paths[1])
    assert b"LSTM" not in pickle.dumps(found[1])
    assert b"LSTM" in pickle.dumps(found[2])


def test_exports_strict_and_the_order(tmp_path):
    """Exports lie beside some logs; a log that strict refuses, or a long one, stands where it was given."""
    folder = FIXTURES / "trt-8.5.3-h200"
    exported, plain = folder / "sweep_r50_fp32_b1.log.gz", folder / "err_missing_onnx.log.gz"
    odd = tmp_path / "odd.log"
    odd.write_bytes(b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n[11/22/2026-13:22:03] [V] [TRT] zzz qqq\n")
    long = folder / "resnet50_fp16_dyn_detailed.log.gz"
    assert long.stat().st_size > 1 << 16
    found = list(parse_each([exported, odd, long, b"[V] [TRT] Original: 7 layers", plain], strict=True))
    assert [type(one) for one in found] == [trtlog.Log, StrictError, trtlog.Log, trtlog.Log, trtlog.Log]
    assert found[0].table("iteration_times").num_rows > 1000
    assert found[2].table("iteration_times").num_rows > 1000
    assert found[4].table("iteration_times").num_rows == 0
    for path, log in each(zip((exported, long, plain), (found[0], found[2], found[4]), strict=True)):
        assert log == trtlog.parse(path)


def test_each_folder_is_listed_once(tmp_path, monkeypatch):
    for number in range(20):
        (tmp_path / f"{number}.log").write_bytes(b"[V] [TRT] Original: 3 layers\n")
    listed = []
    listdir, scandir = os.listdir, os.scandir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(folder) or listdir(folder))
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(folder) or scandir(folder))
    paths = [tmp_path / f"{number}.log" for number in range(20)]
    assert [type(one) for one in parse_each(paths)] == [trtlog.Log] * 20
    assert list(map(str, listed)).count(str(tmp_path)) == 1
    listed.clear()
    from trtlog.dataset.find import find

    assert len(list(find([str(path) for path in paths]))) == 20
    assert list(map(str, listed)).count(str(tmp_path)) == 1
    listed.clear()
    assert len(list(find([str(tmp_path)]))) == 20
    assert list(map(str, listed)).count(str(tmp_path)) == 1


def test_none_of_many(tmp_path):
    (tmp_path / "a.txt").write_text("nothing of the kind\n")
    [found] = parse_each([tmp_path / "a.txt"])
    assert isinstance(found, NoLogError)
    assert list(parse_each([])) == []
