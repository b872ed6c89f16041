"""The records: one frozen dataclass a table, each field with type, unit and meaning."""

# The order of the imports is the order of the tables wherever they are listed: the course of a log.
# isort: off
from collections.abc import Iterator, Mapping
from typing import Any

from trtlog.records.base import Column, Record
from trtlog.records.run import Device, Option, Run, Section
from trtlog.records.graph import Fusion, OnnxNode, Pass, Plugin, RegisteredLayer
from trtlog.records.autotune import Combination, Reformat, Skip, Tactic, TacticName, Timing
from trtlog.records.engine import Engine, EngineLayer, LayerMemory, MemoryEvent, MemoryTotal, Phase, ProfileRow
from trtlog.records.build import AutotunedOp, Fact, Placement, Timestamp, TimingCacheEvent
from trtlog.records.performance import Coverage, ExtensionMessage, Iteration, IterationTime, Message, Output, Statistic
# isort: on

TABLES: dict[str, type[Record]] = Record.registry


class ByTable(Mapping[str, Any]):
    """Something for each table of a log, by the table's name."""

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)


__all__ = [
    "TABLES",
    "AutotunedOp",
    "ByTable",
    "Column",
    "Combination",
    "Coverage",
    "Device",
    "Engine",
    "EngineLayer",
    "ExtensionMessage",
    "Fact",
    "Fusion",
    "Iteration",
    "IterationTime",
    "LayerMemory",
    "MemoryEvent",
    "MemoryTotal",
    "Message",
    "OnnxNode",
    "Option",
    "Output",
    "Pass",
    "Phase",
    "Placement",
    "Plugin",
    "ProfileRow",
    "Record",
    "Reformat",
    "RegisteredLayer",
    "Run",
    "Section",
    "Skip",
    "Statistic",
    "Tactic",
    "TacticName",
    "Timestamp",
    "Timing",
    "TimingCacheEvent",
]
