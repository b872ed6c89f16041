"""Says before starting what trtexec would refuse, or do otherwise than it looks."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.flags import Flag, all_flags, flags_of, spellings
from trtlog.runner.arguments import FlagError, split_flag
from trtlog.runner.helptext import Help

_NUMERIC = expression(r"[NMP]\b|number|index|ratio|bytes|seconds|[0-9]")


@dataclass(frozen=True)
class Problem:
    """One finding about a command line.

    Attributes
    ----------
    severity
        ``error``: trtexec would refuse it. ``warning``: it starts, but not as it looks.
    flag
        The flag it is about, with dashes.
    text
        What is wrong, and what to write instead.
    """

    severity: str
    flag: str
    text: str

    def __str__(self) -> str:
        return self.text


def check_arguments(args: Sequence[str], help_: Help) -> list[Problem]:
    """Check arguments against the flags of a binary, worst first.

    Examples
    --------
    >>> from trtlog.flags import flags_of
    >>> old = Help({name: "" for name in flags_of((8, 5, 3))}, (8, 5, 3), None, (8, 5, 3))
    >>> for problem in check_arguments(["--onnx=m.onnx", "--skipInference"], old):
    ...     print(problem.severity, problem)
    error --skipInference does not exist in trtexec 8.5.3 (it is there from 8.6.0 on). Write --buildOnly: ...
    """
    single = [problem for argument in args for problem in _one(argument, help_)]
    problems = [*single, *_repeated(args), *_together(args, help_)]
    return sorted(problems, key=lambda problem: problem.severity != "error")


def refuse(problems: Sequence[Problem]) -> None:
    """Raise ``FlagError`` if there are errors among these."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        lines = "\n".join(f"  {problem.text}" for problem in errors)
        raise FlagError(
            f"trtexec was not started, because it would refuse {len(errors)} of its arguments:\n{lines}\n"
            "Give check_flags=False (on the command line --no-check) to start it all the same."
        )


def _one(argument: str, help_: Help) -> Iterator[Problem]:
    name, value = split_flag(argument)
    if not name.startswith("-"):
        yield Problem("error", name, f"{argument!r} is no flag: trtexec takes --name or --name=value, in one piece.")
        return
    entry = all_flags().get(name)
    if name not in help_.flags and (missing := _missing(name, value, entry, help_)) is not None:
        yield missing
        return
    bare = entry.bare if entry is not None else False
    optional = entry is not None and entry.value == "optional"
    if bare and value is not None:
        text = (
            f"{name} takes no value; trtexec ignores {value!r} and switches it on. Write {name} alone, or leave it out."
        )
        yield Problem("warning", name, text)
    elif entry is not None and not bare and not optional and not value:
        # trtexec takes an empty text for one, but cannot read a number from it
        severity = "error" if _NUMERIC.match(entry.value) else "warning"
        yield Problem(severity, name, f"{name} needs a value: {name}={entry.value}.")
    if entry is not None and entry.deprecated is not None and help_.release >= entry.deprecated:
        yield Problem("warning", name, f"{name} is deprecated in {help_.name}.{_instead(entry, value)}")


def _missing(name: str, value: str | None, entry: Flag | None, help_: Help) -> Problem | None:
    if entry is not None and entry.exists_in(help_.release):
        unlisted = entry.hidden or (entry.deprecated is not None and help_.release >= entry.deprecated)
        if unlisted:
            return None
        return Problem("warning", name, f"{name} is not listed by the --help of {help_.name}; it may be refused.")
    if entry is not None:
        text = f"{name} does not exist in {help_.name} (it is there {entry.span()}).{_instead(entry, value, help_)}"
        return Problem("error", name, text)
    same = [known for known in help_.flags if spellings(known) == spellings(name)]
    near = same or difflib.get_close_matches(name, list(help_.flags), n=2, cutoff=0.75)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return Problem("error", name, f"{name} is not known to {help_.name}.{hint}")


def _instead(entry: Flag, value: str | None, help_: Help | None = None) -> str:
    replacement = entry.replacement
    if replacement is not None and help_ is not None:
        target = split_flag(replacement)[0]
        if target not in help_.flags and target not in flags_of(help_.release):
            replacement = None
    note = entry.note or ""
    if replacement is None:
        return f" {note[:1].upper()}{note[1:]}." if note else ""
    return f" Write {replacement.format(value=value or 'N')}{': ' + note if note else ''}."


def _repeated(args: Sequence[str]) -> Iterator[Problem]:
    counts = Counter(split_flag(argument)[0] for argument in args)
    for name, count in counts.items():
        entry = all_flags().get(name)
        if count > 1 and entry is not None and not entry.repeatable:
            text = f"{name} is given {count} times; trtexec takes it once and calls the other copy an unknown option."
            yield Problem("error", name, text)


def _together(args: Sequence[str], help_: Help) -> Iterator[Problem]:
    names = {split_flag(argument)[0] for argument in args}
    if {"--saveEngine", "--loadEngine"} <= names:
        text = "--saveEngine and --loadEngine exclude each other: an engine is either built or loaded."
        yield Problem("error", "--saveEngine", text)
    if hides_summary(names, help_):
        text = (
            f"With a profile and without --separateProfileRun, {help_.name} prints no performance summary and writes "
            "no timing file. Add --separateProfileRun."
        )
        yield Problem("warning", "--dumpProfile", text)
    inference = {"--iterations", "--duration", "--warmUp", "--exportTimes"} & names
    skip = {"--skipInference", "--buildOnly"} & names
    if inference and skip:
        first = sorted(inference)[0]
        yield Problem("warning", first, f"{first} has no effect with {sorted(skip)[0]}: nothing is run.")
    if {"--int8", "--fp8"} <= names:
        yield Problem("error", "--fp8", "--fp8 and --int8 cannot be combined.")


def hides_summary(names: set[str], help_: Help) -> bool:
    """Whether the profiler would suppress the performance summary (8.4.1 to 10.16)."""
    profiled = bool({"--dumpProfile", "--exportProfile"} & names)
    return profiled and "--separateProfileRun" not in names and (8, 4, 1) <= help_.release < (11,)
