"""The printed times: local, of second resolution, read in bulk where they look as trtexec prints them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np

from trtlog._util.arrow import Array
from trtlog._util.expression import expression
from trtlog.messages.captures import text

_US_TIME = expression(r"([0-9]{2})/([0-9]{2})/([0-9]{4})-([0-9]{2}):([0-9]{2}):([0-9]{2})")
_ISO_TIME = expression(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})")
_EPOCH = datetime.datetime(1970, 1, 1)
_PATTERN = np.frombuffer(b"00/00/0000-00:00:00", np.uint8)
_DIGITS = ord("0") == _PATTERN


def parse_time(printed: str) -> datetime.datetime | None:
    """Return a printed local time, or None for one that is no date (6.0 prints January as month 00).

    Examples
    --------
    >>> parse_time("11/22/2026-13:22:03"), parse_time("00/22/2026-13:22:03")
    (datetime.datetime(2026, 11, 22, 13, 22, 3), None)
    """
    try:
        if found := _US_TIME.search(printed):
            month, day, year, hour, minute, second = map(int, found.groups())
            return datetime.datetime(year, month, day, hour, minute, second)
        if found := _ISO_TIME.search(printed):
            return datetime.datetime(*map(int, found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    return None


def parse_times(printed: Sequence[bytes]) -> tuple[Array, Array]:
    """Read many printed times.

    Returns
    -------
    seconds : ndarray of int64
        Since 1970 on the printed clock.
    valid : ndarray of bool
        False for what is no date.

    Examples
    --------
    >>> seconds, valid = parse_times([b"01/02/1970-00:00:03", b"13/02/1970-00:00:00", b"1970-01-01 00:01:00"])
    >>> seconds.tolist(), valid.tolist()
    ([86403, 0, 60], [True, False, True])
    """
    seconds = np.zeros(len(printed), np.int64)
    valid = np.zeros(len(printed), bool)
    usual = np.flatnonzero(np.fromiter(map(len, printed), np.int64, len(printed)) == len(_PATTERN))
    if len(usual):
        whole = b"".join(printed if len(usual) == len(printed) else [printed[row] for row in usual.tolist()])
        stamps = np.frombuffer(whole, np.uint8).reshape(len(usual), len(_PATTERN))
        fits = (stamps[:, ~_DIGITS] == _PATTERN[~_DIGITS]).all(axis=1)
        digits = stamps[:, _DIGITS] - np.uint8(ord("0"))
        fits &= (digits < 10).all(axis=1)
        usual = usual[fits]
        month, day, century, year, hour, minute, second = (
            digits[fits, 2 * n].astype(np.int64) * 10 + digits[fits, 2 * n + 1] for n in range(7)
        )
        year += 100 * century
        date = ((year - 1970) * 12 + month - 1).astype("M8[M]")
        days = date.astype("M8[D]") + (day - 1)
        ok = (year > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("M8[M]") == date)
        ok &= (hour < 24) & (minute < 60) & (second < 60)
        seconds[usual] = np.where(ok, days.astype(np.int64) * 86400 + hour * 3600 + minute * 60 + second, 0)
        valid[usual] = ok
    others = np.ones(len(printed), bool)
    others[usual] = False
    for row in np.flatnonzero(others).tolist():
        time = parse_time(text(printed[row]))
        if time is not None:
            valid[row] = True
            seconds[row] = int((time - _EPOCH).total_seconds())
    return seconds, valid
