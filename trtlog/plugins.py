"""What other packages add to trtlog, by entry points: rules of messages, lint rules, tables.

A package says in its ``pyproject.toml``::

    [project.entry-points."trtlog.grammars"]
    acme = "trtlog_acme.grammars"          # a package whose folder holds *.lark
    [project.entry-points."trtlog.lint"]
    acme = "trtlog_acme.rules"             # a module whose functions are marked with @rule
    [project.entry-points."trtlog.analyses"]
    acme = "trtlog_acme.tables:ANALYSES"   # Analysis objects

They are looked for when a grammar, the rules or the tables are asked for first, once a process. ``importlib.metadata``
takes 30 to 200 ms for that, more than reading a small log; the names of the installed packages are read here instead
(2 ms for 150 packages), and nothing of a package is imported that adds nothing. ``TRTLOG_PLUGINS=0`` leaves all out.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from trtlog.errors import PluginError

GRAMMARS, LINT, ANALYSES = "trtlog.grammars", "trtlog.lint", "trtlog.analyses"
GROUPS = (GRAMMARS, LINT, ANALYSES)
VARIABLE = "TRTLOG_PLUGINS"
_MARK = b"trtlog."


class EntryPoint(NamedTuple):
    """What a package adds: the group, the name it gives it, ``module`` or ``module:object``, the package's name."""

    group: str
    name: str
    value: str
    package: str

    def __str__(self) -> str:
        return f"{self.package} ({self.group}: {self.name} = {self.value})"

    def load(self) -> Any:
        """Import what it names.

        Raises
        ------
        PluginError
            The module cannot be imported, or has no such object.
        """
        module, _, attribute = self.value.partition(":")
        try:
            found: Any = importlib.import_module(module.strip())
            for part in filter(None, attribute.strip().split(".")):
                found = getattr(found, part)
        except PluginError:
            raise
        except Exception as error:  # another package's code: whatever it raises, the error names the package
            raise PluginError(
                f"the plug-in {self} cannot be loaded: {type(error).__name__}: {error}; mend or uninstall it, or leave "
                f"all plug-ins out with {VARIABLE}=0"
            ) from error
        return found

    def folder(self) -> Path:
        """Return the folder of the package that it names.

        Raises
        ------
        PluginError
            There is no such package, or it is no folder.
        """
        try:
            spec = importlib.util.find_spec(self.value.strip())
        except Exception as error:  # the package above it may raise anything
            raise PluginError(f"the plug-in {self} cannot be loaded: {type(error).__name__}: {error}") from error
        places = list(spec.submodule_search_locations or ()) if spec is not None else []
        if not places:
            raise PluginError(f"the plug-in {self} names no package: rules of messages stand as *.lark in its folder")
        return Path(places[0])


def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Return what installed packages add to a group, by package and name.

    Examples
    --------
    >>> [found.name for found in entry_points("trtlog.nothing")]
    []
    """
    if os.environ.get(VARIABLE, "").strip().lower() in ("0", "no", "off", "false"):
        return ()
    return tuple(found for found in _installed(tuple(sys.path)) if found.group == group)


@lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of the packages on a path; of a package that is there twice the first, as Python does."""
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for place in dict.fromkeys(path):
        try:
            names = sorted(name for name in os.listdir(place or ".") if name.endswith((".dist-info", ".egg-info")))
        except OSError:  # a zip archive, or a folder that is not there
            continue
        for name in names:
            package = name.rpartition(".")[0].partition("-")[0]
            if package in seen:
                continue
            seen.add(package)
            try:
                with open(os.path.join(place or ".", name, "entry_points.txt"), "rb") as file:
                    text = file.read()
            except OSError:  # it has none
                continue
            if _MARK in text:
                found += _read(text.decode("utf-8", "replace"), package)
    return tuple(sorted(found))


def _read(text: str, package: str) -> list[EntryPoint]:
    """Return the entry points for trtlog that a package's ``entry_points.txt`` holds."""
    found = []
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[] ")
        elif group in GROUPS and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            found.append(EntryPoint(group, name.strip(), value.partition("[")[0].strip(), package))
    return found
