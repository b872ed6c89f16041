"""What JSON can hold: it knows no inf and no nan, and a log may print both."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any, *, as_text: bool = True) -> Any:
    """Return a value with its infinite numbers and those that are none as text, else as None.

    Examples
    --------
    >>> finite({"ms": [1.5, float("nan")]}), finite(float("inf"), as_text=False)
    ({'ms': [1.5, 'nan']}, None)
    """
    if isinstance(value, dict):
        return {key: finite(inner, as_text=as_text) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner, as_text=as_text) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value) if as_text else None
    return value
