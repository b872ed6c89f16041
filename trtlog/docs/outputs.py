"""What commands print, put into the pages that show it.

A ``console`` block that holds more than commands shows their output: it is filled in with what the commands of the
page print, one after the other in one folder. Where the output on the page ends with a line ``...`` it stays cut there.

A page that teaches rules (``lark`` blocks with the title ``grammars/...``) works in a copy of the checkout, where each
rule is added to the file of that name.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trtlog._util.expression import expression
from trtlog.errors import TrtlogError

# Columns of the terminal that the pages show.
WIDTH = 100
_BLOCK = expression(r'^```(console|lark title="(grammars/[^"]*)")\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_CUT = "..."
_BASH = 'trtlog() { "$PYTHON" -m trtlog "$@"; }; python() { "$PYTHON" "$@"; }; set -o pipefail; '
_COPIED = ("trtlog", "grammars", "tests")
_LINKED = (".ci", "fixtures", "docs", "pyproject.toml", "README.md")


def has_outputs(page: str) -> bool:
    r"""Tell whether a page shows what commands print.

    Examples
    --------
    >>> has_outputs("```console\n$ trtlog tables\n```\n"), has_outputs("```console\n$ trtlog tables\nruns\n```\n")
    (False, True)
    """
    return any(_shows(found[3]) for found in _BLOCK.finditer(page) if found[1] == "console")


def _shows(block: str) -> bool:
    return any(not line.startswith("$ ") for line in block.splitlines())


def with_outputs(root: Path, page: str) -> str:
    """Return a page with what its commands print now.

    Parameters
    ----------
    root : Path
        The checkout.
    page : str
        The page's text.

    Raises
    ------
    TrtlogError
        A command fails.
    """
    teaches = any(found[2] for found in _BLOCK.finditer(page))
    with _folder(root, copied=teaches) as folder:

        def refreshed(found: re.Match[str]) -> str:
            if found[2]:
                path = folder / found[2]
                path.write_text(f"{path.read_text(encoding='utf-8')}\n{found[3]}", encoding="utf-8")
                return found[0]
            return f"```console\n{_refreshed(found[3], alone=teaches)}```"

        return _BLOCK.sub(refreshed, page)


def _refreshed(block: str, *, alone: bool) -> str:
    shows = _shows(block)
    out = []
    for piece in re.split(r"^(?=\$ )", block, flags=re.MULTILINE):
        first, _, shown = piece.partition("\n")
        command = first.removeprefix("$ ")
        ours = command.startswith("trtlog ")
        if not first.startswith("$ ") or not (shows or ours or alone):
            out.append(piece)
            continue
        printed = _ours(command) if ours and not alone and "|" not in command else _any(command)
        kept = shown.splitlines()
        if kept and kept[-1] == _CUT:
            printed = [*printed[: len(kept) - 1], _CUT]
        out.append("\n".join([first, *(printed if shows else ())]) + "\n")
    return "".join(out)


def _ours(command: str) -> list[str]:
    """Run a trtlog command here, which is fast; 1, the code of a gate that did not pass, is an answer too."""
    from click.testing import CliRunner

    from trtlog.cli import cli

    done = CliRunner().invoke(cli, shlex.split(command)[1:], prog_name="trtlog", env=_environment())
    if done.exit_code not in (0, 1) or isinstance(done.exception, TrtlogError):
        raise TrtlogError(f"'{command}' fails, so that its output cannot be shown: {done.exception or done.output}")
    return _lines(done.stdout)


def _any(command: str) -> list[str]:
    """Run a command in a shell, with this Python and the folder's trtlog."""
    environment = {**os.environ, **_environment(), "PYTHON": sys.executable, "PYTHONPATH": os.getcwd()}
    bash = ["bash", "-c", _BASH + command]
    done = subprocess.run(bash, capture_output=True, text=True, env=environment, check=False)
    if done.returncode not in ((0, 1) if command.startswith("trtlog ") else (0,)):
        raise TrtlogError(f"'{command}' fails, so that its output cannot be shown: {done.stdout}{done.stderr}")
    return _lines(done.stdout)


def _environment() -> dict[str, str]:
    return {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}


def _lines(printed: str) -> list[str]:
    return [line.rstrip() for line in printed.splitlines()]


@contextmanager
def _folder(root: Path, *, copied: bool) -> Iterator[Path]:
    """Work in a folder of its own that shows the checkout's files, so that commands may write."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for entry in _COPIED if copied else ():
            shutil.copytree(root / entry, folder / entry)  # with what Python has compiled, which is as good there
        for entry in _LINKED:
            (folder / entry).symlink_to(root / entry)
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)
