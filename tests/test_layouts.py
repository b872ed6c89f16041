"""The layout columns say in words what the formats beside them say in strides."""

from __future__ import annotations

import trtlog
from tests.conftest import FIXTURES


def test_layouts_of_combinations_and_reformats():
    text = b"""\
[11/22/2026-13:22:03] [V] [TRT] *************** Autotuning format combination: Half(24200,1:8,440,8), Float(1) -> Half(193600,24200,440,1) ***************
[11/22/2026-13:22:03] [V] [TRT] *************** Autotuning format combination: Float(E0,1) -> Float(E0,1) where E0=(# 1 (SHAPE x)) ***************
[11/22/2026-13:22:03] [V] [TRT] *************** Autotuning format combination:  -> Float(1) ***************
[11/22/2026-13:22:03] [V] [TRT] Adding reformat layer: Reformatted Input Tensor 0 to /pool (x) from Float(193600,24200,440,1) to Half(24200,1:8,440,8)
"""  # noqa: E501 - a line of a log is as long as it is
    log = trtlog.parse(text)
    first, symbolic, empty = log.records("combinations")
    assert (first.input_layouts, first.output_layouts) == ("FP16 NHWC8, FP32 linear", "FP16 linear")
    assert symbolic.input_layouts is not None
    assert "where" not in symbolic.input_layouts
    assert (empty.input_formats, empty.input_layouts, empty.output_layouts) == (None, None, "FP32 linear")
    [reformat] = log.records("reformats")
    assert (reformat.from_layout, reformat.to_layout) == ("FP32 linear", "FP16 NHWC8")


def test_every_format_of_a_real_build_has_a_layout():
    log = trtlog.parse(FIXTURES / "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz")
    rows = log.combinations
    assert rows.output_layouts.notna().all()
    assert (rows.input_layouts.isna() == rows.input_formats.isna()).all()
    packed = rows[rows.output_formats == "Half(100352,1:8,1792,32)"]
    assert set(packed.output_layouts) == {"FP16 NHWC8"}
