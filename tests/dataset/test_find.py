"""Which files are read: folders, globs, lists, archives, URLs; what is left out is told with the reason."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

import trtlog
from tests.conftest import FIXTURES
from tests.dataset.conftest import assert_whole, digest, plain, text, write_logs
from trtlog.dataset.find import Job, find

EXPORTED = FIXTURES / "trt-8.5.3-h200" / "sweep_r50_fp32_b8.log.gz"
TIMES = FIXTURES / "trt-8.5.3-h200" / "sweep_r50_fp32_b8.times.json.gz"


def found(*sources):
    jobs, left = [], []
    for item in find(sources):
        (jobs if isinstance(item, Job) else left).append(item)
    return [job.source for job in jobs], [(item.source, item.reason, item.failed) for item in left]


def test_folders_globs_and_lists(tmp_path, monkeypatch):
    logs = [str(p) for p in (*write_logs(tmp_path / "a", 2), *write_logs(tmp_path / "a" / "b", 2, first=5))]
    assert found(tmp_path / "a")[0] == sorted(logs, key=lambda p: (Path(p).parent != tmp_path / "a" / "b", p))
    assert sorted(found(f"{tmp_path}/a/**/*.log")[0]) == sorted(logs)
    assert sorted(found(f"{tmp_path}/**")[0]) == sorted(logs)
    assert sorted(found(f"{tmp_path}/*")[0]) == sorted(logs)
    assert found(f"{tmp_path}/a/net0000[01].log")[0] == logs[:2]
    (tmp_path / "list").write_text(f"# nightly\n{logs[0]}\n\n{logs[3]}\n{logs[0]}\n")
    assert found(f"@{tmp_path}/list")[0] == [logs[0], logs[3]]
    monkeypatch.chdir(tmp_path / "a")
    assert found("net00000.log", logs[0], "./net00000.log")[0] == [logs[0]]


def test_what_is_left_out(tmp_path, dataset):
    write_logs(tmp_path / "logs" / ".git", 1)
    (tmp_path / "logs" / "link").symlink_to(tmp_path / "logs" / ".git")
    (tmp_path / "logs" / "empty.log").write_text("")
    (tmp_path / "logs" / "net.onnx").write_bytes(bytes(range(256)) * 20)
    done = trtlog.to_dataset(tmp_path / "logs", dataset)
    told = {Path(source).name: reason for source, reason in done.skipped}
    assert list(told) == [".git", "empty.log", "link", "net.onnx"]
    assert "hidden" in told[".git"]
    assert "empty" in told["empty.log"]
    assert "name it" in told["link"]
    assert "binary" in told["net.onnx"]
    trtlog.to_dataset(write_logs(tmp_path / "logs", 1), dataset)
    jobs, left = found(tmp_path)
    assert jobs == [str(tmp_path / "logs" / name) for name in ("empty.log", "net.onnx", "net00000.log")]
    assert (str(dataset), "a dataset that trtlog wrote", False) in left


def test_what_is_not_there(tmp_path):
    wanted = ["none.log", "*.none", "@none", "-"]
    assert [(name, failed) for name, _, failed in found(*wanted)[1]] == [(name, True) for name in wanted]
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and no more")
    assert "archive cannot be read" in found(tmp_path / "bad.zip")[1][0][1]


def packed(kind, tmp_path, files):
    path = tmp_path / f"logs.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in files.items():
                archive.write(file, name)
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as archive:
            for name, file in files.items():
                archive.add(file, name)
    return path


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives(kind, tmp_path, dataset):
    """Members are logs of their own; exports inside count as beside a log; a name with dots goes nowhere else."""
    logs = write_logs(tmp_path / "logs", 5)
    (tmp_path / "notes.txt").write_text("no log\n")
    inner = packed("zip", tmp_path / "logs", {"x.log": logs[0]})
    files = {f"ci/{p.name}": p for p in logs[:4]} | {"../../evil.log": logs[4]}
    files |= {"r50/b8.log.gz": EXPORTED, "r50/b8.times.json.gz": TIMES, "notes.txt": tmp_path / "notes.txt"}
    archive = packed(kind, tmp_path, {**files, "inner.zip": inner})
    done = trtlog.to_dataset(archive, dataset)
    assert (len(done.converted), done.failed) == (6, [])
    scheme = "zip" if kind == "zip" else "tar"
    (inner_zip, reason), (notes, why) = done.skipped
    assert (inner_zip, notes) == (f"{scheme}://inner.zip::{archive}", f"{scheme}://notes.txt::{archive}")
    assert "archive" in reason
    assert "its only line is not of TensorRT" in why
    opened = trtlog.open_dataset(dataset)
    assert plain(opened.log(f"{scheme}://r50/b8.log.gz::{archive}")) == plain(trtlog.parse(EXPORTED))
    assert {row["log"] for row in opened.table("catalogue").to_pylist()} >= {digest(path) for path in logs}
    assert not list(tmp_path.parent.glob("evil.log"))
    assert len(trtlog.to_dataset(archive, dataset).unchanged) == 6
    # The same files outside of the archive are the same logs.
    again = trtlog.to_dataset(tmp_path / "logs", dataset)
    assert (again.converted, len(again.known)) == ([], 6)


def test_a_changed_member_replaces_its_rows(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 3)
    archive = packed("zip", tmp_path, {p.name: p for p in logs})
    trtlog.to_dataset(archive, dataset)
    logs[1].write_text(text(999))
    packed("zip", tmp_path, {p.name: p for p in logs})
    done = trtlog.to_dataset(archive, dataset)
    assert (len(done.converted), len(done.replaced), len(done.unchanged)) == (1, 1, 2)
    assert_whole(dataset, logs)


def test_an_encrypted_member_is_told(tmp_path):
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.log", text(1))
    data = bytearray(path.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        data[data.index(mark) + (6 if mark == b"PK\x03\x04" else 8)] |= 1
    path.write_bytes(bytes(data))
    assert [(reason, failed) for _, reason, failed in found(path)[1]] == [("encrypted: unpack it", True)]


def test_urls(tmp_path):
    """Logs and the dataset on an object store: fsspec's memory file system stands for it."""
    memory = pytest.importorskip("fsspec").filesystem("memory")
    try:
        logs = write_logs(tmp_path, 4)
        for path in logs:
            memory.pipe(f"/bucket/logs/{path.name}", path.read_bytes())
        memory.pipe("/bucket/logs/deep/b8.log.gz", EXPORTED.read_bytes())
        memory.pipe("/bucket/logs/deep/b8.times.json.gz", TIMES.read_bytes())
        with io.BytesIO() as packed_, tarfile.open(fileobj=packed_, mode="w") as archive:
            archive.add(logs[0], "copy.log")
            archive.close()
            memory.pipe("/bucket/logs/more.tar", packed_.getvalue())
        done = trtlog.to_dataset("memory://bucket/logs", "memory://bucket/dataset")
        assert (len(done.converted), len(done.known), done.failed, done.skipped) == (5, 1, [], [])
        opened = trtlog.open_dataset("memory://bucket/dataset")
        assert plain(opened.log("b8.log.gz")) == plain(trtlog.parse(EXPORTED))
        assert opened.sql("select count(*) n from runs").n.tolist() == [5]
        memory.pipe(f"/bucket/logs/{logs[2].name}", text(88).encode())
        done = trtlog.to_dataset("memory://bucket/logs/*.log", "memory://bucket/dataset")
        assert (len(done.converted), len(done.replaced)) == (1, 1)
        opened.refresh()
        assert opened.sql("select max(layers) n from passes where name = 'Original'").n.tolist() == [88]
        assert len(opened) == 5
        assert trtlog.to_dataset("memory://bucket/none", "memory://bucket/dataset").failed[0][1].startswith("no such")
        assert not memory.find("/bucket/dataset/_trtlog/staging")
    finally:
        memory.rm("/bucket", recursive=True)


