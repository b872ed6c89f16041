"""A folder of Parquet is the old log or the new one, whatever ends the conversion; mixtures and damage are refused."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import trtlog
from tests.conftest import FIXTURES, ROOT
from tests.interrupts import ctrl_c_is_heard, interrupting
from trtlog.errors import InputError, TrtlogError
from trtlog.parquet import commit
from trtlog.parquet.stream import convert
from trtlog.records import TABLES

OLD = FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz"
NEW = FIXTURES / "trt-8.5.3-h200/err_bad_shape.log.gz"
SMALL = b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n"
OTHER = b"[11/22/2026-13:22:03] [V] [TRT] Original: 7 layers\n"


def layers_of(folder):
    return trtlog.read_parquet(folder).table("passes").column("layers").to_pylist()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------ in place of an older one

WRITERS = {
    "to_parquet": lambda source, folder: trtlog.parse(source).to_parquet(folder),
    "convert": lambda source, folder: convert(source, folder),
}


@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_a_new_log_replaces_an_older_one_and_nothing_else_stays(writer, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    WRITERS[writer](SMALL, tmp_path)
    assert layers_of(tmp_path) == [179]
    WRITERS[writer](OTHER, tmp_path)
    assert layers_of(tmp_path) == [7]
    assert names_in(tmp_path) == sorted(["notes.txt", *(f"{name}.parquet" for name in TABLES)])


@pytest.mark.parametrize("writer", sorted(WRITERS))
@pytest.mark.parametrize("after", [0, 1, 5, 27])
def test_a_full_disk_leaves_the_older_log(writer, after, tmp_path, monkeypatch):
    WRITERS[writer](SMALL, tmp_path)
    before = names_in(tmp_path)
    synced = []

    def full(path):
        synced.append(path)
        if len(synced) > after:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(commit, "_sync", full)
    with pytest.raises(InputError, match=r"cannot write .*: No space left on device"):
        WRITERS[writer](OTHER, tmp_path)
    assert layers_of(tmp_path) == [179]
    assert names_in(tmp_path) == before


@pytest.mark.parametrize("writer", sorted(WRITERS))
@pytest.mark.parametrize("removed", [0, 1, 20])
def test_ctrl_c_again_while_files_are_removed_waits_for_the_last(writer, removed, tmp_path, monkeypatch):
    WRITERS[writer](SMALL, tmp_path)
    before = names_in(tmp_path)
    monkeypatch.setattr(commit, "_sync", interrupting(commit._sync))
    monkeypatch.setattr(Path, "unlink", interrupting(Path.unlink, removed))
    with ctrl_c_is_heard(), pytest.raises(KeyboardInterrupt):
        WRITERS[writer](OTHER, tmp_path)
    assert names_in(tmp_path) == before
    assert layers_of(tmp_path) == [179]


@pytest.mark.parametrize("done", range(0, len(TABLES), 9))
def test_a_conversion_that_counts_is_read_and_ended_by_the_next(done, tmp_path, monkeypatch):
    """Killed while files are given their names: some have them, some have not."""
    trtlog.parse(SMALL).to_parquet(tmp_path)
    moved = []
    usual = Path.replace

    def killed(self, target):
        if self.name.startswith(".") and not self.name.startswith(commit.JOURNAL):
            moved.append(target)
            if len(moved) > done:
                raise KeyboardInterrupt
        return usual(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        trtlog.parse(OTHER).to_parquet(tmp_path)
    monkeypatch.undo()
    assert commit.JOURNAL in names_in(tmp_path)
    assert layers_of(tmp_path) == [7]
    trtlog.parse(SMALL).to_parquet(tmp_path)
    assert layers_of(tmp_path) == [179]
    assert names_in(tmp_path) == sorted(f"{name}.parquet" for name in TABLES)


# ------------------------------------------------------------------ mixtures


def test_tables_of_different_logs_are_refused(tmp_path):
    one = trtlog.parse(OLD).to_parquet(tmp_path / "one")
    two = trtlog.parse(NEW).to_parquet(tmp_path / "two")
    shutil.copy(two / "tactics.parquet", one)
    with pytest.raises(
        InputError, match=r"runs\.parquet and tactics\.parquet are of different conversions .*lstm.*err_"
    ):
        trtlog.read_parquet(one)


def test_tables_of_two_conversions_of_one_name_are_refused(tmp_path):
    one = trtlog.parse(SMALL).to_parquet(tmp_path / "one")
    two = trtlog.parse(OTHER).to_parquet(tmp_path / "two")
    shutil.copy(two / "passes.parquet", one)
    with pytest.raises(InputError, match=r"runs\.parquet and passes\.parquet are of different conversions"):
        trtlog.read_parquet(one)


# ------------------------------------------------------------------ damage


def damaged(data, noise):
    """Return a file with bytes flipped, cut, doubled or put in."""
    out = bytearray(data)
    how = noise.randrange(5)
    if how == 0:
        for _ in range(noise.choice((1, 1, 4, 30))):
            out[noise.randrange(len(out))] = noise.randrange(256)
        return bytes(out)
    at = noise.randrange(len(out))
    if how == 1:
        return bytes(out[:at])
    if how == 2:
        return bytes(out[at:])
    if how == 3:
        return bytes(out[:at] + noise.randbytes(noise.choice((1, 8, 100))) + out[at:])
    footer = max(0, len(out) - 600)
    for _ in range(3):
        out[noise.randrange(footer, len(out))] = noise.randrange(256)
    return bytes(out)


@pytest.mark.slow
def test_damaged_parquet_gives_the_log_or_one_clear_error(tmp_path):
    log = trtlog.parse(FIXTURES / "trt-8.5.3-h200/err_unsupported_op.log.gz")
    folder = log.to_parquet(tmp_path / "log")
    noise = random.Random(5)
    refused = 0
    for _ in range(400):
        file = folder / f"{noise.choice(list(TABLES))}.parquet"
        whole = file.read_bytes()
        file.write_bytes(damaged(whole, noise))
        try:
            again = trtlog.read_parquet(folder)
            for name in TABLES:
                again.table(name).to_pylist()
            repr(again)
        except TrtlogError as error:
            refused += 1
            if "\n" in str(error):
                pytest.fail(f"an error of more than one line: {error}")
        finally:
            file.write_bytes(whole)
    assert refused > 100
    assert trtlog.read_parquet(folder) == log


# ------------------------------------------------------------------ killed

PROGRAM = """
import sys, time, trtlog
from trtlog.parquet.stream import convert
logs = [trtlog.parse(path, exports=[]) for path in sys.argv[3:]]

