"""SQL over the tables."""

import pytest

import trtlog
from tests.analyses.conftest import parsed, timed


def test_a_statement_over_two_tables():
    log = parsed("resnet50_fp32_verbose")
    found = log.sql("select t.layer, min(t.time_ms) best from tactics t join engine_layers e on t.layer = e.layer "
                    "group by 1 order by best desc limit 1")  # fmt: skip
    best = {}
    for _, layer, *_, time in timed("resnet50_fp32_verbose"):
        best[layer] = min(time, best.get(layer, time))
    row = found.iloc[0]
    assert best[row["layer"]] == row["best"] == max(t for n, t in best.items() if not n.startswith("Optimizer"))


def test_parquet_answers_alike(tmp_path):
    log = parsed("lstm_verbose")
    again = trtlog.read_parquet(log.to_parquet(tmp_path / "out"))
    statement = "select name, layers from passes order by line"
    assert again.sql(statement).equals(log.sql(statement))


def test_parameters_are_no_sql():
    log = parsed("lstm_verbose")
    assert len(log.sql("select * from passes where name = ?", ["x' or 1=1 --"])) == 0
    assert len(log.sql("select * from passes where name = ?", ["Original"])) == 1


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("select * from nope", "the tables are"),
        ("selct 1", "syntax error"),
        ("select nope from tactics", "nope"),
        ("", "empty"),
        ("select * from read_csv('/etc/passwd')", "disabled"),
    ],
)
def test_errors_are_query_errors(statement, words):
    with pytest.raises(trtlog.QueryError, match=words):
        parsed("lstm_verbose").sql(statement)
