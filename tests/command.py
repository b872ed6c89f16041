"""The command line in the process of the tests: the start of a Python takes longer than most commands do.

What is tested of the process itself (signals, pipes, closed streams, a terminal) starts one.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from tests.conftest import ROOT
from trtlog.cli import main

# What a terminal or a developer may have set and what would change what is printed.
_UNSET = ("COLUMNS", "TRTLOG_TRACEBACK", "TRTLOG_TRTEXEC", "TRTLOG_LOGGER")


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    output: bytes
    errors: bytes

    @property
    def stdout(self) -> str:
        return self.output.decode()

    @property
    def stderr(self) -> str:
        return self.errors.decode()


def trtlog(
    *arguments: object, stdin: bytes = b"", cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> Done:
    """Run ``trtlog`` with the arguments, from a folder, as ``python -m trtlog`` does."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8") for name in ("stdout", "stderr")}
    streams["stdin"] = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    here = Path.cwd()
    os.chdir(cwd)
    try:
        with (
            mock.patch.multiple(sys, **streams),
            mock.patch.dict(os.environ, {**kept, **(environment or {})}, clear=True),
            warnings.catch_warnings(),
        ):
            # A warning is printed, as outside of pytest.
            warnings.simplefilter("default")
            warnings.showwarning = lambda *shown: sys.stderr.write(warnings.formatwarning(*shown[:4]))
            main(list(map(str, arguments)))
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os.chdir(here)
    printed = []
    for name in ("stdout", "stderr"):
        streams[name].flush()
        printed.append(streams[name].buffer.getvalue())  # type: ignore[attr-defined]
    return Done(code, *printed)
