"""Tell what is no log before it is parsed: nothing, binary data, JSON, an archive."""

from __future__ import annotations

import re

from trtlog._util.expression import expression
from trtlog.errors import NoLogError

# What files that stand beside a log begin with, and what to say about them.
_MAGIC = (
    (b"ftrt", "a TensorRT engine: trtlog reads the log of its build; `trtexec --loadEngine=FILE` prints one"),
    (b"ptrt", "a TensorRT engine: trtlog reads the log of its build; `trtexec --loadEngine=FILE` prints one"),
    (b"\x7fELF", "a program or library, not the log that it prints"),
    (b"MZ\x90\x00", "a Windows program or library, not the log that it prints"),
    (b"PK\x03\x04", "a zip archive: unpack it and pass the log inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it and pass the log inside"),
    (b"Rar!\x1a\x07", "a rar archive: unpack it and pass the log inside"),
    (b"PAR1", "a Parquet file: read a folder of tables with trtlog.read_parquet"),
    (b"SQLite format 3\0", "a database, not a log"),
    (b"%PDF-", "a PDF, not a log: save the log as text"),
    (b"\x89PNG\r\n", "a picture, not a log: save the log as text"),
    (b"\xff\xd8\xff", "a picture, not a log: save the log as text"),
    (b"\x93NUMPY", "a NumPy array, not a log"),
)
_TAR_MAGIC_AT = 257

# Text that only logs hold: a severity box, a banner, TensorRT's old word form.
_LOG_LINE = expression(
    rb"(?:^|[\r\n\]> ])"
    rb"(?:\[[VIWEFXSU!]\](?: |\r?$)|&&&& [A-Z]+ |\[TRT\]|\[TensorRT\] |=== [A-Z][a-z]+ Options ===)",
    re.MULTILINE,
)
_JSON_START = expression(rb'\s*(?:\{\s*"|\{\s*\}|\[\s*[{"\]])')
_JSON_EXPORTS = (
    (b'"Layers"', "layer information (--exportLayerInfo)"),
    (b'"startComputeMs"', "times (--exportTimes)"),
    (b'"startEnqMs"', "times (--exportTimes)"),
    (b'"startInMs"', "times (--exportTimes)"),
    (b'"averageMs"', "profile (--exportProfile)"),
    (b'"timeMs"', "profile (--exportProfile)"),
    (b'"dimensions"', "output (--exportOutput)"),
)
# Bytes that text does not hold. Tab, line ends, form feed, backspace, escape and the separators 0x1c-0x1f
# (which stand inside TensorRT's layer metadata) are text; NUL is counted apart.
_CONTROL = bytes(set(range(1, 32)) - {7, 8, 9, 10, 12, 13, 27, 28, 29, 30, 31}) + b"\x7f"
_BINARY_SHARE = 0.01
_BINARY_SHARE_OF_LOG = 0.30
_FEW = 8
_NUL_RUN = expression(rb"\0{16,}")


def refuse_what_is_no_log(sample: bytes, name: str, notes: list[str]) -> None:
    """Check the first bytes of a source, decompressed and decoded.

    Raises
    ------
    NoLogError
        One line that says what the source is and what to do.
    """
    if not sample.strip(b"\0 \t\r\n\x0b\x0c"):
        detail = f" ({notes[-1]})" if notes else ""
        raise NoLogError(f"{name} is empty: there is no log in it{detail}")
    for magic, what in _MAGIC:
        if sample.startswith(magic):
            raise NoLogError(f"{name} is {what}")
    if sample[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        raise NoLogError(f"{name} is a tar archive: unpack it and pass the log inside")
    is_log = _LOG_LINE.search(sample) is not None
    if _is_binary(sample, _BINARY_SHARE_OF_LOG if is_log else _BINARY_SHARE):
        hint = ": an ONNX model is read by trtexec, pass what that printed" if name.endswith(".onnx") else ""
        raise NoLogError(f"{name} is binary data, not a log{hint}")
    if not is_log and _JSON_START.match(sample):
        raise NoLogError(f"{name} is {_json_kind(sample)}")


def _is_binary(sample: bytes, most: float) -> bool:
    """Tell whether more bytes than text may hold are control characters; a long run of NULs is a hole."""
    solid = _NUL_RUN.sub(b"", sample)
    bad = len(solid) - len(solid.translate(None, _CONTROL + b"\0"))
    return bad > max(_FEW, most * len(solid))


def _json_kind(sample: bytes) -> str:
    for key, what in _JSON_EXPORTS:
        if key in sample:
            return f"trtexec's JSON export of {what}, not a log: pass it beside its log, as exports=[...]"
    if b'"log"' in sample[:4096] and b'"stream"' in sample[:4096]:
        return "a log in Docker's JSON form without a line of TensorRT: pass what `docker logs` prints for trtexec"
    return "JSON, not a log: a JSON export of trtexec is passed beside its log, as exports=[...]"
