"""How a result is drawn: asked of whoever registered for it.

Results know nothing of presentation. A class says in which forms it can be drawn by inheriting :class:`InNotebook` or
:class:`OnTerminal`, or by calling :func:`draw`; a renderer is registered for a form and a class. Those of trtlog itself
stand in ``trtlog/report/__init__.py``, which is imported when the first result is drawn; a renderer's own module is
imported when it is needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["InNotebook", "OnTerminal", "draw", "register", "renderer_of", "renderers"]

Renderer = Callable[..., Any]

# Packages that register renderers when they are imported.
_PROVIDERS = ("trtlog.report",)
# Form -> full name of a result's class -> renderer, or "module:function" of one.
_RENDERERS: dict[str, dict[str, Renderer | str]] = {}


def register(form: str, renderers: Mapping[type | str, Renderer | str]) -> None:
    """Register renderers for a form; a later one takes the place of an earlier one.

    Parameters
    ----------
    form : str
        ``html`` for notebooks, ``terminal`` for what rich prints, ``markdown``, ``json``, ``plot``.
    renderers : mapping
        Class of a result, or its full name, to a function that takes the result and options; or to
        ``"module:function"``, which is imported when a result is drawn.

    Examples
    --------
    >>> class Answer: ...
    >>> register("markdown", {Answer: lambda answer, limit=20: f"at most {limit} rows"})
    >>> draw("markdown", Answer(), limit=5)
    'at most 5 rows'
    """
    table = _RENDERERS.setdefault(form, {})
    for result, renderer in renderers.items():
        table[result if isinstance(result, str) else _full_name(result)] = renderer


def renderers() -> dict[str, dict[str, Renderer | str]]:
    """Return all registered renderers: form -> class -> renderer."""
    for provider in _PROVIDERS:
        importlib.import_module(provider)
    return {form: dict(table) for form, table in _RENDERERS.items()}


def renderer_of(form: str, result: type) -> Renderer:
    """Return the renderer for a class in a form: its own, else that of its nearest base.

    Raises
    ------
    TypeError
        No renderer is registered.
    """
    for provider in _PROVIDERS:
        importlib.import_module(provider)
    table = _RENDERERS.get(form, {})
    for cls in result.__mro__:
        found = table.get(_full_name(cls))
        if found is not None:
            return _imported(found) if isinstance(found, str) else found
    raise TypeError(f"no renderer draws {_full_name(result)} as {form}; trtlog.display.register takes one")


def draw(form: str, result: object, **options: Any) -> Any:
    """Return a result drawn in a form, by the renderer that is registered for its class.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/err_missing_onnx.log.gz")
    >>> draw("html", log.run)[:20]
    '<div class="trtlog" '
    """
    return renderer_of(form, type(result))(result, **options)


class InNotebook:
    """A result that a notebook shows as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        drawn: str = draw("html", self)
        return drawn


class OnTerminal:
    """A result that rich prints: ``rich.print(result)``."""

    __slots__ = ()

    def __rich__(self) -> Any:
        return draw("terminal", self)


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _imported(place: str) -> Renderer:
    module, _, name = place.partition(":")
    found: Renderer = getattr(importlib.import_module(module), name)
    return found
