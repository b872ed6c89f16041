"""A document as the page's script draws it: each block as data, sentences as pieces with their marks.

The script puts every piece into the page as text. Charts, and the tables of a log that can be sorted and searched, are
blocks of the page's own (:mod:`trtlog.report.page.sections`): a document has no word for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trtlog._util.redact import redact
from trtlog.report.document import (
    Block,
    Cell,
    Column,
    Facts,
    Note,
    Number,
    Points,
    Sentence,
    Table,
    Words,
    cell_text,
    filled,
)

_ROWS = 20_000


def page_block(block: Block) -> dict[str, Any]:
    """Return a note, a sentence, a list or facts as a block of the page.

    Examples
    --------
    >>> from trtlog.report.document import Sentence, toned, words
    >>> page_block(Sentence(words("It is ", toned("faster"))))
    {'kind': 'sentence', 'words': ['It is ', ['faster', '', 'good']]}
    """
    if isinstance(block, Note):
        return {"kind": "note", "text": redact(block.text)}
    if isinstance(block, Sentence):
        tone = block.words[0].tone if len(block.words) == 1 and not block.words[0].mark else ""
        return {"kind": "sentence", "words": page_words(block.words), **({"tone": tone} if tone else {})}
    if isinstance(block, Points):
        points = [{"words": page_words(p.words), "under": list(map(page_words, p.under))} for p in block.points]
        return {"kind": "list", "points": points}
    if isinstance(block, Facts):
        return {"kind": "facts", "facts": [[redact(name), page_words(value)] for name, value in block.facts]}
    raise TypeError(f"the page has no block for a {type(block).__name__}")


def page_words(words: Words) -> list[Any]:
    """Return a sentence: its plain pieces as texts, the others with mark and tone."""
    texts = [(redact(span.text), span) for span in words]
    return [[text, span.mark, span.tone] if span.mark or span.tone else text for text, span in texts]


def page_table(table: Table) -> dict[str, Any]:
    """Return a table as the page's script reads it; a column without any text is left out."""
    rows = table.rows[:_ROWS]
    places = [place for place in filled(table)[0] if table.columns[place].kind != "bar"]
    drawn = [_column(number, table.columns[place], [row[place] for row in rows]) for number, place in enumerate(places)]
    return {
        "columns": [column for column, _ in drawn],
        "data": [data for _, data in drawn],
        "rows": len(rows),
        "total": len(table.rows),
    }


def _column(number: int, column: Column, cells: Sequence[Cell]) -> tuple[dict[str, Any], Any]:
    """Return a column and its data: numbers where all are of one unit, else texts by their places in a list."""
    numbers = [cell for cell in cells if isinstance(cell, Number) and cell.value is not None]
    texts = [redact(cell_text(cell)) for cell in cells]
    units = {cell.unit for cell in numbers}
    numeric = len(numbers) == sum(map(bool, texts)) and len(units) == 1
    decimals = {len(cell.text.removesuffix(cell.unit).partition(".")[2]) for cell in numbers}
    unit = units.pop() if numeric else ""
    about = {
        "name": f"c{number}",
        "label": column.heading or " ",
        "unit": unit,
        "doc": "",
        "type": "number" if numeric else "text",
        "digits": decimals.pop() if unit and len(decimals) == 1 else None,
        "signed": numeric and any(cell.text.startswith("+") for cell in numbers),
    }
    if numeric:
        return about, [cell.value if isinstance(cell, Number) else None for cell in cells]
    place = {text: i for i, text in enumerate(dict.fromkeys(text for text in texts if text))}
    return about, {"words": list(place), "index": [place.get(text, -1) for text in texts]}
