"""How many of something there are, and how much, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def plural(count: float, one: str, many: str = "") -> str:
    """Return the words for one thing, or those for several.

    Parameters
    ----------
    count : float
        How many there are.
    one, many : str
        The words for one, and for none or several; by default those for one with an s.

    Examples
    --------
    >>> plural(1, "file is no log", "files are no logs"), plural(0, "layer")
    ('file is no log', 'layers')
    """
    return one if count == 1 else many or f"{one}s"


def counted(count: int, one: str, many: str = "") -> str:
    """Return how many there are and of what.

    Examples
    --------
    >>> counted(1, "line"), counted(2, "lookup entry", "lookup entries")
    ('1 line', '2 lookup entries')
    """
    return f"{count} {plural(count, one, many)}"


def first_of(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Return the first of some names, and how many more there are.

    Examples
    --------
    >>> first_of(["conv1", "relu1", "pool1"], 2), first_of(["conv1"], 2)
    ('conv1, relu1 and 1 more', 'conv1')
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + rest


def number(value: float | None) -> str:
    """Return a number with four significant digits; nothing for None.

    Examples
    --------
    >>> number(0.0123456), number(1234567.0), number(None)
    ('0.01235', '1234567', '')
    """
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, and a large one in full: never as a power of ten.

    Examples
    --------
    >>> significant(12.345), significant(1234.6), significant(99.7, 2), significant(0.00012345)
    ('12.3', '1235', '100', '0.000123')
    """
    return f"{value:.0f}" if abs(value) >= 10**digits - 0.5 else f"{value:.{digits}g}"


def percent(value: float) -> str:
    """Return a limit in percent with the digits that mean something.

    Examples
    --------
    >>> percent(5.62), percent(64.2), percent(672.6)
    ('5.6%', '64%', 'a factor of 7.7')
    """
    if value >= 100:
        return f"a factor of {1 + value / 100:.2g}"
    return f"{value:.2g}%"


def share_in_words(value: float, unit: str = " %") -> str:
    """Return a share in percent as a whole number, but for what is near to nothing or to all and is neither.

    Examples
    --------
    >>> [share_in_words(value) for value in (0.29, 0.034, 0, 12.6, 99.62, 100)], share_in_words(112.4, "%")
    (['0.3 %', '0.03 %', '0 %', '13 %', '99.6 %', '100 %'], '112%')
    """
    if 0 < value < 0.95:
        return f"{value:.1g}{unit}"
    if 99.5 <= value < 100:
        return f"{min(value, 99.9):.1f}{unit}"
    return f"{value:.0f}{unit}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question after a known name that is near a wrong one; nothing where none is near.

    Examples
    --------
    >>> did_you_mean("margin", ["margins", "tactics"]), did_you_mean("x", ["margins"])
    (' (did you mean margins?)', '')
    """
    import difflib

    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def size(count: float) -> str:
    """Return a number of bytes in the unit that people use for it.

    Examples
    --------
    >>> size(80), size(1024), size(1.5 * 2**20), size(165150720000)
    ('80 bytes', '1 KiB', '1.5 MiB', '153.8 GiB')
    """
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.4g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"
        value /= 1024
    return f"{value:,.4g} GiB" if value < 1000 else f"{value:,.0f} GiB"


WHOLE_MIB = ("peak_", "build_peak_", "highest_")
"""Beginnings of the names of memory that is printed in whole MiB."""


def memory_size(name: str, count: float) -> str:
    """Return a size of memory in the unit that people use for it; 0 of what is printed in MiB is not 0 bytes.

    Examples
    --------
    >>> memory_size("peak_cpu", 0), memory_size("peak_gpu", 4 * 2**20), memory_size("scratch", 0)
    ('0 MiB', '4 MiB', '0 bytes')
    """
    return "0 MiB" if not count and name.startswith(WHOLE_MIB) else size(count)


def base_name(path: str) -> str:
    r"""Return the last part of a path of any system.

    Examples
    --------
    >>> base_name(r"C:\logs\build.log"), base_name("logs/"), base_name("build.log")
    ('build.log', 'logs/', 'build.log')
    """
    return path.replace("\\", "/").rpartition("/")[2] or path


def first_line(text: str | None) -> str:
    r"""Return the first line of a text, empty where there is none.

    Examples
    --------
    >>> first_line("Out of memory\nin layer 3"), first_line(""), first_line(None)
    ('Out of memory', '', '')
    """
    return next(iter((text or "").splitlines()), "")
