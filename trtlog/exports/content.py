"""Exports by what they hold, where no name says so: standard input, open files, bytes, files of any name."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from trtlog._util.expression import expression
from trtlog.errors import InputError
from trtlog.exports.documents import Export, parse_exports
from trtlog.source.decode import decompressed, to_utf8, whole_text

_HEAD_BYTES = 4096
_BEGINS = expression(rb'\s*(?:\{\s*"|\[\s*\{\s*")')
# A log in JSON, as containers write it: one object a line.
_LINES = expression(rb"\s*\{[^\n]*\}[ \t\r]*\n\s*\{")


def begins_as_export(head: bytes) -> bool:
    r"""Return whether bytes, compressed or not, begin as an exported JSON file does.

    Examples
    --------
    >>> begins_as_export(b'{"Layers": ['), begins_as_export(b'[\n  { "count" : 10 }\n')
    (True, True)
    >>> begins_as_export(b'{"log": "[I] a"}\n{"log": "[I] b"}\n'), begins_as_export(b"[11/22/2026-13:22:03] [I] a\n")
    (False, False)
    """
    text = b"".join(to_utf8(decompressed(iter([head]), "", []), "", [])) if head else b""
    text = text.removeprefix("\ufeff".encode())
    return _BEGINS.match(text) is not None and _LINES.match(text) is None


def file_begins_as_export(path: Path) -> bool:
    """Return whether a file begins as an exported JSON file does; not one that cannot be read."""
    try:
        with path.open("rb") as file:
            return begins_as_export(file.read(_HEAD_BYTES))
    except OSError:
        return False


def export_in(source: Any) -> tuple[list[Export] | None, str, Any]:
    """Return the documents in bytes or an open file, what it is called, and what to read on where there are none.

    What an open file holds is read only where it begins as an export does.

    Parameters
    ----------
    source : any
        Anything; what is neither bytes nor an open binary file nor the path of a pipe is returned as it is.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data, name = bytes(source), "<bytes>"
        again: Any = source
        if not begins_as_export(data[:_HEAD_BYTES]):
            return None, name, source
    else:
        asked, source = source, _opened_pipe(source)
        head = _head(source)
        if head is None or not begins_as_export(head):
            return None, "", source
        given = getattr(source, "name", None)
        name = given if isinstance(given, str) else "<stream>"
        data = source.read()
        if source is not asked:
            source.close()
        again = io.BytesIO(data)
        setattr(again, "name", name)  # noqa: B010 - BytesIO has none of its own
    try:
        return parse_exports(whole_text(data, name).decode("utf-8", errors="backslashreplace"), name), name, again
    except InputError:
        return None, name, again  # a log in JSON; else who reads logs says what is wrong


def _opened_pipe(source: Any) -> Any:
    """Open the path of a pipe, as shells give it for ``<(zcat layers.json.gz)``: it can be read once only."""
    try:
        if isinstance(source, (str, os.PathLike)) and Path(os.fspath(source)).is_fifo():
            return Path(os.fspath(source)).open("rb")
    except (OSError, ValueError):  # a text in place of a path: too long, or with a NUL
        return source
    return source


def _head(file: Any) -> bytes | None:
    """Return the first bytes of an open binary file, without taking them; None where that cannot be done."""
    if isinstance(file, (str, os.PathLike)) or not hasattr(file, "read"):
        return None
    try:
        if hasattr(file, "peek"):
            head = file.peek(_HEAD_BYTES)
        elif hasattr(file, "seekable") and file.seekable():
            place = file.tell()
            head = file.read(_HEAD_BYTES)
            file.seek(place)
        else:
            return None
    except (OSError, ValueError):
        return None
    return head[:_HEAD_BYTES] if isinstance(head, bytes) else None
