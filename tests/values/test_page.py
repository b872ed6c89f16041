from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "formats-and-kernels.md"


def test_the_snippets_of_the_page_do_what_they_show(tmp_path):
    # doctest takes the end of a code block for expected output: leave the fences out
    text = "\n".join(line for line in PAGE.read_text(encoding="utf-8").split("\n") if not line.startswith("```"))
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 20
    report: list[str] = []
    result = doctest.DocTestRunner().run(test, out=report.append)
    assert result.failed == 0, "".join(report)
