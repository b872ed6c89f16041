"""Names, paths and files that nobody expects: the dataset stays readable, and nothing outside of it is touched."""

from __future__ import annotations

import json
import os
import random
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import trtlog
from tests.conftest import each
from tests.dataset.conftest import text, write_logs
from trtlog.dataset import manifest
from trtlog.dataset.manifest import encoded
from trtlog.errors import InputError, TrtlogError

LONG = "G" * 300


def made(folder: Path, logs: list[Path]) -> Path:
    trtlog.to_dataset(logs, folder)
    return folder


def manifest_of(dataset: Path) -> dict:
    return json.loads((dataset / manifest.NAME).read_text())


# ------------------------------------------------------------------ values that are no names of folders


@pytest.mark.parametrize("gpu", [LONG, "/" * 200, "é" * 200, "..", "a/../../b", "x=y", "%2F", "A" * 251])
def test_any_name_of_a_gpu_stays_whole(gpu, tmp_path):
    logs = write_logs(tmp_path / "logs", 2, gpu=gpu)
    dataset = trtlog.open_dataset(made(tmp_path / "set", logs))
    assert set(dataset.catalogue.gpu) == {gpu}
    assert dataset.sql("select distinct gpu from tactics").gpu.tolist() == [gpu]
    assert dataset.sql("select count(*) as n from tactics where gpu = ?", [gpu]).n.tolist() == [4]
    assert dataset.log(str(logs[0])).device.name == gpu
    assert trtlog.to_dataset(logs, tmp_path / "set").unchanged == [str(log) for log in logs]


def test_long_names_that_begin_alike_are_told_apart(tmp_path):
    one = write_logs(tmp_path / "logs", 1, gpu=LONG + "1") + write_logs(tmp_path / "logs", 1, first=1, gpu=LONG + "2")
    dataset = trtlog.open_dataset(made(tmp_path / "set", one))
    found = dataset.sql("select gpu, count(*) as n from tactics group by gpu order by gpu").values.tolist()
    assert found == [[LONG + "1", 2], [LONG + "2", 2]]


def test_names_of_folders_stay_short_and_cut_no_sign_in_two():
    for value in (LONG, "/" * 300, "ab" + "/" * 300, "a" + "é" * 300):
        name = encoded("tensorrt_version", value)
        assert len(name) < 256
        assert [code for code in name.rpartition("~")[0].split("%")[1:] if len(code) < 2] == []


# ------------------------------------------------------------------ a manifest that points elsewhere

OUTSIDE = ["../precious.txt", "/etc/hostname", "runs/../../precious.txt", "", ".", "..", "runs\\..\\x", "C:/x", "a\0b",
           "_trtlog/manifest.json", "_trtlog/lock", "runs/other.txt", "logs/a/b/c", 3, None, ["x"]]  # fmt: skip


@pytest.fixture(scope="module")
def one_log(tmp_path_factory):
    """A dataset of one log."""
    folder = tmp_path_factory.mktemp("one")
    return made(folder / "set", write_logs(folder / "logs", 1))


@pytest.mark.parametrize("place", ["removes", "moves from", "moves to", "catalogue", "id", "table"])
def test_paths_that_lead_elsewhere_are_refused(place, one_log, tmp_path):
    """All in one dataset, in which none of them changes anything."""
    dataset = shutil.copytree(one_log, tmp_path / "set")
    (tmp_path / "precious.txt").write_text("keep me")
    more = write_logs(tmp_path / "more", 1, first=7)
    before = sorted(str(p) for p in tmp_path.rglob("*") if "lock" not in p.name)
    for path in each(OUTSIDE):
        (dataset / manifest.NAME).write_text(json.dumps(leading_to(place, path, manifest_of(one_log))))
        with pytest.raises(InputError, match=r"manifest\.json: cannot be understood"):
            pytest.fail(f"{path!r} is read: {trtlog.open_dataset(dataset)}")
        with pytest.raises(InputError, match=r"manifest\.json: cannot be understood"):
            pytest.fail(f"{path!r} is read: {trtlog.to_dataset(more, dataset)}")
        after = sorted(str(p) for p in tmp_path.rglob("*") if "lock" not in p.name)
        assert after == before, path
        assert (tmp_path / "precious.txt").read_text() == "keep me", path


