"""The story of a layer in sentences: what it is, what the engine runs, what else there was, what a conversion costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trtlog._util.words import counted
from trtlog.analyses.layer.base import copied_for
from trtlog.values.kernels import decode_kernel

if TYPE_CHECKING:
    from trtlog.analyses.handle import Analyses
    from trtlog.analyses.layer.why import Story

# So many formats of a foreign node are named.
_TOP = 5

FORCED_WORDS = {
    "network_io": "the formats of the network's inputs and outputs (--inputIOFormats, --outputIOFormats) force it",
    "consumer": "the layer behind it has no tactic for the format before",
    "producer": "the layer before it has no tactic for the format after",
    "cost": "both sides could do without it; the layer is faster behind it",
    "elimination": "a concatenation or slice that could not be eliminated left it",
    "network": "it is an operation of the network itself",
    "unknown": "who forces it the log does not tell",
}


def formats_in_words(row: Mapping[str, Any]) -> str:
    """Return the formats of a timed tactic: a layer may have no inputs; of a block of an excerpt none may be told.

    Examples
    --------
    >>> formats_in_words({"input_layout": None, "output_layout": "FP32"})
    'none -> FP32'
    >>> formats_in_words({"input_layout": None, "output_layout": None})
    'not in the log'
    """
    if row["input_layout"] is None and row["output_layout"] is None:
        return "not in the log"
    return f"{row['input_layout'] or 'none'} -> {row['output_layout'] or 'none'}"


def _conversion(story: Story) -> list[str]:
    """Say what a layer that converts is there for, what it costs, and what would come of it if it vanished."""
    row = story.own_conversion
    if row is None:
        target = copied_for(story.layer)
        return [f"This layer only converts the format of a tensor for {target}."] if target is not None else []
    change = f"{row['before']} to {row['after']}" if row["before"] and row["after"] else "one format to another"
    whose = "" if row["layer"] == story.layer else f", for {row['layer']}"
    out = [
        f"This layer only converts {row['tensor']} from {change}{whose}; "
        f"{FORCED_WORDS.get(row['forced_by'], FORCED_WORDS['unknown'])}."
    ]
    cost = row["profile_ms"] if row["profile_ms"] is not None else row["timed_ms"]
    if cost is None:
        out.append("What it costs the log does not tell: --dumpProfile prints it.")
        return out
    share = f", {row['percent']:.3g} % of the profile" if row["percent"] is not None else ""
    source = "in the profile" if row["profile_ms"] is not None else "as timed by the builder"
    whose = f", the timing of {row['timed_as']}" if row["timed_as"] and row["profile_ms"] is None else ""
    out.append(f"It costs {_ms(cost)} {source}{whose}{share}.")
    if row["gain_ms"] is not None:
        verb = "gains" if row["gain_ms"] > cost else "gains only"
        rest = "" if row["gain_ms"] > cost else ", less than the conversion costs: other layers gain by the format too"
        out.append(
            f"Without it {row['layer']} would run in {row['before']}: behind the conversion it {verb} "
            f"{_ms(row['gain_ms'])} by its own timings{rest}."
        )
    elif row["forced_by"] == "network_io":
        wanted = row["after"] if row["side"] == "input" else row["before"]
        verb = "gave" if row["side"] == "input" else "took"
        out.append(f"If the caller {verb} {wanted or 'the other format'} itself, it would vanish.")
    elif row["forced_by"] in ("consumer", "producer"):
        out.append("It vanishes only if that layer gets a tactic for the format, or its neighbour changes its own.")
    if row["round_trip"]:
        out.append(f"{row['round_trip_of']} stands alone in its format: its output is converted back.")
    return out


def verdict(story: Story) -> list[str]:
    """Return what the log tells of a layer, in sentences."""
    out = []
    converts = story.own_conversion is not None or (copied_for(story.layer) is not None and story.type != "NoOp")
    if converts:
        out += _conversion(story)
    elif story.type is not None and "plugin" in story.type.lower():
        out.append("This layer is a plugin: TensorRT times it in the formats that it offers, and cannot look inside.")
    elif "ForeignNode[" in story.layer:
        out.append(
            "This layer is a foreign node: a part of the network that another compiler (Myelin) compiles as one; what "
            "is timed is the whole, for each combination of formats at its borders."
        )
    elif story.type == "Constant":
        out.append("This layer holds weights or constants; there was nothing to choose.")
    elif story.type == "NoOp":
        out.append("This layer does nothing at run time: it only gives a tensor another shape or name.")
    if story.winner is not None:
        out += _choice(story)
    elif story.candidates and story.type == "NoOp":
        many = counted(story.candidates, "tactic was", "tactics were")
        out.append(f"{many} timed for it before it turned into nothing; the engine runs none of them.")
    elif story.candidates:
        tactic = None if story.engine is None else story.engine["tactic"]
        used = "which one the engine uses is not in the log"
        if tactic is not None:
            used = f"the engine uses {tactic}, whose timing in its formats is not in the log"
        out.append(
            f"{counted(story.candidates, 'tactic was', 'tactics were')} timed, the fastest "
            f"{_ms(story.top[0]['time_ms'])}; {used}."
        )
    if len(story.by_format) > 1 and not converts:
        best = "; ".join(
            f"{formats_in_words(row)} {_ms(row['best_ms'])}"
            for row in story.by_format[:_TOP]
        )
        out.append(f"Its best times by formats: {best}.")
    if story.untimed is not None and story.untimed.reason in ("error", "no_valid_tactics", "cut"):
        out.append(f"{story.untimed.text} [line {story.untimed.line}]")
    if story.passed_over is not None:
        out.append(_passed_over(story.passed_over, story))
    return out


def _choice(story: Story) -> list[str]:
    winner, second = story.winner, story.second
    assert winner is not None  # the caller asked
    name = winner["kernel"] or f"tactic {winner['tactic']}"
    first = f"The engine runs {name} ({winner['runner']}, {winner['precision'] or 'precision not known'})"
    first += f" at {_ms(winner['time_ms'])}, as timed by the builder"
    if story.selection == "same_shape":
        first += (
            f" for {story.timed_layer}, a layer of the same type, tactic, shapes and formats: "
            f"this layer itself was not timed, the timing cache had the result"
        )
    elif story.selection == "ambiguous":
        first += " (the engine's lines fit several combinations of formats; this is the fastest)"
    out = [first + "."]
    if winner["kernel"]:
        out.append(f"The kernel by its name: {decode_kernel(winner['kernel']).describe()}.")
    if story.shortened:
        out.append("Lines of its timing were left out of the log, which does not tell what came second.")
        return out
    if second is None:
        out.append("In its formats no other tactic was timed: there was no choice but to change formats.")
        return out
    margin = 100 * (second["time_ms"] / winner["time_ms"] - 1)
    rival = _rival(winner, second)
    lead = f"In the same formats the next one, {rival}, is {margin:.1f} % slower"
    noise = story.noise_percent or 0.0
    source = "what equally fast tactics of that length differ by"
    if margin < 0:
        out.append(f"In the same formats {rival} was {-margin:.1f} % faster, yet not taken.")
    elif margin <= noise:
        matter = ", and it hardly matters" if margin < 3 else ""
        out.append(f"{lead}, within the noise of {noise:.1f} % ({source}): another build may choose it{matter}.")
    elif story.at_risk:
        out.append(f"{lead}, little beyond the noise of {noise:.1f} % ({source}): another build may choose otherwise.")
    else:
        out.append(f"{lead}, beyond the noise of {noise:.1f} % ({source}): the choice is clear.")
    return out


def _rival(winner: dict[str, Any], second: dict[str, Any]) -> str:
    """Return what to call the next best: one kernel may be timed as several tactics, and by several runners."""
    if second["kernel"] is None or second["kernel"] != winner["kernel"]:
        return str(second["kernel"] or second["tactic"])
    if second["tactic"] != winner["tactic"]:
        return f"the same kernel as tactic {second['tactic']}"
    return f"the same tactic by {second['runner']}"


def _passed_over(found: dict[str, Any], story: Story) -> str:
    words = (
        f"In other formats ({found['best_formats']}) it could run in {_ms(found['best_ms'])} instead of "
        f"{_ms(found['used_ms'])}, {_ms(found['gap_ms'])} less."
    )
    if found["verdict"] == "reformat_costs_more":
        return (
            f"{words} For this layer alone that does not pay: converting from and to the formats of its neighbours "
            f"costs {_ms(found['reformat_ms'])}. {_moving_along(story)}"
        )
    if found["verdict"] == "reformat_costs_less":
        return (
            f"{words} Even with the conversions, timed at {_ms(found['reformat_ms'])}, this would be faster; "
            f"the builder weighs the whole network and chose otherwise."
        )
    return f"{words} The conversions this needs were not timed, so whether it pays does not follow from this log."


def _moving_along(story: Story) -> str:
    """Say whose formats would have to change with the layer's: of neighbours, where there are any."""
    if not story.neighbours:
        return "It could pay if the neighbours moved along."
    before, after = (story.neighbours.get(side, ()) for side in ("before", "after"))
    names = [*before[:2], *after[:2]]
    unlisted = story.neighbours.get("unlisted", ())
    border = [
        words
        for name, side, words in (("before", before, "its input is the network's own (--inputIOFormats)"),
                                  ("after", after, "its output is the network's own (--outputIOFormats)"))
        if not side and name not in unlisted
    ]  # fmt: skip
    if not names and unlisted:
        return "The log does not list its neighbours."
    if not names:
        return "It has no neighbours: its formats are the network's own (--inputIOFormats, --outputIOFormats)."
    moved = f"It could pay if {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))} moved along"
    return f"{moved}; {', '.join(border)}." if border else f"{moved}."


def _ms(value: float) -> str:
    return f"{value:.6g} ms"


def missing(ask: Analyses, story: Story) -> list[str]:
    """Return what the log does not show of a layer, and how to get it."""
    out = []
    if not story.candidates and story.type not in ("Constant", "NoOp") and copied_for(story.layer) is None:
        advice = ask.missing("candidates")
        if advice and (story.untimed is None or story.untimed.reason != "cached"):
            out.append(advice)
        elif story.untimed is not None and story.untimed.reason in ("cached", "unknown"):
            line = f" [line {story.untimed.line}]" if story.untimed.line is not None else ""
            out.append(f"{story.untimed.text}{line}")
    if story.engine is None:
        advice = ask.missing("passed_over")
        if advice:
            told = ask.missing("candidates")  # it says that of the tactics too, where there are none
            out = [*(text for text in out if text != told), advice]
    if story.profile is None and not story.profile_layers:
        advice = ask.missing("reformat_shares")
        if advice:
            out.append(advice)
    return list(dict.fromkeys(out))
