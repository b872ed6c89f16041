"""Time per layer, per type and over the run, counted again from the log's text and the exports."""

from __future__ import annotations

import gzip
import json
import re
import statistics

import pytest

from tests.conftest import FIXTURES, each
from tests.report.conftest import REPORTED
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layers import TypeTime, layer_times
from trtlog.analyses.query import query


def times_of(log):
    return layer_times(layers_of(log), log.analyze.table("build_time"))


def profile_rows(name: str) -> tuple[int, dict[str, float]]:
    """Return iterations and total times of the profile, read with expressions of the test's own."""
    text = gzip.open(FIXTURES / REPORTED[name], "rt").read()
    iterations = int(re.search(r"=== Profile \((\d+) iterations", text)[1])
    row = re.compile(r"\[I\] +(\S.*?) {2,}([0-9.]+) +([0-9.]+) +([0-9.]+) +([0-9.]+)$", re.MULTILINE)
    found = {m[1]: float(m[2]) for m in row.finditer(text)}
    found.pop("Total")
    return iterations, found


@pytest.mark.parametrize("name", ["detailed", "mobilenet"])
def test_times_are_those_of_the_profile(logs, name):
    iterations, wanted = profile_rows(name)
    table = times_of(logs(name))
    found = {row["layer"]: row["time_ms"] for row in table.to_pylist() if row["time_ms"] is not None}
    assert found == pytest.approx({layer: time / iterations for layer, time in wanted.items()})
    types = query(TypeTime, {"layer_times": table}).to_pylist()
    assert sum(row["time_ms"] or 0 for row in types) == pytest.approx(sum(wanted.values()) / iterations)
    assert sum(row["percent"] or 0 for row in types) == pytest.approx(100)
    assert sum(row["layers"] for row in types) == table.num_rows
    copies = sum(time for layer, time in wanted.items() if layer.startswith(("Reformatting CopyNode", "Identity_")))
    [reformat] = [row for row in types if row["type"] == "Reformat"]
    assert reformat["time_ms"] == pytest.approx(copies / iterations)


def test_without_engine_layers_the_fastest_candidate_stands(logs):
    log = logs("aborted")
    rows = times_of(log).to_pylist()
    tactics = log.table("tactics").to_pylist()
    for row in each(rows):
        own = [t["time_ms"] for t in tactics if t["layer"] == row["layer"] and t["kind"] == "layer"]
        assert row["candidates"] == len(own)
        assert row["time_ms"] == (min(own) if own else None)
        assert row["source"] == "fastest"


def test_the_run_is_cut_into_stretches(logs):
    log = logs("detailed")
    export = FIXTURES / REPORTED["detailed"].replace(".log.gz", ".times.json.gz")
    times = [query["computeMs"] for query in json.load(gzip.open(export))]
    rows = log.analyze.table("stretches", most=100).to_pylist()
    assert len(rows) <= 100
    assert sum(row["count"] for row in rows) == len(times)
    for row in each(rows):
        part = times[row["first"] : row["first"] + row["count"]]
        assert (row["min_ms"], row["max_ms"]) == (min(part), max(part))
        assert row["median_ms"] == pytest.approx(statistics.median(part))
