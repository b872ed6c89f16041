"""The JSON files that ``trtexec`` writes, read whatever their version.

========================  ====================  ==========================================================
option                    kind of the result    schemas
========================  ====================  ==========================================================
``--exportLayerInfo``     ``engine_layers``     names alone or objects; an object with ``Layers`` or a list
``--exportProfile``       ``profile``           with ``medianMs`` from 8.4, without before; names not escaped
``--exportTimes``         ``iteration_times``   four sets of keys; 7.1 and 7.2 swap enqueue and input
``--exportOutput``        ``output``            tensors with their values
========================  ====================  ==========================================================

What trt-engine-explorer makes of trtexec's log, ``x.metadata.json`` and its kin, gives rows of ``devices``, ``options``
and ``performance``.

A file is recognised by what is in it, not by its name. One file may hold several documents, where a script
appended one run's export to another's.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.errors import InputError, caret
from trtlog.exports import metadata
from trtlog.source.decode import whole_text
from trtlog.values.layer_info import LayerInfo, layer_from_object, layer_row, parse_layer
from trtlog.values.shapes import parse_dims

_NUMBER = r"-?(?:[0-9.]+(?:e[+-]?[0-9]+)?|inf|nan)(?:\(ind\))?"
_PROFILE_ROW = expression(
    r'[ \t]{0,8},?[ \t]{0,8}\{ "name" : "(?P<name>.*)"'
    rf', "timeMs" : (?P<time>{_NUMBER}), "averageMs" : (?P<avg>{_NUMBER})'
    rf'(?:, "medianMs" : (?P<median>{_NUMBER}))?, "percentage" : (?P<percent>{_NUMBER}) \}}'
)
_PROFILE_COUNT = expression(r'[ \t]{0,8},?[ \t]{0,8}\{ "count" : (?P<count>[0-9]{1,18}) \}')
# No pattern may scan far and fail more than once: an unmatched quote takes all that follows.
_BARE_NUMBER = expression(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|-?\b(?:inf|nan)\b(?:\(ind\))?', re.DOTALL)
_STRING_MEMBER = expression(r'([ \t]{0,99},?[ \t]{0,8}(?:"[^"]*" ?: ?)?")(.*)("[\]}, ]{0,8})')

_TIMES = {
    "startEnqMs": "start_enqueue_ms",
    "endEnqMs": "end_enqueue_ms",
    "startH2dMs": "start_h2d_ms",
    "endH2dMs": "end_h2d_ms",
    "startInMs": "start_h2d_ms",
    "endInMs": "end_h2d_ms",
    "startComputeMs": "start_compute_ms",
    "endComputeMs": "end_compute_ms",
    "startD2hMs": "start_d2h_ms",
    "endD2hMs": "end_d2h_ms",
    "startOutMs": "start_d2h_ms",
    "endOutMs": "end_d2h_ms",
    "h2dMs": "h2d_ms",
    "inMs": "h2d_ms",
    "computeMs": "compute_ms",
    "d2hMs": "d2h_ms",
    "outMs": "d2h_ms",
    "latencyMs": "latency_ms",
    "endToEndMs": "end_to_end_ms",
}
TIME_COLUMNS = tuple(dict.fromkeys(_TIMES.values()))
"""Columns of ``iteration_times`` beside ``iteration``, all in milliseconds since the first enqueue."""

# 7.1.3 to 7.2.3 wrote the times of the input copy under the names of the enqueue, and the reverse.
_SWAPPED = {
    "startEnqMs": "start_h2d_ms",
    "endEnqMs": "end_h2d_ms",
    "startInMs": "start_enqueue_ms",
    "endInMs": "end_enqueue_ms",
}
SWAP_NOTE = (
    "these keys are those of TensorRT 7.1 and 7.2, which wrote the times of the input copy as startEnqMs and "
    "endEnqMs and the enqueue times as startInMs and endInMs; they are put right here"
)


@dataclass(frozen=True)
class Export:
    """What one exported document holds.

    Parameters
    ----------
    kind : str
        Table the rows belong to: ``engine_layers``, ``profile``, ``iteration_times`` or ``output``; of
        trt-engine-explorer's metadata ``devices``, ``options`` or ``performance``.
    source : str
        Where it was read from.
    rows : tuple of dict
        Rows, all with the same keys, in the order of the file. Times in milliseconds, None where the file
        gives no value. ``iteration_times`` counts ``iteration`` from 0.
    layers : tuple of LayerInfo
        For ``engine_layers`` the typed layers behind the rows.
    iterations : int or None
        For ``profile`` the number of iterations that the times are summed over.
    bindings : tuple of str, or None
        For ``engine_layers`` the engine's input and output tensors, where listed.
    notes : tuple of str
        What was put right while reading.
    """

    kind: str
    source: str
    rows: tuple[dict[str, Any], ...]
    layers: tuple[LayerInfo, ...] = ()
    iterations: int | None = None
    bindings: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def read_exports(path: str | Path) -> list[Export]:
    """Read all documents of an exported file, compressed or not.

    Raises
    ------
    InputError
        The file is missing, no JSON, cut short, or holds something else.
    """
    return parse_exports(_read_text(Path(path)), str(path))


def parse_exports(text: str, source: str = "<text>") -> list[Export]:
    r"""Read all documents in ``text``; ``source`` is what error messages call it.

    Raises
    ------
    InputError
        As for :func:`read_exports`.

    Examples
    --------
    >>> row = '{ "name" : "a\\b", "timeMs" : 5, "averageMs" : 0.5, "percentage" : 100 }'
    >>> [found] = parse_exports('[\n  { "count" : 10 }\n, ' + row + '\n]\n')
    >>> found.kind, found.iterations, found.rows[0]["time_ms"], found.rows[0]["median_ms"]
    ('profile', 10, 5.0, None)
    """
    text = text.lstrip("\ufeff")
    if not text.strip():
        raise InputError(f"{source}: the file is empty; was trtexec stopped before it wrote the export?")
    profiles = _profiles_by_line(text, source)
    if profiles is not None:
        return profiles
    found: list[Export] = []
    for value in _documents(text, source):
        if metadata.is_metadata(value):
            found += [Export(table, source, tuple(rows)) for table, rows in metadata.rows_of(value).items()]
        else:
            found.append(_export_of(value, source))
    return found


def join_by_layer(
    rows: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]], columns: Iterable[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Add ``columns`` of ``others`` to ``rows`` by their ``layer``, never by position.

    Returns
    -------
    list of dict
        Copies of ``rows`` with the columns, None where no row of that name, or more than one, is found on
        either side.
    list of str
        Names in ``others`` that went nowhere: unknown to ``rows``, or not unique.

    Examples
    --------
    >>> join_by_layer([{"layer": "a"}, {"layer": "b"}], [{"layer": "b", "time_ms": 2.0}], ["time_ms"])
    ([{'layer': 'a', 'time_ms': None}, {'layer': 'b', 'time_ms': 2.0}], [])
    """
    rows, others, columns = list(rows), list(others), list(columns)
    left = Counter(row["layer"] for row in rows)
    right = Counter(row["layer"] for row in others)
    usable = {row["layer"]: row for row in others if right[row["layer"]] == left[row["layer"]] == 1}
    joined = [{**row, **{column: usable.get(row["layer"], {}).get(column) for column in columns}} for row in rows]
    return joined, [name for name in right if name not in usable]


