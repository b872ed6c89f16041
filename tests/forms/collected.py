"""Logs as other programs hand them on: what collectors, terminals, editors and exports make of lines, and text around.

Each writer returns the text and, for each line of the log, the number of the line where it begins.
"""

from __future__ import annotations

import csv
import html
import io
import json

from tests.forms.writers import FORMS, Writer, Written, clock, each, letters

_SECOND = b"22:33:08"
_GITLAB = b"2026-06-10T22:33:08.000001Z 01"


def decoded(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def escaped(line: bytes) -> bytes:
    return encoded(html.escape(decoded(line)))


def string(line: bytes) -> bytes:
    return json.dumps(decoded(line)).encode()


def row(*cells: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return encoded(text.getvalue())


def doubled(line: bytes) -> bytes:
    return line.replace(b'"', b'""')


def between(above: bytes, writer: Writer, below: bytes = b"") -> Writer:
    """Return a writer that puts text around a log."""
    head, tail = above.splitlines(), below.splitlines()

    def write(lines: list[bytes]) -> Written:
        out, numbers = writer(lines)
        return [*head, *out, *tail], [number + len(head) for number in numbers]

    return write


def composed(*names: str) -> Writer:
    """Return a writer of one form inside another, the innermost first."""

    def write(lines: list[bytes]) -> Written:
        numbers = list(range(1, len(lines) + 1))
        for name in names:
            lines, where = FORMS[name](lines)
            numbers = [where[number - 1] for number in numbers]
        return lines, numbers

    return write


def front(text: bytes) -> Writer:
    return each(lambda _, line: text + line)


def parts(whole: bytes, first: bytes, more: bytes, size: int) -> Writer:
    """Return a writer that cuts long lines into parts, each with a mark."""

    def write(lines: list[bytes]) -> Written:
        out: list[bytes] = []
        numbers = []
        for line in lines:
            numbers.append(len(out) + 1)
            pieces = [line[n : n + size] for n in range(0, max(1, len(line)), size)]
            marks = [first, *[more] * (len(pieces) - 1)] if more else [*[first] * (len(pieces) - 1), whole]
            out += [mark + piece for mark, piece in zip(marks, pieces, strict=True)]
        return out, numbers

    return write


def with_redis(lines: list[bytes]) -> Written:
    """Docker compose prints the lines of two containers."""
    out: list[bytes] = []
    numbers = []
    for number, line in enumerate(lines, 1):
        if number % 37 == 0:
            out.append(b"redis-1    | 1:M 10 Jun 2026 22:33:08.123 * Ready to accept connections")
        out.append(b"trtexec-1  | " + line)
        numbers.append(len(out))
    return out, numbers


def with_daemons(lines: list[bytes]) -> Written:
    """The system's journal holds the lines of other services."""
    out: list[bytes] = []
    numbers = []
    for number, line in enumerate(lines, 1):
        if number % 41 == 0:
            out.append(b"Jun 10 22:33:08 host systemd[1]: Started Daily apt download activities.")
        out.append(b"Jun 10 22:33:08 host trtexec[4321]: " + line)
        numbers.append(len(out))
    return out, numbers


def cloudwatch_events(lines: list[bytes]) -> Written:
    """``aws logs get-log-events``: an object over several lines for each line of the log."""
    out = [b"{", b'    "events": [']
    numbers = []
    for line in lines:
        out += [b"        {", b'            "timestamp": 1718045588,', b'            "message": ' + string(line) + b","]
        numbers.append(len(out))
        out += [b'            "ingestionTime": 1718045589000', b"        },"]
    return [*out, b"    ]", b"}"], numbers


def folded(lines: list[bytes]) -> Written:
    """``fold -s -w 80``."""
    out: list[bytes] = []
    numbers = []
    for line in lines:
        numbers.append(len(out) + 1)
        while len(line) > 80:
            cut = line.rfind(b" ", 0, 80) + 1 or 80
            out.append(line[:cut])
            line = line[cut:]
        out.append(line)
    return out, numbers


def marked_cuts(width: int, mark: bytes) -> Writer:
    """Return a writer that cuts lines with a mark in the last column, as Emacs on a terminal does."""

    def write(lines: list[bytes]) -> Written:
        out: list[bytes] = []
        numbers = []
        for line in lines:
            numbers.append(len(out) + 1)
            while len(line) > width:
                out.append(line[: width - 1] + mark)
                line = line[width - 1 :]
            out.append(line)
        return out, numbers

    return write


def with_bars(number: int, line: bytes) -> bytes:
    bar = "\r 37%|███▋      | 37/100 [00:01<00:02, 30.1it/s]\r".encode()
    return bar + line if number % 29 == 0 else line


def every_other(lines: list[bytes]) -> Written:
    """A mail program puts an empty line behind each."""
    return [text for line in lines for text in (line, b"")], [2 * n + 1 for n in range(len(lines))]


def minified(lines: list[bytes]) -> Written:
    """A notebook on one line; the last line that a cell printed has no line end."""
    text = [decoded(line) + "\n" for line in lines[:-1]] + [decoded(lines[-1])]
    outputs = [{"name": "stdout", "output_type": "stream", "text": text}]
    cells = [
        {"cell_type": "markdown", "source": ["# Build\n", "with `trtexec`"]},
        {"cell_type": "code", "source": ["!trtexec \\\n", "  --onnx=a.onnx"], "outputs": outputs},
    ]
    return [json.dumps({"cells": cells, "nbformat": 4}, separators=(",", ":")).encode()], [1] * len(lines)


def ansible_result(lines: list[bytes]) -> Written:
    """What `ansible -v` prints of a task: the output as one text, and its lines again."""
    texts = [decoded(line) for line in lines]
    result = {"changed": True, "rc": 0, "stdout": "\n".join(texts), "stdout_lines": texts}
    out = [b"gpu01 | CHANGED => " + (text := json.dumps(result, indent=4).encode()).split(b"\n")[0]]
    return [*out, *text.split(b"\n")[1:]], [4] * len(lines)


NOTEBOOK = b"""\
{
 "cells": [
  {
   "cell_type": "code",
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": ["""

COLLECTED: dict[str, Writer] = {
    "kubectl --prefix --timestamps": each(lambda n, line: b"[pod/build-7d9f/trtexec] " + clock(n) + b" " + line),
    "stern": front(b"build-7d9f-x2x trtexec "),
    "jenkins": between(
        b"Started by user Ann\n[Pipeline] sh", front(_SECOND + b"  "), b"[Pipeline] }\nFinished: SUCCESS"
    ),
    "jenkins steps": between(
        b"[2026-06-10T22:33:00.001Z] + trtexec --onnx=a.onnx",
        each(lambda n, line: b"[2026-06-10T22:33:08.%03dZ] " % (n % 1000) + line),
        b"[Pipeline] }",
    ),
    "gitlab sections": between(
        b"section_start:1718045588:step_script\r\x1b[0K\x1b[36;1mExecuting \"step_script\" stage\x1b[0;m\n"
        b"\x1b[32;1m$ trtexec --onnx=x\x1b[0;m",
        each(lambda _, line: line),
        b"section_end:1718045599:step_script\r\x1b[0K\n\x1b[32;1mJob succeeded\x1b[0;m",
    ),
    "gitlab parts": parts(
        _GITLAB + b"O ", _GITLAB + b"O ", _GITLAB + b"O+", 300
    ),
    "kubernetes parts": parts(
        b"2026-06-10T22:33:08.123456789Z stdout F ", b"2026-06-10T22:33:08.123456789Z stdout P ", b"", 500
    ),
    "slack": each(letters("\"\u201d'\u2019")),
    "word": each(
        lambda _, line: (
            line.replace(b" --", " \u2013".encode()).replace(b'"', "“".encode()).replace(b"...", "…".encode())
        )
    ),
    "less -N": each(lambda n, line: b"%7d %b" % (n, line)),
    "script": between(
        b'Script started on 2026-06-10 22:33:08+02:00 [TERM="xterm-256color" COLUMNS="80"]\r\n'
        b"\x1b[?2004h\x1b]0;ann@host: ~\x07ann@host:~$ trtexec --onnx=x\r",
        each(lambda _, line: line + b"\r"),
        b"\x1b[?2004h$ exit\r\n\nScript done on 2026-06-10 22:35:08+02:00",
    ),
    "grafana csv": between(
        b"Time,Line,tsNs,id", each(lambda n, line: row("1718045588001", decoded(line), "17180455880", f"A_{n}"))
    ),
    "loki csv": between(b'"Line","Time"', each(lambda _, line: b'"' + doubled(line) + b'","2026-06-10 22:33:08.123"')),
    "loki txt": front(b"2026-06-10T22:33:08+02:00\t"),
    "aws logs tail": each(lambda _, line: b"2026-06-10T22:33:08.123000+00:00 trtexec/build/0a1b2c3d " + line),
    "cloudwatch csv": between(b"@timestamp,@message", each(lambda _, line: row("2026-06-10 22:33:08", decoded(line)))),
    "kibana csv": between(
        b'"@timestamp",message', each(lambda _, line: b'"Jun 10, 2026 @ 22:33:08.123","' + doubled(line) + b'"')
    ),
    "cloudwatch events": cloudwatch_events,
    "gcp json": each(lambda n, line: json.dumps({"insertId": f"a{n}", "textPayload": decoded(line)}).encode()),
    "azure": between(
        b"2026-06-10T22:33:00.1234567Z ##[section]Starting: Build engine",
        each(lambda n, line: clock(n) + b" " + line),
        b"2026-06-10T22:33:59.1234567Z ##[section]Finishing: Build engine",
    ),
    "compose colours": front(b"\x1b[36mtrtexec-1  | \x1b[0m"),
    "compose with another container": with_redis,
    "journal with other services": with_daemons,
    "tqdm": each(with_bars),
    "patch": between(b"diff --git a/b.log b/b.log\n--- /dev/null\n+++ b/b.log\n@@ -0,0 +1,999 @@", front(b"+")),
    "fence": between(b"# Build is slow\n\nHere:\n\n```", each(lambda _, line: line), b"```\n\nAny idea?"),
    "rst": between(
        b"Log\n===\n\n.. code-block:: console\n",
        each(lambda _, line: b"   " + line if line else b""),
        b"\nThe end.",
    ),
    "html pre": between(b"<html><body>\n<pre>", each(lambda _, line: escaped(line)), b"</pre>\n</body></html>"),
    "html span": each(lambda _, line: b'<span style="color: #0a0">' + escaped(line) + b"</span>"),
    "html table": each(
        lambda n, line: b'<tr><td id="L%d" class="num"></td><td id="LC%d">%b</td></tr>' % (n, n, escaped(line))
    ),
    "notebook": between(NOTEBOOK, each(lambda _, line: b"      " + string(line + b"\n") + b","), b"     ]\n    }"),
    "notebook, minified": minified,
    "ansible result": ansible_result,
    "mail, wrapped and quoted": composed("wrap80", "quote"),
    "mail, quoted and wrapped": composed("quote", "wrap80"),
    "srun -l": front(b"0: "),
    "torchrun": front(b"[rank0]: "),
    "journal with unit": between(
        b"-- Journal begins at Mon 2026-06-01 10:00:00 CEST. --",
        front(b"Wed 2026-06-10 22:33:08 CEST host build.service[4321]: "),
    ),
    "rfc 3164": front(b"<14>Jun 10 22:33:08 host trtexec[4321]: "),
    "ts %.s": each(lambda n, line: b"1718045588.%06d " % n + line),
    "buildkit": between(
        b"#12 [4/5] RUN trtexec --onnx=x", each(lambda n, line: b"#12 %.3f " % (n / 100) + line), b"#12 DONE 91.2s"
    ),
    "buildkite": each(lambda n, line: b"\x1b_bk;t=17180455881%02d\x07" % (n % 100) + line),
    "teamcity": front(b"[22:33:08]W:\t [Step 1/2] "),
    "fluentd": each(
        lambda _, line: b'2026-06-10T22:33:08+00:00\tdocker.trt\t{"source": "stdout", "log": ' + string(line) + b"}"
    ),
    "select-string": each(
        lambda n, line: (b"> " if n % 3 else b"  ") + b"build.log:%d:%b" % (n, line)
    ),
    "git blame": each(lambda n, line: b"a1b2c3d4 (Ann Example 2026-06-10 22:33:08 +0200 %4d) %b" % (n, line)),
    "cat -e": each(lambda _, line: line + b"$"),
    "markdown line ends": each(lambda _, line: line + b"  "),
    "backslashes": each(lambda _, line: line + b"\\"),
    "bullets": front("• ".encode()),
    "block comment": between(b"/*", each(lambda _, line: b" * " + line if line else b" *"), b" */"),
    "excel csv": each(lambda _, line: row(decoded(line))),
    "excel tsv": each(lambda n, line: b'%d\t"%b"' % (n, doubled(line))),
    "python logging": front(b"2026-06-10 22:33:08,123 - builder - INFO - "),
    "logging.basicConfig": front(b"INFO:builder:"),
    "ansible": between(b'    "out.stdout_lines": [', each(lambda _, line: b"        " + string(line) + b","), b"    ]"),
    "empty lines between": every_other,
    "gh groups": between(
        b"build\tRun\t2026-06-10T22:33:00.1234567Z ##[group]Run trtexec\n"
        b"build\tRun\t2026-06-10T22:33:00.1234567Z \x1b[36;1mtrtexec --onnx=x\x1b[0m",
        each(lambda n, line: b"build\tRun\t" + clock(n) + b" " + line),
    ),
    "fold -s": folded,
    "emacs -nw": marked_cuts(100, b"\\"),
    "ansible host": front(b"gpu01: "),
    "honcho": front(b"22:33:08 trt.1   | "),
    "pm2": front(b"0|trt  | 2026-06-10 22:33:08: "),
    "dmesg": each(lambda n, line: b"[%12.6f] " % (n / 100) + line),
    "logfmt": each(lambda _, line: b'time="2026-06-10T22:33:08Z" level=info msg=' + string(line)),
    "klog": front(b"I0610 22:33:08.123456    4321 runner.go:42] "),
    "swarm": front(b"trt.1.abcdefghijkl@gpu01    | "),
    "colours without escape": each(lambda _, line: b"[0;33m" + line + b"[0m"),
}
