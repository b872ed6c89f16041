"""What goes into a page as JSON: tables column by column, with headings, units and meanings.

Text columns are dictionary-encoded, so that a hundred thousand kernel names take little room. Nothing is
computed here: a table is cut, rounded for transport to ten significant digits, and secrets are taken out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import is_valid, to_filled
from trtlog._util.finite import finite
from trtlog._util.redact import IDENTIFIERS, redact
from trtlog.tables.cells import one_array

_UNITS = ("percent", "ms", "mib", "kib", "seconds", "bytes", "qps", "ghz", "bits")
_SPELLED = {
    word: word.upper() for word in ("gpu", "cpu", "h2d", "d2h", "onnx", "id", "ecc", "fp32", "tf32", "fp16", "bf16")
}
_SPELLED |= {"int8": "INT8", "fp8": "FP8", "sms": "SMs"}
_BARE = {"seconds": "time", "mib": "size", "bytes": "size", "percent": "share"}
_LONGEST_TEXT = 4000
# JavaScript holds whole numbers below it.
_EXACT = 2**53


def table_json(
    table: pa.Table,
    columns: Sequence[str] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a table as the page's script reads it.

    Parameters
    ----------
    table : pyarrow.Table
        A table of the log, or an answer.
    columns : sequence of str, optional
        Columns in their order on the page; by default all but ``run``.
    labels : mapping
        Headings that say more than the column's name.
    """
    names = [name for name in columns or table.column_names if name != "run"]
    cols, data = [], []
    for name in names:
        if table.num_rows and table.column(name).null_count == table.num_rows:
            continue  # what the log says nowhere needs no column
        field = table.schema.field(name)
        meta = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        unit = meta.get("unit") or ""
        numeric = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        cols.append(
            {
                "name": name,
                "label": (labels or {}).get(name) or heading(name),
                "unit": unit if numeric else "",
                "doc": meta.get("doc", ""),
                "type": "number" if numeric else "bool" if pa.types.is_boolean(field.type) else "text",
                "digits": _digits(name, pa.types.is_floating(field.type)),
                "scaled": name in _SCALED,
                "signed": "signed" in meta,
            }
        )
        values = one_array(table.column(name))
        data.append(_numbers(values) if numeric else _encoded(name, values))
    return {"columns": cols, "data": data, "rows": table.num_rows, "total": table.num_rows}


def heading(name: str) -> str:
    """Return a column's name as a heading, without its unit.

    Examples
    --------
    >>> heading("margin_percent"), heading("time_ms"), heading("in_engine")
    ('margin', 'time', 'in engine')
    >>> heading("seconds"), heading("mib")
    ('time', 'size')
    >>> heading("gpu_busy_percent")
    'GPU busy'
    """
    if name in _BARE:
        return _BARE[name]
    head, _, tail = name.rpartition("_")
    if head and tail in _UNITS:
        name = head
    return " ".join(_SPELLED.get(word, word) for word in name.split("_"))


# Rates of a roofline: a hundredth says nothing.
_RATES = ("tflops", "gb_per_s", "intensity")
# Counts made from shapes: three digits and a prefix say what matters; the whole number is in the cell's title.
_SCALED = ("flops", "bytes")


def _digits(name: str, is_float: bool) -> int | None:
    """Return the decimals that a column is shown with, None for all that there are."""
    if not is_float:
        return None
    return 1 if "percent" in name or name in _RATES else None


def _numbers(values: pa.Array) -> list[Any]:
    """Return numbers as JSON can hold them: it knows no inf and no nan, which stand as text."""
    numbers = to_filled(values, 0)
    found: list[Any] = numbers.tolist()
    large = np.abs(numbers.astype(float)) >= _EXACT
    odd: list[tuple[int, Any]]
    if numbers.dtype.kind == "f":
        whole = (np.floor(numbers) == numbers) & ~large
        for place, value in enumerate(found):
            found[place] = float(f"{value:.10g}")
        odd = [(place, int(numbers[place])) for place in np.flatnonzero(whole).tolist()]
        odd += [(place, str(found[place])) for place in np.flatnonzero(~np.isfinite(numbers)).tolist()]
    else:
        odd = [(place, str(found[place])) for place in np.flatnonzero(large).tolist()]
    for place, value in odd:
        found[place] = value
    if values.null_count:
        for place in np.flatnonzero(~is_valid(values)).tolist():
            found[place] = None
    return found


def _encoded(name: str, values: pa.Array) -> dict[str, Any]:
    """Return texts as a list of distinct ones and the place of each in it, -1 for null."""
    kind = values.type
    if pa.types.is_string(kind) or (pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)):
        texts = values.cast(pa.string()).dictionary_encode()
        words = [_plain(name, text) for text in texts.dictionary.to_pylist()]
        return {"words": words, "index": to_filled(texts.indices, -1).tolist()}
    places: dict[Any, int] = {}
    words = []
    index = []
    for value in values.to_pylist():
        if value is None:
            index.append(-1)
            continue
        key = json.dumps(value, default=str) if isinstance(value, (list, dict)) else value
        place = places.get(key)
        if place is None:
            place = places[key] = len(words)
            words.append(_plain(name, value))
        index.append(place)
    return {"words": words, "index": index}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    text = ", ".join(map(_item, value)) if isinstance(value, list) else str(value)
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}... ({len(text)} characters)"
    return text if name in IDENTIFIERS else redact(text)


def _item(value: Any) -> str:
    """Return one tensor, operand or text of a list."""
    if not isinstance(value, dict):
        return str(value)
    name = value.get("name") or value.get("tensor") or ""
    shape = "x".join(map(str, value["shape"])) if value.get("shape") else ""
    words = " ".join(word for word in (value.get("dtype"), value.get("format"), shape) if word)
    return f"{name}: {words}" if words else str(name)


def embed(data: Any) -> str:
    r"""Return JSON that can stand in a script element: no character of it can end the element.

    Examples
    --------
    >>> embed({"layer": "</script><script>alert(1)</script>"})
    '{"layer":"\\u003c/script\\u003e\\u003cscript\\u003ealert(1)\\u003c/script\\u003e"}'
    """
    try:
        text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a log may print nan and inf
        text = json.dumps(finite(data, as_text=False), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