# ---------------------------------------------------------------------------------------------- reading
def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the path of the export") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return whole_text(data, str(path)).decode("utf-8", errors="backslashreplace")  # as names in the log: they join


def _profiles_by_line(text: str, source: str) -> list[Export] | None:
    """Read profiles line by line, as trtexec writes them without escaping the names; None for other text.

    A name with a backslash or a quote makes the JSON wrong or, worse, right with another meaning.
    """
    exports: list[Export] = []
    rows: list[dict[str, Any]] = []
    count: int | None = None
    inside = False
    for line in text.split("\n"):
        word = line.strip(" \t\r\x00")
        if found := _PROFILE_ROW.fullmatch(word):
            rows.append(_profile_row(found["name"], map(_float, found.group("time", "avg", "median", "percent"))))
        elif found := _PROFILE_COUNT.fullmatch(word):
            count = int(found["count"])
        elif word == "[" and not inside:
            inside, rows, count = True, [], None
        elif word == "]" and inside and (rows or count is not None):
            exports.append(Export("profile", source, tuple(rows), iterations=count))
            inside = False
        elif word:
            return None
    return exports if exports and not inside else None


def _profile_row(layer: str, figures: Iterable[float | None]) -> dict[str, Any]:
    return dict(zip(("layer", "time_ms", "avg_ms", "median_ms", "percent"), (layer, *figures), strict=True))


