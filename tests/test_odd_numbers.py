"""Any number of a log may be missing, nan, inf, or as large as its column holds: every analysis takes it."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import trtlog
from tests.conftest import FIXTURES, ROOT, each
from tests.fuzz import checks
from trtlog.analyses.build.memory import MemoryUse
from trtlog.analyses.layer.base import answer
from trtlog.log import Log
from trtlog.records import TABLES
from trtlog.report.page.data import embed

# Counted by the reader, not printed.
_OWN = {"run", "line", "engine", "timing_line", "costs_line", "last_line", "tactics"}
# Share of the lines that is kept of those that a log has thousands of.
_KEPT = {b"Tactic:": 0.05, b"Skipping": 0.05, b"Running:": 0.05, b"Fusing": 0.1, b"Timing Runner": 0.3, b"Average": 0.1}
# Rows of tables that neither log has.
_MORE = {
    "iteration_times": FIXTURES / "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz",
    "placements": Path(__file__).parent / "cases/dla-reasons.log",
    "autotuned_ops": Path(__file__).parent / "cases/editable-timing-cache.log",
}


def slim(name: str) -> bytes:
    """Return a log with some lines of each kind."""
    noise = Random(1)
    lines = gzip.open(FIXTURES / "trt-8.5.3-h200" / name).read().splitlines(keepends=True)
    shares = ((line, next((share for word, share in _KEPT.items() if word in line), 1.0)) for line in lines)
    return b"".join(line for line, share in shares if noise.random() < share)


def odd(values: pa.Array, how: str) -> pa.Array:
    """Return a column of numbers as an odd log would have it."""
    size, kind = len(values), values.type
    if how == "missing":
        return pa.nulls(size, kind)
    if how == "some missing":
        return pc.if_else(pa.array([Random(n).random() < 0.5 for n in range(size)]), values, pa.nulls(size, kind))
    if how == "nan":
        return pa.array([float("nan") if n % 2 else float("inf") for n in range(size)], kind)
    most = 1e308 if pa.types.is_floating(kind) else 2 ** (kind.bit_width - 1) - 1
    return pa.array([most if n % 2 else 0 for n in range(size)], kind)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["missing", "some missing", "nan", "large"])
@pytest.mark.parametrize("name", ["unet_smallws_verbose.log.gz", "resnet50_fp16_dyn_detailed.log.gz"])
def test_every_analysis_takes_any_number(name, how):
    log = trtlog.parse(slim(name))
    lock = trtlog.lock(FIXTURES / "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz")  # the other one failed
    tables = {table: log.table(table) for table in TABLES}
    tables.update({table: trtlog.parse(path).table(table)[:60] for table, path in _MORE.items()})
    found = []
    tried = 0
    for table, rows in each(tables.items()):
        for place, field in each(enumerate(rows.schema)):
            numeric = pa.types.is_floating(field.type) or (pa.types.is_integer(field.type) and how != "nan")
            if field.name in _OWN or not numeric or not rows.num_rows:
                continue
            column = odd(rows.column(place).combine_chunks(), how)
            other = Log({**tables, table: rows.set_column(place, field, column)}, "odd")
            tried += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    checks.answers(other, Random(1))
                    other.report()
                    both = trtlog.diff(other, log)
                    repr(both), both.to_json(), both.to_markdown(), repr(trtlog.check(other, lock))
            except trtlog.TrtlogError:
                pass
            except Exception as error:
                found.append(f"{table}.{field.name}: {checks.signature(error)}: {error}")
    assert tried > 20
    assert not found, "\n".join(found)


def test_a_sum_that_64_bits_do_not_hold_is_null():
    made = answer(MemoryUse, [{"line": 2**64 - 1}, {"line": 5}, {}])
    assert made.column("line").to_pylist() == [None, 5, None]


def test_json_for_a_page_holds_no_nan():
    assert json.loads(embed({"ms": [1.5, float("nan"), float("inf")]})) == {"ms": [1.5, None, None]}


def test_no_sentence_prints_a_large_figure_as_a_power_of_ten():
    """``f"{1046:.3g} GFLOP"`` is 1.05e+03 GFLOP: figures with a unit go through ``significant`` or ``percent``."""
    found = {}
    for path in (ROOT / "trtlog").rglob("*.py"):
        places = re.findall(r"\{[^{}]*:\.[123]g\} ?(?:ms|us|MB|GFLOP|TFLOP|GB)\b", path.read_text(encoding="utf-8"))
        found.update({(path.name, place): None for place in places})
    assert not found
