"""What the analyses share: tables in as rows, records out as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import pyarrow as pa

from trtlog._util.arrow import from_list, no_rows, no_values, plain_schema
from trtlog._util.expression import expression
from trtlog._util.rows import AT_ONCE
from trtlog.records import Record
from trtlog.tables.schema import schema_of_record
from trtlog.values.formats import TensorFormat, decode_format, split_formats
from trtlog.values.kernels import decode_kernel


def nulls_last(*values: Any) -> tuple[tuple[bool, Any], ...]:
    """Return a key for sorting in which what is missing, null or nan, comes last.

    Examples
    --------
    >>> sorted(["b", None, "a"], key=nulls_last)
    ['a', 'b', None]
    """
    return tuple((value is None or value != value, 0 if value is None or value != value else value) for value in values)


_NO_ROWS: dict[type[Record], pa.Table] = {}


def _no_rows(record: type[Record]) -> pa.Table:
    """Return an answer without rows; names are plain text columns."""
    if record not in _NO_ROWS:
        _NO_ROWS[record] = no_rows(plain_schema(schema_of_record(record)))
    return _NO_ROWS[record]


def schema_of_answer(record: type[Record]) -> pa.Schema:
    """Return the schema of an answer: the columns, units and meanings of ``record``; names are plain text."""
    return _no_rows(record).schema


def answer(record: type[Record], values: Iterable[Any]) -> pa.Table:
    """Make the table of an answer: the columns, units and meanings of ``record``.

    Parameters
    ----------
    record : type of Record
        The record.
    values : iterable
        Rows: records, or dictionaries; an iterator's are not held together.
    """
    flat = schema_of_answer(record)
    parts = []
    following = iter(values)
    while several := list(islice(following, AT_ONCE)):
        records = [asdict(v) if is_dataclass(v) and not isinstance(v, type) else v for v in several]
        # not Table.from_pylist, which loads pandas to look at its argument
        columns = [from_list([row.get(field.name) for row in records], field.type) for field in flat]
        parts.append(pa.table(columns, schema=flat))
    if len(parts) < 2:
        return parts[0] if parts else _no_rows(record)
    return pa.concat_tables(parts).combine_chunks()


def answer_of(record: type[Record], columns: Mapping[str, pa.Array], size: int) -> pa.Table:
    """Make the table of an answer of columns; one that is not there is null."""
    flat = schema_of_answer(record)
    there = {name: values for name, values in columns.items() if values.null_count < size}
    found = [there[f.name].cast(f.type) if f.name in there else no_values(size, f.type) for f in flat]
    return pa.table(found, schema=flat)


@lru_cache(maxsize=65536)
def formats_of(text: str | None, *, dims: bool = False) -> tuple[TensorFormat | None, ...]:
    """Decode a comma-separated list of formats; an unreadable one is None.

    With ``dims`` numbers in parentheses are dimensions, as the engine's list of layers has them, not strides.

    Examples
    --------
    >>> [found.title for found in (formats_of("Float(1,32,32)")[0], formats_of("Float(1,32,32)", dims=True)[0])]
    ['FP32 NHWC', 'FP32']
    """
    if not text:
        return ()
    return tuple(decode_format(piece, dims=dims) for piece in split_formats(text))


@lru_cache(maxsize=65536)
def tells_size(formats: str | None) -> bool:
    """Whether the strides of a format tell its tensor's size up to the batch.

    So they do in tensors of rank 4 and more, unless an inner axis is of size 1 (two equal strides), as in
    matrices that were reshaped: then the outermost axis may be anything.

    Examples
    --------
    >>> tells_size("Half(24200,1:8,440,8)"), tells_size("Float(256,1,256,256)"), tells_size("Float(1000,1)")
    (True, False, False)
    """
    found = formats_of(formats)
    strides = found[0].strides or () if found and found[0] is not None else ()
    return len(strides) >= 4 and len(set(strides)) == len(strides)


@lru_cache(maxsize=65536)
def layout_of(text: str | None) -> str | None:
    """Return the title of the first format, as ``FP16 NHWC8``."""
    found = formats_of(text)
    return found[0].title if found and found[0] is not None else None


@lru_cache(maxsize=65536)
def family_of(runner: str | None, kernel: str | None) -> str | None:
    """Return the kernel family: architecture and operation of the kernel's name, else the runner.

    Examples
    --------
    >>> family_of("CaskConvolution", "sm80_xmma_fprop_implicit_gemm_f16f16_f16f16_f16_nhwckrsc_nhwc_tilesize64x32x64")
    'sm80 xmma fprop'
    >>> family_of("Shuffle", None)
    'Shuffle'
    """
    if not kernel:
        return runner
    decoded = decode_kernel(kernel)
    library = next((w for w in _LIBRARIES if w in kernel), None)
    parts = [decoded.architecture, library, decoded.operation]
    return " ".join(p for p in parts if p) or runner


_LIBRARIES = ("xmma", "cutlass", "scudnn", "cudnn", "fmha")
_COPY = expression(r"^Reformatting CopyNode for (?P<side>Input|Output|Network Input|Network Output)"
                   r"(?: Tensor)? ?(?P<index>[0-9]+)?(?: to)? ?(?P<layer>.*)$")  # fmt: skip


def copied_for(layer: str) -> str | None:
    """Return the layer for which a reformat layer of the engine converts, None for another layer.

    Examples
    --------
    >>> copied_for("Reformatting CopyNode for Input Tensor 0 to /fc/Gemm")
    '/fc/Gemm'
    >>> copied_for("/fc/Gemm") is None
    True
    """
    found = _COPY.match(layer)
    return found["layer"] if found else None