def _documents(text: str, source: str) -> list[Any]:
    """Decode the JSON documents that follow one another in ``text``, mending what trtexec writes wrong."""
    try:
        return _decode_all(text)
    except json.JSONDecodeError as error:
        first = error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise InputError(f"{source}: not a file of trtexec: {error}") from None
    # C++ prints infinite numbers as inf and nan; some versions do not escape names
    for mended in (_mend_numbers(text), _mend_numbers(_mend_strings(text))):
        try:
            return _decode_all(mended)
        except (ValueError, RecursionError):
            continue
    line = text.split("\n")[first.lineno - 1] if first.lineno <= text.count("\n") + 1 else ""
    cut = text.rstrip(" \t\r\n\x00")[-1:] not in ("]", "}")
    hint = (
        "the file ends too early: trtexec was stopped, or the file was copied while it ran; export it again"
        if cut
        else "expected a file of --exportLayerInfo, --exportProfile, --exportTimes or --exportOutput"
    )
    raise InputError(f"{source}:{first.lineno}: not valid JSON ({first.msg}); {hint}\n{caret(line, first.colno - 1)}")


def _decode_all(text: str) -> list[Any]:
    decoder = json.JSONDecoder(strict=False)  # metadata holds control characters in some versions
    values: list[Any] = []
    position = 0
    length = len(text)
    while True:
        while position < length and text[position] in " \t\r\n\x00":
            position += 1
        if position == length:
            return values
        value, position = decoder.raw_decode(text, position)
        values.append(value)


def _mend_numbers(text: str) -> str:
    def mend(found: re.Match[str]) -> str:
        word = found[0]
        if word.startswith('"'):
            return word
        if "nan" in word:
            return "NaN"
        return "-Infinity" if word.startswith("-") else "Infinity"

    return _BARE_NUMBER.sub(mend, text)


def _mend_strings(text: str) -> str:
    """Escape quotes and backslashes in strings that stand alone on their line."""
    lines = []
    for line in text.split("\n"):
        found = _STRING_MEMBER.fullmatch(line.rstrip("\r"))
        if found and (re.search(r'(?<!\\)"', found[2]) or re.search(r'\\(?!["\\/bfnrtu])', found[2])):
            line = found[1] + found[2].replace("\\", "\\\\").replace('"', '\\"') + found[3]
        lines.append(line)
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------- kinds
def _export_of(value: Any, source: str) -> Export:
    if isinstance(value, dict):
        if isinstance(value.get("Layers"), list):
            return _layers(value["Layers"], value.get("Bindings"), source)
        raise _unknown(f"an object with the keys {', '.join(map(str, list(value)[:6])) or '(none)'}", source)
    if isinstance(value, list):
        return _export_of_list(value, source)
    raise _unknown(f"a JSON {type(value).__name__}", source)


def _export_of_list(value: list[Any], source: str) -> Export:
    if not value:
        return Export(_kind_by_name(source), source, ())
    if all(isinstance(item, str) for item in value):
        return _layers(value, None, source)
    bad = next((i for i, item in enumerate(value) if not isinstance(item, dict)), None)
    if bad is not None:
        raise _unknown(f"a list whose element {bad} is no object", source)
    keys = {key for item in value[:2] for key in item}
    if keys & {"timeMs", "averageMs"} or keys == {"count"}:
        return _profile(value, source)
    if keys & {"startComputeMs", "computeMs", "latencyMs"}:
        return _times(value, source)
    if "values" in keys and "dimensions" in keys:
        return _output(value, source)
    if "Name" in keys or "LayerType" in keys:
        return _layers(value, None, source)
    raise _unknown(f"a list of objects with the keys {', '.join(sorted(keys)[:6])}", source)


