"""Which line of the file a line of the undone text is: the same, unless lines were joined or cut."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class LineMap:
    """Numbers of lines in the file by their numbers in the undone text.

    Examples
    --------
    >>> lines = LineMap()
    >>> lines.add(1, [1, 4, 5, 5, 6])  # the first is made of three, the third and fourth stand on one
    >>> [lines.of(number) for number in range(1, 7)], lines.end(1)
    ([1, 4, 5, 5, 6, 7], 3)
    """

    def __init__(self) -> None:
        self._texts = [1]
        self._files = [1]

    def __bool__(self) -> bool:
        """Whether any line has another number."""
        return len(self._texts) > 1

    def add(self, first: int, numbers: Sequence[int]) -> None:
        """Note the numbers in the file of lines of the undone text, from ``first`` on."""
        shift = self._files[-1] - self._texts[-1]
        for position, number in enumerate(numbers, first):
            if number - position != shift:
                shift = number - position
                if self._texts[-1] == position:
                    self._files[-1] = number
                else:
                    self._texts.append(position)
                    self._files.append(number)

    def of(self, number: int) -> int:
        """Return the number in the file of one line."""
        place = max(0, bisect_right(self._texts, number) - 1)
        return self._files[place] + number - self._texts[place]

    def end(self, number: int) -> int:
        """Return the number in the file of the last line that one line is made of."""
        return max(self.of(number), self.of(number + 1) - 1)

    def all_of(self, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the numbers in the file of many lines."""
        import numpy as np

        count = len(self._texts)  # another thread may add to them
        texts, files = np.array(self._texts[:count]), np.array(self._files[:count])
        places = np.maximum(np.searchsorted(texts, numbers, side="right") - 1, 0)
        out: np.ndarray[Any, Any] = files[places] + numbers - texts[places]
        return out

    def ends_of(self, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the numbers in the file of the last lines that many lines are made of."""
        import numpy as np

        out: np.ndarray[Any, Any] = np.maximum(self.all_of(numbers), self.all_of(numbers + 1) - 1)
        return out
