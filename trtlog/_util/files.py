"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from trtlog.errors import InputError


def write_whole(path: str | os.PathLike[str], pieces: Iterable[str] | bytes) -> None:
    """Write texts, or bytes, to a file so that it is never half written: beside it, then put in its place.

    What is no plain file (``/dev/stdout``, a pipe, ``/dev/full``) is written to as it is, never replaced. A link is
    followed.

    Raises
    ------
    InputError
        The file cannot be written; a file that was there before stays as it was.
    """
    encoded: Iterable[bytes] = [pieces] if isinstance(pieces, bytes) else (piece.encode() for piece in pieces)
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            with open(target, "wb") as device:
                device.writelines(encoded)
            return
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:50]}.", delete=False) as file:
            try:
                file.writelines(encoded)
                file.flush()
                os.chmod(file.name, 0o666 & ~_umask())
                os.replace(file.name, target)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
