"""Files are written whole or not at all, and only plain files are replaced."""

from __future__ import annotations

import os
import stat

import pytest

from trtlog._util.files import write_whole
from trtlog.errors import InputError


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "a"
    write_whole(path, ["one\n"])
    write_whole(path, ["two\n", "three\n"])
    assert path.read_text() == "two\nthree\n"
    assert os.listdir(tmp_path) == ["a"]


def test_what_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a"
    path.write_text("before")

    def pieces():
        yield "half"
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        write_whole(path, pieces())
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a"]
    with pytest.raises(InputError, match="cannot be written: No such file"):
        write_whole(tmp_path / "no" / "b", ["x"])


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", ["x"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"


def test_a_device_or_pipe_is_written_to_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, ["x"])
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
    if os.path.exists("/dev/full"):
        with pytest.raises(InputError, match="No space left"):
            write_whole("/dev/full", ["x" * 100_000])
        assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
