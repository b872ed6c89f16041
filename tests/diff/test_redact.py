"""Secrets do not leave the machine, and nothing else is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtlog._util.redact import redact

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
