"""No tool for agents gives away a secret of a log: an agent's answers leave the machine."""

from __future__ import annotations

import json

from tests.conftest import each, needs
from tests.test_mcp import session, text_of
from tests.test_secrets import FULL, PLAIN
from trtlog.analyses.registry import table_names
from trtlog.records import TABLES

pytestmark = needs("mcp")

# The names of a log's folder and file may hold secrets of their own: an address that was made a file name.
NAME = "token=SECRET20.log"
SELECTS = (
    "select * from runs",
    "select * from options",
    "select line, text from messages",
    "select substr(command, 40) as part from runs",
    "select list(command) as all_of_them, {'a': any_value(command)} as inside from runs",
)


def calls():
    lines = FULL.count("\n")
    yield "list_logs", {}
    for path in ("full.log", NAME):
        yield "open_log", {"path": path}
        yield "summary", {"path": path}
        yield "lint", {"path": path}
        yield "missing_flags", {"path": path}
        yield "roofline", {"path": path}
        yield "excerpt", {"path": path, "first": 1, "last": lines}
    yield "why", {"path": "full.log", "layer": "conv"}
    yield from (("rows", {"path": "full.log", "table": table}) for table in (*TABLES, *table_names()))
    yield "rows", {"path": "full.log", "table": "options", "columns": ["value"], "sort": "-line"}
    yield from (("sql", {"path": "full.log", "statement": statement}) for statement in SELECTS)
    yield from (("explain_line", {"path": "full.log", "line": line}) for line in range(1, lines + 1))
    yield from (("diff", {"control": a, "test": b}) for a, b in (("full.log", "plain.log"), ("plain.log", "full.log")))


def test_no_tool_gives_a_secret_away(tmp_path):
    (tmp_path / "full.log").write_text(FULL)
    (tmp_path / "plain.log").write_text(PLAIN)
    (tmp_path / NAME).write_text(FULL)
    asked = list(calls())
    answers = session(*asked, allow=tmp_path)
    assert len(answers) > 100
    given = [
        (name, arguments, text_of(answer), json.dumps(answer.structured_content))
        for (name, arguments), answer in zip(asked, answers, strict=True)
    ]
    shown = [(name, arguments) for name, arguments, *texts in each(given) if "SECRET" in "".join(texts)]
    assert shown == []
    assert sum(answer.is_error for answer in answers) < 10  # of the others it would say nothing
