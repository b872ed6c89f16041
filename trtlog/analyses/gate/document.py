"""What a lock file may hold: each key, each kind of value; what is anything else is refused with its place.

A gate that looks away is none: a misspelt key, a value that compares with nothing, a part that was lost would let
every build pass.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from trtlog.errors import InputError

SCHEMA = "trtlog.lock/1"
KEYS = ("schema", "source", "rules", "budgets", "options", "layers", "reformats", "layer_ms", "messages")
LEVELS = ("fail", "warn", "off")
MEMORY = (
    "weights",
    "activation",
    "scratch",
    "device_persistent",
    "host_persistent",
    "peak_gpu",
    "peak_cpu",
    "engine_size",
)
_SOURCE = ("log", "tensorrt_version", "gpu", "compute_capability", "command", "input_shapes")
_BUDGETS = ("latency", "throughput_qps", "memory_bytes", "build_seconds")
_LATENCIES = ("latency_ms", "gpu_compute_time_ms")
_STATS = ("median", "p99")
_LAYER = ("layer", "type", "precision", "tactic", "kernel", "inputs", "outputs", "onnx_nodes")
_REFORMAT = ("reformat", "from", "to")
# Locks that earlier versions wrote lack it.
_OPTIONAL = frozenset({"layer_ms"})
# Beyond it a figure is none of a build.
_LARGEST = 1e18

_Check = Callable[[Any, str], None]


def no_lock_file(name: str) -> InputError:
    """Return the error of a file that is something else, such as a log."""
    return InputError(f"{name}: no lock file; 'trtlog lock LOG -o FILE' writes one of a log")


def read_json(text: str, name: str) -> Any:
    """Return the document of a lock file.

    Raises
    ------
    InputError
        It is no JSON, or a key of an object stands twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InputError(f"{name}: key {key!r} stands twice in one object; a merge may have doubled it")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        if not text.lstrip("\ufeff \t\r\n").startswith(("{", "<<<<<<<")):
            raise no_lock_file(name) from None
        raise InputError(f"{name}: no JSON: {error}; a merge may have left its marks") from None


