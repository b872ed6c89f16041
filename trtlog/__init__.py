"""trtlog: reads what TensorRT's trtexec prints, all of it, and answers what performance engineers ask.

>>> import trtlog
>>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
>>> log.device.name
'NVIDIA H200'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trtlog._util.gc import no_collection
from trtlog._version import __version__
from trtlog.errors import (
    GrammarError,
    InputError,
    MissingExtra,
    NoLogError,
    QueryError,
    RunError,
    SchemaError,
    StrictError,
    TrtlogError,
)

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff, diff
    from trtlog.analyses.compare.ranking import Comparison, compare
    from trtlog.analyses.compare.stability import stability
    from trtlog.analyses.gate.check import check
    from trtlog.analyses.gate.lock import lock
    from trtlog.dataset.build import Conversion, to_dataset
    from trtlog.dataset.handle import Dataset, open_dataset
    from trtlog.log import Log
    from trtlog.parquet.files import read_parquet
    from trtlog.read import parse
    from trtlog.runner.launch import open_run, run
    from trtlog.runner.sweep import open_sweep, sweep

# Loaded when first used: importing trtlog loads neither pandas nor pyarrow nor lark.
_LAZY = {
    "Comparison": "trtlog.analyses.compare.ranking",
    "Conversion": "trtlog.dataset.build",
    "Dataset": "trtlog.dataset.handle",
    "Diff": "trtlog.analyses.compare.diff",
    "Log": "trtlog.log",
    "check": "trtlog.analyses.gate.check",
    "compare": "trtlog.analyses.compare.ranking",
    "diff": "trtlog.analyses.compare.diff",
    "lock": "trtlog.analyses.gate.lock",
    "open_dataset": "trtlog.dataset.handle",
    "open_run": "trtlog.runner.launch",
    "open_sweep": "trtlog.runner.sweep",
    "parse": "trtlog.read",
    "read_parquet": "trtlog.parquet.files",
    "run": "trtlog.runner.launch",
    "stability": "trtlog.analyses.compare.stability",
    "sweep": "trtlog.runner.sweep",
    "to_dataset": "trtlog.dataset.build",
}

__all__ = [
    "Comparison",
    "Conversion",
    "Dataset",
    "Diff",
    "GrammarError",
    "InputError",
    "Log",
    "MissingExtra",
    "NoLogError",
    "QueryError",
    "RunError",
    "SchemaError",
    "StrictError",
    "TrtlogError",
    "__version__",
    "check",
    "compare",
    "diff",
    "lock",
    "open_dataset",
    "open_run",
    "open_sweep",
    "parse",
    "read_parquet",
    "run",
    "stability",
    "sweep",
    "to_dataset",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name == "testing":
        return importlib.import_module("trtlog.testing")
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'trtlog' has no attribute {name!r}")
    with no_collection():
        value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
