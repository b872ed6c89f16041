"""Writers of the forms that logs are pasted and collected in: each turns lines into the lines that a reader is given.

A writer returns the text and, for each line of the log, the number of the line where it begins.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable

Written = tuple[list[bytes], list[int]]
Writer = Callable[[list[bytes]], Written]

CLOCK = b"2026-06-10T22:33:%02d.%07dZ"


def each(function: Callable[[int, bytes], bytes]) -> Writer:
    """Return a writer that changes each line by itself."""
    return lambda lines: ([function(n, line) for n, line in enumerate(lines, 1)], list(range(1, len(lines) + 1)))


def clock(number: int) -> bytes:
    return CLOCK % (number // 100 % 60, number * 1234567 % 10_000_000)


def mark(number: int) -> bytes:
    """Return what `grep -C` prints between: a colon where it found something, else a hyphen."""
    return b"-" if number % 5 == 0 else b":"


def escaped(_: int, line: bytes) -> bytes:
    return html.escape(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def letters(text: str) -> Callable[[int, bytes], bytes]:
    """Return what replaces characters: pairs of one that was printed and one that stands for it."""
    pairs = [(text[n].encode(), text[n + 1].encode()) for n in range(0, len(text), 2)]

    def replaced(_: int, line: bytes) -> bytes:
        for old, new in pairs:
            line = line.replace(old, new)
        return line

    return replaced


def docker_json(number: int, line: bytes) -> bytes:
    text = line.decode("utf-8", "surrogateescape") + "\n"
    return json.dumps({"log": text, "stream": "stdout", "time": clock(number).decode()}).encode()


def loki_json(number: int, line: bytes) -> bytes:
    text = line.decode("utf-8", "surrogateescape")
    return json.dumps({"labels": {"app": "trtexec"}, "line": text, "timestamp": clock(number).decode()}).encode()


def wrapped(width: int) -> Writer:
    def write(lines: list[bytes]) -> Written:
        out: list[bytes] = []
        numbers = []
        for line in lines:
            numbers.append(len(out) + 1)
            out += [line[n : n + width] for n in range(0, max(1, len(line)), width)]
        return out, numbers

    return write


def commented(mark: bytes) -> Writer:
    return each(lambda _, line: mark + b" " + line if line else mark)


def powershell(lines: list[bytes]) -> Written:
    report = [
        b"At line:1 char:1",
        b"+ & trtexec.exe --onnx=m.onnx *> log.txt",
        b"+ ~~~~~~~~~",
        b"    + CategoryInfo          : NotSpecified: (&&&& RUNNING:String) [], RemoteException",
        b"    + FullyQualifiedErrorId : NativeCommandError",
        b"",
    ]
    shift = len(report)
    return [b"trtexec.exe : " + lines[0], *report, *lines[1:]], [1, *(n + shift for n in range(2, len(lines) + 1))]


def jammed(lines: list[bytes]) -> Written:
    """Join records with blanks; a line without a header stays on its own."""
    out: list[bytes] = []
    numbers = []
    for line in lines:
        if re.match(rb"\[[0-9]{2}/|&&&& ", line) and out and out[-1] and len(out[-1]) < 4000:
            out[-1] += b" " + line
        else:
            out.append(line)
        numbers.append(len(out))
    return out, numbers


FORMS: dict[str, Writer] = {
    "gh": each(lambda n, line: b"build\tRun trtexec\t" + clock(n) + b" " + line),
    "actions": each(lambda n, line: clock(n) + b" " + line),
    "jenkins": each(lambda n, line: b"[2026-06-10T22:33:%02d.%03dZ] " % (n // 50 % 60, n % 1000) + line),
    "gitlab": each(lambda n, line: b"2026-06-10T22:33:08.%06dZ 01O " % n + line),
    "kubernetes": each(lambda n, line: b"2026-06-10T22:33:08.%09dZ stdout F " % n + line),
    "kubectl": each(lambda n, line: b"2026-06-10T22:33:08.%dZ " % (n * 7919 + 1) + line),
    "compose": each(lambda _, line: b"trtexec-1  | " + line),
    "docker-json": each(docker_json),
    "loki-json": each(loki_json),
    "journal": each(lambda _, line: b"Jun 10 22:33:08 host trtexec[4321]: " + line),
    "journal-iso": each(lambda _, line: b"2026-06-10T22:33:08+0200 host trtexec[4321]: " + line),
    "syslog": each(lambda _, line: b"<14>1 2026-06-10T22:33:08.12Z host trtexec 4321 - - " + line),
    "nl": each(lambda n, line: b"%6d\t%b" % (n, line)),
    "grep": each(lambda n, line: b"%d:%b" % (n + 40, line)),
    "grep-context": each(lambda n, line: b"build.log%b%d%b%b" % (mark(n), n, mark(n), line)),
    "editor": each(lambda n, line: b"%5d | %b" % (n, line)),
    "vim": each(lambda n, line: b"%5d %b" % (n, line)),
    "slashes": commented(b"//"),
    "hash": commented(b"#"),
    "semicolon": commented(b";"),
    "dashes": commented(b"--"),
    "star": commented(b" *"),
    "percent": commented(b"%"),
    "quote": each(lambda _, line: b"> " + line if line else b">"),
    "indent": each(lambda _, line: b"        " + line if line else b""),
    "entities": each(escaped),
    "br": each(lambda _, line: line + b" <br/>"),
    "spaces": each(letters(" \u00a0")),
    "quotes": each(letters("\"\u201d'\u2019")),
    "hyphens": each(letters("-\u2011")),
    "tabs": each(letters(" \t")),
    "colours": each(lambda _, line: b"\x1b[36m" + line + b"\x1b[0m"),
    "crlf": each(lambda _, line: line + b"\r"),
    "wrap100": wrapped(100),
    "wrap80": wrapped(80),
    "powershell": powershell,
    "jammed": jammed,
}
