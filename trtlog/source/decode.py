"""Undo what is between a file and its text: compression, then UTF-16 or UTF-32.

Damage is survived: what could be read is handed on, and a note says what is missing.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from trtlog._util.expression import expression
from trtlog.errors import InputError, MissingExtra, how_to_install

# The most bytes one step of decompression hands out.
_STEP_BYTES = 4 << 20
# Input goes in by small pieces, so that damage costs no more than the output of one.
_INPUT_BYTES = 1 << 14


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ)


def _bzip2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _zstd() -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingExtra(
            f"a .zst file needs the zstandard package ({how_to_install('zstd')}), or unpack the file first"
        ) from None
    return zstandard.ZstdDecompressor().decompressobj()


_FORMATS: tuple[tuple[bytes, str, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(wbits=31)),
    (b"\xfd7zXZ\x00", "xz", _xz),
    (b"BZh", "bzip2", _bzip2),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
)
_LONGEST_MAGIC = 6

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32 (little-endian)"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32 (big-endian)"),
    (codecs.BOM_UTF8, None, ""),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 (little-endian)"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 (big-endian)"),
)


def is_compressed(head: bytes) -> bool:
    """Tell whether bytes begin with the magic number of a compression that is read.

    Examples
    --------
    >>> is_compressed(b"BZh9"), is_compressed(b"[I] one")
    (True, False)
    """
    return head.startswith(tuple(magic for magic, _, _ in _FORMATS))


def whole_text(data: bytes, name: str) -> bytes:
    """Return all of a small file as UTF-8: decompressed, and decoded, as a log would be.

    Raises
    ------
    InputError
        The compressed data are damaged.

    Examples
    --------
    >>> import gzip
    >>> whole_text(gzip.compress(b"{}"), "net.times.json.gz")
    b'{}'
    """
    damage: list[str] = []
    text = b"".join(decompressed(iter([data]), name, damage))
    if damage:
        raise InputError(f"{damage[0]}; get the file again")
    return b"".join(to_utf8(iter([text]), name, []))


def begins_encoded(head: bytes) -> bool:
    """Tell whether bytes begin with a compression's magic number or a byte order mark."""
    return is_compressed(head) or head.startswith(tuple(mark for mark, _, _ in _BOMS))


def decompressed(blocks: Iterator[bytes], name: str, notes: list[str]) -> Iterator[bytes]:
    """Yield the blocks of a source, decompressed where they begin with a known magic number.

    Raises
    ------
    InputError
        Compressed data of which nothing can be read.
    """
    head, blocks = _peek(blocks, _LONGEST_MAGIC)
    for magic, label, make in _FORMATS:
        if head.startswith(magic) and (magic != b"BZh" or head[3:4] in b"123456789"):
            return _decompress(blocks, magic, label, make, name, notes)
    return blocks


def _decompress(
    blocks: Iterator[bytes], magic: bytes, label: str, make: Callable[[], Any], name: str, notes: list[str]
) -> Iterator[bytes]:
    """Decompress one or more members, each begun by ``magic``."""
    decoder = make()
    blocks = _pieces(blocks)
    before: Any = None
    given = 0
    fresh = True  # the decoder has seen nothing yet
    problem = ""
    data = b""
    while True:
        if not data:
            data = next(blocks, b"")
            if not data:
                break
        try:
            if decoder.eof:
                # Another member, the padding that gzip allows, or something else.
                data = data.lstrip(b"\0")
                while data and len(data) < len(magic) and (more := next(blocks, b"")):
                    data += more
                if not data:
                    continue
                if not data.startswith(magic):
                    problem = f"is followed by {label}-foreign bytes, which were not read"
                    break
                decoder, fresh = make(), True
            before = decoder.copy() if hasattr(decoder, "copy") else None
            text, data = _step(decoder, data)
            fresh = False
        except zlib.error as error:
            problem = f"is damaged ({error})"
            text = _salvage(before, data)
            given += len(text)
            yield text
            break
        except (OSError, EOFError, ValueError) as error:
            problem = f"is damaged ({error})"
            break
        except Exception as error:
            # These classes are known where their modules were loaded; zstandard may not even be there.
            if type(error).__name__ not in ("LZMAError", "ZstdError"):
                raise
            problem = f"is damaged ({error})"
            break
        if text:
            given += len(text)
            yield text
    if not problem and not decoder.eof and not fresh:
        problem = "is cut short"
    if problem and not given:
        raise InputError(f"{name}: the {label} data {problem} and nothing of it can be read; get the file again")
    if problem:
        notes.append(f"{name}: the {label} data {problem}; the {given:,} bytes before that were read")


