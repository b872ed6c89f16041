"""What was fused, pass by pass, and what was tried without effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, alike, from_numpy, to_numpy
from trtlog._util.rows import AT_ONCE, listed
from trtlog.analyses.layer.base import answer
from trtlog.records.base import Record, column, line_column, record, run_column
from trtlog.tables.cells import codes_of, encoded, one_array


@record(frozen=True)
class WaterfallStep(Record):
    """A pass of the graph optimizer, with what it did to the number of layers."""

    run: int = run_column()
    name: str = column("name", "name of the pass")
    layers: int = column("int64", "number of layers after it")
    change: int | None = column("int64", "change from the pass before; null for the first")
    rewrites: int = column("int64", "rewrites printed since the pass before, attempts not counted")
    line: int = line_column("the count")

    sql = """
        with placed as (
            select run, name, layers, line, row_number() over () as place from kept_passes
        ), steps as (
            select *, lag(layers) over before as layers_before, coalesce(lag(line) over before, 0) as line_before
            from placed window before as (partition by run order by place)
        ), rewrites as (
            select run, line from kept_fusions where action <> 'attempt'
        )
        select s.run, s.name, s.layers, s.layers - s.layers_before as change, count(r.line) as rewrites, s.line
        from steps s left join rewrites r on r.run = s.run and r.line > s.line_before and r.line < s.line
        group by s.run, s.name, s.layers, s.layers_before, s.line, s.place
        order by s.place
    """


@record(frozen=True)
class RuleUse(Record):
    """How often a rewrite was tried, and to what effect; the most applied first."""

    run: int = run_column()
    rule: str | None = column("name", "name of the rewrite; null where the log names none")
    tried: int = column("int64", "'Running: RULE on LAYER' lines")
    applied: int = column("int64", "attempts followed by a rewrite, and rewrites printed without an attempt")
    outcome: str = column(
        "name", "applied; partly; silent: this rule prints no outcome anywhere in the log, so its outcome is not known"
    )

    sql = """
        with tried as (
            select run, rule, count(*) as tried, count(*) filter (outcome = 'applied') as applied,
                bool_or(outcome = 'silent') as silent, 0 as untried, min(line) as first
            from fusion_attempts group by run, rule
        ), untried as (
            select run, rule, 0 as tried, count(*) as applied, false as silent, 1 as untried, min(line) as first
            from kept_fusions anti join tried using (run, rule)
            where action <> 'attempt' and rule is not null group by run, rule
        )
        select run, rule, tried, applied,
            case when silent then 'silent' when applied >= tried then 'applied' else 'partly' end as outcome
        from (from tried union all from untried)
        order by run, applied desc, tried desc, untried, first
    """


@record(frozen=True)
class Attempt(Record):
    """A rewrite that was tried on a layer."""

    run: int = run_column()
    rule: str | None = column("name", "name of the rewrite")
    layer: str = column("name", "layer it was tried on")
    result: str | None = column("text", "what the log prints below it; null for nothing")
    outcome: str = column("name", "applied; not_applied; silent: the rule prints no outcome in this log")
    line: int = line_column("the attempt")


def attempts(fusions: pa.Table, passes: pa.Table) -> pa.Table:
    """List all attempts with what came of them.

    An attempt has effect where a rewrite is printed between it and the next attempt or pass. Rules that
    never print an effect in the whole log are silent: for them nothing can be said.
    """
    size = fusions.num_rows
    if not size:
        return answer(Attempt, [])
    runs, lines = (
        np.concatenate([to_numpy(one_array(table.column(name))) for table in (fusions, passes)])
        for name in ("run", "line")
    )
    actions = encoded(one_array(fusions.column("action")))
    is_attempt = np.array([name == "attempt" for name in actions.dictionary.to_pylist()])[codes_of(actions)]
    # Rewrites, attempts among them, and passes as they follow one another; a pass is no row of the fusions.
    order = np.lexsort((lines, runs))
    row = np.where(order < size, order, -1)
    rewrites = (row >= 0) & ~is_attempt[row]
    tried = (row >= 0) & is_attempt[row]
    found = row[tried]
    # What is printed right below an attempt came of it.
    result = np.where(np.append(rewrites[1:], False), np.append(row[1:], -1), -1)[tried]
    _, rules = alike([runs[found], codes_of(encoded(one_array(fusions.column("rule"))))[found]])
    loud = np.zeros(len(found), bool)
    loud[rules[result >= 0]] = True
    return answer(Attempt, _attempts(fusions, found, result, loud[rules]))


def _attempts(fusions: pa.Table, found: Array, result: Array, loud: Array) -> Iterator[dict[str, Any]]:
    """Make the rows of attempts, some at a time."""
    for start in range(0, len(found), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        own = listed(fusions.select(["run", "rule", "layer", "line"]).take(from_numpy(found[part])))
        below = iter(listed(fusions.take(from_numpy(result[part][result[part] >= 0]))))
        for row, printed, says in zip(own, result[part].tolist(), loud[part].tolist(), strict=True):
            words = describe(next(below)) if printed >= 0 else None
            outcome = "applied" if words else ("not_applied" if says else "silent")
            yield {**row, "result": words, "outcome": outcome}


def describe(event: dict[str, Any]) -> str:
    """Say in words what a rewrite did.

    Examples
    --------
    >>> event = {"layer": "Add_1", "other": "Q_2", "from_type": None, "to_type": None, "rule": None}
    >>> [describe(event | {"action": action}) for action in ("swap", "fuse_into", "push_down")]
    ['Add_1 and Q_2 changed places', 'Add_1 fused into Q_2', 'Add_1 pushed behind Q_2']
    >>> describe(event | {"action": "convert", "other": None, "from_type": "REDUCE", "to_type": "POOLING"})
    'Add_1: REDUCE became POOLING'
    """
    action, layer, other = event["action"], event["layer"], event["other"]
    if event["from_type"] is not None and event["to_type"] is not None:
        return f"{layer}: {event['from_type']} became {event['to_type']}"
    if other is not None and action in _WORDS:
        return _WORDS[action].format(layer, other)
    if action == "remove":
        return f"removed {layer}" + (f", which duplicates {other}" if other is not None else "")
    if action == "replace":
        return f"{layer} became a copy"
    return f"{action.replace('_', ' ')} {layer}"


_WORDS = {
    "fuse": "fused {} with {}",
    "fuse_into": "{} fused into {}",
    "swap": "{} and {} changed places",
    "push_down": "{} pushed behind {}",
    "transpose": "dimensions of {} transposed, {} do nothing any more",
}
