"""The former names of the analyses; they go with the next release."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    from trtlog.analyses import handle, registry

    former = {
        "Questions": ("trtlog.analyses.handle.Analyses", handle.Analyses),
        "QUESTIONS": ("trtlog.analyses.registry.METHODS", {n: found.needs for n, found in registry.METHODS.items()}),
    }
    if name not in former:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place, value = former[name]
    warnings.warn(f"trtlog.analyses.questions.{name} is now {place}", DeprecationWarning, stacklevel=2)
    return value