def _pieces(blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        for start in range(0, len(block), _INPUT_BYTES):
            yield block[start : start + _INPUT_BYTES]


def _step(decoder: Any, data: bytes) -> tuple[bytes, bytes]:
    """Return some decompressed bytes and the input that is left."""
    if hasattr(decoder, "unconsumed_tail") and hasattr(decoder, "copy"):  # zlib
        text = decoder.decompress(data, _STEP_BYTES)
        return text, decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    if hasattr(decoder, "needs_input"):  # lzma, bz2: what is left stays inside the decoder
        parts = [decoder.decompress(data, _STEP_BYTES)]
        while not decoder.eof and not decoder.needs_input:
            parts.append(decoder.decompress(b"", _STEP_BYTES))
        return b"".join(parts), decoder.unused_data if decoder.eof else b""
    text = decoder.decompress(data)
    return text, decoder.unused_data if decoder.eof else b""


def _salvage(decoder: Any, data: bytes) -> bytes:
    """Return what comes out before the damage: zlib keeps back the output of a call that fails."""
    parts = []
    try:
        for start in range(len(data)):
            parts.append(decoder.decompress(data[start : start + 1]))
    except zlib.error:
        pass
    return b"".join(parts)


def to_utf8(blocks: Iterator[bytes], name: str, notes: list[str]) -> Iterator[bytes]:
    """Yield the blocks as UTF-8: UTF-16 and UTF-32 are recognised by their byte order mark or their zeros."""
    # No more than a mark is waited for: a log may be written line by line.
    head, blocks = _peek(blocks, 4)
    if b"\0" in head:
        head, blocks = _peek(blocks, 64)
    head = head[:512]
    codec, label = _guess(head)
    for mark, marked_codec, marked_label in _BOMS:
        if head.startswith(mark):
            codec, label = marked_codec, marked_label
            blocks = _without(blocks, len(mark))
            break
    if codec is None:
        return blocks
    notes.append(f"{name} is {label}, which was decoded")
    return _decoded(blocks, codec)


# Longer runs of NULs, the holes of files that were cut while they were written, keep no more than this.
_HOLE = 1 << 16
_LONG_HOLE = expression(rb"(?<!\0)\0{%d,}" % (_HOLE + 1))


def without_holes(blocks: Iterator[bytes], count: Callable[[int], None]) -> Iterator[bytes]:
    r"""Yield the blocks with long runs of NULs cut short, wherever blocks are cut; ``count`` is called with how many.

    Examples
    --------
    >>> nuls = []
    >>> [len(block) for block in without_holes(iter([b"a", bytes(70_000), bytes(70_000) + b"b"]), nuls.append)]
    [1, 65536, 1]
    >>> sum(nuls)
    140000
    """
    run = 0  # NULs of the run that the last block ended in
    for block in blocks:
        if not run and b"\0" not in block:
            yield block
            continue
        body = block.lstrip(b"\0")
        head = len(block) - len(body)
        kept = max(0, min(head, _HOLE - run))
        if not body:
            run += head
            out = bytes(kept)
        else:
            out = bytes(kept) + _LONG_HOLE.sub(bytes(_HOLE), body)
            run = len(body) - len(body.rstrip(b"\0"))
        count(block.count(b"\0"))
        if out:
            yield out


def _guess(head: bytes) -> tuple[str | None, str]:
    """Tell UTF-16 without a mark: nearly every other byte of Latin text is zero."""
    pairs = len(head) // 2
    if pairs >= 8:
        even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
        if odd > 0.9 * pairs and even < 0.1 * pairs:
            return "utf-16-le", "UTF-16 (little-endian, without a mark)"
        if even > 0.9 * pairs and odd < 0.1 * pairs:
            return "utf-16-be", "UTF-16 (big-endian, without a mark)"
    return None, ""


def _decoded(blocks: Iterator[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)("backslashreplace")
    for block in blocks:
        text = decoder.decode(block)
        if text:
            yield text.encode("utf-8", "backslashreplace")
    text = decoder.decode(b"", final=True)
    if text:
        yield text.encode("utf-8", "backslashreplace")


def _without(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    first = next(blocks, b"")
    return chain([first[count:]] if len(first) > count else [], blocks)


def _peek(blocks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, and blocks whose first holds them all (where there are as many)."""
    first = []
    total = 0
    for block in blocks:
        first.append(block)
        total += len(block)
        if total >= size:
            break
    head = b"".join(first)
    return head, chain([head] if head else [], blocks)
