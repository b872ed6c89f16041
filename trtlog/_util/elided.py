"""What somebody who shortened a text put in place of the lines that were left out."""

from __future__ import annotations

from trtlog._util.expression import expression

_DOTS = rb"(?:\.{2,}|\. \.[ .]*|\.|(?:\xe2\x80\xa6)+)"
_ELIDED = expression(
    rb"[ \t]*(?:[\[(<]?%b[\])>]?[ \t]*(?:[(\[]?[A-Za-z0-9, ]{1,40}[)\]]?[ \t]*%b?)?|[\[<(-]* ?snip ?[\])>-]*)[ \t\r]*"
    % (_DOTS, _DOTS)
)


def is_elided(line: bytes) -> bool:
    """Tell whether a line stands for lines that were left out: ``...``, ``.``, ``[...]``, ``... more``, ``<snip>``.

    Examples
    --------
    >>> [is_elided(line) for line in (b".......", b"...more", b" [...]", b"... (20 lines)", b"/conv1/Conv", b"")]
    [True, True, True, True, False, False]
    """
    return _ELIDED.fullmatch(line) is not None
