"""What flags trtexec has, and in which version: the facts of ``flags.tsv``.

The table covers TensorRT 5.1.5 to 11.1. A flag that a binary's own ``--help`` lists is always accepted; the
table says what a flag that is *not* there is called instead, and which flags take a value.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from trtlog._util.dataclass import dataclass

Version = tuple[int, ...]

_RELEASES = (
    "5.1.5 6.0.1 7.0.0 7.1.3 7.2.1 7.2.2 7.2.3 8.0.1 8.2.0 8.2.1 8.2.4 8.4.1 8.4.3 8.5.1 8.5.3 8.6.0 "
    "8.6.1 9.1.0 9.3.0 10.0.0 10.0.1 10.1.0 10.2.0 10.3.0 10.4.0 10.6.0 10.7.0 10.8.0 10.9.0 10.10.0 "
    "10.11.0 10.12.0 10.13.0 10.13.2 10.14.0 10.15.0 10.16.0 11.0.0 11.1.0"
)
#: Releases whose public sources the table was read from, oldest first.
RELEASES: tuple[Version, ...] = tuple(tuple(map(int, text.split("."))) for text in _RELEASES.split())


@dataclass(frozen=True)
class Flag:
    """One flag of trtexec.

    Attributes
    ----------
    name
        With its dashes, as trtexec spells it.
    value
        ``"none"`` for a bare flag, ``"optional"``, else what is expected after ``=``, for instance
        ``"<file>"``.
    repeatable
        Whether it may stand more than once. A second copy of any other flag is refused by trtexec.
    hidden
        Parsed, but not listed by ``--help``.
    group
        ``model build inference reporting system tuning general``.
    first, last
        The first and last release that parses it; ``last`` is None for a flag that is still there.
    deprecated
        The release from which trtexec warns about it; None where it never does.
    replacement
        What to write where this flag does not exist (``{value}`` stands for its value); None if nothing
        replaces it.
    note
        Why, for people; None where the name says it.
    """

    name: str
    value: str
    repeatable: bool
    hidden: bool
    group: str
    first: Version
    last: Version | None
    deprecated: Version | None
    replacement: str | None
    note: str | None

    @property
    def bare(self) -> bool:
        """Whether the flag takes no value."""
        return self.value == "none"

    def exists_in(self, version: Version) -> bool:
        """Whether trtexec of this version parses the flag.

        Examples
        --------
        >>> flag("--fp16").exists_in((8, 5, 3)), flag("--fp16").exists_in((11, 0, 0))
        (True, False)
        """
        version = source_version(version)
        return version >= self.first and (self.last is None or version[: len(self.last)] <= self.last)

    def span(self) -> str:
        """Return the releases that have the flag, in words."""
        if self.last is None:
            return f"from {format_version(self.first)} on"
        return f"from {format_version(self.first)} to {format_version(self.last)}"


def parse_version(text: str) -> Version:
    """Read ``8.5.3`` as ``(8, 5, 3)``.

    Examples
    --------
    >>> parse_version("10.16")
    (10, 16)
    """
    numbers = re.findall(r"[0-9]+", text)
    if not numbers:
        raise ValueError(f"{text!r} is no version; write it like 8.5.3")
    return tuple(int(number) for number in numbers[:4])


def format_version(version: Version) -> str:
    """Write ``(8, 5, 3)`` as ``8.5.3``."""
    return ".".join(str(part) for part in version)


def program_of(command: str | None) -> str | None:
    r"""Return ``tensorrt_rtx`` or ``trtexec`` by the beginning of a command line, None for another program.

    Examples
    --------
    >>> program_of("./tensorrt_rtx --onnx=a.onnx"), program_of(r"C:\Program Files\trtexec.exe --onnx=a.onnx")
    ('tensorrt_rtx', 'trtexec')
    >>> program_of("/home/rtx/run.sh")
    """
    head = (command or "").partition(" -")[0].strip()
    found = re.search(r"(?:^|[/\\])(tensorrt_rtx|trtexec)(?:_debug)?(?:\.exe)?$", head)
    return found[1] if found else None


def printed_version(text: str | None, command: str | None) -> Version | None:
    """Return the version whose flags and defaults a run has, by its banner; TensorRT-RTX counts its own versions.

    Examples
    --------
    >>> printed_version("8.5.3", "trtexec --onnx=a.onnx"), printed_version("1.7.1", "tensorrt_rtx --onnx=a.onnx")
    ((8, 5, 3), (11, 1, 0))
    >>> printed_version(None, "trtexec --onnx=a.onnx")
    """
    if program_of(command) == "tensorrt_rtx" or (text or "").startswith("1."):
        return RELEASES[-1]
    return parse_version(text) if text and re.search("[0-9]", text) else None


def asks_help(command: str | None) -> bool:
    """Return whether a command line asks for the help text: trtexec then prints it and runs nothing.

    Examples
    --------
    >>> asks_help("trtexec --help"), asks_help("./trtexec --onnx=a.onnx -h"), asks_help("trtexec --onnx=--help.onnx")
    (True, True, False)
    """
    return not {"--help", "-h"}.isdisjoint((command or "").split())


def decode_banner_version(text: str, program: str = "") -> Version:
    """Decode the number in ``[TensorRT v8503]``.

    It is ``major*1000 + minor*100 + patch`` up to 9.x and ``major*10000 + minor*100 + patch`` from 10.0.
    TensorRT-RTX counts its own versions, 1.7.1 as 10701.

    Examples
    --------
    >>> decode_banner_version("8503"), decode_banner_version("101602")
    ((8, 5, 3), (10, 16, 2))
    >>> decode_banner_version("10701", "tensorrt_rtx")
    (1, 7, 1)
    """
    number = int(text)
    unit = 10000 if number >= 100000 or "rtx" in program.lower() else 1000
    return number // unit, number % unit // 100, number % 100


def source_version(version: Version) -> Version:
    """Return the release whose sources a binary of this version was built from.

    The public tag v9.3.0 carries the version number 9.2.0, so its binaries print ``v9200``.
    """
    return (9, 3, 0) if version[:2] == (9, 2) else version


@functools.cache
def all_flags() -> dict[str, Flag]:
    """Return every known flag by its name (with dashes).

    Examples
    --------
    >>> len(all_flags()) > 160
    True
    """
    lines = Path(__file__).with_name("flags.tsv").read_text(encoding="utf-8").splitlines()
    names, *cells = (line.split("\t") for line in lines)
    rows = (dict(zip(names, row, strict=True)) for row in cells)
    return {
        row["flag"]: Flag(
            name=row["flag"],
            value=row["value"],
            repeatable=row["repeatable"] == "yes",
            hidden=row["hidden"] == "yes",
            group=row["group"],
            first=parse_version(row["first"]),
            last=parse_version(row["last"]) if row["last"] else None,
            deprecated=parse_version(row["deprecated"]) if row["deprecated"] else None,
            replacement=row["replacement"] or None,
            note=row["note"] or None,
        )
        for row in rows
    }


def flag(name: str) -> Flag:
    """Return the flag of this name, or raise ``KeyError``."""
    return all_flags()[name]


def flags_of(version: Version, *, hidden: bool = True) -> frozenset[str]:
    """Return the names of the flags that trtexec of this version parses.

    Examples
    --------
    >>> "--skipInference" in flags_of((8, 5, 3)), "--skipInference" in flags_of((8, 6, 1))
    (False, True)
    """
    return frozenset(
        item.name for item in all_flags().values() if item.exists_in(version) and (hidden or not item.hidden)
    )


def nearest_release(names: Collection[str]) -> Version:
    """Return the release whose flags are most like these: for a binary that does not tell its version.

    Examples
    --------
    >>> nearest_release(flags_of((8, 5, 3)))
    (8, 5, 3)
    """
    given = frozenset(names) & frozenset(all_flags())
    # the latest of equally good ones: a patch release without new flags is then read as the newest of its
    # kind
    return min(RELEASES, key=lambda release: (len(flags_of(release, hidden=False) ^ given), [-n for n in release]))


def spellings(name: str) -> str:
    """Return the form under which names are compared: no dashes, no underscores, lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def canonical(name: str, known: Iterable[str] = ()) -> str | None:
    """Find trtexec's spelling of a keyword, whatever its case and underscores; None if there is none.

    Examples
    --------
    >>> canonical("save_engine"), canonical("no_tf32"), canonical("nosuchflag")
    ('--saveEngine', '--noTF32', None)
    """
    wanted = spellings(name)
    for candidate in (*known, *all_flags()):
        if spellings(candidate) == wanted:
            return candidate
    return None
