"""Numbers that lines print and no table of their own holds are rows of the table facts."""

from __future__ import annotations

import re
from pathlib import Path

import trtlog
from trtlog import grammar
from trtlog.tables import facts

TABLES_FOLDER = Path(facts.__file__).parent

LOG = b"""\
[V] [TRT] /conv1/Conv: 32 available tactics, 0 unparsable, 16 pruned, 16 remaining after tactic pruning.
[V] [TRT] Total number of blocks in pre-optimized block assignment: 58
[V] [TRT] Total number of blocks in optimized block assignment: 50
[V] [TRT] Layer: conv1 Host Persistent: 4592 Device Persistent: 0 Scratch Memory: 0
[I] [TRT] [BlockAssignment] Algorithm ShiftNTopDown took 10.2071ms to assign 9 blocks to 164 nodes requiring 88 bytes.
"""


def test_numbers_without_a_table():
    rows = trtlog.parse(LOG).facts
    assert rows[["line", "kind", "wording", "field", "value", "unit", "subject"]].fillna("").values.tolist() == [
        [1, "tactics_pruned", "line", "count", 32, "", "/conv1/Conv"],
        [1, "tactics_pruned", "line", "unparsable", 0, "", "/conv1/Conv"],
        [1, "tactics_pruned", "line", "pruned", 16, "", "/conv1/Conv"],
        [1, "tactics_pruned", "line", "remaining", 16, "", "/conv1/Conv"],
        [2, "block_count", "before", "count", 58, "", ""],
        [3, "block_count", "after", "count", 50, "", ""],
        # Line 4 is a row of layer_memory.
        [5, "blocks_assigned", "line", "time_ms", 10.2071, "ms", "ShiftNTopDown"],
        [5, "blocks_assigned", "line", "blocks", 9, "", "ShiftNTopDown"],
        [5, "blocks_assigned", "line", "nodes", 164, "", "ShiftNTopDown"],
        [5, "blocks_assigned", "line", "bytes", 88, "bytes", "ShiftNTopDown"],
    ]


def test_kinds_that_builders_read_are_not_listed_again():
    """A kind that a builder names and that has numbers is in HELD, and what is in HELD is named by a builder."""
    source = "".join(p.read_text(encoding="utf-8") for p in TABLES_FOLDER.glob("*.py") if p.name != "facts.py")
    rules = grammar.load()
    named = {kind for kind in re.findall(r'"([a-z_0-9]+)"', source) if kind in rules.messages}
    own = {kind for kind in named if "table" not in rules.messages[kind].attributes}
    numbers = {
        variant.kind
        for kind in own
        for variant in rules.messages[kind].variants
        if any(rules.fields[name].type in ("int", "float") for name in variant.fields)
    }
    assert numbers <= facts.HELD
    assert own >= facts.HELD
