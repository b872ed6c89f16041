"""Engines that keep the names of their layers only."""

from __future__ import annotations

import trtlog

NAMES = b"""[11/22/2026-13:22:03] [I] Layer Information:
[11/22/2026-13:22:03] [I] Layers:
conv + relu
{ForeignNode[a...b]}
[HostToDeviceCopy 0]

Bindings:
x
y
[11/22/2026-13:22:03] [I] Starting inference
"""

DETAILED = b"""[11/22/2026-13:22:03] [TRT] [V] Layers:
Name: a, LayerType: kgen, Inputs: [], Outputs: [], TacticName: k, StreamId: 0, Metadata:

I/O Tensors:
 Name: x, IOMode: Input, DataType: Float, Dimensions: [4,128], Location: Device

Engine Metadata:
 Multi-Device: Disabled
[11/22/2026-13:22:03] [TRT] [V] Adding 1 engine(s) to plan file.
"""


def test_names_that_begin_like_json_are_names():
    found = trtlog.parse(NAMES).table("engine_layers").to_pylist()
    assert [(row["line"], row["layer"]) for row in found] == [
        (3, "conv + relu"),
        (4, "{ForeignNode[a...b]}"),
        (5, "[HostToDeviceCopy 0]"),
    ]


def test_what_tensorrt_rtx_prints_below_the_layers_is_no_layer():
    found = trtlog.parse(DETAILED).table("engine_layers").to_pylist()
    assert [(row["layer"], row["source"]) for row in found] == [("a", "detailed")]
