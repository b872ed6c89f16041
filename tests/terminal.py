"""The near end of a pseudo-terminal on which a test runs a program."""

from __future__ import annotations

import os


def read_to_the_end(descriptor: int) -> bytes:
    """Return all that is printed until the other end is closed; close this one."""
    printed = bytearray()
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        printed += piece
    os.close(descriptor)
    return bytes(printed)
