"""Presentation: how a log and what is found in it looks on a terminal, in a notebook, as a page, as Markdown.

Nothing above imports it. Which function draws which result is registered here, by name, so that drawing one result
loads no more than that takes.
"""

from __future__ import annotations

from trtlog.display import register

register(
    "html",
    {
        "trtlog.log.Log": "trtlog.report.notebook.log:log_html",
        "trtlog.log.Tables": "trtlog.report.notebook.log:tables_html",
        "trtlog.records.base.Record": "trtlog.report.notebook.log:record_html",
        "trtlog.records.options.Options": "trtlog.report.notebook.log:options_html",
        "trtlog.records.options.Performance": "trtlog.report.notebook.log:performance_html",
        "trtlog.records.options.Statistics": "trtlog.report.notebook.log:statistics_html",
        "trtlog.analyses.handle.Analyses": "trtlog.report.notebook.log:analyses_html",
        "trtlog.analyses.compare.diff.Diff": "trtlog.report.notebook.answers:diff_html",
        "trtlog.analyses.compare.stability.Stability": "trtlog.report.notebook.answers:stability_html",
        "trtlog.analyses.gate.check.Check": "trtlog.report.notebook.answers:check_html",
        "trtlog.analyses.gate.lock.Lock": "trtlog.report.notebook.answers:lock_html",
        "trtlog.analyses.layer.why.Story": "trtlog.report.notebook.answers:story_html",
        "trtlog.analyses.lint.frame.Findings": "trtlog.report.notebook.answers:findings_frame_html",
        "trtlog.dataset.build.Conversion": "trtlog.report.notebook.dataset:conversion_html",
        "trtlog.dataset.handle.Dataset": "trtlog.report.notebook.dataset:dataset_html",
        "trtlog.runner.folder.RunFolder": "trtlog.report.notebook.runs:folder_html",
        "trtlog.runner.study.Recommendation": "trtlog.report.notebook.runs:recommendation_html",
        "trtlog.runner.study.Sweep": "trtlog.report.notebook.runs:sweep_html",
        "trtlog.report.plots.plots.Plots": "trtlog.report.notebook.log:plots_html",
    },
)
register(
    "terminal",
    {
        "trtlog.analyses.compare.diff.Diff": "trtlog.report.terminal.diff:screen",
        "trtlog.analyses.compare.stability.Stability": "trtlog.report.terminal.stability:screen",
        "trtlog.analyses.gate.check.Check": "trtlog.report.terminal.check:screen",
        "trtlog.analyses.layer.why.Story": "trtlog.report.terminal.why:render",
    },
)
register(
    "markdown",
    {
        "trtlog.analyses.compare.diff.Diff": "trtlog.report.diff_text:to_markdown",
        "trtlog.analyses.compare.stability.Stability": "trtlog.report.terminal.stability:to_markdown",
        "trtlog.analyses.gate.check.Check": "trtlog.report.terminal.check:to_markdown",
    },
)
# The answer in words is part of it, so it is drawn, not only written down.
register("json", {"trtlog.analyses.compare.diff.Diff": "trtlog.report.diff_text:to_json"})
register("plot", {"trtlog.runner.study.Sweep": "trtlog.report.plots.plots:plot_sweep"})
