"""Presentation: how a log and what is found in it looks on a terminal, in a notebook, as a page, as Markdown.

Nothing above imports it. A result becomes a document once, by a function that is registered here by name, and each
writer draws documents; so that drawing one result loads no more than that takes.
"""

from __future__ import annotations

from trtlog.display import register

_DOCUMENTS = {
    "trtlog.log.Log": "log:log",
    "trtlog.log.Tables": "log:tables",
    "trtlog.records.base.Record": "log:record",
    "trtlog.records.options.Options": "log:options",
    "trtlog.records.options.Performance": "log:performance",
    "trtlog.records.options.Statistics": "log:statistics",
    "trtlog.analyses.handle.Analyses": "log:analyses",
    "trtlog.report.plots.plots.Plots": "log:plots",
    "trtlog.analyses.compare.diff.Diff": "diff:diff",
    "trtlog.analyses.compare.ranking.Comparison": "compare:compare",
    "trtlog.analyses.compare.stability.Stability": "stability:stability",
    "trtlog.analyses.gate.check.Check": "check:check",
    "trtlog.analyses.gate.lock.Lock": "lock:lock",
    "trtlog.analyses.layer.why.Story": "why:why",
    "trtlog.analyses.lint.frame.Findings": "lint:findings",
    "trtlog.dataset.build.Conversion": "dataset:conversion",
    "trtlog.dataset.handle.Dataset": "dataset:dataset",
    "trtlog.runner.folder.RunFolder": "runs:folder",
    "trtlog.runner.study.Recommendation": "runs:recommendation",
    "trtlog.runner.study.Sweep": "runs:sweep",
}
_WRITERS = {
    "html": "trtlog.report.notebook.writer:draw_html",
    "terminal": "trtlog.report.terminal.writer:draw_terminal",
    "markdown": "trtlog.report.markdown:draw_markdown",
}

register("document", {result: f"trtlog.report.documents.{place}" for result, place in _DOCUMENTS.items()})
for _form, _writer in _WRITERS.items():
    register(_form, dict.fromkeys(_DOCUMENTS, _writer))
# The answer in words is part of it, so it is drawn, not only written down.
register("json", {"trtlog.analyses.compare.diff.Diff": "trtlog.report.diff_json:to_json"})
register(
    "plot",
    {
        "trtlog.runner.study.Sweep": "trtlog.report.plots.plots:plot_sweep",
        "trtlog.analyses.compare.ranking.Comparison": "trtlog.report.plots.comparison:plot_comparison",
    },
)
register("progress", {"trtlog.runner.session.Session": "trtlog.report.live:progress_of"})
register("page", {"trtlog.analyses.compare.ranking.Comparison": "trtlog.report.page.page:report_comparison"})
