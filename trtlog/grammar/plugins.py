"""Rules of messages that installed packages add, compiled once and checked against those that are shipped.

A package's folder holds ``*.lark`` written as those of ``grammars/messages``: rules with samples, over the terminals of
``grammars/fields*.lark`` and those of its own ``fields*.lark``; a ``header.lark`` holds beginnings of lines. What is
compiled is kept beside them as ``compiled.json``, or among the user's cached files where that folder is not writable,
with a digest of both texts: it is compiled again when either changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from trtlog import plugins
from trtlog._util.words import did_you_mean
from trtlog.errors import GrammarError, InputError
from trtlog.grammar import files
from trtlog.grammar.model import PACKAGE, Field, Grammar, Message, Variant

HEADER = "header.lark"


def with_plugins(shipped: Grammar) -> Grammar:
    """Return a grammar with the rules of all installed packages; the same one where there are none.

    Raises
    ------
    GrammarError
        A rule of a package cannot be used, or conflicts with another; the message names both.
    PluginError
        A package names no folder of rules.
    """
    grammar = shipped
    rules: list[Path] = []
    for entry in plugins.entry_points(plugins.GRAMMARS):
        rules = rules or _rules_in(files.grammar_files(files.grammar_dir()))
        grammar = _with(grammar, entry, rules)
        rules = [*rules, *_rules_in(_lark_files(entry))]
    return grammar


def _rules_in(paths: list[Path]) -> list[Path]:
    return [path for path in paths if not path.name.startswith("fields")]


def _lark_files(entry: plugins.EntryPoint) -> list[Path]:
    found = sorted(entry.folder().glob("*.lark"))
    if not _rules_in(found):
        raise GrammarError(f"{entry.folder()}: the plug-in {entry} has no rules there; put them into a *.lark")
    return found


def _with(grammar: Grammar, entry: plugins.EntryPoint, rules: list[Path]) -> Grammar:
    digest = f"{grammar.digest}+{files.digest_of(_lark_files(entry))}"
    own = _cached(entry, digest)
    if own is None:
        try:
            own = _compiled(grammar, entry, rules, digest)
        except (GrammarError, UnicodeDecodeError) as error:
            raise GrammarError(
                f"the plug-in {entry}: {error}\nmend or uninstall it, or leave all plug-ins out with "
                f"{plugins.VARIABLE}=0"
            ) from error
        _keep(entry, own)
    # Those of packages come first: of two that begin alike, the one for a line of a family wins.
    return Grammar(
        digest=digest,
        fields={**grammar.fields, **own.fields},
        messages={**own.messages, **grammar.messages},
        headers={**own.headers, **grammar.headers},
        sections=grammar.sections,
    )


# ------------------------------------------------------------------------------------------ kept
def _places(entry: plugins.EntryPoint) -> Iterator[Path]:
    """Yield where compiled rules of a package may be kept, the first choice first."""
    yield entry.folder() / files.COMPILED_NAME
    yield cache_folder() / f"{entry.package}-{entry.name}.json"


def cache_folder() -> Path:
    """Return the folder for what may be made anew at any time, as the system has it."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "trtlog" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "trtlog"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "trtlog"


def _cached(entry: plugins.EntryPoint, digest: str) -> Grammar | None:
    for place in _places(entry):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(place.read_text(encoding="utf-8"))
            if data["digest"] == digest:
                return files._from_json(data)
    return None


def _keep(entry: plugins.EntryPoint, own: Grammar) -> None:
    """Write compiled rules where that is possible; where it is not they are compiled each time."""
    compiled = files._to_json(own).encode()
    for place in _places(entry):
        if keep(place, compiled):
            return


def keep(place: Path, data: bytes) -> bool:
    """Write a file that may be made anew, whole or not at all: others may read it; return whether that was possible."""
    from trtlog._util.files import write_whole  # local: loads tempfile

    with contextlib.suppress(OSError, InputError):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, data)
        return True
    return False


