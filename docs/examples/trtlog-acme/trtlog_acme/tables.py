"""Tables about the Acme attention plug-in."""

from __future__ import annotations

import json

import pyarrow as pa

from trtlog.analyses.layer.base import answer
from trtlog.analyses.registry import Analysis
from trtlog.records.base import Record, column, line_column, record, run_column


@record(frozen=True)
class AcmeLayer(Record):
    """An attention layer and the tile that the plug-in chose for it."""

    run: int = run_column()
    line: int = line_column("the choice")
    layer: str = column("name", "name of the layer")
    tile: str | None = column("name", "tile, rows by columns; null where the layer fell back to two passes")
    tokens: int = column("int64", "tokens of the longest sequence")
    time_ms: float | None = column("float64", "time that the plug-in measured", "ms")


def acme_layers(extension_messages: pa.Table) -> pa.Table:
    """Return a row for each choice that the plug-in printed."""
    rows = []
    for row in extension_messages.to_pylist():
        if row["package"] == "trtlog_acme":
            fields = json.loads(row["fields"])
            rows.append(
                {
                    "run": row["run"],
                    "line": row["line"],
                    "layer": fields["layer"],
                    "tile": fields.get("acme_tile"),
                    "tokens": fields["acme_tokens"],
                    "time_ms": fields.get("time_ms"),
                }
            )
    return answer(AcmeLayer, rows)


ANALYSES = [
    Analysis(
        table="acme_layers",
        function="trtlog_acme.tables:acme_layers",
        record="AcmeLayer",
        takes=("extension_messages",),
        needs=("extension_messages",),
        about="Attention layers with the tile that the Acme plug-in chose.",
    )
]
