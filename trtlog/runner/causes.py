"""The likely cause of a failed run, from how it ended and its last lines."""

from __future__ import annotations

from collections.abc import Sequence

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.analyses.lint.causes import cause_of, meaning_of
from trtlog.analyses.programs import worded
from trtlog.errors import TrtlogError
from trtlog.runner.process import Ending, signal_name

#: What the surroundings print, which are no messages of TensorRT: (text, what it means and what to do).
_TEXTS: tuple[tuple[str, str], ...] = (
    (r"docker: Error response from daemon: (.*)", "Docker refused to start the container: {0}"),
    (r"docker: invalid reference format", "The name of the container image is malformed."),
    (r"Cannot connect to the Docker daemon", "Docker's daemon does not run, or this user may not speak to it."),
    (r"(?:ssh|kex_exchange_identification): (.*)", "The connection failed: {0}"),
    (r"Host key verification failed", "ssh does not know the host's key: connect once by hand."),
    (r"Permission denied \((publickey.*)\)", "ssh was refused ({0}): check the user and key."),
    (r"command not found", "A program is missing: see the last lines."),
)  # fmt: skip

_SIGNALS = {
    "SIGKILL": "It was killed from outside; if nobody did, the system ran out of memory (see dmesg).",
    "SIGSEGV": "The program crashed (segmentation fault).",
    "SIGABRT": "The program aborted itself, after a failed assertion or an exception.",
    "SIGBUS": "The program crashed (bus error; often a full /dev/shm or a cut memory-mapped file).",
    "SIGILL": "The program uses instructions that this CPU does not have.",
    "SIGFPE": "The program crashed (arithmetic error).",
    "SIGINT": "It was interrupted.",
    "SIGTERM": "It was ended from outside.",
    "SIGHUP": "Its terminal or connection was closed.",
    "SIGPIPE": "Its output could not be written.",
    "SIGXCPU": "It reached its limit of CPU time.",
}
#: What a shell or ssh returns where the program did not run.
_EXIT_CODES = {
    126: "The command may not be executed.",
    127: "The command, or a library it needs, is not found.",
    255: "The connection may have failed.",
}
_ERROR = expression(r"^(?:\[[0-9/:\- ]+\] ?)*(?:\[TRT\] )?\[[EF]\] |^terminate called")
_HEADER = expression(r"^(?:\[[0-9/:\- ]+\] ?)+")


@dataclass(frozen=True)
class Verdict:
    """What became of a run.

    Attributes
    ----------
    status
        ``passed failed killed timed_out hung interrupted disk_full``.
    headline
        One sentence: how it ended.
    cause
        The likely cause and what to do; None if the log gives no hint.
    messages
        The errors it printed last, oldest first, without time stamps.
    """

    status: str
    headline: str
    cause: str | None
    messages: tuple[str, ...]


def judge(ending: Ending, lines: Sequence[str], *, timeout_s: float | None, hang_s: float | None) -> Verdict:
    """Judge a run by how its process ended and by its last lines.

    Parameters
    ----------
    ending
        How the process ended.
    lines
        The log's lines, or its last few thousand.
    timeout_s, hang_s
        The limits that were set, for the wording.
    """
    banner = next((line for line in reversed(lines) if line.startswith("&&&& ")), "")
    code, name = ending.exit_code, ending.signal
    if name is None and code is not None and 128 < code < 160:
        name = signal_name(code - 128)  # a shell or container reports a signal as 128 + its number
    if ending.reason == "timed_out":
        status, headline = "timed_out", f"It was stopped after {timeout_s:g} s, the limit that was set (timeout_s)."
    elif ending.reason == "hung":
        status, headline = "hung", f"It was stopped: it had printed nothing for {hang_s:g} s (hang_s)."
    elif ending.reason == "interrupted":
        status, headline = "interrupted", "It was interrupted and stopped."
    elif ending.reason == "disk_full":
        status = "disk_full"
        headline = (
            f"It was stopped, because its log could not be written ({ending.disk_error}); "
            f"the first {ending.log_bytes:,} bytes are kept."
        )
    elif name is not None:
        status, headline = "killed", f"It was ended by {name}."
    elif code == 0 and not banner.startswith("&&&& FAILED"):
        return Verdict("passed", "It passed.", None, ())
    elif code == 0:
        status, headline = "failed", "It printed FAILED, though its exit code is 0."
    else:
        status, headline = "failed", f"It failed with exit code {code}."
        if banner.startswith("&&&& PASSED"):
            headline += " It had printed PASSED before."
    if status == "disk_full":
        return Verdict(status, headline, "Free some room, or give another out=.", ())
    errors = _errors(lines)
    cause = _cause(lines, errors)
    if status == "killed" and name in _SIGNALS:
        cause = f"{_SIGNALS[name]} {cause}" if cause else _SIGNALS[name]
    if status == "failed" and cause is None:
        cause = _EXIT_CODES.get(code or 0)
    return Verdict(status, headline, cause, tuple(errors[-10:]))


def _errors(lines: Sequence[str]) -> list[str]:
    texts: list[str] = []
    for position, line in enumerate(lines):
        if not _ERROR.match(line):
            continue
        text = _HEADER.sub("", line).strip()
        # what follows without a header belongs to the error
        for more in lines[position + 1 : position + 8]:
            if not more or more[0] in "[&=":
                break
            text += " / " + more.strip()
        texts.append(text)
    if texts:
        return texts
    plain = [line.strip() for line in lines[-5:] if line.strip() and not line.startswith("&&&&")]
    return [_HEADER.sub("", line) for line in plain]


def _cause(lines: Sequence[str], errors: Sequence[str]) -> str | None:
    """Return the cause as lint finds it in the log; else what the surroundings or single lines say."""
    # lines without a header come from the loader, the shell or CUDA
    bare = [line for line in lines[-40:] if line and line[0] not in "[&="]
    text = "\n".join((*errors, *bare, *lines[-5:]))
    if found := meaning_of(text, _TEXTS) or _logged_cause(lines):
        return found
    meaning = meaning_of(text)
    return worded(meaning) if meaning else None


def _logged_cause(lines: Sequence[str]) -> str | None:
    from trtlog.read import parse

    try:
        run = parse("\n".join(lines).encode(), engine="line").runs[-1]
    except TrtlogError:
        return None  # nothing of TensorRT was printed
    cause = cause_of(run)
    return worded(cause.meaning, run) if cause is not None and cause.meaning else None
