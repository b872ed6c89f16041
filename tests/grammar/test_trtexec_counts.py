"""What trtexec measured and was told, against a count of the text by this file's own code, on every real log."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

import trtlog

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "fixtures", ROOT.parent / "shared" / "corpus")
HEADER = re.compile(r"^\s*(?:\[[0-9]{2}/[^]]*\] )*\[[VIWE]\] (?!\[TRT\])(.*)$")
INFO = re.compile(r"^\s*(?:\[[0-9]{2}/[^]]*\] )*\[I\](?: (?!\[TRT\])(.*)|$)")
QUANTITY = re.compile(r"(?:Latency|End-to-End Host Latency|Enqueue Time|H2D Latency|GPU Compute Time|D2H Latency): m")
# Excerpts that leave out what says what their lines are.
HEADLESS = {
    "haxconn-readme-fence02.log": "one statistic stands above the first title",
    "codetr-readme-fence01.log": "a page that shows lines without their headers",
    "nv-issue3143-dla-profile-excerpt.log": "the table of the profile has no heading",
}


def real_logs():
    found = [p for folder in FOLDERS if folder.is_dir() for p in sorted(folder.rglob("*"))]
    logs = [p for p in found if re.search(r"\.(log|txt|out)(\.gz)?$", p.name)]
    if not any("corpus" in p.parts for p in logs):
        skipped = pytest.mark.skip(reason="the third-party logs are not beside this checkout")
        return [*(pytest.param(p, id=p.name) for p in logs), pytest.param(None, id="corpus", marks=skipped)]
    return [pytest.param(p, id=f"{p.parent.name}/{p.name}") for p in logs if p.name not in HEADLESS]


def count(lines: list[str]) -> dict[str, int]:
    """Count rows of five tables with patterns of this file's own."""
    own = [found[1] for line in lines if (found := HEADER.match(line))]
    return {
        "iterations": sum("Average on " in line for line in own),
        "performance": sum(statistics(line) for line in own),
        "profile": profile_rows(own),
        "options": option_lines(lines),
        "phases": sum(bool(re.match(r"Engine (?:built|loaded|deserialized) in ", line)) for line in own),
    }


def statistics(line: str) -> int:
    if QUANTITY.match(line):
        return len(re.findall(r"[a-z)] = ", line))
    if re.match(r"Throughput: [0-9.e+]+ qps|Total (?:Host Walltime|GPU Compute Time): [0-9]", line):
        return 1
    if re.match(r"(?:throughput|walltime|total compute time): [0-9]", line):
        return 1
    return 1 + ("end to end" in line) if re.match(r"(?:min|max|mean|median|percentile): [0-9]", line) else 0


def profile_rows(lines: list[str]) -> int:
    rows, inside = 0, False
    for line in lines:
        words = line.split()
        if line.startswith("=== Profile ("):
            inside = True
        elif inside and "Layer" not in words[:1] and words[-1:] != ["Layer"] and words:
            last = "Total" in (words[0], words[-1]) and len(words) <= 5
            inside = not last and bool(re.search(r"[0-9]\.[0-9]{2,4} +[0-9.]+(?:   |$)", line))
            rows += inside
    return rows


def option_lines(lines: list[str]) -> int:
    rows, inside = 0, False
    for line in lines:
        found = INFO.match(line)
        body = (found[1] or "") if found else None
        if body is None:
            continue
        if body.startswith("===") or not body.strip():
            inside = bool(re.search(r" Options ?===$", body))
        else:
            rows += inside
    return rows


@pytest.mark.parametrize("path", real_logs())
def test_tables_agree_with_a_count_of_the_text(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    # A blog's spaces, and a header whose beginning was not copied.
    text = re.sub(r"^([0-9]/[0-9]{2}/[0-9]{4}-[^\]]*\] \[)", r"[0\1", text.replace("\u00a0", " "), flags=re.MULTILINE)
    expected = count(text.split("\n"))
    try:
        log = trtlog.parse(path)
    except trtlog.TrtlogError:
        assert not any(expected.values())
        return
    names = {"engine_built", "engine_loaded", "engine_deserialized"}
    got = {name: log.table(name).num_rows for name in expected if name != "phases"}
    got["phases"] = sum(row["name"] in names for row in log.table("phases").to_pylist())
    assert got == expected
