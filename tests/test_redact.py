"""Secrets do not leave the machine, and nothing else is lost."""

from __future__ import annotations

import re
from itertools import product
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trtlog
from tests.conftest import ROOT
from tests.test_corpus import LOGS
from trtlog._util import redact as module
from trtlog._util.redact import redact
from trtlog.errors import InputError
from trtlog.flags import flags_of

SECRET = "hunter2xyzhunter2xyz"


@pytest.mark.parametrize(
    "text",
    [
        f"ssh://user:{SECRET}@host/run",
        f"ssh://user:pa:{SECRET}@x@host:22/run",
        f"https://{SECRET}@host/model.onnx",
        f"https://host/model.onnx?x=1&token={SECRET}&y=2",
        f"https://host/m?X-Amz-Signature={SECRET}",
        f"--password={SECRET} --fp16",
        f"--password {SECRET} --fp16",
        f'--api-key="{SECRET} with words"',
        f"HF_TOKEN={SECRET} trtexec",
        f"Authorization: Bearer {SECRET}",
        f"hf_{SECRET}",
        f"--config=ssh://u:{SECRET}@h,token:{SECRET}",
        f'{{"access_key": "{SECRET}"}}',
        f"--api-key {SECRET} --fp16",
        f"curl --api-key '{SECRET}' https://host",
        f"curl -u user:{SECRET} https://host/m.onnx",
        f"curl --user 'user:{SECRET}' https://host/m.onnx",
        f"sshpass -p {SECRET} ssh host trtexec",
        f"mysql -p{SECRET} runs",
        f"docker login -u me -p {SECRET} registry",
        f"trtexec --onnx=m.onnx -p {SECRET}",
        f"scp me:{SECRET}@host:/m.onnx .",
        f"wget me:{SECRET}@10.0.0.7/m.onnx",
        f"curl -b 'session={SECRET}; x=1' https://host",
        f"Cookie: a=1; session={SECRET}",
        f"curl -H 'Cookie: a=1; session={SECRET}' https://host",
        f"Set-Cookie: id={SECRET}; HttpOnly",
        f"-H 'Authorization: token {SECRET}'",
        f"Proxy-Authorization: Basic {SECRET}",
        f"X-Api-Key: {SECRET}",
        f"PRIVATE-TOKEN: {SECRET}",
        f"https://s3.host/m?X-Amz-Credential={SECRET}&X-Amz-Date=1",
        f"https://x.blob.host/m?sv=2024&sig={SECRET}",
        f"https://host/m?key={SECRET}#top",
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET}==;EndpointSuffix=x",
        f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"https://discord.com/api/webhooks/12/{SECRET}",
        f"https://api.telegram.org/bot12:{SECRET}/sendMessage",
        f"pypi-{SECRET}",
        f"npm_{SECRET}",
        f"nvapi-{SECRET}",
        f"glpat-{SECRET}",
        f"r8_{SECRET}",
        f"sk-ant-{SECRET}",
        f"AIza{SECRET * 2}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"DB_PASS={SECRET} trtexec",
        f"AWS_SECRET_ACCESS_KEY={SECRET} trtexec",
        f"--password=with,comma;{SECRET}",
        f"PA\u017f\u017fWORD={SECRET}",  # letters that are s where case is ignored
        f"API_\u212aEY={SECRET} trtexec",
    ],
)
def test_a_secret_is_gone(text):
    assert SECRET not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "trtexec --onnx=m.onnx --minShapes=token:1x128,tokens:1x3 --fp16",
        "--shapes=auth:1x2,input_ids:1x128",
        "--loadInputs=input:in.dat --timingCacheFile=a@b.cache",
        "/encoder/token_embedding/Gather + /encoder/Add",
        "--useSpinWait --avgRuns=10 --sleepTime=0.5",
        "engine saved to user@host folder",
        "docker run -p 8080:80 -u 1000:1000 registry/trt:23.01@sha256:0123abcd trtexec",
        "mkdir -p build && cmake -p 8",
        "docker pull nvcr.io/nvidia/tensorrt:23.01-py3@sha256:0123abcd",
        "scp me@host:/m.onnx . && ssh -p 2222 me@host",
        "git clone git@github.com:NVIDIA/TensorRT.git",
        "--keypoints=17 --monkey=1 --compass=2 --signal=3 --tokenizer=x.json",
        "Layer(Constant): pin_memory:0 + sigmoid:1, Tactic: 0x0000000000000000",
    ],
)
def test_harmless_text_is_unchanged(text):
    assert redact(text) == text


def test_the_rest_of_a_command_line_stays():
    assert (
        redact("trtexec --onnx=https://me:pw@host/m.onnx --fp16 --saveEngine=m.engine")
        == "trtexec --onnx=https://***@host/m.onnx --fp16 --saveEngine=m.engine"
    )


@given(st.text(max_size=200))
def test_any_text_can_be_redacted_and_twice_is_once(text):
    once = redact(text)
    assert redact(once) == once


def command_lines() -> list[str]:
    """Command lines of real logs, and of fixtures where the third-party logs are absent."""
    found: set[str] = set()
    for path in [*LOGS, *sorted((ROOT / "fixtures").rglob("*.log.gz"))]:
        try:
            table = trtlog.parse(path).table("runs")
        except InputError:
            continue
        found.update(command for command in table.column("command").to_pylist() if command)
    return sorted(found)


@pytest.mark.slow
def test_ordinary_command_lines_are_unchanged():
    lines = command_lines()
    assert len(lines) >= 20
    changed = [line for line in lines if redact(line) != line]
    assert changed == []


def variations() -> list[str]:
    """Four hundred command lines: every flag of trtexec with values that people give."""
    shapes = ["", "=1", "=input:1x3x224x224", "=m.onnx"]
    values = [*shapes, "=/a/b/c.engine", "=fp16:chw,fp16:chw", "=workspace:4096,dlaSRAM:1"]
    names = sorted(flags_of((10, 9)) | flags_of((8, 5, 3)))
    pairs = enumerate(product(names, names[:4]))
    return [f"trtexec {a}{values[n % 7]} {b}{values[(n + 3) % 7]} --fp16" for n, (a, b) in pairs]


def test_flags_of_trtexec_are_unchanged():
    lines = variations()
    assert len(lines) >= 400
    assert [line for line in lines if redact(line) != line] == []


PIECES = ["-", "_", ".", "a", "-a", "a:", "a@", "x=", '"', "'", "\"'"]
PIECES += ["eyJ", "sk-", "://", "-u ", "pass", "token ", "Cookie:"]


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_with_the_length_alone(piece):
    """Four times the length may take four times the time, not sixteen."""

    def cost(size):
        text = piece * (size // len(piece))
        best = float("inf")
        for _ in range(3):
            begin = process_time()
            redact(text)
            best = min(best, process_time() - begin)
        return best

    assert cost(64_000) < 12 * cost(16_000) + 0.05


@pytest.mark.parametrize("name", ["ASSIGNED", "HEADER", "PARAMETER", "SCHEME", "KNOWN"])
@given(st.data())
def test_what_is_looked_for_first_stands_in_all_that_an_expression_finds(name, data):
    """Else a secret would stay that the expression knows."""
    expression = getattr(module, f"_{name}")
    of_ascii = re.compile(expression.pattern, expression.flags & ~re.UNICODE | re.ASCII)
    found = expression.search(data.draw(st.from_regex(of_ascii, alphabet=st.characters(codec="ascii"))))
    if found is not None and found[0].isascii():
        text = found[0] if name == "KNOWN" else found[0].lower()
        assert any(piece in text for piece in getattr(module, f"_IN_{name}"))
