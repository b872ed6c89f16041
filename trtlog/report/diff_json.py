"""A diff as JSON, its answer in sentences included; secrets in command lines are redacted."""

from __future__ import annotations

import json
from typing import Any

from trtlog._util.redact import redact_json
from trtlog.analyses.compare.diff import Diff
from trtlog.report.documents.diff import headline
from trtlog.report.sentences import plain


def to_json(diff: Diff, *, unchanged: bool = False) -> str:
    """Return the diff as JSON, one key a table; null where a log does not tell."""
    from trtlog.analyses.compare.diff import SCHEMA

    tables = {}
    for name in diff.tables:
        if name == "candidates" and not unchanged:
            continue
        rows = diff.rows(name)
        tables[name] = rows if unchanged else [row for row in rows if row.get("category") != "unchanged"]
    alignment = diff.alignment
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "control": _side(diff.control),
        "test": _side(diff.test),
        "notes": list(diff.notes),
        "headline": [plain(line) for point in headline(diff) for line in (point.words, *point.under)],
        "engines": {"differ": diff.engines.differ, "evidence": list(diff.engines.evidence)},
        "same_model": None if alignment is None else alignment.same_model,
        "machine": {
            "common_tactics": diff.machine.common,
            "shift_percent": diff.machine.shift_percent,
            "noise_percent": diff.machine.noise_percent,
        },
        "layer_time_source": diff.layer_time_source,
        "samples_per_inference": list(diff.work.scale),
        "tables": tables,
    }
    return json.dumps(redact_json(document), indent=2, ensure_ascii=False) + "\n"


def _side(side: Any) -> dict[str, Any]:
    return {"source": side.source, "tensorrt_version": side.version, "status": side.status}
