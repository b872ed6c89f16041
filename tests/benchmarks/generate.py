"""Large logs out of the shipped fixtures: runs of real blocks in a new order, under new layer names."""

from __future__ import annotations

import gzip
import itertools
import random
import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "fixtures" / "trt-8.5.3-h200"
NAMES = (
    "bert_fp16_verbose",
    "lstm_verbose",
    "mobilenet_fp16_verbose",
    "resnet50_fp16_dyn_detailed",
    "resnet50_fp32_verbose",
    "resnet50_fp32_verbose_rebuild",
)
# The costs of one layer, with all its format combinations, runners and tactics, are a block.
_BLOCK = re.compile(rb"^\[[^]]*\] \[V\] \[TRT\] =============== Computing ", re.MULTILINE)
_NAME = re.compile(rb"/(layer[0-9]|features|Conv|conv[0-9]|bert|encoder|MatMul|classifier|blocks)")


def parts_of(text: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return what stands before the autotuner's blocks, the blocks, and the rest with the last block."""
    starts = [found.start() for found in _BLOCK.finditer(text)]
    blocks = [text[a:b] for a, b in itertools.pairwise(starts)]
    return text[: starts[0]], blocks, text[starts[-1] :]


def write_log(path: Path, size: int, seed: int = 0) -> Path:
    """Write a log of about ``size`` bytes: runs of about the fixtures' length, each with its own names."""
    chance = random.Random(seed)
    parts = [parts_of(gzip.decompress((FOLDER / f"{name}.log.gz").read_bytes())) for name in NAMES]
    blocks = [block for part in parts for block in part[1]]
    written, number = 0, 0
    with path.open("wb") as out:
        while written < size:
            head, own, tail = parts[number % len(parts)]
            name = b"/m%d.\\1" % number
            for piece in (head, *chance.choices(blocks, k=len(own)), tail):
                written += out.write(_NAME.sub(name, piece))
            number += 1
    return path
