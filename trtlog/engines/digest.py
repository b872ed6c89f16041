"""A number for the scanner's source: a library that was built of another one is not used.

The build (``.ci/build_scanner.py``) loads this file by itself, before anything that trtlog needs is installed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent


def source_digest(folder: Path = FOLDER) -> int | None:
    """Return a number of 63 bits for the text of the scanner's source, None where it is not there.

    Examples
    --------
    >>> source_digest() == source_digest()
    True
    >>> source_digest(FOLDER / "nowhere") is None
    True
    """
    files = sorted([*folder.glob("scan*.c"), *folder.glob("scan*.h")])
    if not files:
        return None
    text = b"\0".join(path.read_bytes().replace(b"\r\n", b"\n") for path in files)
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
