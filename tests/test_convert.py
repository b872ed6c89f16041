"""Piecewise conversion writes the rows that the whole log gives, wherever the pieces end."""

from __future__ import annotations

import functools
import gzip
import queue
import random
import signal
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import trtlog
from tests.conftest import FIXTURES, each
from tests.interrupts import ctrl_c_is_heard, interrupted_at, interrupting, still_running
from trtlog import grammar
from trtlog._util import worker
from trtlog._util.worker import WorkerThread
from trtlog.engines.line import LineEngine
from trtlog.errors import InputError, StrictError
from trtlog.messages.captures import Captures
from trtlog.parquet.segments import SEGMENTED, segmented_kinds
from trtlog.parquet.stream import convert
from trtlog.records import TABLES
from trtlog.source.chunks import open_source
from trtlog.tables import BUILDERS
from trtlog.tables.context import Context

FOLDER = FIXTURES / "trt-8.5.3-h200"


def text(name):
    return gzip.decompress((FOLDER / f"{name}.log.gz").read_bytes())


def pieces_of(log, lines=60):
    """Return the log as an iterable of chunks: a source cuts only between those."""
    every = log.splitlines(keepends=True)
    return [b"".join(every[n : n + lines]) for n in range(0, len(every), lines)]


def plain(table):
    fields = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields)).combine_chunks()


@functools.lru_cache(maxsize=2)
def whole(log):
    """Return a log that was read as a whole; tests one after the other convert the same."""
    return trtlog.parse(pieces_of(log))


def assert_same(log, folder):
    written = trtlog.read_parquet(folder)
    for name in each(TABLES):
        assert plain(written.table(name)).equals(plain(whole(log).table(name))), name
    return written


ONE = "resnet50_fp32_verbose"
SEVERAL = ("bert_fp16_verbose", "err_bad_shape", "lstm_verbose", "unet_smallws_verbose", "sweep_r50_best_b8")


@pytest.mark.parametrize("segment_bytes", [20_000, 300_000, 1 << 30])
def test_one_run(tmp_path, monkeypatch, segment_bytes):
    monkeypatch.setattr(trtlog.parquet.stream, "GROUP_ROWS", 100)
    log = text(ONE)
    convert(open_source(pieces_of(log), 5_000), tmp_path, segment_bytes=segment_bytes)
    written = assert_same(log, tmp_path)
    groups = pq.read_metadata(tmp_path / "tactics.parquet").num_row_groups
    assert groups > 5 if segment_bytes == 20_000 else groups == 1 or segment_bytes == 300_000
    assert written.run.tensorrt_version == "8.5.3"


def test_the_exports_beside_a_log(tmp_path):
    log = FOLDER / "resnet50_fp16_dyn_detailed.log.gz"
    assert convert(log, tmp_path / "all", segment_bytes=20_000) == []
    assert trtlog.read_parquet(tmp_path / "all") == trtlog.parse(log)
    assert trtlog.read_parquet(tmp_path / "all").table("iteration_times").num_rows > 1000
    convert(log, tmp_path / "none", exports=[])
    assert trtlog.read_parquet(tmp_path / "none") == trtlog.parse(log, exports=[])
    damaged = tmp_path / "damaged.json"
    damaged.write_text("[{")
    with pytest.raises(InputError, match=r"damaged\.json"):
        convert(log, tmp_path / "failed", exports=[damaged])
    [note] = convert(log, tmp_path / "noted", exports=[damaged], must=False)
    assert note.startswith("the export beside it is left out: ")


@pytest.mark.parametrize("engine", ["line", "auto"])
@pytest.mark.parametrize("group_rows", [1, 2000])
def test_several_runs(tmp_path, monkeypatch, engine, group_rows):
    monkeypatch.setattr(trtlog.parquet.stream, "GROUP_ROWS", group_rows)
    log = b"".join(text(name) for name in SEVERAL)
    convert(open_source(pieces_of(log), 50_000), tmp_path, engine=engine, segment_bytes=100_000)
    written = assert_same(log, tmp_path)
    assert written.table("runs").column("run").to_pylist() == list(range(len(SEVERAL)))
    groups = pq.read_metadata(tmp_path / "passes.parquet").num_row_groups
    assert groups > 2 if group_rows == 1 else groups == 1


def test_runs_that_begin_in_the_second_in_which_the_one_above_ended(tmp_path):
    """Whatever was cut off above: of the last two runs nothing tells the time but that of the first."""
    banner = "TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx"
    head = "[11/22/2026-13:22:03] [I]"
    run = f"&&&& RUNNING {banner}\n{head} === Model Options ===\n{head} Format: ONNX\n&&&& PASSED {banner}\n"
    log = trtlog.parse([run.encode()] * 4)
    convert(open_source([run.encode()] * 4, 10), tmp_path, segment_bytes=1)
    assert trtlog.read_parquet(tmp_path) == log
    assert log.table("timestamps").column("line").to_pylist() == [2, 6, 10, 14]


