"""Cut the captures of a long log into segments whose tables, one after the other, are those of the whole log.

A cut falls on the banner of a run, where nothing looks back; or, inside a long run, on a line that begins
the costs of a layer (or a format combination, where no costs are printed), for the tables that look back no
further than that.
"""

from __future__ import annotations

import numpy as np

from trtlog.messages.captures import Captures
from trtlog.tables.blocks import COSTS, FORMATS
from trtlog.tables.bounds import run_bounds
from trtlog.tables.builds import marks_above

_BLOCKS = ("timing_runner", "cached_result", "timing_layer")
_IN_BLOCK = ("tactic", "fastest_tactic", "tactic_name", "chosen_tactic")
_HEADINGS = ("model_options",)
_NODES = ("foreign_node_op", "foreign_node_tactic", "foreign_node_chosen")
# Tables whose rows depend on nothing before a cut inside a run.
SEGMENTED = (
    "timings",
    "tactics",
    "tactic_names",
    "autotuned_ops",
    "skips",
    "combinations",
    "fusions",
    "passes",
    "reformats",
    "layer_memory",
    "iterations",
    "messages",
)


def segmented_kinds(captures: Captures) -> set[str]:
    """Return the kinds of message that the tables of a cut inside a run are made of."""
    messages = captures.grammar.messages
    own = {k for k, m in messages.items() if m.attributes.get("table") in SEGMENTED}
    return own | (set(COSTS + FORMATS + _BLOCKS + _IN_BLOCK + _NODES) & set(messages))


def cut_at_run(captures: Captures) -> int | None:
    """Return the first line of the last run, where another run stands before it."""
    runs = run_bounds(captures)
    return runs[-1].first if len(runs) > 1 else None


def cut_inside_run(captures: Captures) -> int | None:
    """Return the last line at which the autotuner starts anew, or None where there is none.

    Behind it formats, then a runner are printed before anything that belongs to a runner.
    """
    if captures.matches(*_HEADINGS).num_rows > 1:
        return None  # the last banner will tell whether that is another run
    openers, formats = captures.matches(*COSTS).lines, captures.matches(*FORMATS).lines
    if not len(openers):
        openers = formats
    skips = [k for k, m in captures.grammar.messages.items() if m.attributes.get("table") == "skips"]
    ends = np.array([np.iinfo(np.int64).max])
    following = [
        np.concatenate([lines, ends])[np.searchsorted(lines, openers)]
        for lines in (formats, captures.matches(*_BLOCKS).lines, captures.matches(*_IN_BLOCK, *skips).lines)
    ]
    clean = (following[0] < following[1]) & (following[1] < following[2]) & (following[2] < ends[0])
    safe = openers[clean]
    return int(safe[-1]) if len(safe) else None


def split(captures: Captures, line: int, kinds: set[str] | None = None) -> Captures:
    """Move what stands above a line out of the captures.

    Parameters
    ----------
    captures : Captures
        Keeps the lines from ``line`` on, its counts, and, with ``kinds``, all other kinds.
    line : int
        First line that stays.
    kinds : set of str, optional
        The kinds that move; all by default. Banners and the fields of warnings and errors are copied.

    Returns
    -------
    Captures
        The part above the line, without counts.
    """
    marks = marks_above(captures, line)
    above = Captures(captures.grammar, captures.variants, lines=line - 1, producers=dict(captures.producers))
    above.torn = captures.torn
    above.first, above.begun, above.marks, above.marked = captures.first, captures.begun, marks, line
    above.line_map = captures.line_map
    above.alone = captures.alone
    above.remarks, captures.remarks = captures.remarks.above(line), captures.remarks.below(line)
    copied = {"run_started", *(kind for _, _, kind, _, _ in above.remarks.keys)}
    for index in list(captures.columns):
        kind = captures.variants[index].kind
        moves = kinds is None or kind in kinds
        if not moves and kind not in copied:
            continue
        stay = []
        for lines, fields in captures.columns[index]:
            count = int(np.searchsorted(lines, line))
            if count:
                part = lines[:count], [f.slice(0, count) for f in fields]
                above.columns.setdefault(index, []).append(part)
            if count < len(lines):
                stay.append((lines[count:], [f.slice(count) for f in fields]))
        if moves:
            captures.columns[index] = stay
            if not stay:
                del captures.columns[index]
    above.continuations = captures.continuations.above(line)
    if kinds is None:
        captures.alone = above.alone = False
        captures.first, captures.begun, captures.marks, captures.marked = line, False, None, 0
        above.times = [entry for entry in captures.times if entry[0] < line]
        captures.times = captures.times[len(above.times) :]
        above.time_above = captures.time_above
        captures.time_above = above.times[-1][1] if above.times else above.time_above
        above.openings = [entry for entry in captures.openings if entry[0] < line]
        captures.openings = captures.openings[len(above.openings) :]
        captures.continuations = captures.continuations.below(line)
    else:
        captures.begun, captures.marks, captures.marked = True, marks, line
        captures.continuations = captures.continuations.without_records(above.remarks.lines().tolist())
    captures.unknown = captures.unknown.below(captures.lines + 1)
    return above