def test_an_unknown_scheme_says_what_to_install():
    left = found("nowhere://bucket/logs")[1]
    assert "nowhere" in left[0][1]
    assert left[0][2]


def test_a_log_that_grows_is_told(tmp_path, dataset, monkeypatch):
    """A file that changes while it is read is no log yet."""
    path = write_logs(tmp_path, 1)[0]

    def read(reader, fetched, *, strict):
        from trtlog.dataset.reading import read_small

        log = read_small(reader, fetched, strict=strict)
        with path.open("a") as out:
            out.write("[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n")
        return log

    assert "being written" in trtlog.to_dataset(path, dataset, _read=read).failed[0][1]
    assert trtlog.to_dataset(path, dataset).converted == [str(path)]


def test_exports_that_the_command_names(tmp_path, dataset):
    log = gzip.decompress(EXPORTED.read_bytes()).decode()
    option = next(word for word in log.split() if word.startswith("--exportTimes="))
    (tmp_path / "renamed.log").write_text(log)
    shutil.copy(TIMES, tmp_path / (Path(option.partition("=")[2]).name + ".gz"))
    trtlog.to_dataset(tmp_path, dataset)
    opened = trtlog.open_dataset(dataset)
    assert opened.table("iteration_times").num_rows == trtlog.parse(EXPORTED).table("iteration_times").num_rows > 0
    assert opened.log("renamed.log") == trtlog.parse(tmp_path / "renamed.log")


