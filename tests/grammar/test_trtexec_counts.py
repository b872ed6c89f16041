"""What trtexec measured and was told, against a count of the text by this file's own code, on every real log.

Third-party logs are read once, by tests/test_corpus.py, which asks for this count too.
"""

from __future__ import annotations

import gzip
import re

import pytest

import trtlog
from tests.conftest import FIXTURES, parsed_once

LOGS = sorted(path for path in FIXTURES.rglob("*") if re.search(r"\.(log|txt|out)(\.gz)?$", path.name))
HEADER = re.compile(r"^\s*(?:\[[0-9]{2}/[^]]*\] )*\[[VIWE]\] (?!\[TRT\])(.*)$")
INFO = re.compile(r"^\s*(?:\[[0-9]{2}/[^]]*\] )*\[I\](?: (?!\[TRT\])(.*)|$)")
QUANTITY = re.compile(r"(?:Latency|End-to-End Host Latency|Enqueue Time|H2D Latency|GPU Compute Time|D2H Latency): m")
# Excerpts that leave out what says what their lines are.
HEADLESS = {
    "haxconn-readme-fence02.log": "one statistic stands above the first title",
    "codetr-readme-fence01.log": "a page that shows lines without their headers",
    "nv-issue3143-dla-profile-excerpt.log": "the table of the profile has no heading",
}


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


def same_counts(text: str, log: trtlog.Log | None) -> None:
    """Hold the rows of a log, None where it was refused, against a count of its text."""
    text = text.replace("\r\n", "\n")
    # A blog's spaces, and a header whose beginning was not copied.
    text = re.sub(r"^([0-9]/[0-9]{2}/[0-9]{4}-[^\]]*\] \[)", r"[0\1", text.replace("\u00a0", " "), flags=re.MULTILINE)
    expected = count(text.split("\n"))
    if log is None:
        assert not any(expected.values())
        return
    names = {"engine_built", "engine_loaded", "engine_deserialized"}
    got = {name: log.table(name).num_rows for name in expected if name != "phases"}
    got["phases"] = sum(row["name"] in names for row in log.table("phases").to_pylist())
    assert got == expected


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_tables_agree_with_a_count_of_the_text(path):
    try:
        log = parsed_once(path)
    except trtlog.TrtlogError:
        log = None
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    same_counts(data.decode("utf-8", "replace"), log)
