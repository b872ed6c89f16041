"""What happens to logs on their way: each mutation takes lines (bytes) and a source of chance."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from random import Random

from tests.fuzz.material import samples

Mutation = Callable[[bytes, Random, bytes], bytes]
MUTATIONS: dict[str, Mutation] = {}

_NUMBERS = (
    b"", b".", b"-", b"0", b"-1", b"-0", b"nan", b"inf", b"-inf", b"1e999", b"18446744073709551616",
    b"9223372036854775808", b"-9223372036854775809", b"99999999999999999999999999", b"4294967296", b"2147483648",
    b"0x", b"0x1ffffffffffffffff", b"0xffffffffffffffff", b"1.5", b".5", b"5.", b"1.2.3", b"1,000", b"1e3", b"00012",
    b"\xd9\xa3", b"1_000", b"+3",
)  # fmt: skip
_TOKENS = (
    b"", b" ", b"  ", b"(", b")", b"[", b"]", b"{", b"}", b":", b",", b"=", b"->", b"'", b'"', b"\\", b"/",
    b"null", b"\0", b"\x1b[31m", b"\xff", b"\xc3\xa9", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\x85", b"\t", b"\r",
    b"\x1e", b"x" * 300, b"a" * 5000, b"((((((((", b"[[[[{{{{", b"-_-_-_-_", b"<script>alert(1)</script>", b"=1+1",
    b"|",
)  # fmt: skip
_PREFIXES = (
    b"build\tRun trtexec\t2026-11-22T13:22:03.1234567Z ", b"trt-1  | ", b"2026-11-22T13:22:03Z ", b"> ", b">> ",
    b"// ", b"# ", b"  ", b"\t", b"INFO:root:", b"[0]: ", b"stdout F ", b"Nov 22 13:22:03 host trtexec[12]: ",
    b"\xef\xbb\xbf", b"1: ",
)  # fmt: skip
_NUMBER = re.compile(rb"-?[0-9][0-9.x]*")
_WORD = re.compile(rb"[^\s,:()\[\]{}]+")


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True) if b"\r" not in data else re.findall(rb"[^\n]*\n|[^\n]+$", data)


@mutation
def dropped(data: bytes, noise: Random, other: bytes) -> bytes:
    share = noise.choice((0.02, 0.1, 0.5))
    return b"".join(line for line in _lines(data) if noise.random() > share)


@mutation
def doubled(data: bytes, noise: Random, other: bytes) -> bytes:
    share = noise.choice((0.02, 0.1, 0.5))
    return b"".join(line * (2 if noise.random() < share else 1) for line in _lines(data))


@mutation
def shuffled(data: bytes, noise: Random, other: bytes) -> bytes:
    lines = _lines(data)
    if noise.random() < 0.5:
        noise.shuffle(lines)
    else:  # two writers: some lines come a little later
        lines = [line for _, line in sorted(enumerate(lines), key=lambda x: x[0] + noise.random() * 3)]
    return b"".join(lines)


@mutation
def spliced(data: bytes, noise: Random, other: bytes) -> bytes:
    first, second = _lines(data), _lines(other)
    if noise.random() < 0.5:
        return b"".join(first[: noise.randint(0, len(first))] + second[noise.randint(0, len(second)) :])
    out: list[bytes] = []
    while first or second:
        source = first if first and (not second or noise.random() < 0.5) else second
        count = noise.choice((1, 1, 3, 10))
        out += source[:count]
        del source[:count]
    return b"".join(out)


@mutation
def torn(data: bytes, noise: Random, other: bytes) -> bytes:
    share = noise.choice((0.02, 0.1, 0.4))
    return b"".join(line.rstrip(b"\r\n") if noise.random() < share else line for line in _lines(data))


@mutation
def glued(data: bytes, noise: Random, other: bytes) -> bytes:
    """The beginning of a record, then the next one, header and all, in the same line."""
    out = []
    for line in _lines(data):
        if noise.random() < 0.15 and len(line) > 2:
            line = line[: noise.randrange(1, len(line))].rstrip(b"\r\n")
        out.append(line)
    return b"".join(out)


@mutation
def broken(data: bytes, noise: Random, other: bytes) -> bytes:
    """A line end in the middle of a record, or all lines wrapped at a width."""
    if noise.random() < 0.3:
        width = noise.choice((40, 80, 100, 120))
        lines = (line.rstrip(b"\r\n") for line in _lines(data))
        return b"".join(line[i : i + width] + b"\n" for line in lines for i in range(0, max(len(line), 1), width))
    out = []
    for line in _lines(data):
        if noise.random() < 0.1 and len(line) > 2:
            at = noise.randrange(1, len(line))
            line = line[:at] + noise.choice((b"\n", b"\r\n", b"\r", b"\n\n")) + line[at:]
        out.append(line)
    return b"".join(out)


@mutation
def cut(data: bytes, noise: Random, other: bytes) -> bytes:
    if len(data) < 3:
        return data
    first, last = sorted((noise.randrange(len(data)), noise.randrange(len(data))))
    how = noise.random()
    return data[first:] if how < 0.35 else data[:last] if how < 0.7 else data[first:last]


@mutation
def flipped(data: bytes, noise: Random, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(max(1, len(out) // noise.choice((40, 200, 2000))) if out else 0):
        out[noise.randrange(len(out))] = noise.choice((noise.randrange(256), noise.randrange(32, 127), 10, 0, 27))
    return bytes(out)


@mutation
def prefixed(data: bytes, noise: Random, other: bytes) -> bytes:
    prefix = noise.choice(_PREFIXES)
    share = noise.choice((1.0, 1.0, 0.9, 0.3))
    return b"".join(prefix + line if noise.random() < share else line for line in _lines(data))


@mutation
def renumbered(data: bytes, noise: Random, other: bytes) -> bytes:
    share = noise.choice((0.01, 0.05, 0.3))
    return _NUMBER.sub(lambda found: noise.choice(_NUMBERS) if noise.random() < share else found[0], data)


@mutation
def reworded(data: bytes, noise: Random, other: bytes) -> bytes:
    share = noise.choice((0.005, 0.02, 0.1))
    words = _WORD.findall(other)[:200] or [b"x"]

    def word(found: re.Match[bytes]) -> bytes:
        if noise.random() >= share:
            return found[0]
        return noise.choice(_TOKENS) if noise.random() < 0.6 else noise.choice(words)

    return _WORD.sub(word, data)


@mutation
def renamed(data: bytes, noise: Random, other: bytes) -> bytes:
    """One word becomes another in all places: names of layers, kinds, runners that are none."""
    words = _WORD.findall(data)
    if not words:
        return data
    return data.replace(noise.choice(words), noise.choice((*_TOKENS, noise.choice(words))))


@mutation
def widened(data: bytes, noise: Random, other: bytes) -> bytes:
    """Sample lines of other kinds stand between the lines."""
    out = []
    header = noise.choice((b"[11/22/2026-13:22:03] [V] [TRT] ", b"[V] ", b"[TRT] [V] ", b""))
    for line in _lines(data):
        out.append(line)
        if noise.random() < 0.1:
            out.append(header + noise.choice(samples()) + b"\n")
    return b"".join(out)


@mutation
def encoded(data: bytes, noise: Random, other: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    how = noise.randrange(8)
    if how == 0:
        return text.encode("utf-16")
    if how == 1:
        return b"\xfe\xff" + text.encode("utf-16-be")
    if how == 2:
        return text.encode("latin-1", "replace")
    if how == 3:
        return data.replace(b"\n", b"\r\n")
    if how == 4:
        return b"\xef\xbb\xbf" + data
    if how == 5:
        packed = gzip.compress(data, 1)
        return packed if noise.random() < 0.5 else packed[: noise.randrange(len(packed))]
    if how == 6:
        return b"\0" * noise.choice((1, 100, 5000)) + data
    return data.replace(b" ", b"\xc2\xa0")


def mutated(data: bytes, other: bytes, noise: Random) -> tuple[bytes, list[str]]:
    """Return data after some mutations, and their names."""
    names = []
    for _ in range(noise.choice((0, 1, 1, 1, 2, 2, 3))):
        names.append(noise.choice(list(MUTATIONS)))
        data = MUTATIONS[names[-1]](data, noise, other)
    return data[:400_000], names
