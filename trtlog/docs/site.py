"""The pages of the site that are made while it is built: messages, commands, changelog.

They are kept nowhere, so that a rule or an option is written in one place and its page cannot be stale.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from trtlog.errors import GrammarError
from trtlog.grammar import Field, Message, grammar_dir, load
from trtlog.messages.captures import Matches

# A log that holds something for every table: reading it shows which kinds of message a table is made of.
_LOG = "fixtures/trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz"
_WORDS = {
    "bare": "It is printed without a header.",
    "multiline": "Lines without a header below it belong to it.",
    "general": "It stands for a family: rules of their own for some of its lines come first.",
}
# Characters of an option's names that stay on one line.
_LONG = 36
_SEVERITY = {"W": "warning", "E": "error", "F": "fatal"}


def site_pages(root: Path) -> dict[str, str]:
    """Return the made pages by their path below ``docs``."""
    # The file stands beside the folder docs, its page in it.
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8").replace("](docs/", "](")
    return {**message_pages(root), "commands.md": commands_page(), "changelog.md": changelog}


# ---------------------------------------------------------------- messages
def message_pages(root: Path) -> dict[str, str]:
    """Return one page a file of ``grammars/messages``, and an index."""
    grammar, files = load(), _files()
    made_of = tables_of_kinds(root)
    pages = {"messages/index.md": _index(files)}
    for area, messages in files.items():
        made = f"Made from the rules in `grammars/messages/{area}.lark`."
        lines = [f"# Messages: {title(area)}", "", _prose(_about(area)), "", made]
        for message in messages:
            lines += ["", *_message(message, grammar.fields, made_of.get(message.kind, []))]
        pages[f"messages/{area}.md"] = "\n".join(lines) + "\n"
    return pages


@cache
def _files() -> dict[str, list[Message]]:
    """Return the messages of each file, with their samples."""
    from trtlog.grammar.compiler import read_messages  # local: loads lark

    grammar = load()
    files: dict[str, list[Message]] = {}
    for path in sorted((grammar_dir() / "messages").glob("*.lark")):
        # The compiled grammar holds no samples, the rules as they are read no variants.
        read = read_messages(path).values()
        files[path.stem] = [grammar.messages[m.kind]._replace(samples=m.samples) for m in read]
    return files


def samples() -> list[tuple[str, str, str]]:
    """Return each sample with its kind and the name of its page, for the search."""
    return [
        (sample.strip(), message.kind, f"messages/{area}")
        for area, messages in _files().items()
        for message in messages
        for sample in dict.fromkeys(sample.strip() for sample in message.samples)
        if sample
    ]


def title(area: str) -> str:
    """Return how a file of rules is called on the site.

    Examples
    --------
    >>> title("skipped_tactics"), title("dla")
    ('skipped tactics', 'DLA')
    """
    return area.upper() if area == "dla" else area.replace("_", " ")


def _about(area: str) -> str:
    """Return the comment that a file of rules begins with."""
    words = []
    for line in (grammar_dir() / "messages" / f"{area}.lark").read_text(encoding="utf-8").splitlines():
        if not line.startswith("// "):
            break
        words.append(line[3:].strip())
    return " ".join(words)


def _index(files: dict[str, list[Message]]) -> str:
    known = [message for messages in files.values() for message in messages]
    samples = sum(len(message.samples) for message in known)
    lines = [
        "# Messages",
        "",
        f"What TensorRT and its tools print, as trtlog knows it: {len(known)} kinds of message with",
        f"{samples} samples, from the rules in `grammars/messages/`. The samples have the wording of the versions that",
        "print them, with names and values made up. Put words of a line into the search above, or ask trtlog about a",
        "line of a log of yours: `trtlog explain verbose.log:1421`.",
        "",
        "Whatever is printed as a warning, an error or a fatal error is also a row of the table",
        "[messages](../tables.md#messages); a line that no rule knows is counted, and `trtlog unknown` shows it.",
        "How to add a kind: [Contributing](../contributing.md).",
        "",
        "| about | kinds |",
        "|---|---|",
    ]
    for area, messages in files.items():
        kinds = ", ".join(f"[{m.kind}]({area}.md#{m.kind})" for m in messages)
        lines.append(f"| [{title(area)}]({area}.md) | {kinds} |")
    return "\n".join(lines) + "\n"


def _message(message: Message, fields: dict[str, Field], tables: list[str]) -> list[str]:
    lines = [f"## {message.kind}", "", _prose(message.doc), ""]
    lines += ["```text", *dict.fromkeys(sample.rstrip() for sample in message.samples), "```"]
    captured = list(dict.fromkeys(name for variant in message.variants for name in variant.fields))
    if captured:
        lines += ["", "| field | type | unit | meaning |", "|---|---|---|---|"]
        for name in captured:
            about = fields[name]
            lines.append(f"| `{name}` | {about.type} | {about.unit} | {_cell(about.doc)} |")
    notes = [words for word, words in _WORDS.items() if word in message.attributes]
    if within := message.attributes.get("within"):
        notes.append(f"It means this inside {' and '.join(f'`{s}`' for s in within.split(','))} only.")
    if severity := message.attributes.get("severity"):
        notes.append(f"Its severity is {_SEVERITY[severity]}.")
    if tables:
        links = ", ".join(f"[{name}](../tables.md#{name})" for name in tables)
        notes.append(f"Tables that are made of it: {links}.")
    wordings = list(dict.fromkeys(v.wording for v in message.variants))
    if len(wordings) > 1:
        notes.append(f"Wordings: {', '.join(f'`{w}`' for w in wordings)}.")
    return [*lines, "", *(f"- {note}" for note in notes)] if notes else lines


def _prose(text: str) -> str:
    """Return a comment of the grammar as Markdown: nothing in it is markup but what stands in backticks."""
    pieces = text.split("`")
    for number in range(0, len(pieces), 2):
        for mark in "\\*_[]<>{}#":
            pieces[number] = pieces[number].replace(mark, {"<": "&lt;", ">": "&gt;"}.get(mark, f"\\{mark}"))
    return "`".join(pieces)


def tables_of_kinds(root: Path) -> dict[str, list[str]]:
    """Return the tables that are made of each kind of message, seen by asking for each table of a log.

    Raises
    ------
    GrammarError
        A rule names a table that is not made of its rows.
    """
    from trtlog.reader import read_captures
    from trtlog.tables import BUILDERS
    from trtlog.tables.context import Context

    captures, _, _ = read_captures(root / _LOG)
    asked: set[str] = set()
    original = captures.matches

    def matches(*kinds: str) -> Matches:
        asked.update(kinds)
        return original(*kinds)

    captures.matches = matches  # type: ignore[method-assign]  # the question itself is what is wanted
    found: dict[str, list[str]] = defaultdict(list)
    for name, build in BUILDERS.items():
        if name in ("messages", "coverage"):
            continue  # of any kind
        asked.clear()
        build(Context(captures, [_LOG], [{}]))
        # Every table asks for the banners, to number the runs.
        for kind in sorted(asked - ({"run_started"} if name not in ("runs", "sections") else set())):
            found[kind].append(name)
    for kind, message in captures.grammar.messages.items():
        named = message.attributes.get("table")
        if named is not None and named not in found[kind]:
            where = f"{message.file}:{message.line}: rule {kind}"
            raise GrammarError(f"{where} names table {named}, which takes no rows of it")
    return {kind: tables for kind, tables in found.items() if tables}


# ---------------------------------------------------------------- commands
def commands_page() -> str:
    """Return the page of all commands with their options, from the command line itself."""
    import click

    from trtlog.cli import COMMANDS, cli

    lines = [
        "# Commands",
        "",
        "What `trtlog COMMAND --help` tells. A LOG is a file, also compressed (`.gz .xz .bz2 .zst`), a folder that",
        "`trtlog convert` wrote, or `-` for standard input. Exit codes: 0 done, 1 a gate or a run failed, 2 bad input",
        "or usage. Rows come out as `--format table`, `json` (one document), `jsonl` (an object a line), `csv`, `md`",
        "or `parquet`. Colours follow",
        "`NO_COLOR`, the width the terminal or `COLUMNS`.",
        "",
        "| command | what it does |",
        "|---|---|",
    ]
    lines += [f"| [trtlog {name}](#{name}) | {short} |" for name, (_, short) in COMMANDS.items()]
    top = click.Context(cli, info_name="trtlog")
    for name in COMMANDS:
        command = cli.get_command(top, name)
        if command is None:
            continue
        context = click.Context(command, info_name=name, parent=top)
        lines += ["", f"## {name}", "", *_command(command, context)]
    return "\n".join(lines) + "\n"


def _command(command: Any, context: Any) -> list[str]:
    lines = ["```text", " ".join([context.command_path, *command.collect_usage_pieces(context)]), "```"]
    for paragraph in inspect.cleandoc(command.help or "").replace("\b\n", "").split("\n\n"):
        if paragraph.startswith("Example"):
            examples = [line.split(":", 1)[-1].strip() for line in paragraph.splitlines()]
            lines += ["", "```text", *(e for e in examples if e), "```"]
        else:
            lines += ["", _prose(" ".join(paragraph.split()))]
    records = [r for p in command.get_params(context) if (r := p.get_help_record(context)) is not None]
    options = [(names, about) for names, about in records if about and names != "--help"]
    if options:
        lines += ["", "| option | meaning |", "|---|---|"]
        lines += [f"| {_option(names)} | {_cell(about)} |" for names, about in options]
    return lines


def _option(names: str) -> str:
    """Return the names of an option, on one line but for a long list of choices, which breaks behind a bar."""
    if len(names) <= _LONG:
        return f'<code class="name">{_cell(names)}</code>'
    return f"<code>{_cell(names).replace('&#124;', '&#124;<wbr>')}</code>"


def _cell(text: str) -> str:
    return _prose(" ".join(text.split())).replace("|", "&#124;")
