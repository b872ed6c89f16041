"""Conversions between formats, and constants that are copied at each inference."""

from __future__ import annotations

from collections.abc import Iterable

from trtlog._util.rows import table_rows
from trtlog._util.words import counted, plural
from trtlog.analyses.layer.conversions import conversions, copies_of_constants
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import is_conversion
from trtlog.analyses.layer.profile import dla_copies, kept_profile, shown_percent
from trtlog.analyses.lint.registry import Hit, good, rule
from trtlog.log import Log

_SHARE_PERCENT = 5.0


def _shares(log: Log) -> dict[str, dict[str, float]]:
    return {row["group"]: row for row in table_rows(log.analyze.table("reformat_shares"))}


@rule(
    "reformat-share",
    severity="warning",
    confidence="high",
    why="Conversions between formats move memory and compute nothing.",
    action="See 'trtlog reformats LOG' for who forces each. At inputs and outputs: --inputIOFormats and "
    "--outputIOFormats as the neighbouring layers want them. Inside: one data type for neighbouring layers; layers "
    "without a kernel in the common format (often depthwise or grouped convolutions, plugins) force a pair each.",
)
def reformat_share(log: Log) -> Iterable[Hit]:
    """Conversions that take more than 5 % of the profile."""
    profile = kept_profile(log).rows
    if not profile:
        return
    found = _shares(log).get("format conversion")
    layers = layers_of(log)
    lines = [one.profile["line"] for one in conversions(layers) if one.profile]
    # Without engine layers the rows of the profile are told by their names.
    lines += [row["line"] for row in layers.only_profiled if is_conversion(row["layer"], None)]
    whole = shown_percent(profile) is None  # of an excerpt the other rows may be conversions
    if found is None:
        # Beside a DLA conversions are there, but their times are of the wait for it.
        if whole and not dla_copies(profile):
            yield good("No conversion between formats shows in the profile.")
        return
    words = (
        f"{counted(int(found['layers']), 'conversion takes', 'conversions take')} {found['percent']:.1f} % "
        f"of the profile ({found['time_ms']:.4g} ms an inference){'' if whole else '; rows of it were left out'}."
    )
    yield Hit(words, lines) if found["percent"] > _SHARE_PERCENT else good(words, lines)


@rule(
    "reformat-round-trip",
    severity="advice",
    confidence="high",
    why="A layer whose input is converted and whose output is converted back stands alone in its format: it costs "
    "two copies.",
    action="See 'trtlog why LAYER LOG'. If it has no kernel in the neighbours' format, change the layer (channels, "
    "groups); if it has, force the neighbours' type for it.",
)
def round_trips(log: Log) -> Iterable[Hit]:
    """Layers between two conversions that undo each other."""
    found = [r for r in table_rows(log.analyze.table("reformats")) if r["round_trip"]]
    if found:
        before, after = found[0]["before"], found[0]["after"]
        # Of formats in dimensions alone the log tells the data type, not the layout.
        change = f"{before} to {after}" if before != after else f"{after} to another layout of it"
        yield Hit(
            f"{counted(len(found), 'layer stands alone in its', 'layers stand alone in their')} format, "
            f"{plural(len(found), 'namely', 'for example')} {found[0]['round_trip_of']}: {change} "
            "and back.",
            [r["line"] for r in found],
            layers=tuple(r["round_trip_of"] for r in found),
        )


@rule(
    "constant-copies",
    severity="warning",
    confidence="high",
    why="The engine copies weights that never change at each inference: exporters write Identity nodes for weights "
    "that are shared, and TensorRT keeps the copies.",
    action="Fold constants before the build: polygraphy surgeon sanitize --fold-constants, or onnxsim; or export "
    "without sharing equal initializers.",
)
def constant_copies(log: Log) -> Iterable[Hit]:
    """Layers that copy constants at each inference."""
    found = _shares(log).get("constant copy")
    copies = copies_of_constants(layers_of(log))
    if found is not None:
        share = f", {found['percent']:.1f} % of the profile ({found['time_ms']:.4g} ms an inference)"
        severity = "warning" if found["percent"] > _SHARE_PERCENT else "advice"
    elif len(copies) > 5:
        share, severity = "", "advice"
    else:
        return
    names = tuple(x.layer for x in copies)
    yield Hit(
        f"{counted(len(copies), 'layer copies', 'layers copy')} constants at each inference{share}, "
        f"{plural(max(1, len(names) - 2), 'namely', 'for example')} {', '.join(names[:3])}.",
        [x.line for x in copies[:10]],
        severity=severity,
        layers=names,
    )