def check_document(document: Any, name: str, rules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a document that has the schema of a lock.

    Parameters
    ----------
    document : object
        What was read.
    name : str
        The file, for messages.
    rules : mapping
        The rules there are, with their settings.

    Raises
    ------
    InputError
        It has not; the message says what is wrong, and where.
    """
    if not isinstance(document, dict) or "schema" not in document:
        raise InputError(f"{name}: no lock file: it has no 'schema'; 'trtlog lock LOG -o FILE' writes one")
    if document["schema"] != SCHEMA:
        raise InputError(
            f"{name}: schema {document['schema']!r}; this version of trtlog knows {SCHEMA!r}: "
            "lock again, or update trtlog"
        )
    try:
        check_rules(document.get("rules", {}), "rules", rules)
        _object(document, "", dict.fromkeys(KEYS, _anything))
        if not document["rules"]:
            raise InputError("rules is empty: the lock holds a build to nothing")
        _object(document["source"], "source", dict.fromkeys(_SOURCE, _text_or_null))
        _budgets(document["budgets"])
        _each(document["options"], "options", _text)
        _entries(document["layers"], "layers", _LAYER)
        _entries(document["reformats"], "reformats", _REFORMAT)
        if document.get("layer_ms") is not None:
            _each(document["layer_ms"], "layer_ms", _above_zero)
        _texts(document["messages"], "messages", null=True)
        if document["layers"] is None and not any(value is not None for value in document["budgets"].values()):
            raise InputError("layers and all budgets are null: the lock holds a build to nothing")
        if document["layers"] == []:
            raise InputError("layers is empty: the lock holds a build to no layer; null stands for an unknown list")
    except InputError as error:
        raise InputError(f"{name}: {error}; 'trtlog lock LOG -o FILE' writes it anew") from None
    return document


def check_rules(given: Any, place: str, rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse rules, levels and settings that do not exist: a typing error must not switch a gate off.

    Raises
    ------
    InputError
        There is one.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"{place} is no object")
    for rule, settings in given.items():
        if rule not in rules:
            raise InputError(f"{place}: there is no rule {rule!r}; the rules are {', '.join(rules)}")
        if not isinstance(settings, Mapping):
            raise InputError(f"{place}.{rule} is no object")
        for key, value in settings.items():
            if key not in rules[rule]:
                raise InputError(f"{place}.{rule} has no setting {key!r}; it has {', '.join(rules[rule])}")
            if key == "level" and value not in LEVELS:
                raise InputError(f"{place}.{rule}: level {value!r} is none of {', '.join(LEVELS)}")
            if key != "level":
                _number(value, f"{place}.{rule}.{key}")


def _budgets(budgets: Any) -> None:
    _object(budgets, "budgets", dict.fromkeys(_BUDGETS, _anything))
    _or_null(_above_zero)(budgets["throughput_qps"], "budgets.throughput_qps")
    _or_null(_number)(budgets["build_seconds"], "budgets.build_seconds")
    _some_of(budgets["latency"], "budgets.latency", _LATENCIES, _stats)
    _some_of(budgets["memory_bytes"], "budgets.memory_bytes", MEMORY, _number)


def _stats(value: Any, place: str) -> None:
    if value is None:
        raise InputError(f"{place} is null, expected an object with {' and '.join(_STATS)}")
    _some_of(value, place, _STATS, _above_zero)


def _some_of(value: Any, place: str, keys: tuple[str, ...], check: _Check) -> None:
    """Accept null, or an object with one of the keys and more."""
    if value is None:
        return
    _each(value, place, check)
    unknown = [key for key in value if key not in keys]
    if unknown:
        raise InputError(f"{place} has the unknown key {unknown[0]!r}; it has {', '.join(keys)}")
    if not value:
        raise InputError(f"{place} is empty; null stands for figures that the log did not tell")


def _entries(value: Any, place: str, keys: tuple[str, ...]) -> None:
    """Accept null, or a list of objects with these keys: the first a name, lists of texts, texts."""
    if value is None:
        return
    if not isinstance(value, list):
        raise InputError(f"{place} is no list of objects with a {keys[0]!r}")
    lists = ("inputs", "outputs", "onnx_nodes", "from", "to")
    kinds: dict[str, _Check] = {key: _texts if key in lists else _text_or_null for key in keys}
    kinds[keys[0]] = _text
    for number, entry in enumerate(value):
        _object(entry, f"{place}[{number}]", kinds)


def _object(value: Any, place: str, kinds: Mapping[str, _Check]) -> None:
    where = place or "the lock"
    if not isinstance(value, dict):
        raise InputError(f"{where} is no object")
    for key in value:
        if key not in kinds:
            raise InputError(f"{where} has the unknown key {key!r}; the keys are {', '.join(kinds)}")
    for key, check in kinds.items():
        if key in value:
            check(value[key], f"{place}.{key}" if place else key)
        elif key not in _OPTIONAL:
            raise InputError(f"{where} has no {key!r}")


def _each(value: Any, place: str, check: _Check) -> None:
    if not isinstance(value, dict):
        raise InputError(f"{place} is no object")
    for key, one in value.items():
        _text(key, f"a key of {place}")
        check(one, f"{place}.{key}")


def _texts(value: Any, place: str, null: bool = False) -> None:
    if value is None and null:
        return
    if not isinstance(value, list):
        raise InputError(f"{place} is no list of texts")
    for number, one in enumerate(value):
        _text(one, f"{place}[{number}]")


def _text(value: Any, place: str) -> None:
    if not isinstance(value, str):
        raise InputError(f"{place} is {_shown(value)}, expected a text")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InputError(f"{place} holds half a character (a lone surrogate)")


def _number(value: Any, place: str) -> None:
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not numeric or not (0 <= value <= _LARGEST) or math.isnan(value):
        raise InputError(f"{place} is {_shown(value)}, expected a number from 0")


def _above_zero(value: Any, place: str) -> None:
    _number(value, place)
    if value == 0:
        raise InputError(f"{place} is 0, expected a number above 0")


def _or_null(check: _Check) -> _Check:
    def either(value: Any, place: str) -> None:
        if value is not None:
            check(value, place)

    return either


def _anything(value: Any, place: str) -> None:
    """Accept what is looked at elsewhere."""


_text_or_null = _or_null(_text)


def _shown(value: Any) -> str:
    """Return a value for a message, in short."""
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
