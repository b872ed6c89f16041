"""What goes wrong while a dataset is written: processes that die, full disks, kills, two writers at once.

After each of them the same command, given again, makes the dataset whole: every log once.
"""

from __future__ import annotations

import errno
import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

import trtlog
from tests import warm
from tests.conftest import ROOT, each, passes_fail_on
from tests.dataset.conftest import assert_whole, digest, globbed, text, write_logs
from tests.dataset.readers import crashing, dying, dying_once
from trtlog.dataset import manifest
from trtlog.dataset.batch import Task, convert_batch
from trtlog.dataset.commit import DatasetWriter
from trtlog.dataset.find import find
from trtlog.dataset.lock import locked
from trtlog.dataset.storage import Storage
from trtlog.errors import InputError


# ------------------------------------------------------------------ processes
def test_processes_give_what_one_gives(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 40)
    steps = []
    done = trtlog.to_dataset(
        tmp_path / "logs", dataset, jobs=2, batch_logs=7, progress=lambda *step: steps.append(step)
    )
    assert sorted(done.converted) == [str(p) for p in logs]
    assert steps[-1] == (40, 40)
    assert_whole(dataset, logs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_log_that_crashes_the_parser(tmp_path, dataset, jobs):
    logs = write_logs(tmp_path / "logs", 12)
    done = trtlog.to_dataset(tmp_path / "logs", dataset, jobs=jobs, batch_logs=5, _read=crashing)
    assert done.failed == [(str(logs[3]), "a mistake in trtlog itself (ZeroDivisionError: a mistake)")]
    assert_whole(dataset, logs[:3] + logs[4:])
    assert trtlog.to_dataset(tmp_path / "logs", dataset).converted == [str(logs[3])]
    assert_whole(dataset, logs)


def test_a_mistake_in_the_tables_of_one_log(tmp_path, dataset, monkeypatch):
    """Tables are made for all logs of a batch at once; where that fails, the log that it fails for is told, alone."""
    logs = write_logs(tmp_path / "logs", 9)
    copy = shutil.copy(logs[3], tmp_path / "logs" / "copy.log")
    (tmp_path / "logs" / "empty.log").write_bytes(b"")
    (tmp_path / "logs" / "notes.txt").write_text("nothing of the kind\n")
    (tmp_path / "logs" / "cut.log.gz").write_bytes(gzip.compress(text(99).encode())[:60])
    passes_fail_on(b"3", monkeypatch)
    done = trtlog.to_dataset(tmp_path / "logs", dataset)
    mistake = "a mistake in trtlog itself (ZeroDivisionError: a mistake)"
    failed = dict(done.failed)
    assert failed.pop(str(logs[3])) == failed.pop(str(copy)) == mistake
    assert [os.path.basename(name) for name in failed] == ["cut.log.gz"]
    assert [os.path.basename(name) for name, _ in done.skipped] == ["empty.log", "notes.txt"]
    assert_whole(dataset, [*logs[:3], *logs[4:]])
    monkeypatch.undo()
    again = trtlog.to_dataset(tmp_path / "logs", dataset)
    assert (again.converted, again.known) == ([str(copy)], [str(logs[3])])
    assert_whole(dataset, logs)


def test_a_log_that_kills_its_process(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 12)
    done = trtlog.to_dataset(tmp_path / "logs", dataset, jobs=2, batch_logs=4, _read=dying)
    assert [name for name, _ in done.failed] == [str(logs[3])]
    assert "without an answer, 2 times" in done.failed[0][1]
    assert_whole(dataset, logs[:3] + logs[4:])
    failed = [row for row in globbed(dataset, "catalogue", "source, error") if row[1]]
    assert [row[0] for row in failed] == [str(logs[3])]


def test_a_process_that_is_killed_once(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 12)
    done = trtlog.to_dataset(f"{tmp_path}/logs/*.log", dataset, jobs=2, batch_logs=4, _read=dying_once)
    assert (len(done.converted), done.failed) == (12, [])
    assert_whole(dataset, logs)


def test_a_script_without_a_guard_is_told_what_to_do(tmp_path):
    write_logs(tmp_path / "logs", 3)
    script = tmp_path / "script.py"
    script.write_text(f"import trtlog\ntrtlog.to_dataset('{tmp_path}/logs', '{tmp_path}/dataset', jobs=2)\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "InputError: worker processes cannot be started" in done.stderr.splitlines()[-1]


def converting(logs, dataset, *more, python=None):
    words = ["convert", str(logs), "-o", str(dataset), "--batch-logs", "10", *more]
    command = [python or warm.python(), "-m", "trtlog", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, start_new_session=True, **piped)


def wait_for_logs(dataset, count, process):
    """Wait until so many logs are committed, or the conversion has ended."""
    storage = Storage(dataset)
    while process.poll() is None:
        written = manifest.load(storage)
        if written is not None and len(written.logs()) >= count:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_kill_at_any_moment(tmp_path, dataset, jobs):
    """The process is killed three times somewhere in the middle; what was committed is readable, the rest follows."""
    logs = write_logs(tmp_path / "logs", 100)
    chance = random.Random(jobs)
    for wanted in (1, 40):
        process = converting(tmp_path / "logs", dataset, "-j", jobs)
        wait_for_logs(dataset, wanted, process)
        time.sleep(chance.uniform(0, 0.2))
        process.kill()
        process.communicate()
        opened = trtlog.open_dataset(dataset)
        counted = opened.sql("select log, count(*) n from tactics group by log")
        assert counted.n.eq(2).all()
        assert set(counted.log) == set(opened.catalogue.log)
    process = converting(tmp_path / "logs", dataset, "-j", jobs)
    out, errors = process.communicate()
    assert (process.returncode, errors) == (0, ""), out
    assert_whole(dataset, logs)


def test_ctrl_c_ends_after_what_is_under_way(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 150)
    process = converting(tmp_path / "logs", dataset, "-j", "2", python=sys.executable)
    wait_for_logs(dataset, 1, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
    _, errors = process.communicate()
    assert "Traceback" not in errors
    assert process.returncode == 130
    opened = trtlog.open_dataset(dataset)
    assert 0 < len(opened) < 150
    assert not list((dataset / "_trtlog" / "staging").iterdir())
    again = trtlog.to_dataset(tmp_path / "logs", dataset)
    assert len(again.unchanged) == len(opened)
    assert_whole(dataset, logs)


def test_a_manifest_that_was_never_finished_goes_with_the_next_one(tmp_path, dataset):
    write_logs(tmp_path / "logs", 1)
    trtlog.to_dataset(tmp_path / "logs", dataset)
    left = dataset / "_trtlog" / f".manifest.json.{'0' * 32}"
    left.write_bytes(b"{")
    write_logs(tmp_path / "logs", 2)
    assert len(trtlog.to_dataset(tmp_path / "logs", dataset).converted) == 1
    assert len(trtlog.open_dataset(dataset)) == 2
    assert not left.exists()


# ------------------------------------------------------------------ every step of a commit
def test_stopped_after_any_step_of_a_commit(tmp_path):
    """The writer is stopped after each of its changes to the file system in turn, in the middle of a replacement."""
    logs = write_logs(tmp_path / "logs", 6)
    old = digest(logs[2])
    trtlog.to_dataset(tmp_path / "logs", tmp_path / "dataset")
    number = 0
    while True:
        dataset = tmp_path / f"dataset{number}"
        shutil.copytree(tmp_path / "dataset", dataset)
        logs[2].write_text(text(2222))
        write_logs(tmp_path / "logs", 1, first=50)
        with pytest.MonkeyPatch.context() as patch:
            steps = stopping(patch, number)
            try:
                trtlog.to_dataset(tmp_path / "logs", dataset)
                stopped = False
            except Stopped:
                stopped = True
        opened = trtlog.open_dataset(dataset)
        counted = opened.sql("select log, count(*) n from tactics group by log")
        assert counted.n.eq(2).all(), f"after step {number}"
        assert len(counted) in (6, 7)
        assert (old in set(counted.log)) == (len(counted) == 6), "the change counts as a whole"
        trtlog.to_dataset(tmp_path / "logs", dataset)
        assert_whole(dataset, [*logs, tmp_path / "logs" / "net00050.log"])
        (tmp_path / "logs" / "net00050.log").unlink()
        if not stopped:
            assert steps[0] > 20
            return
        number += 7


def test_stopped_before_a_dataset_is_there(tmp_path):
    """A new dataset appears with its first batch, whole; what was stopped before goes on as if it had not begun."""
    logs = write_logs(tmp_path / "logs", 3)
    seen = set()
    number = 0
    while True:
        dataset = tmp_path / f"dataset{number}"
        with pytest.MonkeyPatch.context() as patch:
            stopping(patch, number)
            try:
                trtlog.to_dataset(logs, dataset)
                stopped = False
            except Stopped:
                stopped = True
        there = manifest.load(Storage(dataset)) is not None
        seen.add((stopped, there))
        if there:
            assert len(trtlog.open_dataset(dataset)) == 3
        else:
            with pytest.raises(InputError, match="no dataset of trtlog"):
                trtlog.open_dataset(dataset)
        trtlog.to_dataset(logs, dataset)
        assert_whole(dataset, logs)
        if not stopped:
            assert seen == {(True, False), (True, True), (False, True)}
            return
        number += 29


class Stopped(BaseException):
    """Nothing catches it on its way, as nothing happens after a kill."""


def stopping(patch, number):
    count = [0]
    for name in ("replace", "create", "move", "remove"):
        original = getattr(Storage, name)

        def counted(self, *given, _original=original):
            if count[0] == number:
                raise Stopped
            count[0] += 1
            return _original(self, *given)

        patch.setattr(Storage, name, counted)
    patch.setattr("trtlog.dataset.lock.SessionFolder.close", lambda self: self._lock.release())
    return count


# ------------------------------------------------------------------ full disk
def test_a_full_disk(tmp_path, monkeypatch):
    """A file system of 2 MB: what was committed stays; with more room the same call goes on."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        logs = write_logs(tmp_path / "logs", 60)
        with pytest.raises(InputError, match=r"(?i)no space left.*are kept"):
            trtlog.to_dataset(tmp_path / "logs", place / "dataset", batch_logs=4)
        opened = trtlog.open_dataset(place / "dataset")
        assert 0 < len(opened) < 60
        assert opened.sql("select count(*) n from tactics").n.tolist() == [2 * len(opened)]
        subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        done = trtlog.to_dataset(tmp_path / "logs", place / "dataset")
        assert len(done.unchanged) == len(opened)
        assert_whole(place / "dataset", logs)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_in_a_worker(tmp_path, dataset, monkeypatch):
    """No space while a part is written: an error of the conversion, not of a log."""
    logs = write_logs(tmp_path / "logs", 8)
    trtlog.to_dataset(logs[:4], dataset)
    original = Storage.create

    def full(self, name):
        if "tactics" in name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(self, name)

    monkeypatch.setattr(Storage, "create", full)
    with pytest.raises(InputError, match="No space left on device; 0 logs were converted"):
        trtlog.to_dataset(tmp_path / "logs", dataset)
    monkeypatch.undo()
    assert_whole(dataset, logs[:4])
    trtlog.to_dataset(tmp_path / "logs", dataset)
    assert_whole(dataset, logs)


# ------------------------------------------------------------------ two writers
def test_two_writers_of_the_same_logs(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 60)
    both = [converting(tmp_path / "logs", dataset, "-j", "1") for _ in range(2)]
    for process in each(both):
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
    assert_whole(dataset, logs)


def task_of(writer, logs):
    return Task(tuple(find(logs)), writer.storage.place, writer.session.folder)


def test_a_batch_that_is_submitted_twice(tmp_path, dataset):
    """Two writers read logs before either commits; each commits, one of them twice."""
    logs = write_logs(tmp_path / "logs", 9)
    one, two = DatasetWriter(Storage(dataset)), DatasetWriter(Storage(dataset))
    first, twice = convert_batch(task_of(one, logs[:6])), convert_batch(task_of(one, logs[:6]))
    second = convert_batch(task_of(two, logs[3:]))
    assert len(one.commit(first).converted) == 6
    assert len(two.commit(second).known) == 3
    assert (one.commit(twice).converted, len(one.entries.orphans())) == ([], 0)
    one.close()
    two.close()
    assert_whole(dataset, logs)


def test_a_log_that_another_writer_removes_is_tried_again(tmp_path, dataset):
    """A copy is known when it is looked at; then the other source changes, and with it goes the log."""
    log = write_logs(tmp_path / "logs", 1)[0]
    trtlog.to_dataset(log, dataset)
    copy = tmp_path / "copy.log"
    copy.write_bytes(log.read_bytes())
    writer = DatasetWriter(Storage(dataset))
    looked_at = convert_batch(task_of(writer, [copy]))
    log.write_text(text(77))
    trtlog.to_dataset(log, dataset)
    assert [job.source for job in writer.commit(looked_at).again] == [str(copy)]
    writer.close()
    trtlog.to_dataset(copy, dataset)
    assert_whole(dataset, [log, copy])


def test_a_lock_of_the_dead_is_no_lock(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 2)
    trtlog.to_dataset(logs[:1], dataset)
    (dataset / "_trtlog" / "staging" / "dead").mkdir()
    (dataset / "_trtlog" / "staging" / "dead" / "left").write_text("x")
    (dataset / "_trtlog" / "staging" / "dead.lock").touch()
    alive = DatasetWriter(Storage(dataset))
    trtlog.to_dataset(logs, dataset)
    assert (dataset / alive.session.folder).is_dir(), "what a living writer has is left alone"
    alive.close()
    assert_whole(dataset, logs)


def test_a_lock_that_is_held_is_told(tmp_path, dataset):
    trtlog.to_dataset(write_logs(tmp_path, 1), dataset)
    message = "another process has been changing"
    with locked(Storage(dataset)), pytest.raises(InputError, match=message), locked(Storage(dataset), wait_s=0.05):
        pass
