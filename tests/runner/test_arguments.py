"""Keyword arguments become trtexec's command line."""

from pathlib import Path

import pytest

from trtlog.errors import RunError
from trtlog.runner.arguments import FlagError, arguments, profile_arguments


def test_spellings():
    assert arguments({"onnx": Path("a/m.onnx"), "saveEngine": "m.engine", "no_tf32": True, "USECUDAGRAPH": True}) == [
        "--onnx=a/m.onnx",
        "--saveEngine=m.engine",
        "--noTF32",
        "--useCudaGraph",
    ]


def test_shapes_of_the_commands_in_the_captures():
    # trtexec --onnx=resnet50_bs_dynamic.onnx --fp16 --minShapes=input:1x3x224x224 ... as it was typed
    assert arguments(
        {
            "onnx": "resnet50_bs_dynamic.onnx",
            "fp16": True,
            "minShapes": {"input": (1, 3, 224, 224)},
            "opt_shapes": {"input": [8, 3, 224, 224]},
            "maxShapes": "input:32x3x224x224",
        }
    ) == [
        "--onnx=resnet50_bs_dynamic.onnx",
        "--fp16",
        "--minShapes=input:1x3x224x224",
        "--optShapes=input:8x3x224x224",
        "--maxShapes=input:32x3x224x224",
    ]


def test_several_inputs_and_names_with_a_colon():
    shapes = {"ids": (4, 128), "mask:0": (4, 128), "scale": ()}
    assert arguments({"shapes": shapes}) == ["--shapes=ids:4x128,'mask:0':4x128,scale:"]


def test_false_and_none_leave_a_flag_out():
    assert arguments({"fp16": False, "int8": None, "best": True}) == ["--best"]


def test_lists_and_mappings():
    assert arguments({"tacticSources": ["-CUDNN", "+CUBLAS"]}) == ["--tacticSources=-CUDNN,+CUBLAS"]
    assert arguments({"memPoolSize": {"workspace": 1024, "dlaSRAM": 0.5}}) == [
        "--memPoolSize=workspace:1024,dlaSRAM:0.5"
    ]
    assert arguments({"layerPrecisions": {"conv1": "fp16", "*": "fp32"}}) == ["--layerPrecisions=conv1:fp16,*:fp32"]
    assert arguments({"plugins": ["a.so", "b.so"]}) == ["--plugins=a.so", "--plugins=b.so"]
    assert arguments({"loadInputs": {"x": "x.bin"}}) == ["--loadInputs=x:x.bin"]


def test_numbers_keep_their_value():
    assert arguments({"duration": 0.1, "avgRuns": 100, "persistentCacheRatio": 0.123456789}) == [
        "--duration=0.1",
        "--avgRuns=100",
        "--persistentCacheRatio=0.123456789",
    ]


def test_a_keyword_of_python():
    assert arguments({"continue_": True}) == ["--continue"]


def test_a_flag_newer_than_the_table():
    assert arguments({"some_new_flag": 3}) == ["--someNewFlag=3"]
    assert arguments({"some_new_flag": 3}, known=["--someNEWflag"]) == ["--someNEWflag=3"]


@pytest.mark.parametrize(
    "options",
    [
        {"saveEngine": True},
        {"fp16": "yes"},
        {"fp16": 1},
        {"shapes": {"x": (-1, 3)}},
        {"percentile": []},
        {"percentile": [90, None]},
        {"onnx": "a\nb"},
    ],
)
def test_values_that_do_not_suit(options):
    with pytest.raises(FlagError) as caught:
        arguments(options)
    assert isinstance(caught.value, RunError)
    assert isinstance(caught.value, ValueError)
    assert next(iter(options)) in str(caught.value) or "shape of x" in str(caught.value)


def test_profiles_keep_their_order():
    assert profile_arguments([{"min": {"x": (1,)}, "max": {"x": (8,)}}, {"opt": {"x": (2,)}}]) == [
        "--profile=0",
        "--minShapes=x:1",
        "--maxShapes=x:8",
        "--profile=1",
        "--optShapes=x:2",
    ]
    with pytest.raises(FlagError, match="dict with min, opt and max"):
        profile_arguments([{"minimum": {"x": (1,)}}])
