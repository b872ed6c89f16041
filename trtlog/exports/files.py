"""Which exported files belong to a log: those beside it that carry its name, or that its command names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from trtlog._util.expression import expression

# How the name of a compressed file ends.
COMPRESSED = (".gz", ".xz", ".zst", ".bz2")
_LOG_ENDINGS = (".log", ".txt", ".out", ".stdout", ".stderr")
# trt-engine-explorer writes MODEL.engine.build.log and MODEL.engine.profile.log for the same exports
_PHASES = (".build", ".profile")
_WORDS = (
    "layers?|layer[-_]?info|exportlayerinfo|graph|profile|exportprofile|times?|timing|exporttimes|outputs?|exportoutput"
)
# What trt-engine-explorer makes of a log; beside the log itself it tells nothing new.
_METADATA = "(?:(?:build|profile)[._-])?metadata"
_OPTION = expression(r"--export(?:Times|Profile|LayerInfo|Output)=(?:'([^']*)'|\"([^\"]*)\"|(\S+))")


def find_exports(log: str | Path, command: str | None = None) -> list[Path]:
    """Return the exported JSON files that belong to a log, sorted by name.

    Parameters
    ----------
    log : path
        The log file. Beside ``x.log`` (also compressed) these carry its name: ``x.layers.json``,
        ``x.profile.json``, ``x.times.json``, ``x.output.json``; trt-engine-explorer's ``x.graph.json`` and
        ``x.timing.json``; the same words after ``_`` or ``-``, or in front as in ``layers_x.json``.
    command : str, optional
        Command line of the run: the files that its ``--export...`` options name count too, where a file of
        that name is beside the log.

    Returns
    -------
    list of Path
        Only files that are there. They are not opened.
    """
    path = Path(log)
    folder = path.parent
    if not folder.is_dir():
        return []
    names = exports_among((file.name for file in folder.iterdir()), path.name, command)
    return sorted(folder / name for name in names if (folder / name).is_file())


def find_siblings(export: str | Path) -> list[Path]:
    """Return the exports that belong to one export, itself among them, sorted by name.

    They lie in the same folder and have the same name but for the word that tells what they hold: ``x.graph.json``,
    ``x.profile.json``, ``x.timing.json``, ``x.metadata.json`` of trt-engine-explorer; ``x.layers.json`` and so on; or
    that word alone, ``layers.json`` and ``profile.json``.

    Parameters
    ----------
    export : path
        A JSON file. It and the others are not opened.
    """
    path = Path(export)
    if not path.parent.is_dir():
        return [path]
    names = siblings_among((file.name for file in path.parent.iterdir()), path.name)
    return sorted({path, *(path.parent / name for name in names if (path.parent / name).is_file())})


def siblings_among(names: Iterable[str], export: str) -> list[str]:
    """Return the names, out of those in its folder, of the exports that belong to an export.

    Examples
    --------
    >>> folder = ["x.graph.json", "x.profile.json", "y.profile.json", "x.profile.metadata.json", "profile.json"]
    >>> siblings_among(folder, "x.graph.json")
    ['x.graph.json', 'x.profile.json', 'x.profile.metadata.json']
    >>> siblings_among(["layer_info.json", "profile.json", "net.json"], "profile.json")
    ['layer_info.json', 'profile.json']
    """
    words = rf"(?:{_METADATA}|{_WORDS})"
    own = _without(export, COMPRESSED)
    # The longer ending first: x.profile.metadata.json is called after x.
    found = re.fullmatch(rf"(?:(?P<before>.+?)[._-])?{words}\.json|{words}[._-](?P<after>.+)\.json", own, re.IGNORECASE)
    stem = re.sub(r"\.json$", "", own, flags=re.IGNORECASE) if found is None else found["before"] or found["after"]
    if stem is None:
        pattern = rf"{words}\.json"
    else:
        pattern = rf"(?:{re.escape(stem)}[._-]{words}|{words}[._-]{re.escape(stem)})\.json"
    fitting = sorted(full for full in names if re.fullmatch(pattern, _without(full, COMPRESSED), re.IGNORECASE))
    return without_twins(fitting, export)


def is_json(name: str) -> bool:
    """Return whether a file may be an export, by its name.

    Examples
    --------
    >>> is_json("net.times.json.gz"), is_json("net.log")
    (True, False)
    """
    return _without(name, COMPRESSED).lower().endswith(".json")


def exports_among(names: Iterable[str], log: str, command: str | None = None) -> list[str]:
    """Return the names, out of those in the folder of a log, of the exports that belong to it.

    Examples
    --------
    >>> exports_among(["net.times.json", "other.times.json", "t.json"], "net.log", "trtexec --exportTimes=out/t.json")
    ['net.times.json', 't.json']
    """
    named = set(exports_named(command))
    patterns = [
        re.compile(rf"(?:{re.escape(stem)}[._-](?:{_WORDS})|(?:{_WORDS})[._-]{re.escape(stem)})\.json", re.IGNORECASE)
        for stem in stems_of(log)
    ]
    found = []
    for full in names:
        name = _without(full, COMPRESSED)
        if full == log or not is_json(full):
            continue
        if name.lower() in named or any(pattern.fullmatch(name) for pattern in patterns):
            found.append(full)
    return without_twins(sorted(found))


def without_twins(names: Iterable[str], kept: str = "") -> list[str]:
    """Return the names without those of copies: ``x.json`` beside ``x.json.gz`` is one export, read as it is.

    Parameters
    ----------
    names : iterable of str
        Names of one folder, sorted.
    kept : str
        The name that stays, whatever its copies are called.

    Examples
    --------
    >>> without_twins(["a.json", "a.json.gz", "b.json.gz"])
    ['a.json', 'b.json.gz']
    """
    chosen: dict[str, str] = {_without(kept, COMPRESSED): kept} if kept else {}
    listed = list(names)
    for name in listed:
        chosen.setdefault(_without(name, COMPRESSED), name)
    return [name for name in listed if chosen[_without(name, COMPRESSED)] == name]


def uncompressed(name: str) -> str:
    """Return a name without the ending of a compression."""
    return _without(name, COMPRESSED)


def exports_named(command: str | None) -> list[str]:
    """Return the file names, in lower case and without folders, of the options ``--export...`` of a command."""
    return [
        re.split(r"[\\/]", next(filter(None, found.groups())))[-1].lower() for found in _OPTION.finditer(command or "")
    ]


def stems_of(name: str) -> list[str]:
    """Return what exports may be called after: the name without endings, and without the phase."""
    stem = _without(_without(name, COMPRESSED), _LOG_ENDINGS)
    shorter = _without(stem, _PHASES)
    return [part for part in dict.fromkeys((stem, shorter)) if part]


def _without(name: str, endings: tuple[str, ...]) -> str:
    return next((name[: -len(end)] for end in endings if name.lower().endswith(end)), name)
