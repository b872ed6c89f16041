"""What else reads such a log: six kinds of message as a script finds them, and as other tools do.

Each takes the path and returns how many lines it found. ``lnav`` and Drain3 are measured where they are installed
(``apt-get install lnav``, ``pip install drain3``); polars and duckdb come with ``trtlog[dev]``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Six kinds of message, as a script written in an afternoon reads them.
BASELINE = (
    rb"\[V\] \[TRT\] Tactic: (0x[0-9a-f]+|-?[0-9]+) Time: ([0-9.e+-]+)",
    rb"\[V\] \[TRT\] -+ Timing Runner: (.*) \((\w+)(?:\[(0x[0-9a-f]+)\])?\)",
    rb"\[V\] \[TRT\] \*+ Autotuning (?:format combination|Reformat): (.*) -> (.*) \*+",
    rb"Fastest Tactic: (0x[0-9a-f]+|-?[0-9]+) Time: ([0-9.e+-]+)",
    rb">+ Chose Runner Type: (\w+) Tactic: (0x[0-9a-f]+|-?[0-9]+)",
    rb"\[MemUsageChange\] (.*): CPU ([+-][0-9]+), GPU ([+-][0-9]+)",
)


def baseline(path: Path) -> int:
    patterns = [re.compile(pattern) for pattern in BASELINE]
    rows: list[list[Any]] = [[] for _ in patterns]
    with path.open("rb") as lines:
        for line in lines:
            for number, pattern in enumerate(patterns):
                found = pattern.search(line)
                if found is not None:
                    rows[number].append(len(found.groups()))
                    break
    return sum(map(len, rows))


# The same without the header in front: `re` cannot look for literal text first.
NAIVE = (
    r"Tactic: (?P<tactic>0x[0-9a-f]+) Time: (?P<time>[\d.e+-]+)",
    r"-+ Timing Runner: (?P<layer>.*) \((?P<runner>\w+)(?:\[\w+\])?\)",
    r"\*+ Autotuning (?:format combination|Reformat): ?(?P<inputs>.*) -> (?P<outputs>.*) \*+",
    r"Fastest Tactic: (?P<tactic>\S+) Time: (?P<time>\S+)",
    r">+ Chose Runner Type: (?P<runner>\w+) Tactic: (?P<tactic>\S+)",
    r"\[MemUsageChange\] (?P<what>.*): CPU (?P<cpu>[+-]\d+), GPU (?P<gpu>[+-]\d+)",
)


def naive(path: Path) -> int:
    patterns = [re.compile(pattern) for pattern in NAIVE]
    rows = []
    with path.open(errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            for kind, pattern in enumerate(patterns):
                found = pattern.search(line)
                if found is not None:
                    rows.append((number, kind, found.groups()))
                    break
    return len(rows)


def grep(path: Path) -> int:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(["grep", "-c", "Tactic: ", path], capture_output=True, check=True, env=environment)
    return int(done.stdout)


def wc(path: Path) -> int:
    return int(subprocess.run(["wc", "-l", path], capture_output=True, check=True).stdout.split()[0])


_GROUP = re.compile(r"\?P<(\w+)>")


def with_lnav(path: Path) -> int:
    """Count the lines of the six kinds by SQL over a log format that is told to lnav for it."""
    # A field's name is used once in a format, and the first field tells that a line is of a kind.
    kinds = [_GROUP.sub(lambda found, n=n: f"?<{found[1]}_{n}>", pattern) for n, pattern in enumerate(NAIVE)]
    fields = [[f"{name}_{n}" for name in _GROUP.findall(pattern)] for n, pattern in enumerate(NAIVE)]
    bodies = "|".join(kinds)
    header = r"^\[(?<timestamp>[^\]]+)\] \[(?<level>\w)\] (?:\[TRT\] )?"
    form = {
        "title": "trtexec",
        "description": "What trtexec prints",
        "regex": {"std": {"pattern": f"{header}(?<body>(?:{bodies}|.*))"}},
        "timestamp-format": ["%m/%d/%Y-%H:%M:%S"],
        "level": {"error": "E", "warning": "W", "info": "I", "debug": "V"},
        "value": {name: {"kind": "string"} for names in fields for name in names},
        "sample": [{"line": "[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.0181029"}],
    }
    content = {"$schema": "https://lnav.org/schemas/format-v1.schema.json", "trtexec": form}
    count = " + ".join(f"count({names[0]})" for names in fields)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "formats" / "trtexec" / "format.json"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(content), encoding="utf-8")
        command = ["lnav", "-n", "-I", folder, "-c", f";SELECT {count} FROM trtexec", str(path)]
        done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "HOME": folder}, text=True)
    return int(done.stdout.split()[-1])


def with_polars(path: Path) -> int:
    """Tell the kind of each line by its expression, then take the fields of each kind."""
    import polars

    line = polars.col("line")
    kind = polars.coalesce(polars.when(line.str.contains(pattern)).then(n) for n, pattern in enumerate(NAIVE))
    lines = polars.scan_csv(
        path, has_header=False, schema={"line": polars.String}, separator="\x01", quote_char=None, encoding="utf8-lossy"
    )
    found = lines.with_row_index("number", 1).with_columns(kind=kind).filter(polars.col("kind").is_not_null())
    rows = found.collect(engine="streaming")
    fields = [
        rows.filter(polars.col("kind") == n).select("number", line.str.extract_groups(pattern)).unnest("line")
        for n, pattern in enumerate(NAIVE)
    ]
    return sum(table.height for table in fields)


def with_duckdb(path: Path) -> int:
    """Do the same in SQL."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads={len(os.sched_getaffinity(0))}")
    cases = " ".join(f"WHEN regexp_matches(line, $${pattern}$$) THEN {n}" for n, pattern in enumerate(NAIVE))
    connection.execute(
        f"CREATE TEMP TABLE found AS SELECT line, CASE {cases} END AS kind FROM read_csv(?, header=false, "
        "columns={'line': 'VARCHAR'}, delim='\x01', quote='', escape='', auto_detect=false, ignore_errors=true) "
        "WHERE kind IS NOT NULL",
        [str(path)],
    )
    rows = 0
    for n, pattern in enumerate(NAIVE):
        unnamed, names = _GROUP.sub("", pattern), _GROUP.findall(pattern)
        query = f"SELECT unnest(regexp_extract(line, $${unnamed}$$, {names})) FROM found WHERE kind = {n}"
        rows += connection.sql(query).to_arrow_table().num_rows
    return rows


def with_drain3(path: Path) -> int:
    """Find templates of lines, which is what one does who knows none of them."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    miner = TemplateMiner(config=TemplateMinerConfig())
    with path.open(errors="replace") as lines:
        for line in lines:
            miner.add_log_message(line.rstrip("\n"))
    return len(miner.drain.clusters)


NAIVE_LOOP = "naive loop: the same as one writes it first"
PEERS: dict[str, Callable[[Path], int]] = {
    "wc -l": wc,
    "grep -c": grep,
    "baseline: re, six kinds, no tables": baseline,
    NAIVE_LOOP: naive,
}
if shutil.which("lnav"):
    PEERS["lnav: the same, by a format and SQL"] = with_lnav
for _name, _peer in (("polars", with_polars), ("duckdb", with_duckdb)):
    if importlib.util.find_spec(_name):
        PEERS[f"{_name}: the same, as text"] = _peer
if importlib.util.find_spec("drain3"):
    PEERS["Drain3: templates, no kinds"] = with_drain3