def leading_to(place: str, path: object, found: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with a path put into some place of it."""
    part = found["catalogue"][0]
    if place == "removes":
        found["removes"] = [path]
    elif place == "moves from":
        found["moves"] = [[path, part]]
    elif place == "moves to":
        found["moves"] = [["_trtlog/staging/x/y", path]]
    elif place == "catalogue":
        found["catalogue"] = [path]
    elif place == "id":
        found["groups"][0]["id"] = path
    else:
        found["groups"][0]["tables"] = {str(path): [1, 1]}
    return found


def damaged(data: bytes, noise: random.Random) -> bytes:
    out = bytearray(data)
    how = noise.randrange(4)
    if how == 0:
        return bytes(out[: noise.randrange(len(out))])
    if how == 1:
        at = noise.randrange(len(out))
        return bytes(out[:at] + out[at + noise.randrange(1, 40) :])
    for _ in range(noise.choice((1, 1, 3, 20))):
        out[noise.randrange(len(out))] = noise.choice((noise.randrange(256), *b'0123456789"[]{},:-e'))
    return bytes(out)


@pytest.mark.slow
def test_damaged_files_of_a_dataset_give_rows_or_one_clear_error(tmp_path):
    dataset = made(tmp_path / "set", write_logs(tmp_path / "logs", 3))
    files = [dataset / manifest.NAME, *dataset.glob("catalogue/*"), *dataset.glob("tactics/**/*.parquet")]
    noise = random.Random(3)
    refused = 0
    for _ in range(300):
        file = files[0] if noise.random() < 0.6 else noise.choice(files)
        whole = file.read_bytes()
        file.write_bytes(damaged(whole, noise))
        try:
            found = trtlog.open_dataset(dataset)
            repr(found)
            found.table("tactics")
            found.table("catalogue")
            found.sql("select count(*) from tactics")
            found.log(str(tmp_path / "logs/net00000.log")).table("tactics")
        except TrtlogError as error:
            refused += 1
            if "\n" in str(error):
                pytest.fail(f"an error of more than one line: {error}")
        finally:
            file.write_bytes(whole)
    assert refused > 100
    assert len(trtlog.open_dataset(dataset)) == 3


def test_a_damaged_part_is_named(tmp_path):
    dataset = made(tmp_path / "set", write_logs(tmp_path / "logs", 1))
    (part,) = dataset.glob("tactics/**/*.parquet")
    part.write_bytes(part.read_bytes()[:200])
    for ask in (lambda d: d.table("tactics"), lambda d: d.sql("select * from tactics")):
        with pytest.raises(InputError, match=rf"{part.name}: this part of tactics is damaged or missing"):
            ask(trtlog.open_dataset(dataset))


# ------------------------------------------------------------------ one file never stops the rest


@pytest.mark.skipif(os.name != "posix", reason="names of bytes are POSIX")
def test_a_name_that_is_not_utf8_is_read_like_others(tmp_path):
    logs = tmp_path / "logs"
    write_logs(logs, 1)
    odd = os.fsencode(logs) + b"/caf\xe9.log"
    with open(odd, "w") as file:
        file.write(text(5))
    done = trtlog.to_dataset(logs, tmp_path / "set")
    assert (len(done.converted), done.failed) == (2, [])
    dataset = trtlog.open_dataset(tmp_path / "set")
    assert f"{logs}/caf\\xe9.log" in dataset.catalogue.source.tolist()
    assert dataset.log("caf\\xe9.log").run.source.endswith("caf\\xe9.log")
    assert len(trtlog.to_dataset(logs, tmp_path / "set").unchanged) == 2
    log = trtlog.parse(os.fsdecode(odd))
    assert trtlog.read_parquet(log.to_parquet(tmp_path / "one")).source == f"{logs}/caf\\xe9.log"


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are POSIX")
def test_one_file_that_cannot_be_read_never_stops_the_rest(tmp_path):
    logs = tmp_path / "logs"
    good = write_logs(logs, 3)
    (logs / "a-broken-link.log").symlink_to(logs / "nowhere")
    (logs / "a-loop.log").symlink_to(logs / "a-loop.log")
    os.mkfifo(logs / "a-pipe.log")
    (logs / "a-broken.zip").write_bytes(b"PK\x03\x04 no archive")
    (logs / "a-broken.tar.gz").write_bytes(b"\x1f\x8b no archive")
    (logs / "a-broken.log.gz").write_bytes(b"\x1f\x8b\x08 no gzip")
    (logs / "net00001.times.json").symlink_to(logs / "nowhere.json")
    (logs / "net00002.times.json").write_text('[{"a": ' * 100_000)
    with tarfile.open(logs / "odd-time.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        entry = archive.gettarinfo(good[0], "inside.log")
        entry.mtime = 10**17
        with good[0].open("rb") as file:
            archive.addfile(entry, file)
    with zipfile.ZipFile(logs / "twice.zip", "w") as packed:
        packed.writestr("../../outside.log", text(9))
    done = trtlog.to_dataset(logs, tmp_path / "set")
    sources = [*done.converted, *done.known]
    assert {str(log) for log in good} <= set(sources)
    assert f"zip://../../outside.log::{logs}/twice.zip" in sources
    mistakes = [text for _, text in done.failed + done.skipped if "mistake in trtlog" in text]
    assert mistakes == []
    assert not (tmp_path / "outside.log").exists()
    assert not (tmp_path.parent / "outside.log").exists()
