"""The session of docs/mcp.md, asked of the server: ``python -m tests.mcp_page`` writes it anew, a test compares it."""

from __future__ import annotations

import json
import os
from typing import Any

from tests import loop, warm
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "mcp.md"
BEGIN, END = "<!-- session: python -m tests.mcp_page writes it -->\n", "<!-- end of the session -->\n"
LOG = "resnet50_fp16_dyn_detailed.log.gz"
WIDTH = 600
SESSION: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("What is there?", "open_log", {"path": LOG}),
    ("Did it run, and how fast?", "summary", {"path": LOG}),
    ("What is wrong with it?", "lint", {"path": LOG, "limit": 2}),
    (
        "Which layers take longest?",
        "sql",
        {"path": LOG, "statement": "select layer, avg_ms, line from profile order by avg_ms desc limit 3"},
    ),
    ("What could the first of them do?", "roofline", {"path": LOG, "limit": 1}),
    ("Why does the last layer run as it does?", "why", {"path": LOG, "layer": "/fc/Gemm"}),
    ("Show me the line of the winner.", "excerpt", {"path": LOG, "first": 26730}),
    ("What does it say?", "explain_line", {"path": LOG, "line": 26730}),
    ("Which tactics were close?", "rows", {"path": LOG, "table": "close_calls", "columns": ["layer"], "limit": 2}),
    ("What else could the log say?", "missing_flags", {"path": LOG}),
)


def answers() -> list[str]:
    """Return what a host shows to its model, answer by answer."""

    async def ask() -> list[str]:
        from mcp import Client, StdioServerParameters

        server = StdioServerParameters(
            command=warm.python(),
            args=["-m", "trtlog", "mcp", "--allow", "fixtures/trt-8.5.3-h200"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "TRTLOG_PLUGINS": "0"},
            cwd=str(ROOT),
        )
        async with Client(server) as client:
            results = [await client.call_tool(tool, arguments) for _, tool, arguments in SESSION]
        return ["".join(part.text for part in result.content) for result in results]

    return loop.run(ask())


def session() -> str:
    """Return the session as it stands on the page: long answers are cut there, and their length is told."""
    out = []
    for (question, tool, arguments), answer in zip(SESSION, answers(), strict=True):
        shown = answer if len(answer) <= WIDTH else f"{answer[:WIDTH].rstrip()} ..."
        size = f"{len(answer):,} characters"
        shown = "\n".join(line.rstrip() for line in shown.splitlines())
        out.append(f"**{question}** `{tool}` `{json.dumps(arguments)}` ({size})\n\n~~~text\n{shown}\n~~~\n")
    return "\n".join(out)


def main() -> None:
    """Write the session into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{session()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
