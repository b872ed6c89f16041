from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import each
from trtlog.errors import InputError, MissingExtra
from trtlog.messages.excerpt import excerpt
from trtlog.source.chunks import open_source

LOG = (
    b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx\n"
    b"[11/22/2026-13:22:03] [I] === Model Options ===\n"
    b"[11/22/2026-13:22:03] [I] Format: ONNX\n"
    b"[11/22/2026-13:22:04] [V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\n"
    b"[11/22/2026-13:22:05] [V] [TRT] /caf\xc3\xa9/Conv\x1e[ONNX Layer: caf\xc3\xa9]\n"
    b"[11/22/2026-13:22:05] [I] the last line has no line end"
)


def text_of(source, **options):
    return b"".join(chunk.data for chunk in open_source(source, **options))


def xz(data):
    """Pack fast: what is read is the same, however hard the packing was."""
    return lzma.compress(data, preset=0)


def zstd(data):
    zstandard = pytest.importorskip("zstandard")
    return zstandard.ZstdCompressor().compress(data)


# ------------------------------------------------------------------ what a source may be


def test_every_kind_of_source_gives_the_same_text(tmp_path):
    path = tmp_path / "verbose.log"
    path.write_bytes(LOG)
    text = LOG.decode()
    with path.open("rb") as binary, path.open(encoding="utf-8", newline="") as textual:
        sources = {
            "path": str(path),
            "PathLike": path,
            "bytes": LOG,
            "bytearray": bytearray(LOG),
            "memoryview": memoryview(LOG),
            "binary file": binary,
            "text file": textual,
            "BytesIO": io.BytesIO(LOG),
            "StringIO": io.StringIO(text),
            "lines with ends": text.splitlines(keepends=True),
            "generator of chunks": (LOG[i : i + 7] for i in range(0, len(LOG), 7)),
        }
        assert {name: text_of(source) for name, source in sources.items()} == dict.fromkeys(sources, LOG)


def test_lines_without_ends_get_them():
    assert text_of(["[I] one", "[I] two", ""]) == b"[I] one\n[I] two\n\n"
    assert text_of([b"[I] one", b"[I] two\n"]) == b"[I] one[I] two\n"  # a line end inside: these are chunks


def test_an_empty_item_stands_for_an_empty_line_only_among_lines():
    assert text_of(["[I] a", "", "[I] b"]) == b"[I] a\n\n[I] b\n"
    assert text_of(["[I] a\n", "", "[I] b\n"]) == b"[I] a\n[I] b\n"


@given(st.binary(max_size=400), st.integers(1, 60), st.integers(1, 200))
def test_chunks_hold_whole_lines_and_their_numbers(data, step, chunk_bytes):
    body = b"[I] first\n" + bytes(10 if byte % 8 == 0 else 32 + byte % 90 for byte in data)
    pieces = [body[i : i + step] for i in range(0, len(body), step)]
    chunks = list(open_source(pieces, chunk_bytes=chunk_bytes))
    assert b"".join(c.data for c in chunks) == body
    assert [c for c in chunks[:-1] if not c.data.endswith(b"\n")] == []
    line = 1
    for chunk in each(chunks):
        assert chunk.first_line == line
        line += chunk.data.count(b"\n")


@given(st.binary(max_size=400), st.integers(1, 60), st.integers(1, 200), st.booleans())
@example(b"[I]\t", 1, 1, False)  # a tab behind a header is read as a blank
def test_windows_are_the_chunks_whoever_counts_their_lines(data, step, chunk_bytes, telling):
    blocks = [LOG + b"\n", *(data[at : at + step] for at in range(0, len(data), step))]
    found = []
    with open_source(iter(blocks), chunk_bytes) as source:
        for text, begin, end, first_line in source.windows():
            found.append((text[begin:end], first_line))
            if telling:
                source.tell_last_line(first_line + text.count(b"\n", begin, end) - 1)
    assert [tuple(chunk) for chunk in open_source(iter(blocks), chunk_bytes)] == found
    assert source.notes or b"".join(text for text, _ in found) == b"".join(blocks)
    assert [text for text, _ in found[:-1] if not text.endswith(b"\n")] == []
    numbers = [1, *(number + text.count(b"\n") for text, number in found[:-1])]
    assert [number for _, number in found] == numbers


def test_a_log_that_is_still_written_is_handed_on_line_by_line():
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as read_end, open(writer, "wb", buffering=0) as write_end:
        write_end.write(b"[I] one\n[I] tw")
        chunks = iter(open_source(read_end, live=True))
        assert next(chunks).data == b"[I] one\n"
        write_end.write(b"o\n")
        second = next(chunks)
        assert (second.data, second.first_line) == (b"[I] two\n", 2)
        write_end.write(b"[I] cut")
        write_end.close()
        assert next(chunks).data == b"[I] cut"
        assert list(chunks) == []


