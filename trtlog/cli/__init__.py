"""The command line: arguments in, a Log, its tables or an analysis out as text. Only this package prints.

Each command is a module of its own, imported when it is called, so that ``trtlog --help`` answers at once.
Exit codes: 0 done, 1 a gate or a run failed, 2 bad input or usage.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from typing import Any

import click

from trtlog._util.words import did_you_mean
from trtlog._version import __version__
from trtlog.cli.common import add_logger_option, echo
from trtlog.cli.console import add_color_option, silence_broken_streams
from trtlog.errors import RunError, SeveralRunsError, TrtlogError

_VERSION_HELP = "Show the version, and whether logs are read by the part in C, and exit."

# Command -> (module that holds a click command named "command", one line of help).
COMMANDS: dict[str, tuple[str, str]] = {
    "summary": ("trtlog.cli.summary", "What ran, on what, headline numbers, phases, top layers, warnings."),
    "show": ("trtlog.cli.show", "Rows of a table, filtered, sorted, as text, JSON, CSV or Markdown."),
    "tables": ("trtlog.cli.tables", "Tables and columns with units and meanings."),
    "convert": ("trtlog.cli.convert", "Logs to Parquet."),
    "coverage": ("trtlog.cli.coverage", "How many lines are of which kind."),
    "unknown": ("trtlog.cli.unknown", "Lines that no rule knows, ranked by shape, with a rule to start from."),
    "query": ("trtlog.cli.query", "SQL over the tables."),
    "why": ("trtlog.cli.why", "One layer: origin, candidates, choice, conversions, cost."),
    "lint": ("trtlog.cli.lint", "Findings with evidence, why it matters, what to do; and what is fine."),
    "tactics": ("trtlog.cli.tactics", "Candidates ranked, margins, best by precision and format, winners, noise."),
    "precision": ("trtlog.cli.precision", "What each precision would cost, and why layers fell back."),
    "what-if": ("trtlog.cli.what_if", "Why a narrower precision is not faster: what other formats would cost."),
    "fusions": ("trtlog.cli.fusions", "Layers pass by pass, rewrites, from ONNX nodes to engine layers."),
    "reformats": ("trtlog.cli.reformats", "Conversions between formats: cost, and who forces them."),
    "roofline": ("trtlog.cli.roofline", "Operations and bytes of each layer against what the GPU can do."),
    "graph": ("trtlog.cli.graph", "The engine's graph as SVG, DOT for Graphviz, or ONNX for Netron."),
    "memory": ("trtlog.cli.memory", "Memory of build and engine; what more workspace would allow."),
    "build-time": ("trtlog.cli.build_time", "Where the builder's time went; the timing cache."),
    "performance": ("trtlog.cli.performance", "What bounds the throughput; how stable it is."),
    "explain": ("trtlog.cli.explain", "Which rule matched a line, and its fields."),
    "excerpt": ("trtlog.cli.excerpt", "Some lines as they stand, without secrets, for a report of a mistake."),
    "run": ("trtlog.cli.run", "Start trtexec, follow it, keep its log and everything around it."),
    "sweep": ("trtlog.cli.sweep", "One model over batch sizes, precisions and other flags, compared."),
    "watch": ("trtlog.cli.watch", "Follow a log while trtexec writes it."),
    "report": ("trtlog.cli.report", "A log, or two side by side, as one HTML file."),
    "trace": ("trtlog.cli.trace", "A log as a timeline for Perfetto: phases, layers, runners, memory, inferences."),
    "diff": ("trtlog.cli.diff", "Two builds or runs side by side: what changed, and what of it matters."),
    "compare": ("trtlog.cli.compare", "Many runs ranked side by side; regressions against a baseline."),
    "lock": ("trtlog.cli.lock", "Write what a build chose, and its budgets, to a lock file."),
    "check": ("trtlog.cli.check", "Fail when a build differs from its lock file: the gate for CI."),
    "pin": ("trtlog.cli.pin", "Entries for an editable timing cache that make the next build take a tactic."),
    "mcp": ("trtlog.cli.mcp", "A server that agents ask about logs, over the Model Context Protocol."),
    "stability": ("trtlog.cli.stability", "Several builds of one model: which layers change, margins against noise."),
}


class _ReaderGone(Exception):
    """Nobody reads standard output any more."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; their short help is known before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(entry[0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry[0]}.command is no click command")
        return add_color_option(add_logger_option(command))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a name that is none, say which is near."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"there is no command {args[0]!r}{near}", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that has gone (head, less) is no failure, for which click takes it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as gone:
            raise _ReaderGone from gone

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[1]) for name, entry in COMMANDS.items()])


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from trtlog.engines.library import engine_in_words

        echo(f"trtlog, version {__version__}, {engine_in_words()}")
        context.exit()


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help=_VERSION_HELP)
def cli() -> None:
    """Read what TensorRT's trtexec prints, and answer what performance engineers ask.

    A LOG is a file, also .gz .xz .bz2 .zst, the folder of a run or sweep, Parquet, a dataset or folder (with --log),
    trtexec's JSON exports, or - for standard input.

    Example:  trtlog summary verbose.log
    """


add_color_option(cli)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line, as the program ``trtlog`` does."""
    _open_closed_streams()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter shows its number
    _take_one_thread(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (BrokenPipeError, _ReaderGone):
        # The reader (head, less) went away: no error, and nothing more to print.
        code = 0
    except OSError as error:
        if error.filename is not None:
            raise
        _complain(f"standard output cannot be written: {error.strerror or error}")
        code = 2
    silence_broken_streams()
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    """Run a command; return its exit code."""
    try:
        code = cli.main(arguments, prog_name="trtlog", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _complain("stopped")
        return 130
    except click.ClickException as error:
        # what click prints holds names of files and values of options
        shown = io.StringIO()
        error.show(shown)
        with contextlib.suppress(OSError):
            echo(shown.getvalue(), err=True, nl=False)
        return 2
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except SeveralRunsError as error:
        _complain(error.for_command_line)
        return 2
    except TrtlogError as error:
        _complain(str(error))
        return 1 if isinstance(error, RunError) else 2
    except OSError as error:
        if error.filename is None:
            raise  # a stream of this program
        _complain(f"{error.filename}: {error.strerror or error}")
        return 2
    except _ReaderGone:
        raise
    except Exception as error:
        # A mistake of trtlog's own. The user gets one line; the place is shown on request.
        if os.environ.get("TRTLOG_TRACEBACK"):
            raise
        kind = type(error).__name__
        _complain(f"a mistake in trtlog itself ({kind}: {error}); TRTLOG_TRACEBACK=1 shows where")
        return 2
    return code if isinstance(code, int) else 0


def _take_one_thread(arguments: list[str]) -> None:
    """Let numpy start one thread for algebra, which no command needs, unless the user set how many.

    Not where another program may be started, which would inherit the variable.
    """
    if not {"run", "sweep", "mcp"} & set(arguments):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _complain(text: str) -> None:
    """Write to standard error, if there is somebody to read it."""
    with contextlib.suppress(OSError, ValueError):
        echo(f"trtlog: {text}", err=True)


def _open_closed_streams() -> None:
    """Open what was closed (``trtlog run 2>&-``): the log of a run would become standard error otherwise."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115 - stays open
