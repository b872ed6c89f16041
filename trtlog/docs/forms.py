"""The page of the forms that logs are pasted and collected in, made from their classes."""

from __future__ import annotations

from trtlog.source.forms import FORMS, Form

_ABOUT = """\
# Forms of pasted and collected logs

Made from `trtlog/source/forms/` by `python -m trtlog.docs`.

A log that was pasted into an issue or collected by a service has something in front of its lines, is cut, joined or
full of other characters. trtlog finds such a form in the text as a whole and undoes it before the log is read; forms
may lie in one another. Nothing is undone unless the grammar of messages knows more of the text afterwards, or the text
as a whole leaves no other reading: every `<` is an entity, nearly every line ends in the same mark. One line alone is
evidence only for what changes no other line: a header without its first bracket, PowerShell's report. `log.notes` says
what was undone and whose lines were left out; tables name the lines of the file: a record that
was joined has its first line's number, records of one line all have that line's.

Files, standard input, `trtlog watch` and conversions of any size are treated alike. A log that was written by trtexec
itself is found by a look at its beginning and at a few lines of every 2 MiB, and is never changed. A form that begins
further down in a long file is found at the next such look. Where a record was cut and its rest begins as a record does,
as `Name: ` in the middle of an engine's layer, the lines are parted only if the grammar knows both parts. What is lost
when a text is wrapped cannot be brought back: a mail program that drops blanks at line ends takes the columns of a
profile with them.

Beside these, UTF-16 and UTF-32 are decoded, compression is undone, runs of NULs are passed over, and lines that a
progress bar printed over with carriage returns are read for the records in them. Lines that no form fits to may still
be read behind what `grammars/header.lark` lists as decorations.
"""


def forms_page() -> str:
    """Return the page of the forms as Markdown.

    Examples
    --------
    >>> "## HTML entities" in forms_page()
    True
    """
    parts = [_ABOUT.rstrip()]
    for form in FORMS:
        parts += ["", *_section(form)]
    return "\n".join(parts) + "\n"


def _section(form: Form) -> list[str]:
    found = [b"\n".join(text for text, _ in form.samples), b"\n".join(undone for _, undone in form.samples)]
    shown, undone = (text.decode("utf-8", "backslashreplace").replace("\x1b", "␛") for text in found)
    head = form.name if form.name.startswith(("gh ", "logcli", "journalctl")) else form.name[0].upper() + form.name[1:]
    return [f"## {head}", "", form.about, "", "```text", shown, "```", "", "reads as", "", "```text", undone, "```"]