def test_a_fifo_is_read(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no FIFO on this system")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(LOG))
    writer.start()
    assert text_of(path) == LOG
    writer.join()


def test_a_line_of_many_megabytes_is_not_copied_again_and_again():
    """Each block of a long line is joined once: the pieces handed out are the pieces put in."""
    block = b"x" * (1 << 16)
    blocks = [b"[I] start\n", *[block] * 320, b"\n[I] end\n"]
    chunks = list(open_source(iter(blocks), chunk_bytes=1 << 18))
    assert [len(c.data) for c in chunks] == [10, 320 * (1 << 16) + 1 + 8] or (
        sum(len(c.data) for c in chunks) == 10 + 320 * (1 << 16) + 1 + 8
    )
    assert chunks[-1].data.endswith(b"[I] end\n")


# ------------------------------------------------------------------ compression


@pytest.mark.parametrize(
    "pack", [gzip.compress, xz, bz2.compress, zstd], ids=["gz", "xz", "bz2", "zst"]
)
def test_compressed_by_magic_number_whatever_the_name(tmp_path, pack):
    path = tmp_path / "verbose.log"
    path.write_bytes(pack(LOG))
    assert text_of(path) == LOG
    assert text_of(pack(LOG) + pack(b"\n[I] a second member\n")) == LOG + b"\n[I] a second member\n"
    assert text_of(io.BytesIO(pack(LOG))) == LOG
    packed = pack(LOG)
    assert text_of([packed[i : i + 1] for i in range(len(packed))] + [b""]) == LOG


@pytest.mark.parametrize(
    "pack", [gzip.compress, xz, bz2.compress, zstd], ids=["gz", "xz", "bz2", "zst"]
)
def test_large_members_come_out_whole(pack):
    big = b"".join(b"[I] line %d of a large log\n" % i for i in range(400_000))
    assert text_of(pack(big), chunk_bytes=1 << 20) == big


def noise_log(lines):
    """Lines that compress badly, so that a cut leaves something to read."""
    import random

    noise = random.Random(7)
    return b"".join(b"[I] %032x\n" % noise.getrandbits(128) for _ in range(lines))


@pytest.mark.parametrize(
    "pack", [gzip.compress, xz, bz2.compress, zstd], ids=["gz", "xz", "bz2", "zst"]
)
def test_a_truncated_file_gives_what_is_there_and_says_so(tmp_path, pack):
    whole = noise_log(100_000)
    path = tmp_path / "verbose.log.packed"
    packed = pack(whole)
    path.write_bytes(packed[: len(packed) * 3 // 4])
    source = open_source(path)
    text = b"".join(c.data for c in source)
    assert whole.startswith(text)
    assert len(text) > len(whole) // 3
    assert len(source.notes) == 1
    assert "is cut short" in source.notes[0]
    assert f"{len(text):,} bytes" in source.notes[0]


@pytest.mark.parametrize("keep", [3, 9, 12])
def test_a_truncated_gz_without_anything_to_read_is_refused(tmp_path, keep):
    path = tmp_path / "verbose.log.gz"
    path.write_bytes(gzip.compress(LOG, mtime=0)[:keep])
    with pytest.raises(InputError, match=r"verbose.log.gz.*(cut short|damaged|empty)"):
        text_of(path)


def test_a_damaged_gz_gives_what_stands_before_the_damage():
    whole = noise_log(50_000)
    packed = bytearray(gzip.compress(whole))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(64)
    source = open_source(bytes(packed))
    text = b"".join(c.data for c in source)
    assert text[:1000] == whole[:1000]
    assert "is damaged" in source.notes[0]


def test_zeros_after_a_gz_are_padding_and_other_bytes_are_said():
    source = open_source(gzip.compress(LOG) + bytes(512))
    assert b"".join(c.data for c in source) == LOG
    assert source.notes == []
    source = open_source(gzip.compress(LOG) + b"trailing text")
    assert b"".join(c.data for c in source) == LOG
    assert "not read" in source.notes[0]


def test_zst_without_its_package_names_the_extra(monkeypatch):
    packed = zstd(LOG)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtra, match=r"pip install '\.\[zstd\]'"):
        text_of(packed)


# ------------------------------------------------------------------ encodings


@pytest.mark.parametrize(
    ("codec", "mark"),
    [
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-32-le", b"\xff\xfe\x00\x00"),
        ("utf-32-be", b"\x00\x00\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 1 << 20])
def test_encodings_are_decoded_across_any_cut(codec, mark, step):
    text = LOG.decode().replace("\n", "\r\n")
    data = mark + text.encode(codec)
    file = io.BytesIO(data)
    file.read1 = lambda size=-1: io.BytesIO.read(file, step)  # type: ignore[method-assign]
    assert text_of(file) == text.encode()


def test_utf16_is_said_in_the_notes(tmp_path):
    path = tmp_path / "powershell.log"
    path.write_bytes(b"\xff\xfe" + LOG.decode().encode("utf-16-le"))
    source = open_source(path)
    list(source)
    assert source.notes == [f"{path} is UTF-16 (little-endian), which was decoded"]


def test_bytes_that_are_no_utf8_stay_as_they_are():
    assert text_of(b"[I] caf\xe9 \xff\xfe\n") == b"[I] caf\xe9 \xff\xfe\n"


def test_a_run_of_nul_bytes_is_kept_and_said():
    source = open_source(b"[I] one\n" + bytes(4096) + b"[I] two\n")
    assert b"".join(c.data for c in source) == b"[I] one\n" + bytes(4096) + b"[I] two\n"
    assert source.notes == ["<bytes> holds 4096 NUL bytes, which were passed over"]


# ------------------------------------------------------------------ what is refused


def test_what_is_no_log_is_refused_in_one_clear_line(tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("verbose.log", LOG)
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        member = tarfile.TarInfo("verbose.log")
        member.size = len(LOG)
        tar.addfile(member, io.BytesIO(LOG))
    onnx = b"\x08\x07\x12\x07pytorch\x1a\x032.1:\xa4\x01\x01\x02\x03" * 20
    profile = b'[\n  { "count" : 1 }\n, { "name" : "a", "timeMs" : 1 }\n]'
    docker = b'{"log":"hello\\n","stream":"stdout","time":"2026-11-22T13:22:03Z"}\n'
    cases = {
        "empty.log": (b"", "is empty"),
        "blank.log": (b" \n\n\0\0\n", "is empty"),
        "empty.log.gz": (gzip.compress(b""), "is empty"),
        "net.engine": (b"ftrt" + bytes(range(256)), "is a TensorRT engine"),
        "trtexec": (b"\x7fELF\x02\x01\x01" + bytes(64), "is a program or library"),
        "log.zip": (archive.getvalue(), "is a zip archive: unpack it"),
        "log.tar.gz": (gzip.compress(tarred.getvalue()), "is a tar archive: unpack it"),
        "net.onnx": (onnx, "ONNX model is read by"),
        "noise.bin": (bytes(range(256)) * 64, "is binary data"),
        "layers.json": (b'{"Layers": [{"Name": "conv1"}], "Bindings": []}', r"layer information.*exports=\["),
        "times.json": (b'[\n  { "startEnqMs" : 16.6, "endEnqMs" : 16.9 }\n]\n', r"times.*exports=\["),
        "profile.json": (profile, r"profile.*exports=\["),
        "other.json": (b'{"a": 1}', "is JSON, not a log"),
        "docker.json": (docker, "docker logs"),
    }
    for name, (data, expected) in each(cases.items()):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError, match=expected) as caught:
            open_source(path)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


def test_paths_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none.log: no such file"):
        open_source(tmp_path / "none.log")
    with pytest.raises(InputError, match="is a directory: name the log file in it"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="text of a log was passed where a path is expected"):
        open_source("[I] one\n[I] two\n")
    with pytest.raises(InputError, match="empty path"):
        open_source("")
    with pytest.raises(InputError, match="cannot be opened"):
        open_source("a\0b")
    with pytest.raises(InputError, match=r"cannot be opened|no such file"):
        open_source("x" * 5000)
    with pytest.raises(InputError, match="cannot read a log from int"):
        open_source(42)
    with pytest.raises(InputError, match="items of type int"):
        list(open_source([1, 2]))
    closed = io.BytesIO(LOG)
    closed.close()
    with pytest.raises(InputError, match="cannot be read"):
        open_source(closed)


def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "secret.log"
    path.write_bytes(LOG)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(InputError, match="cannot be opened: Permission denied"):
        open_source(path)


def test_logs_that_look_odd_are_not_refused():
    for data in (
        b"[1, 3, 224, 224]\n[11/22/2026-13:22:03] [TRT] [I] Loaded engine size: 21 MiB\n",
        b'{"batch": 1}\n[I] Loaded engine size: 21 MiB\n',
        bytes(8192) + b"[I] after a hole\n",
        b"x\n",
        "\u65e5\u5fd7 [I] one\n".encode("gbk"),
    ):
        assert text_of(data) == data


def test_the_file_is_closed_after_the_last_chunk(tmp_path):
    path = tmp_path / "verbose.log"
    path.write_bytes(LOG)
    source = open_source(path)
    list(source)
    assert source._file is None
    with open_source(path) as again:
        assert again.name == str(path)
        assert again.path == Path(path)
    assert again._file is None


# ------------------------------------------------------------------ one line


def test_an_excerpt_counts_lines_of_the_decompressed_text(tmp_path):
    path = tmp_path / "verbose.log.gz"
    path.write_bytes(gzip.compress(LOG.replace(b"\n", b"\r\n")))
    lines = LOG.split(b"\n")
    for number, line in each(enumerate(lines, 1)):
        assert list(excerpt(path, number, number)) == [(number, line.decode())]
    with pytest.raises(InputError, match=f"has {len(lines)} lines; there is no line {len(lines) + 1}"):
        list(excerpt(path, len(lines) + 1, len(lines) + 1))
    with pytest.raises(InputError, match="from 1"):
        list(excerpt(path, 0, 1))
    utf16 = tmp_path / "utf16.log"
    utf16.write_bytes(b"\xff\xfe" + LOG.decode().encode("utf-16-le"))
    assert list(excerpt(utf16, 3, 3)) == [(3, lines[2].decode())]
