"""Third-party logs of TensorRT 5 to 10.16: nothing unknown, and the counts of an independent reading.

The logs lie beside the checkout and are no part of the project; without them these tests are skipped.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

import trtlog
from tests.conftest import CORPUS, beside, each
from tests.grammar.test_trtexec_counts import HEADLESS, same_counts
from trtlog.errors import InputError

LOGS = sorted(p for p in CORPUS.rglob("*") if p.is_file() and re.search(r"\.(log|txt)(\.gz)?$", p.name))

pytestmark = pytest.mark.skipif(not LOGS, reason="the third-party logs are not beside this checkout")


def text_of(path: Path) -> str:
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    return raw.decode("utf-8", "backslashreplace")


@functools.cache
def read(path: Path) -> trtlog.Log:
    return trtlog.parse(path, exports=[])


@pytest.mark.parametrize("path", beside(LOGS), ids=lambda p: str(p.relative_to(CORPUS)))
def test_a_log_agrees_with_an_independent_reading(path):
    try:
        log = read(path)
    except InputError as error:
        # Excerpts of other programs' output, or of a line or two, are refused in words.
        same_counts(text_of(path), None)
        pytest.skip(f"refused: {error}")
    text = text_of(path)
    if path.name not in HEADLESS:
        same_counts(text, log)
    for hold in each(INDEPENDENT):
        hold(text, log)


def number(text: str) -> float:
    return float(text)


def found(pattern: str, text: str) -> list:
    return re.findall(pattern, text, re.MULTILINE)


def lines_with(word: str, text: str) -> str:
    """Return the lines with a word: an expression that does not begin with it is tried at every place."""
    return "\n".join(line for line in text.split("\n") if word in line)


def hold_every_line_is_accounted_for(text: str, log: trtlog.Log) -> None:
    lines = text.count("\n") + (not text.endswith("\n"))
    assert log.coverage.lines.sum() == lines


def hold_tactics(text: str, log: trtlog.Log) -> None:
    lines = list(found(r"^.*Tactic:? (?:0x[0-9a-fA-F]+|-?[0-9]+) [Tt]ime:? \S+\s*$", lines_with("Tactic", text)))
    printed = [line.split()[-1] for line in lines if "Fastest Tactic" not in line]
    mine = log.table("tactics").to_pylist()
    own = [t["time_ms"] for t in mine if t["kind"] != "foreign_node"]
    assert len(own) == len(printed)
    assert Counter(own) == Counter(map(number, printed))
    rows = found(r"\(foreignNode\) +[0-9]+, ([0-9.e+-]+), [0-9.e+-]+, ", text)
    assert Counter(t["time_ms"] for t in mine if t["kind"] == "foreign_node") == Counter(map(number, rows))


def hold_timings(text: str, log: trtlog.Log) -> None:
    blocks = found(r"-{15} Timing Runner: (.*) \(([A-Za-z0-9_]+)(?:\[0x[0-9a-f]+\])?\)\s*$", text)
    blocks += [(a, b) for a, b in found(r"-{15} Timing (?!Runner: )(.*)\(([0-9]+)\)\s*$", text)]
    cached = found(r"got cached result: ([A-Za-z0-9_]+), tactic (0x[0-9a-f]+), (\S+) ms", text)
    mine = log.table("timings").to_pylist()
    own = [(t["layer"], t["runner"]) for t in mine if t["outcome"] != "cached"]
    assert own == blocks
    assert [t["fastest_ms"] for t in mine if t["outcome"] == "cached"] == [float(c[2]) for c in cached]


def hold_fusions_and_passes(text: str, log: trtlog.Log) -> None:
    fused = found(r"(?:^|[ :])Fusing .+ with .+$", lines_with("Fusing ", text))
    assert sum(a == "fuse" for a in log.fusions.action) == len(fused)
    attempts = found(r"(?:\] |^)Running: [A-Za-z0-9_]+(?: on .+)?\s*$", lines_with("Running: ", text))
    assert sum(a == "attempt" for a in log.fusions.action) == len(attempts)
    counts = [int(n) for n in found(r"(?:Original: |After [^:\n]+: )([0-9]+) layers\s*$", lines_with(" layers", text))]
    assert log.passes.layers.tolist() == counts


def hold_memory(text: str, log: trtlog.Log) -> None:
    events = found(r"\[MemUsageChange\] .*now: CPU ([0-9]+), GPU ([0-9]+) \(MiB\)", text)
    rows = [m for m in log.table("memory").to_pylist() if m["gpu_delta_mib"] is not None]
    assert [(m["cpu_mib"], m["gpu_mib"]) for m in rows] == [(int(a), int(b)) for a, b in events]


def hold_statistics(text: str, log: trtlog.Log) -> None:
    table = [r for r in log.table("performance").to_pylist() if r["stat"] in ("median", "p99", "min")]
    lines = found(
        r"(?:^|\] )(?:Latency|End-to-End Host Latency|Enqueue Time|H2D Latency|GPU Compute Time|D2H Latency): "
        r"(min = .*)$",
        text,
    )
    printed = []
    for line in lines:
        printed += [float(v) for v in re.findall(r"(?:min|median|percentile\(99%\)) = (\S+) ms", line)]
    one_line = [r for r in table if r["unit"] == "ms"]
    if lines:
        assert Counter(r["value"] for r in one_line) == Counter(printed)
    qps = [float(q) for q in found(r"(?:^|\] )[Tt]hroughput: (\S+) qps\s*$", text)]
    mine = [r["value"] for r in log.table("performance").to_pylist() if r["metric"] == "throughput"]
    assert mine == qps


def numbers_of(words: list[str], name_first: bool, columns: int) -> list[float] | None:
    """The numbers behind the name, or before it from 8.6.1; None for another line."""
    try:
        return [float(n) for n in (words[-columns:] if name_first else words[:columns])]
    except ValueError:
        return None


def hold_profile_rows(text: str, log: trtlog.Log) -> None:
    lines = text.splitlines()
    if "\u00a0" in text:  # a page that was copied: no-break spaces, and an empty line behind each
        lines = [line for line in text.replace("\u00a0", " ").splitlines() if line.strip()]
    rows = []
    for number_, line in enumerate(lines):
        if not re.search(r"=== Profile \([0-9]+ iterations \) ===", line):
            continue
        first = "Layer   Time" in lines[number_ + 1]
        columns = 4 if "Median" in lines[number_ + 1] else 3
        for row in lines[number_ + 2 :]:
            body = re.sub(r"^(?:.*?\[I\] )?", "", row, count=1)
            numbers = numbers_of(body.split(), first, columns)
            if numbers is None:
                break
            if re.search(r"(?:^|\s)Total(?:\s|$)", body) and numbers[-1] == 100.0:
                break  # the last row
            rows.append(numbers)
    mine = log.table("profile").to_pylist()
    if "=== Profile (" not in text:
        return  # an excerpt without the heading
    assert len(mine) == len(rows) > 0
    for row, values in each(zip(mine, rows, strict=True)):
        printed = [row[name] for name in ("time_ms", "avg_ms", "median_ms", "percent")]
        assert [value for value in printed if value is not None] == pytest.approx(values), (row, values)


INDEPENDENT = (
    hold_every_line_is_accounted_for,
    hold_tactics,
    hold_timings,
    hold_fusions_and_passes,
    hold_memory,
    hold_statistics,
    hold_profile_rows,
)


def test_unknown_lines_are_rare():
    """Under 0.1 % of all lines, under 1 % in any log of 1,000 lines or more."""
    total = unknown = 0
    worst = {}
    for path in LOGS:
        try:
            counts = read(path).coverage.set_index("kind").lines
        except InputError:
            continue
        lines, of_unknown = int(counts.sum()), int(counts.get("unknown", 0))
        total += lines
        unknown += of_unknown
        if lines >= 1000 and of_unknown / lines >= 0.01:
            worst[str(path.relative_to(CORPUS))] = of_unknown
    assert not worst, json.dumps(worst, indent=1)
    assert unknown / total < 0.001, f"{unknown} of {total}"
