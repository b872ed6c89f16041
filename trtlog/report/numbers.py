"""How a figure is written where an answer shows it."""

from __future__ import annotations

from typing import Any

from trtlog._util.words import number as number
from trtlog.report.document import Number


def printed(value: Any) -> str:
    """Return a number as the log prints it, with at most ten digits; nothing for None.

    Examples
    --------
    >>> printed(0.69812), printed(8), printed(None)
    ('0.69812', '8', '')
    """
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def signed(value: float | None) -> str:
    """Return a change in percent with its sign.

    Examples
    --------
    >>> signed(-9.839), signed(None)
    ('-9.8%', '')
    """
    if value is None:
        return ""
    return f"{round(value, 1) + 0.0:+.1f}%"  # adding 0 turns -0.0 into 0.0


def figure(value: float | None, form: str = "", unit: str = "") -> Number:
    """Return the cell of a number: with four significant digits, or in a form of :func:`format`.

    Examples
    --------
    >>> figure(0.0123456).text, figure(1.5, "+.2f").text, figure(12.34, ".1f", "%").text, figure(None).text
    ('0.01235', '+1.50', '12.3%', '')
    """
    if value is None:
        return Number("")
    text = format(value, form) if form else number(value)
    return Number(f"{text}{unit}", float(text), unit.strip())


def one_line(value: Any) -> str:
    r"""Return a value as one line of text, nothing for None.

    Examples
    --------
    >>> one_line("two\nlines "), one_line(None)
    ('two lines', '')
    """
    return "" if value is None else " ".join(str(value).splitlines()).strip()
