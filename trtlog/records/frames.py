"""The tables of facts as attributes, for type checkers and completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class TableFrames:
    """Base of what gives each table of facts as a DataFrame by its name.

    Type checkers and editors need the names written out; ``__getattr__`` of the subclass gives the frames. ``runs`` and
    ``performance`` mean something else where there is one log only.
    """

    if TYPE_CHECKING:
        sections: pd.DataFrame
        options: pd.DataFrame
        devices: pd.DataFrame
        onnx_nodes: pd.DataFrame
        passes: pd.DataFrame
        fusions: pd.DataFrame
        registered_layers: pd.DataFrame
        plugins: pd.DataFrame
        timings: pd.DataFrame
        tactics: pd.DataFrame
        tactic_names: pd.DataFrame
        skips: pd.DataFrame
        reformats: pd.DataFrame
        combinations: pd.DataFrame
        memory: pd.DataFrame
        layer_memory: pd.DataFrame
        memory_totals: pd.DataFrame
        phases: pd.DataFrame
        engines: pd.DataFrame
        engine_layers: pd.DataFrame
        profile: pd.DataFrame
        timestamps: pd.DataFrame
        timing_cache: pd.DataFrame
        autotuned_ops: pd.DataFrame
        placements: pd.DataFrame
        facts: pd.DataFrame
        iterations: pd.DataFrame
        iteration_times: pd.DataFrame
        outputs: pd.DataFrame
        messages: pd.DataFrame
        extension_messages: pd.DataFrame
        coverage: pd.DataFrame
