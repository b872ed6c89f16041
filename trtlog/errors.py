"""The errors trtlog raises, all in one tree.

::

    TrtlogError
    |-- InputError (ValueError)     the source cannot be read as a log
    |   |-- NoLogError              it can be read and is no log: empty, binary, JSON, of another program
    |   |-- StrictError             strict=True and a line no rule knows
    |-- GrammarError (ValueError)   a rule in grammars/ is wrong
    |-- SchemaError (ValueError)    Parquet files of another, unknown schema
    |-- PluginError                 what another package adds cannot be used
    |-- QueryError (ValueError)     a table, column, filter or layer that is not there
    |   |-- SeveralRunsError        a log of several runs, and a question about one
    |-- RunError                    trtexec could not be started or failed
    |-- MissingExtra (ImportError)  an optional package is needed

Each message says what, where, and what to do next.
"""

from __future__ import annotations

from pathlib import Path


class TrtlogError(Exception):
    """Base of all errors that trtlog raises on purpose."""


class InputError(TrtlogError, ValueError):
    """The source cannot be read as a log: missing, empty, binary, cut or of another program."""


class NoLogError(InputError):
    """The source can be read and is no log of TensorRT: empty, binary, JSON, an archive, of another program."""


class StrictError(InputError):
    """A line that no rule knows, under ``strict=True``. ``lines`` holds (line number, text) pairs."""

    def __init__(self, message: str, lines: list[tuple[int, str]] | None = None) -> None:
        super().__init__(message)
        self.lines = lines or []


class GrammarError(TrtlogError, ValueError):
    """A rule in ``grammars/`` cannot be used; the message names file, line and rule."""


class SchemaError(TrtlogError, ValueError):
    """Parquet files whose schema this version of trtlog does not know."""


class PluginError(TrtlogError):
    """What an installed package adds to trtlog cannot be used; the message names the package."""


class QueryError(TrtlogError, ValueError):
    """A question about a table, column, layer or run that is not there."""


class SeveralRunsError(QueryError):
    """A question about one run of a log that holds several.

    Attributes
    ----------
    for_command_line : str
        The message in the words of the command line.
    """

    def __init__(self, source: str, runs: int, what: str = "", option: str = "--run") -> None:
        place = f".{what}" if what else ""
        super().__init__(
            f"{source} holds {runs} runs; ask one of them: log.runs[0]{place} ... log.runs[{runs - 1}]{place}"
        )
        self.for_command_line = (
            f"{source} holds {runs} runs; choose one with {option} N, from 0 to {runs - 1} "
            f"('trtlog show runs {source}' lists them)"
        )
        self._made_of = (source, runs, what, option)

    def __reduce__(self) -> tuple[type[SeveralRunsError], tuple[str, int, str, str]]:
        return type(self), self._made_of


class RunError(TrtlogError):
    """trtexec could not be started, failed, hung or was killed.

    Attributes
    ----------
    status
        ``failed killed timed_out hung interrupted disk_full``; None if it was not started.
    exit_code
        What it returned; None if it was not started or a signal ended it.
    signal
        The name of the signal that ended it, such as ``SIGKILL``; else None.
    messages
        The errors it printed last, oldest first, without time stamps.
    cause
        The likely cause and what to do; None if the log gives no hint.
    folder
        The run folder with the log; ``trtlog.open_run`` opens it. None if there is none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: str | None = None,
        exit_code: int | None = None,
        signal: str | None = None,
        messages: tuple[str, ...] = (),
        cause: str | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.exit_code = exit_code
        self.signal = signal
        self.messages = messages
        self.cause = cause
        self.folder = folder


def how_to_install(extra: str) -> str:
    """Return the command that adds an optional part: trtlog is on no package index, so it comes from its checkout.

    Examples
    --------
    >>> how_to_install("plot")
    "in the checkout of trtlog: pip install '.[plot]'"
    """
    return f"in the checkout of trtlog: pip install '.[{extra}]'"


class MissingExtra(TrtlogError, ImportError):
    """An optional package is needed; the message holds the ``pip install`` line."""


# Characters of a text around the place that is shown.
_SHOWN = 100


def caret(text: str, position: int) -> str:
    """Return ``text`` cut around ``position`` with a caret line below it.

    Examples
    --------
    >>> print(caret("Tactic: x", 8))
    Tactic: x
            ^
    """
    start = max(0, position - _SHOWN // 2)
    shown = text[start : start + _SHOWN]
    lead = "..." if start else ""
    tail = "..." if start + _SHOWN < len(text) else ""
    return f"{lead}{shown}{tail}\n{' ' * (len(lead) + position - start)}^"
