"""A fuzz target for atheris: ``pip install atheris && python tests/fuzz/fuzz_parse.py fixtures/``.

Coverage leads it where chance does not; what it checks is what ``python -m tests.fuzz`` checks of each input.
"""

from __future__ import annotations

import sys
from random import Random


def check(data: bytes) -> None:
    """Read in C and in Python, and build every table."""
    from tests.fuzz import checks

    checks.read(data, Random(len(data)))


def main() -> None:
    """Run until stopped."""
    import atheris

    with atheris.instrument_imports(include=["trtlog"]):
        import trtlog.read  # noqa: F401  # instrumented on import
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