def _unknown(what: str, source: str) -> InputError:
    return InputError(
        f"{source}: holds {what}, which is none of trtexec's exports; expected a file of --exportLayerInfo, "
        "--exportProfile, --exportTimes or --exportOutput"
    )


def _kind_by_name(source: str) -> str:
    """Return the kind of an empty list, which only the file's name can tell."""
    name = Path(source).name.lower()
    for words, kind in (
        (("time", "timing"), "iteration_times"),
        (("profile",), "profile"),
        (("output",), "output"),
        (("layer", "graph"), "engine_layers"),
    ):
        if any(word in name for word in words):
            return kind
    raise InputError(f"{source}: an empty list, and the file's name does not tell what it would hold")


def _layers(values: list[Any], bindings: Any, source: str) -> Export:
    layers: list[LayerInfo] = []
    for index, value in enumerate(values):
        if isinstance(value, str):
            layers.append(parse_layer(value) or LayerInfo(value))
        elif isinstance(value, dict) and isinstance(value.get("Name"), str):
            layers.append(layer_from_object(value))
        else:
            raise InputError(f"{source}: layer {index} is neither a name nor an object with a Name")
    return Export(
        "engine_layers",
        source,
        tuple(layer_row(layer) for layer in layers),
        tuple(layers),
        bindings=tuple(map(str, bindings)) if isinstance(bindings, list) else None,
    )


def _profile(values: list[dict[str, Any]], source: str) -> Export:
    rows: list[dict[str, Any]] = []
    iterations: int | None = None
    for index, value in enumerate(values):
        if "count" in value and "name" not in value:
            iterations = int(value["count"]) if isinstance(value["count"], int) else None
            continue
        if not isinstance(value.get("name"), str):
            raise InputError(f'{source}: element {index} of the profile has no "name"')
        keys = ("timeMs", "averageMs", "medianMs", "percentage")
        rows.append(_profile_row(value["name"], (_number(value, key, source, index) for key in keys)))
    return Export("profile", source, tuple(rows), iterations=iterations)


def _times(values: list[dict[str, Any]], source: str) -> Export:
    keys = {key for value in values for key in value}
    swapped = {"startEnqMs", "startInMs"} <= keys
    names = {**_TIMES, **(_SWAPPED if swapped else {})}
    columns = {key: names.get(key) or _snake(key) for key in sorted(keys)}
    blank: dict[str, Any] = dict.fromkeys((*TIME_COLUMNS, *columns.values()))
    rows = []
    for index, value in enumerate(values):
        row = {"iteration": index, **blank}
        for key, number in value.items():
            row[columns[key]] = number if type(number) is float else _number(value, key, source, index)
        rows.append(row)
    return Export("iteration_times", source, tuple(rows), notes=(SWAP_NOTE,) if swapped else ())


def _output(values: list[dict[str, Any]], source: str) -> Export:
    rows = []
    for index, value in enumerate(values):
        if not isinstance(value.get("values"), list):
            raise InputError(f'{source}: output {index} has no list of "values"')
        shape = parse_dims(str(value.get("dimensions", "?")))
        rows.append(
            {
                "tensor": str(value.get("name", "")),
                "shape": list(shape) if shape is not None else None,
                "values": value["values"],
            }
        )
    return Export("output", source, tuple(rows))


def _number(value: Mapping[str, Any], key: str, source: str, index: int) -> float | None:
    number = value.get(key)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise InputError(f"{source}: element {index}: {key} is {number!r}, expected a number")
    try:
        return float(number)
    except OverflowError:
        raise InputError(f"{source}: element {index}: {key} is out of range") from None


def _float(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text.removesuffix("(ind)"))
    except ValueError:  # 1.2.3
        return None


def _snake(key: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower()