def write(number, folder):
    if sys.argv[2] == "to_parquet":
        logs[number % 2].to_parquet(folder)
    else:
        convert(sys.argv[3 + number % 2], folder, engine="line", exports=[])

write(0, sys.argv[1] + "-first")
began = time.monotonic()
write(1, sys.argv[1] + "-first")
print(time.monotonic() - began, flush=True)
for number in range(1000):
    write(number, sys.argv[1])
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nobody can ask whether a process runs")
def test_what_a_killed_conversion_left_goes_with_the_next_one(tmp_path):
    log = trtlog.parse(SMALL)
    log.to_parquet(tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left = [f".{name}.{ended.pid}-{'0' * 32}" for name in ("tactics.parquet", "trtlog-commit.json")]
    running = f".trtlog-commit.json.{os.getppid()}-{'0' * 32}"
    for name in (*left, running):
        (tmp_path / name).write_bytes(b"{}")
    log.to_parquet(tmp_path)
    assert names_in(tmp_path) == sorted([running, *(f"{name}.parquet" for name in TABLES)])


@pytest.mark.slow
@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_killed_at_any_moment_the_folder_is_one_log(writer, tmp_path):
    """SIGKILL, 15 times a writer: each time one of two logs, whole; what is left over goes with the next one."""
    folder = tmp_path / "out"
    logs = [trtlog.parse(OLD, exports=[]), trtlog.parse(NEW, exports=[])]
    logs[0].to_parquet(folder)
    noise = random.Random(8)
    seen = set()
    for _ in range(15):
        command = [sys.executable, "-c", PROGRAM, str(folder), writer, str(OLD), str(NEW)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as child:
            time.sleep(noise.uniform(0, 4) * float(child.stdout.readline()))
            child.send_signal(signal.SIGKILL)
        found = trtlog.read_parquet(folder)
        assert found in logs
        seen.add(found.source)
    assert len(seen) == 2
    logs[1].to_parquet(folder)
    assert names_in(folder) == sorted(f"{name}.parquet" for name in TABLES)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX")
@pytest.mark.parametrize("writer", sorted(WRITERS))
@pytest.mark.parametrize("most", [0, 1_000, 4_000])
def test_a_process_that_may_write_no_more_leaves_the_older_log(writer, most, tmp_path):
    folder = tmp_path / "out"
    trtlog.parse(NEW, exports=[]).to_parquet(folder)
    before = names_in(folder)
    limited = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
    program = PROGRAM.replace("for number in range(1000)", limited + "for number in range(1)")
    command = [sys.executable, "-c", program, str(folder), writer, str(OLD), str(OLD)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert "cannot write" in done.stderr
    assert trtlog.read_parquet(folder).source == str(NEW)
    assert names_in(folder) == before
