"""Names of files as text that can be printed, kept in tables and written to Parquet."""

from __future__ import annotations

import os


def shown(path: str | os.PathLike[str]) -> str:
    r"""Return a path as text: bytes of a name that are not UTF-8 stand as ``\xNN``.

    Examples
    --------
    >>> shown("logs/a.log"), shown(b"caf\xe9.log".decode("utf-8", "surrogateescape"))
    ('logs/a.log', 'caf\\xe9.log')
    """
    return os.fsdecode(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
