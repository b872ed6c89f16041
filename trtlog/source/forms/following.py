"""Undo the forms of a log that is still being written, line by line."""

from __future__ import annotations

from trtlog.source.forms.layers import Undoing, find_layers
from trtlog.source.logger import Logger
from trtlog.source.numbering import LineMap
from trtlog.source.plain import looks_plain

# Forms are looked for when so many lines have come; lines are kept back until the first look at most.
_LOOKS = (24, 100, 400)


class Following:
    """Lines of a growing log, undone where a form is found in those that have come.

    Parameters
    ----------
    logger : Logger, optional
        How lines of a logger of the user's own begin; they come under a header of TensorRT's.

    Attributes
    ----------
    line_map : LineMap
        Which line of the file each line is.

    Examples
    --------
    >>> following = Following()
    >>> following.lines([b"> [I] [TRT] Loaded"])  # one line alone is no evidence
    []
    >>> following.lines([b"> [V] [TRT] Original: 3 layers"] * 23)[:2]
    [b'[I] [TRT] Loaded', b'[V] [TRT] Original: 3 layers']
    """

    def __init__(self, logger: Logger | None = None) -> None:
        self._logger = logger
        self.line_map = LineMap()
        self._undoing: Undoing | None = None
        self._sample: list[bytes] = []
        self._waiting: list[bytes] = []
        self._settled = False
        self._given = 0

    def lines(self, lines: list[bytes]) -> list[bytes]:
        """Take lines without their ends; return those that are there to be read, undone."""
        if self._undoing is None and len(self._sample) < _LOOKS[-1]:
            before = len(self._sample)
            self._sample += lines[: _LOOKS[-1] - before]
            self._waiting += lines
            if not self._settled and looks_plain(self._rewritten(b"\n".join(self._sample))):
                self._settled = True
            if any(before < look <= len(self._sample) for look in _LOOKS):
                self._look()
            lines = []
            if self._settled:
                lines, self._waiting = self._waiting, []
        return self._read(lines)

    def settle(self) -> list[bytes]:
        """Return the lines that were kept back, as nothing follows for now."""
        if self._undoing is not None:
            return self._rewritten(self._undoing.feed(b"", last=True)).split(b"\n")[:-1]
        if not self._waiting:
            return []
        self._look()
        lines, self._waiting = self._waiting, []
        return self._read(lines)

    def _look(self) -> None:
        self._settled = True
        layers = find_layers(b"\n".join(self._sample), whole=True, logger=self._logger)
        if layers:
            self._undoing = Undoing(layers, self.line_map, self._given + 1)

    def _read(self, lines: list[bytes]) -> list[bytes]:
        if not lines:
            return lines
        if self._undoing is not None:
            text = self._undoing.feed(b"\n".join(lines) + b"\n", last=False)
            return self._rewritten(text).split(b"\n")[:-1]
        self._given += len(lines)
        return lines if self._logger is None else [self._logger.rewrite(line) for line in lines]

    def _rewritten(self, text: bytes) -> bytes:
        return text if self._logger is None else self._logger.rewrite(text)
