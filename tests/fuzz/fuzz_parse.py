"""A fuzz target for atheris: ``pip install atheris && python tests/fuzz/fuzz_parse.py fixtures/``.

Anything but a Log or an error of trtlog's own is a finding; so is an account that does not add up.
"""

from __future__ import annotations

import sys


def check(data: bytes) -> None:
    """Parse and look at everything once."""
    import trtlog
    from trtlog.errors import TrtlogError

    try:
        log = trtlog.parse(data, engine="line")
    except TrtlogError:
        return
    for name in log.tables:
        log.table(name)
    assert log.coverage.bytes.sum() > 0


def main() -> None:
    """Run until stopped."""
    import atheris

    with atheris.instrument_imports(include=["trtlog"]):
        import trtlog.read  # noqa: F401  # instrumented on import
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
