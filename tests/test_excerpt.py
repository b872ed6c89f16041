"""Lines of a log for a report of a mistake."""

from __future__ import annotations

import gzip

import pytest
from click.testing import CliRunner

from tests.conftest import FIXTURES
from trtlog.cli import cli
from trtlog.messages.excerpt import anonymous

LOG = FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz"


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["excerpt", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_an_excerpt_is_the_lines_of_the_file():
    lines = gzip.open(LOG, "rt").read().splitlines()
    assert printed(f"{LOG}:620-626").splitlines() == lines[619:626]
    assert printed(f"{LOG}:7", "--numbers") == f"7: {lines[6]}\n"
    assert printed(f"{LOG}:{len(lines) - 1}-{len(lines) + 50}").splitlines() == lines[-2:]


def test_secrets_and_users_are_left_out(tmp_path):
    log = tmp_path / "run.log"
    log.write_text(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # t --onnx=/home/ann/net.onnx --saveEngine=C:\\Users\\Ann\\e\n"
        "[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n"
        "[11/22/2026-13:22:03] [E] cannot fetch https://me:hunter2@example.com/net.onnx?token=s3cret\n"
    )
    plain, shown = printed(f"{log}:1-3"), printed(f"{log}:1-3", "--redact")
    for word in ("hunter2", "s3cret", "/ann/", "Ann"):
        assert word in plain
        assert word not in shown
    assert shown.splitlines()[1] == "[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/ann/net.onnx", "/home/***/net.onnx"),
        ("/Users/ann", "/Users/***"),
        ("C:\\Users\\Ann\\net.onnx", "C:\\Users\\***\\net.onnx"),
        ("/homes/net.onnx", "/homes/net.onnx"),
    ],
)
def test_users_in_paths(path, shown):
    assert anonymous(f"--onnx={path}") == f"--onnx={shown}"


@pytest.mark.parametrize("lines", ["0", "9-3", "99999999", "x", "1-2-3"])
def test_what_names_no_lines_is_an_error_that_says_what_to_write(lines):
    import trtlog

    with pytest.raises(trtlog.InputError, match=r"names no lines|from 1|there is no line"):
        CliRunner().invoke(cli, ["excerpt", f"{LOG}:{lines}"], catch_exceptions=False)
