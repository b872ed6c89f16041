"""The cores of this machine, and who may keep them busy."""

from __future__ import annotations

import os
import sys

from trtlog._util.gc import no_collection

# How long an idle thread of OpenBLAS spins before it sleeps: two to the power of this, in cycles.
_SPINS = "OPENBLAS_THREAD_TIMEOUT"
_HALF_A_MILLISECOND = "20"


def usable_cores() -> int:
    """Return the number of cores that this process may use.

    Examples
    --------
    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_arrays() -> None:
    """Load what holds columns, if it is not loaded.

    Examples
    --------
    >>> load_arrays()
    >>> {"numpy", "pyarrow"} <= set(sys.modules)
    True
    """
    with no_collection():
        load_numpy()
        import pyarrow  # noqa: F401  it is to be loaded here


def load_numpy() -> None:
    """Load numpy, if it is not, so that its threads for algebra sleep where they have nothing to do.

    They are one a core, and spin for some 30 ms each time they run out of work, from the start on: a tenth of a second
    of CPU, on cores that a log could be read on. What the user set stays, and nothing is left in the environment.

    Examples
    --------
    >>> load_numpy()
    >>> "numpy" in sys.modules
    True
    """
    if "numpy" in sys.modules:
        return
    given = os.environ.get(_SPINS)
    os.environ.setdefault(_SPINS, _HALF_A_MILLISECOND)
    try:
        import numpy  # noqa: F401  it is to be loaded here
    finally:
        if given is None:
            os.environ.pop(_SPINS, None)