@pytest.mark.parametrize("seed", range(6))
def test_blocks_in_any_order(tmp_path, seed):
    """Blocks of the autotuner from several runs, shuffled: joins must not reach over a cut."""
    chance = random.Random(seed)
    pieces = []
    for name in chance.sample(SEVERAL, 2):
        lines = text(name).split(b"\n")
        starts = [n for n, line in enumerate(lines) if b"] =============== Computing" in line] or [0]
        pieces += [b"\n".join(lines[a:b]) for a, b in zip([0, *starts], [*starts, len(lines)], strict=True)]
    chance.shuffle(pieces)
    log = b"\n".join(pieces) + b"\n"
    convert(open_source(pieces_of(log), 5_000), tmp_path, segment_bytes=10_000)
    assert_same(log, tmp_path)


def test_nothing_is_left_behind_where_it_fails(tmp_path):
    with pytest.raises(InputError):
        convert(b"no log at all\n" * 50, tmp_path / "out")
    with pytest.raises(StrictError):
        convert(text(ONE) + b"[11/22/2026-13:22:03] [V] [TRT] zzz qqq\n", tmp_path / "out", strict=True)
    assert not list((tmp_path).rglob("*"))


@pytest.mark.parametrize("written", [0, 3, 40])
def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path, monkeypatch, written):
    """Files are written by another thread: what goes wrong there ends the conversion."""
    real, done = pq.ParquetWriter.write_table, []

    def full(writer, table):
        done.append(table)
        if len(done) > written:
            raise OSError(28, "No space left on device")
        real(writer, table)

    monkeypatch.setattr(trtlog.parquet.stream, "GROUP_ROWS", 1)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(InputError, match=r"cannot write .*No space left on device"):
        convert(open_source(pieces_of(text(ONE)), 5_000), tmp_path, segment_bytes=20_000)
    assert not list(tmp_path.rglob("*"))


def test_an_interrupt_anywhere_leaves_no_thread_behind():
    interrupted, at = True, 0
    while interrupted:
        at += 1
        found = []
        thread = WorkerThread("trtlog-write", 1)
        with interrupted_at(at, {worker.__file__, queue.__file__}) as came:
            for number in range(5):
                thread.give(found.append, number)
            thread.finish()
        thread.close()
        thread.wait()
        interrupted = came[0]
        assert found == list(range(len(found)))
        assert interrupted or len(found) == 5
    assert at > 50
    assert still_running("trtlog-write") == []


def test_ctrl_c_again_while_the_thread_is_waited_for(tmp_path, monkeypatch):
    """The rows that are being written are through before their files go."""
    give = WorkerThread.give

    def interrupted(thread, *given):
        give(thread, *given)
        while not any(tmp_path.iterdir()):
            time.sleep(0.001)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(WorkerThread, "give", interrupted)
    monkeypatch.setattr(WorkerThread, "wait", interrupting(WorkerThread.wait))
    with ctrl_c_is_heard(), pytest.raises(KeyboardInterrupt):
        convert(text(ONE), tmp_path)
    assert not list(tmp_path.rglob("*"))
    assert still_running("trtlog-write") == []


def test_where_no_thread_can_start_the_log_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    path = FIXTURES / "trt-8.5.3-h200" / "lstm_verbose.log.gz"
    trtlog.parse(path, exports=()).to_parquet(tmp_path / "whole")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    convert(path, tmp_path / "written", exports=(), segment_bytes=30_000)
    monkeypatch.undo()
    for name in ("tactics", "runs", "messages"):
        whole, written = (pq.read_table(tmp_path / folder / f"{name}.parquet") for folder in ("whole", "written"))
        assert written.equals(whole), name


def test_metadata_is_that_of_to_parquet(tmp_path):
    convert(text(ONE), tmp_path / "a")
    trtlog.parse(text(ONE)).to_parquet(tmp_path / "b")
    first, second = (pq.read_metadata(tmp_path / n / "tactics.parquet").metadata for n in "ab")
    own = (b"ARROW:schema", b"trtlog.conversion")  # the second tells one conversion from another
    assert first[own[1]] != second[own[1]]
    assert {k: v for k, v in first.items() if k not in own} == {k: v for k, v in second.items() if k not in own}


def test_what_a_cut_moves_is_read_by_the_tables_that_are_cut_alone(monkeypatch):
    every = grammar.load()
    reader = LineEngine(every)
    reader.feed(text(ONE) + (Path(__file__).parent / "cases/editable-timing-cache.log").read_bytes(), 1)
    captures, asked = reader.finish(), set()
    matches, lists = Captures.matches, Captures.lists

    def asked_matches(self, *kinds):
        asked.update(kinds)
        return matches(self, *kinds)

    def asked_lists(self, kinds, fields):
        asked.update(kinds)
        return lists(self, kinds, fields)

    monkeypatch.setattr(Captures, "matches", asked_matches)
    monkeypatch.setattr(Captures, "lists", asked_lists)
    moved = segmented_kinds(captures)
    for name in each(BUILDERS):
        context = Context(captures, ["log"], [{}])
        _ = context.runs, context.builds, context.clock  # what stands above a cut is remembered
        asked.clear()
        BUILDERS[name](context)
        read = asked & set(every.messages)
        # Fields of remarks are copied; of an engine that no mark shows, the block below the cut does.
        apart = read - moved if name in SEGMENTED else read & moved
        assert name in ("messages", "engines") or not apart, (name, apart)

