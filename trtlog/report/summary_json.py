"""A summary as JSON: the figures of the first screen by their names; secrets are redacted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from trtlog._util.finite import finite
from trtlog._util.redact import redact_json
from trtlog._util.rows import table_rows
from trtlog.analyses.build.builds import which_build
from trtlog.analyses.build.memory import memory_totals, weights_in_words
from trtlog.analyses.build.overview import bound_by, ending, precision_of, remarks, slowest
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.programs import model_of
from trtlog.log import Log

SCHEMA = "trtlog.summary/1"
_RUN = ("run", "tool", "tensorrt_version", "build", "command", "status", "plan_version")


def to_json(runs: Sequence[Log]) -> str:
    """Return the summary of a run as a JSON object, those of several as a list; null where a log does not say.

    Examples
    --------
    >>> import json, trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> found = json.loads(to_json([log]))
    >>> found["run"]["status"], found["gpu"]["name"], found["counts"]["tactics"]
    ('passed', 'NVIDIA H200', 3692)
    """
    found = [summary(run) for run in runs]
    made = found[0] if len(found) == 1 else found
    return json.dumps(redact_json(made), indent=2, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def summary(log: Log) -> dict[str, Any]:
    """Return the summary of one run."""
    run, device = log.run, log.device
    coverage = table_rows(log.table("coverage"))
    found = slowest(log)
    return {
        "schema": SCHEMA,
        "source": log.source,
        "run": {
            **{name: getattr(run, name) for name in _RUN},
            "started_at": run.started_at.isoformat() if run.started_at else None,
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        },
        "ended": ending(log),
        "model": model_of(log),
        "input_shapes": [shape for shape in log.inference.input_shapes or [] if shape != "model"],
        "gpu": None
        if device is None
        else {name: getattr(device, name) for name in ("name", "compute_capability", "memory_mib", "sms")},
        "precision": precision_of(log),
        "performance": _rows(log, "performance", ("metric", "stat", "value", "unit", "line")),
        "bound_by": bound_by(log),
        "phases": _rows(log, "phases", ("name", "seconds", "line", "engine")),
        "engines": _rows(log, "engines", ("engine", "build", "origin", "strategy", "kept", "seconds", "size_mib")),
        "layers_are_of": which_build(log),
        "passes": [{"name": row["name"], "layers": row["layers"]} for row in layers_of(log).rows("passes").to_pylist()],
        "memory_bytes": dict(memory_totals(layers_of(log)).items()),
        "weights": weights_in_words(log),
        "slowest_layers": None
        if found is None
        else {"what": found.title, "layers": [asdict(layer) for layer in found.layers]},
        "messages": [asdict(remark) | {"lines": list(remark.lines)} for remark in remarks(log)],
        "counts": {
            "tactics": log.table("tactics").num_rows,
            "engine_layers": layers_of(log).rows("engine_layers").num_rows,
            "lines": sum(row["lines"] for row in coverage),
            "unknown_lines": sum(row["lines"] for row in coverage if row["kind"] == "unknown"),
        },
    }


def _rows(log: Log, table: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows of a table; what is no number of JSON stands as text."""
    rows = table_rows(log.table(table).select(list(names)))
    return [finite(row) for row in rows]
