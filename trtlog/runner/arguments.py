"""Turns keyword arguments into trtexec's command line.

``fp16=True`` is ``--fp16``, ``save_engine="m.engine"`` is ``--saveEngine=m.engine``,
``shapes={"input": (8, 3, 224, 224)}`` is ``--shapes=input:8x3x224x224``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trtlog.errors import RunError
from trtlog.flags import Flag, all_flags, canonical


class FlagError(RunError, ValueError):
    """A flag or its value cannot be used with this trtexec; nothing was started."""


def arguments(options: Mapping[str, Any], known: Iterable[str] = ()) -> list[str]:
    """Return trtexec's arguments for keyword arguments, in their order.

    Parameters
    ----------
    options
        Names in trtexec's spelling or with underscores; a trailing underscore is dropped (``continue_``).
        ``True`` sets a bare flag; ``False`` and ``None`` leave a flag out. Mappings become ``key:value``
        lists (shapes, pools, precisions), other sequences comma lists or, for flags such as
        ``--staticPlugins``, repeated flags.
    known
        Flags beyond the table, as read from a newer binary's ``--help``.

    Raises
    ------
    FlagError
        A value does not suit its flag.

    Examples
    --------
    >>> arguments({"onnx": "m.onnx", "fp16": True, "int8": False, "shapes": {"x": (8, 3, 224, 224)}})
    ['--onnx=m.onnx', '--fp16', '--shapes=x:8x3x224x224']
    >>> arguments({"mem_pool_size": {"workspace": 1024}, "staticPlugins": ["a.so", "b.so"]})
    ['--memPoolSize=workspace:1024', '--staticPlugins=a.so', '--staticPlugins=b.so']
    >>> arguments({"percentile": [90, 99.9]})
    ['--percentile=90,99.9']
    """
    result: list[str] = []
    for keyword, value in options.items():
        if value is None or value is False:
            continue
        name = canonical(keyword.rstrip("_"), known) or "--" + _camel(keyword.rstrip("_"))
        result.extend(_flag(name, value))
    return result


def profile_arguments(items: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return the arguments for several optimization profiles (trtexec 9.1 and newer).

    Examples
    --------
    >>> profile_arguments([{"min": {"x": (1, 8)}, "opt": {"x": (4, 8)}, "max": {"x": (8, 8)}}])
    ['--profile=0', '--minShapes=x:1x8', '--optShapes=x:4x8', '--maxShapes=x:8x8']
    """
    result = []
    for index, item in enumerate(items):
        unknown = set(item) - {"min", "opt", "max"}
        if unknown:
            raise FlagError(f"profiles[{index}] has {sorted(unknown)}; a profile is a dict with min, opt and max.")
        result.append(f"--profile={index}")
        result.extend(f"--{key}Shapes={shapes(item[key])}" for key in ("min", "opt", "max") if key in item)
    return result


def shapes(value: Mapping[str, Any] | str) -> str:
    """Write shapes the way trtexec reads them.

    Examples
    --------
    >>> shapes({"input": (8, 3, 224, 224), "mask:0": "8x128"})
    "input:8x3x224x224,'mask:0':8x128"
    """
    if isinstance(value, str):
        return value
    return ",".join(f"{_tensor(name)}:{_dimensions(name, dimensions)}" for name, dimensions in value.items())


def split_flag(argument: str) -> tuple[str, str | None]:
    """Split ``--name=value``; the value is None for a bare flag.

    Examples
    --------
    >>> split_flag("--shapes=x:1x3"), split_flag("--fp16")
    (('--shapes', 'x:1x3'), ('--fp16', None))
    """
    name, equals, value = argument.partition("=")
    return name, value if equals else None


def value_of(args: Iterable[str], name: str) -> str | None:
    """Return the value of the first such flag; ``""`` for a bare one, None where it is not given."""
    for argument in args:
        found, value = split_flag(argument)
        if found == name:
            return value or ""
    return None


def _flag(name: str, value: Any) -> list[str]:
    entry = all_flags().get(name)
    if value is True:
        if entry is not None and not entry.bare and entry.value != "optional":
            raise FlagError(f"{name} needs a value ({entry.value}), not True.")
        return [name]
    if entry is not None and entry.bare:
        raise FlagError(f"{name} takes no value: give True or False, not {value!r}.")
    return [f"{name}={text}" for text in _values(name, entry, value)]


def _values(name: str, entry: Flag | None, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        if "shapes" in name.lower():
            return [shapes(value)]
        return [",".join(f"{_tensor(str(key))}:{_scalar(name, item)}" for key, item in value.items())]
    if isinstance(value, (list, tuple, set, frozenset)):
        if not value:
            raise FlagError(f"{name} got an empty list.")
        texts = [_scalar(name, item) for item in value]
        repeat = entry is not None and entry.repeatable and entry.group == "system"
        return texts if repeat or name == "--uffInput" else [",".join(texts)]
    return [_scalar(name, value)]


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, bool) or value is None:
        raise FlagError(f"{name} got {value!r} as a value; give text or a number.")
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    text = str(value) if isinstance(value, int) else os.fspath(value) if hasattr(value, "__fspath__") else str(value)
    if "\n" in text or "\0" in text:
        raise FlagError(f"{name} got a value with a line break or zero byte: {text!r}.")
    return text


def _tensor(name: str) -> str:
    # trtexec takes a name in single quotes as it stands; without them a colon would end it
    return f"'{name}'" if re.search(r"[:,]", name) and not name.startswith("'") else name


def _dimensions(name: str, dimensions: Any) -> str:
    if isinstance(dimensions, str):
        return dimensions
    if isinstance(dimensions, int):
        dimensions = (dimensions,)
    numbers = [int(number) for number in dimensions]
    if any(number < 0 for number in numbers):
        raise FlagError(f"The shape of {name} is {tuple(numbers)}: trtexec needs a number for every dimension.")
    return "x".join(str(number) for number in numbers)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
