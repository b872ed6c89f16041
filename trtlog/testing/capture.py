"""A captured log as the stand-in sees it: lines, streams, times, the command line and how it ended."""

from __future__ import annotations

import io
import re
from datetime import datetime
from itertools import groupby
from pathlib import Path

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.words import base_name
from trtlog.flags import Version, decode_banner_version
from trtlog.runner.arguments import split_flag
from trtlog.source.decode import whole_text

_BANNER = expression(rb"&&&& (RUNNING|PASSED|FAILED|WAIVED) \S+ (?:\[TensorRT v([0-9]+)\] )?(?:\[b([0-9]+)\] )?# (.*)")
_TIME = expression(rb"\[([0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2})\] ")
_HEADER = expression(rb"(?:\[[0-9/:\- ]+\] )*\[([VIWEF])\] ")
_HELP_SECTION = expression(rb"=== [A-Za-z ]+ ===")
#: Flags that say where files go or how much is printed, not what is run.
OUTPUT_FLAGS = frozenset(
    [
        "--verbose",
        "--exportTimes",
        "--exportProfile",
        "--exportLayerInfo",
        "--exportOutput",
        "--saveEngine",
        "--timingCacheFile",
        "--separateProfileRun",
        "--dumpProfile",
        "--dumpLayerInfo",
        "--dumpOutput",
        "--dumpRefit",
        "--profilingVerbosity",
    ]
)


@dataclass(frozen=True)
class Capture:
    """A captured log.

    Attributes
    ----------
    path
        Where it is.
    lines
        Its lines with their ends.
    version
        From its banner; None without one.
    build
        The build number in its banner, or None.
    command
        The command line in its banner, program first; empty without one.
    status
        ``PASSED``, ``FAILED``, ``WAIVED``, or None without a closing line.
    """

    path: Path
    lines: tuple[bytes, ...]
    version: Version | None
    build: int | None
    command: tuple[str, ...]
    status: str | None

    @property
    def flags(self) -> dict[str, str | None]:
        """What the log was run with, without files that are written."""
        return significant(self.command[1:])

    @property
    def has_summary(self) -> bool:
        """Whether the performance report was printed."""
        return any(b"] Throughput: " in line or b"throughput: " in line for line in self.lines)

    def streams(self) -> list[int]:
        """Return for each line the stream that trtexec writes it to: 1 or 2.

        Warnings and errors go to standard error, with the lines that belong to them. (From 6.0 to 8.0 their
        time stamp alone went to standard output; they are replayed whole here.)
        """
        streams: list[int] = []
        current = 1
        for line in self.lines:
            header = _HEADER.match(line)
            if header is not None:
                current = 2 if header[1] in b"WEF" else 1
            elif line.startswith(b"&&&& ") or _HELP_SECTION.match(line):
                current = 1
            streams.append(current)
        return streams

    def due_s(self) -> list[float]:
        """Return when each line came, in seconds after the first; a second's lines are spread over it."""
        stamps: list[float] = []
        first: float | None = None
        latest = 0.0
        for line in self.lines:
            found = _TIME.search(line[:200])
            if found is not None:
                moment = _seconds(found[1])
                if moment is not None:
                    first = moment if first is None else first
                    latest = max(latest, moment - first)
            stamps.append(latest)
        due: list[float] = []
        for stamp, lines in groupby(stamps):
            count = len(list(lines))
            due.extend(stamp + index / count for index in range(count))
        return due


def read_capture(path: str | Path) -> Capture:
    """Read a captured log, plain or compressed.

    Raises
    ------
    OSError
        It cannot be read.
    InputError
        Its compressed data are damaged.
    """
    path = Path(path)
    text = whole_text(path.read_bytes(), str(path))
    lines = tuple(io.BytesIO(text))  # no line ends at a lone carriage return, which progress bars use
    version: Version | None = None
    build: int | None = None
    command: tuple[str, ...] = ()
    status: str | None = None
    for line in lines:
        found = _BANNER.match(line)
        if found is None:
            continue
        word, number, build_text, shown = (part.decode("utf-8", "replace") if part else "" for part in found.groups())
        if word == "RUNNING" and not command:
            command = tuple(split_command(shown.rstrip()))
            program = command[0] if command else ""
            version = decode_banner_version(number, program) if number else None
            build = int(build_text) if build_text else None
        status = None if word == "RUNNING" else word
    return Capture(path, lines, version, build, command, status)


def split_command(text: str) -> list[str]:
    """Split the command line in a banner; trtexec joins its arguments with blanks and quotes nothing.

    Examples
    --------
    >>> split_command("/opt/my tools/trtexec --onnx=a b.onnx --fp16")
    ['/opt/my tools/trtexec', '--onnx=a b.onnx', '--fp16']
    """
    program, *rest = re.split(r" (?=--?[A-Za-z])", text)
    return [program, *rest]


def significant(args: tuple[str, ...] | list[str]) -> dict[str, str | None]:
    """Return what is run, as flags and values: without files that are written; models by their file name.

    Examples
    --------
    >>> significant(["--onnx=/data/m.onnx", "--verbose", "--fp16"])
    {'--onnx': 'm.onnx', '--fp16': None}
    """
    result: dict[str, str | None] = {}
    for argument in args:
        name, value = split_flag(argument)
        if name in OUTPUT_FLAGS:
            continue
        if name in ("--onnx", "--loadEngine") and value:
            value = base_name(value)
        result[name] = value
    return result


def choose(captures: list[Capture], args: list[str]) -> Capture | None:
    """Return the log for these arguments: the only one, or the one that was run with the same flags."""
    if len(captures) == 1:
        return captures[0]
    wanted = significant(args)
    return next((capture for capture in captures if capture.flags == wanted), None)


def _seconds(stamp: bytes) -> float | None:
    try:
        return datetime.strptime(stamp.decode(), "%m/%d/%Y-%H:%M:%S").timestamp()
    except ValueError:
        return None  # 6.0 counts months from 00