# ------------------------------------------------------------------------------------------ compiled and checked
def _compiled(grammar: Grammar, entry: plugins.EntryPoint, rules: list[Path], digest: str) -> Grammar:
    from trtlog.grammar import compiler  # local: loads lark

    found = _lark_files(entry)
    own_fields = [path for path in found if path.name.startswith("fields")]
    headers = [path for path in found if path.name == HEADER]
    bodies = [path for path in found if path not in own_fields and path not in headers]
    fields: dict[str, Field] = {}
    for path in own_fields:
        for name, field in compiler.read_fields(path).items():
            if name in grammar.fields:
                raise GrammarError(f"{path}: the field {name.upper()} is there already; use it, or take another name")
            fields[name] = field
    terminals = [*files.field_files(files.grammar_dir()), *own_fields]
    compiled = [
        compiler.with_beginnings(compiler.compile_files(terminals, part), part is headers) if part else {}
        for part in (headers, bodies)
    ]
    known = {**grammar.fields, **fields}
    place = entry.value.replace(".", "/")
    for messages, others in zip(compiled, (grammar.headers, grammar.messages), strict=True):
        for kind, message in messages.items():
            where = f"{entry.folder() / message.file}:{message.line}: rule {kind}"
            if kind in others:
                raise GrammarError(f"{where} is there already, in {others[kind].place}; give it another name")
            _check_message(message, known, where)
            _check_table(message, grammar, where)
    written = {kind: m for path in rules if path.name != HEADER for kind, m in compiler.read_messages(path).items()}
    for kind, message in compiled[1].items():
        where = f"{entry.folder() / message.file}:{message.line}: rule {kind}"
        _check_conflicts(message, grammar, written, where)
    named = [
        {
            kind: m._replace(file=f"{place}/{m.file}", attributes={**m.attributes, PACKAGE: entry.package})
            for kind, m in messages.items()
        }
        for messages in compiled
    ]
    return Grammar(digest=digest, fields=fields, headers=named[0], messages=named[1], sections={})


def _check_message(message: Message, fields: dict[str, Field], where: str) -> None:
    """Refuse a rule whose fields are not described, or one of whose wordings has no sample."""
    for variant in message.variants:
        for name in variant.fields:
            if name not in fields:
                raise GrammarError(
                    f"{where}: field {name.upper()} has no description; put a line '//: text - what it is' above it, "
                    f"in a fields.lark"
                )
    match = re.match if message.file == HEADER else re.fullmatch
    shown = {v.wording for v in message.variants for sample in message.samples if match(v.regex, sample)}
    if missing := sorted({v.wording for v in message.variants} - shown):
        raise GrammarError(f"{where}: no sample is of the wording {missing[0]}; put one below the rule as '//> text'")
    for sample in message.samples:
        if not any(match(v.regex, sample) for v in message.variants):
            raise GrammarError(f"{where} does not match its own sample {sample!r}")


def _check_table(message: Message, grammar: Grammar, where: str) -> None:
    """Refuse a rule that names a table which takes no rows from rules."""
    table = message.attributes.get("table")
    tables = {other.attributes["table"] for other in grammar.messages.values() if "table" in other.attributes}
    if table is not None and table not in tables:
        raise GrammarError(
            f"{where}: no rule can add rows to a table {table!r}{did_you_mean(table, tables)}; those that take them "
            f"are {', '.join(sorted(tables))}; without '//@ table=' its lines stand in extension_messages"
        )


def _check_conflicts(message: Message, grammar: Grammar, written: dict[str, Message], where: str) -> None:
    """Refuse a rule that reads what another reads: its samples are new, and those of others stay what they are."""
    for sample in message.samples:
        mine = max((v for v in message.variants if _reads(v, sample)), key=_rank)
        for other in grammar.messages.values():
            for variant in other.variants:
                if not _may_meet(message, other) or not _reads(variant, sample):
                    continue
                # A family gives way to a rule for some of its lines that begins with as much text.
                if "general" not in other.attributes or _rank(mine) < _rank(variant):
                    raise GrammarError(
                        f"{where} conflicts with rule {other.kind} ({other.place}), which reads its sample {sample!r}; "
                        f"leave the line to that rule, or write more of its text into yours"
                    )
    for other in written.values():
        if "general" in other.attributes or not _may_meet(message, other):
            continue
        for sample in other.samples:
            if any(_reads(variant, sample) for variant in message.variants):
                raise GrammarError(
                    f"{where} conflicts with rule {other.kind}: it reads its sample {sample!r} too; write more of the "
                    f"line's text into your rule"
                )


def _may_meet(one: Message, other: Message) -> bool:
    """Whether two rules may be asked of the same line: those for different sections are not."""
    here, there = (set(filter(None, m.attributes.get("within", "").split(","))) for m in (one, other))
    return bool(here & there) if here and there else not here and not there


def _rank(variant: Variant) -> tuple[int, int]:
    """Order in which matching rules are tried: those with most text at the beginning first, then with most text."""
    return len(variant.prefix), sum(map(len, variant.literals))


def _reads(variant: Variant, text: str) -> bool:
    return (
        text.startswith(variant.prefix)
        and all(piece in text for piece in variant.literals)
        and re.fullmatch(variant.regex, text) is not None
    )
