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


_V = b"[11/22/2026-13:22:03] [V] [TRT] "


def write_long_lines(path: Path, size: int, seed: int = 0) -> Path:
    """Write a log of lines of 10,000 to 100,000 characters: fused layers with hundreds of names."""
    chance = random.Random(seed)
    written = number = 0
    with path.open("wb") as out:
        while written < size:
            names = [b"/m%d/conv%d/Conv" % (number, n) for n in range(chance.randrange(600, 6_000))]
            layer = b" + ".join(names)
            written += out.write(
                b"%s--------------- Timing Runner: %s (CaskConvolution)\n" % (_V, layer)
                + b"%s%s Set Tactic Name: kernel_%d Tactic: 0x%016x\n" % (_V, layer, number, number)
                + b"%sTactic: 0x%016x Time: 0.0181029\n" % (_V, number)
                + b"%sNobody prints this of %s\n" % (_V, layer)
            )
            number += 1
    return path


def write_many_names(path: Path, names: int) -> Path:
    """Write a log of the timings of ``names`` layers."""
    with path.open("wb") as out:
        for n in range(names):
            out.write(
                b"%s=============== Computing costs for /model/layer%d/Conv\n" % (_V, n)
                + b"%s*************** Autotuning format combination: Float(%d,1) -> Float(%d,1) ***************\n"
                % (_V, n % 97, n % 89)
                + b"%s--------------- Timing Runner: /model/layer%d/Conv (CaskConvolution)\n" % (_V, n)
                + b"%sTactic: 0x%016x Time: 0.%06d\n" % (_V, n, n % 999_983)
                + b"%sFastest Tactic: 0x%016x Time: 0.%06d\n" % (_V, n, n % 999_983)
                + b"%s>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x%016x\n" % (_V, n)
            )
    return path


def write_without_line_ends(path: Path, size: int, kind: str) -> Path:
    """Write one line: ``plain`` text, text behind a ``header``, or a whole log that lost its line ends, ``joined``."""
    if kind == "joined":
        with write_log(path.with_suffix(".tmp"), size).open("rb") as lines, path.open("wb") as out:
            for block in iter(lambda: lines.read(1 << 20), b""):
                out.write(block.replace(b"\n", b""))
        path.with_suffix(".tmp").unlink()
        return path
    block = b" ".join(
        random.Random(0).choices([b"layer", b"(x)", b"->", b"0x00ff", b"Tactic:", b": ", b"1.25"], k=100_000)
    )
    with path.open("wb") as out:
        written = out.write(_V if kind == "header" else b"")
        while written < size:
            written += out.write(block)
    return path
