"""The table of what is supported: seen on a real log, known from source only, or not supported.

``python -m tests.support`` reads all real logs (the fixtures, and the third-party logs where they are beside the
checkout) and writes docs/support.md. A test holds that the page claims no more than the logs show.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.conftest import CORPUS, FIXTURES, ROOT
from trtlog.errors import InputError
from trtlog.reader import read_captures
from trtlog.tables import TableSet

PAGE = ROOT / "docs" / "support.md"
# Part of a log -> the tables that hold it.
PARTS = {
    "options": ("options",),
    "device": ("devices",),
    "ONNX import": ("onnx_nodes", "registered_layers"),
    "graph passes, fusions": ("passes", "fusions"),
    "timings, tactics": ("timings", "tactics"),
    "memory": ("memory", "memory_totals", "layer_memory"),
    "engine layers": ("engine_layers",),
    "performance": ("performance",),
    "profile": ("profile",),
    "warnings, errors": ("messages",),
}
# What trtexec itself prints is known from its public source, 7.0 to 11.1; the tests check every template.
FROM_SOURCE = ("options", "device", "performance", "profile", "warnings, errors")
VERSIONS = ("5", "6", "7", "8.0", "8.2", "8.4", "8.5", "8.6", "9", "10", "11", "RTX")
PRODUCERS = {
    "trtexec": ("trtexec",),
    "Python API": ("python",),
    "Polygraphy and other loggers without time": ("untimed",),
    "ONNX Runtime": ("onnxruntime",),
    "torch-tensorrt": ("torch_tensorrt",),
    "DeepStream": ("deepstream", "gstreamer"),
    "Triton": ("triton", "glog"),
    "others": ("tagged", "word", "tensorrt_llm", "ros", "tao"),
}


def version_group(version: str) -> str | None:
    """Return the row of the table that a version belongs to."""
    found = re.match(r"([0-9]+)(?:\.([0-9]+))?", version)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2] or 0)
    if major == 8:
        return max((v for v in VERSIONS if v.startswith("8.") and int(v[2:]) <= minor), key=lambda v: int(v[2:]))
    return str(major) if str(major) in VERSIONS else None


def producer_of(producers: dict[str, int]) -> str | None:
    """Return the column of the table: whose headers most lines have."""
    counts: Counter[str] = Counter()
    for name, lines in producers.items():
        for column, beginnings in PRODUCERS.items():
            if name.startswith(beginnings):
                counts[column] += lines
    return counts.most_common(1)[0][0] if counts else None


def seen() -> set[tuple[str, str, str]]:
    """Return (producer, version, part) of everything that a real log holds rows of."""
    found = set()
    paths = [*FIXTURES.glob("*/*.log.gz"), *(p for p in CORPUS.rglob("*") if re.search(r"\.(log|txt)(\.gz)?$", p.name))]
    for path in paths:
        try:
            captures, name, _ = read_captures(path)
            tables = TableSet(captures, name)
        except InputError:
            continue
        producer = producer_of(captures.producers)
        versions = [v for v in tables["runs"].column("tensorrt_version").to_pylist() if v]
        group = "RTX" if "trt-rtx" in str(path) else version_group(versions[0] if versions else folder_version(path))
        if producer is None or group is None:
            continue
        for part, names in PARTS.items():
            # A fact that another log shows already costs no table.
            if (producer, group, part) not in found and any(tables[name].num_rows for name in names):
                found.add((producer, group, part))
    return found


def folder_version(path: Path) -> str:
    """Return the version that the folder's name tells, where the log itself does not."""
    return path.parent.name.removesuffix(".x")


def page(facts: set[tuple[str, str, str]]) -> str:
    """Return docs/support.md."""
    lines = [
        "# What is supported",
        "",
        "Made by `python -m tests.support` from real logs and from the tests. **log**: rows of it were read from a",
        "real log of that version and producer. **source**: no log of it is at hand; every message that trtexec's",
        "public source holds for that version is known and tested. **-**: neither; lines of these parts are read if",
        "they are worded as in another version, and counted as unknown otherwise. 8.0 stands for 8.0 and 8.1, 8.2 for",
        "8.2 and 8.3, 8.6 for 8.6 and later.",
    ]
    for producer in PRODUCERS:
        versions = [v for v in VERSIONS if any((producer, v, p) in facts for p in PARTS) or producer == "trtexec"]
        if not versions:
            lines += ["", f"## {producer}", "", "Headers are known; no log with a known version is at hand."]
            continue
        lines += ["", f"## {producer}", "", "| TensorRT | " + " | ".join(PARTS) + " |"]
        lines.append("|---|" + "---|" * len(PARTS))
        for version in versions:
            cells = []
            for part in PARTS:
                known = producer == "trtexec" and version not in ("5", "6") and part in FROM_SOURCE
                known = known and not (version == "7" and part == "device")
                cells.append("log" if (producer, version, part) in facts else "source" if known else "-")
            lines.append(f"| {version} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(seen()), encoding="utf-8")
