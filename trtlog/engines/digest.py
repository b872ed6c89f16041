"""A number for the scanner's source: a library that was built of another one is not used.

The build (``.ci/build_scanner.py``) loads this file by itself, before anything that trtlog needs is installed.
"""

from __future__ import annotations

import zlib
from pathlib import Path

FOLDER = Path(__file__).parent


def source_digest(folder: Path = FOLDER) -> int | None:
    """Return a number for the text of the scanner's source, its length and checksum; None where it is not there.

    Examples
    --------
    >>> source_digest() == source_digest()
    True
    >>> source_digest(FOLDER / "nowhere") is None
    True
    """
    files = sorted(folder.glob("scan*.[ch]"))
    if not files:
        return None
    text = b"\0".join(path.read_bytes().replace(b"\r\n", b"\n") for path in files)
    return len(text) << 32 | zlib.crc32(text)
