"""Reads ``trtexec --help``: which flags a binary lists, and which version it is."""

from __future__ import annotations

import re

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.flags import (
    RELEASES,
    Version,
    decode_banner_version,
    flags_of,
    format_version,
    nearest_release,
    source_version,
)

_BANNER = expression(r"&&&& [A-Z]+ TensorRT\.(\S+) (?:\[TensorRT v([0-9]+)\] )?(?:\[b([0-9]+)\] )?# (\S+)")
# A flag stands at the start of its line; explanations are indented by more than 20 columns.
_ENTRY = expression(r"^[^\w-]{0,6}(--?[A-Za-z][A-Za-z0-9]*)(\[?=\S+|)((?:, ?--?[A-Za-z][A-Za-z0-9]*)*)(?:\s|$)")
# Nobody's help differs from its own release's table by more flags than this; TensorRT-RTX numbers itself
# anew.
_FOREIGN = 12


@dataclass(frozen=True)
class Help:
    """What a binary says about itself.

    Attributes
    ----------
    flags
        The flags listed, with dashes; each with its value syntax (``""`` where none is shown).
    printed_version
        From the banner, for instance ``(8, 5, 3)``; None for 7.x and older, whose banner has none.
    build
        The build number in the banner (10.4 and newer), else None.
    release
        The release whose flags these are: what checks go by. Differs from ``printed_version`` for
        TensorRT-RTX.
    """

    flags: dict[str, str]
    printed_version: Version | None
    build: int | None
    release: Version

    @property
    def name(self) -> str:
        """Return what the binary is, in words."""
        if self.printed_version is None:
            return f"trtexec (its flags are those of {format_version(self.release)})"
        if source_version(self.printed_version)[:2] != self.release[:2]:
            return f"trtexec v{format_version(self.printed_version)} (flags of {format_version(self.release)})"
        return f"trtexec {format_version(self.printed_version)}"


def parse_help(text: str) -> Help | None:
    r"""Read the output of ``trtexec --help`` of any generation; None if it is no such text.

    Examples
    --------
    >>> found = parse_help("  --onnx=<file>   ONNX model\n  --help, -h      Print this message")
    >>> sorted(found.flags)
    ['--help', '--onnx', '-h']
    """
    flags: dict[str, str] = {}
    for line in text.splitlines():
        found = _ENTRY.match(line)
        if found is None:
            continue
        first, syntax, others = found.groups()
        for name in (first, *re.findall(r"--?[A-Za-z0-9]+", others)):
            flags.setdefault(name, syntax.lstrip("="))
    if not {"--onnx", "--deploy", "--loadEngine", "--uff"} & set(flags):
        return None
    banner = _BANNER.search(text)
    printed = build = None
    if banner is not None and banner.group(2):
        printed = decode_banner_version(banner.group(2), banner.group(4))
        build = int(banner.group(3)) if banner.group(3) else None
    return Help(flags, printed, build, _release(flags, printed))


def _release(flags: dict[str, str], printed: Version | None) -> Version:
    """Choose the release by the banner, unless the listed flags plainly belong to another one."""
    nearest = nearest_release(flags)
    if printed is None:
        return nearest

    def distance(version: Version) -> int:
        return len(flags_of(version, hidden=False) ^ set(flags))

    if printed < RELEASES[0] or distance(printed) - distance(nearest) > _FOREIGN:
        return nearest
    return printed
