"""Many small logs out of the shipped fixtures: short runs of three versions and two GPUs, each of its own model."""

from __future__ import annotations

import gzip
import random
import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "fixtures" / "trt-8.5.3-h200"
NAMES = ("sweep_r50_fp32_b128", "sweep_r50_best_b128", "sweep_r50_fp32_b32", "sweep_r50_best_b32", "err_missing_onnx")
VERSIONS = {"8.5.3": b"v8503", "8.6.1": b"v8601", "10.3.0": b"v100300"}
GPUS = (b"NVIDIA H200", b"NVIDIA L4")
_TIME = re.compile(rb"(?<== )[0-9]+\.[0-9]+(?= ms)")


def write_logs(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write ``count`` logs of 9 to 32 kB, each of its own digest, into folders of 500."""
    chance = random.Random(seed)
    texts = [gzip.decompress((FOLDER / f"{name}.log.gz").read_bytes()) for name in NAMES]
    paths = []
    for number in range(count):
        text = texts[number % len(texts)]
        version = chance.choice(list(VERSIONS))
        text = text.replace(b"v8503", VERSIONS[version])
        text = text.replace(b"TensorRT version: 8.5.3", f"TensorRT version: {version}".encode())
        text = text.replace(b"NVIDIA H200", chance.choice(GPUS)).replace(b".onnx", b"_%d.onnx" % number)
        text = _TIME.sub(lambda found: b"%.4f" % (float(found[0]) * chance.uniform(0.9, 1.1)), text)
        path = folder / f"{number // 500:03d}" / f"build{number:05d}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        paths.append(path)
    return paths
