"""Find the layers of forms of a text from the outside in, and undo them block by block."""

from __future__ import annotations

from collections.abc import Sequence

from trtlog._util.expression import expression
from trtlog.source.forms import FORMS, WRAPPED
from trtlog.source.forms.base import MOST, Form, Reflow, Sample, Undo
from trtlog.source.forms.judge import Judge
from trtlog.source.forms.wrapped import Join
from trtlog.source.logger import Logger
from trtlog.source.numbering import LineMap
from trtlog.source.plain import ODD, PLAIN, odd_lines

_DEEPEST = 8
_SEARCHES = 4
_WAYS = 4
# Lines of a sample that are judged: odd ones with the line above each, some of each kind, and blocks of others.
_LINES = 800
_BLOCKS = 8
_KINDS, _OF_KIND, _KIND_BYTES = 24, 6, 12
# Only so much of a longer line is judged.
_LONG_LINE = 1 << 16
# A longer line passes through unchanged.
_LONGEST_LINE = 16 << 20

# Lines are of one kind if their beginnings are equal once letters and digits are taken out.
_KIND = expression(rb"[0-9A-Za-z]+")
# A form that is certain may make this share of the lines less known: the grammar knows the usual wordings only.
_FEW_WORSE = 0.03
_MORE = 0.02


def find_layers(data: bytes, *, whole: bool = False, logger: Logger | None = None) -> list[Undo]:
    r"""Return what undoes the forms of a text, the outermost first; nothing for most logs.

    Parameters
    ----------
    data : bytes
        The beginning of a text; a line that is cut at its end is not looked at, unless it is the only one.
    whole : bool
        Whether this is all of the text.
    logger : Logger, optional
        How lines of a logger of the user's own begin.

    Examples
    --------
    >>> text = b"> // [I] [TRT] Loaded\n> // [V] [TRT] Original: 3 layers\n"
    >>> [undo.note for undo in find_layers(text)]
    ["'> // ' in front of each line was cut off"]
    """
    odd = odd_lines(data, whole=whole, logger=logger)
    return [] if odd is None else search_layers(odd, logger)


def search_layers(data: bytes, logger: Logger | None = None) -> list[Undo]:
    """Return what undoes the forms of whole lines that do not look plain, the outermost first."""
    lines = _chosen(data.replace(b"\r\n", b"\n").split(b"\n"))
    sample = Sample(lines, Judge.of_grammar(logger))
    best = _cleared(sample, [], hopes_first=False)
    if best or len(sample.hidden) > 1 or WRAPPED.evident(sample):
        ways = [best, _cleared(sample, [], hopes_first=True)]
        best = max(ways, key=lambda layers: _rank(sample, layers))
        # Lines may have been wrapped after something was put in front of them, at any depth.
        for depth in range(len(best) + 1):
            above = [layer for layer in best[:depth] if not isinstance(layer, Join)]
            for undo in WRAPPED.evident(_below(sample, above)):
                ways += [_cleared(sample, [*above, undo], hopes_first=first) for first in (False, True)]
        best = max(ways, key=lambda layers: _rank(sample, layers))
    return best


def _rank(sample: Sample, layers: Sequence[Undo]) -> tuple[float, ...]:
    """Return how good a way is: by the share of the text that is known, as ways differ in the number of lines.

    Where two read the same, forms with a name tell more than a common prefix, and what is joined first keeps more.
    """
    below = _below(sample, layers)
    late = next((place for place, layer in enumerate(layers) if isinstance(layer, Join)), 0)
    known = below.clarity - below.joined
    return round(below.share, 2), -sum(map(_is_common, layers)), known, -late, -len(layers)


def _cleared(sample: Sample, outermost: list[Undo], *, hopes_first: bool) -> list[Undo]:
    """Return the layers that are found one below the other, without those that turn out to be of no use."""
    excluded: set[str] = set()
    layers: list[Undo] = []
    for _ in range(_SEARCHES):
        layers = _search(sample, outermost, excluded, hopes_first=hopes_first)
        needless = _needless(sample, layers)
        if not needless:
            break
        excluded |= needless
        outermost = [layer for layer in outermost if layer.key not in needless]
    return [layer for layer in layers if layer.key not in excluded]


def _is_common(layer: Undo) -> bool:
    """Tell whether a layer is a prefix of any kind that lines have in common."""
    return layer.key.startswith("front ")


def _below(sample: Sample, layers: Sequence[Undo]) -> Sample:
    for layer in layers:
        sample = sample.undone(layer)
    return sample


def _chosen(lines: list[bytes]) -> list[bytes]:
    """Return the lines of a sample that are judged, in their order."""
    lines = [line[:_LONG_LINE] for line in lines]
    if len(lines) <= _LINES:
        return lines
    match, odd = PLAIN.match, ODD.search
    strange = [number for number, line in enumerate(lines) if match(line) is None or odd(line)]
    step = max(1, -(-len(strange) // (_LINES // 3)))
    block = _LINES // 3 // _BLOCKS
    runs = [strange[number : number + 16] for number in range(0, len(strange), 16 * step)]
    # A part of the text in a form of its own may be short: take some lines of each kind.
    kinds: dict[bytes, list[int]] = {}
    for number in strange:
        kinds.setdefault(_KIND.sub(b"", lines[number][:_KIND_BYTES]), []).append(number)
    commonest = sorted((of_kind for of_kind in kinds.values() if len(of_kind) > 1), key=len, reverse=True)[:_KINDS]
    runs += [of_kind[:: max(1, len(of_kind) // _OF_KIND)] for of_kind in commonest]
    chosen = {number for run in runs for place in run for number in (place - 1, place) if number >= 0}
    for start in range(0, len(lines), max(block, len(lines) // _BLOCKS)):
        chosen.update(range(start, min(start + block, len(lines))))
    return [lines[number] for number in sorted(chosen)]


def _search(sample: Sample, outermost: list[Undo], excluded: set[str], *, hopes_first: bool) -> list[Undo]:
    layers = list(outermost)
    taken = excluded | {layer.key for layer in layers}
    current = _below(sample, layers)
    while len(layers) < _DEEPEST:
        found = _outermost(current, layers, taken, hopes_first=hopes_first)
        if found is None:
            break
        undo, current = found
        layers.append(undo)
        taken.add(undo.key)
    return layers


def _needless(sample: Sample, layers: list[Undo]) -> set[str]:
    """Return the keys of layers without which the grammar knows as much."""
    needless: set[str] = set()
    whole = _below(sample, layers)
    for layer in reversed(layers):
        rest = _below(sample, [other for other in layers if other is not layer and other.key not in needless])
        # Joining cut records does not give more of them: it makes more of the text known.
        more = isinstance(layer, Join) and whole.share > rest.share + _MORE
        if not layer.certain and rest.score >= whole.score and not more:
            needless.add(layer.key)
    return needless


def _outermost(sample: Sample, layers: list[Undo], taken: set[str], *, hopes_first: bool) -> tuple[Undo, Sample] | None:
    """Return what undoes the outermost form, and the text below it."""
    hope: tuple[Undo, Sample] | None = None
    for form in FORMS:
        best: tuple[int, Undo, Sample] | None = None
        maybe: tuple[Undo, Sample] | None = None
        if form is WRAPPED and any(isinstance(layer, Join) for layer in layers):
            continue  # a second wrap cannot be told from what the first left
        for undo in sample.made(form.find)[:_WAYS]:
            if undo.key in taken:
                continue
            after = sample.undone(undo)
            better, worse, changed = sample.gain(undo, after)
            # A form that changes a single line is judged by that line.
            enough = better >= min(form.least, changed) and better > 2 * worse
            certain = undo.certain and worse <= max(1, _FEW_WORSE * changed)
            if (enough or certain) and (best is None or better > best[0]):
                best = better, undo, after
            elif maybe is None and not worse and _may_hide(form, sample, after, changed):
                maybe = undo, after
        if best is not None and not (hopes_first and hope):
            return best[1], best[2]
        hope = hope or (maybe if best is None else None)
        if hopes_first and hope is not None:
            return hope
    return hope


def _may_hide(form: Form, sample: Sample, after: Sample, changed: int) -> bool:
    """Tell whether so much of a text is of a form that another may lie below it, in which the records still are."""
    much = form.hides and len(sample.hidden) > 1 and changed >= max(2, MOST * sample.filled)
    return much and 2 * len(after.hidden) >= len(sample.hidden)


class Undoing:
    r"""Undoes layers block by block, and notes which line of the file each line of the text is.

    Parameters
    ----------
    layers : sequence of Undo
        From the outside in.
    lines : LineMap
        Where numbers are noted.
    first_line : int
        Number of the first line that comes, in the file and in the text.

    Examples
    --------
    >>> from trtlog.source.numbering import LineMap
    >>> text = b"> [I] [TRT] Loaded\n> [V] [TRT] Original: 3 layers\n"
    >>> Undoing(find_layers(text), LineMap()).feed(text, last=True)
    b'[I] [TRT] Loaded\n[V] [TRT] Original: 3 layers\n'
    """

    def __init__(self, layers: Sequence[Undo], lines: LineMap, first_line: int = 1) -> None:
        self.layers = [layer.fresh() if isinstance(layer, Reflow) else layer for layer in layers]
        self._lines = lines
        self._rest: list[bytes] = []  # a line whose end has not come
        self._passing = False  # whether that line is so long that it is handed on in pieces
        self._next = first_line  # number of the next line in the file
        self._given = first_line  # number of the next line in the undone text

    @property
    def keys(self) -> set[str]:
        """Keys of the layers."""
        return {layer.key for layer in self.layers}

    def add(self, layers: Sequence[Undo]) -> None:
        """Undo further layers from here on."""
        self.layers += [layer.fresh() if isinstance(layer, Reflow) else layer for layer in layers]

    def take(self, block: bytes, *, last: bool) -> bytes:
        """Return what can be undone by now of bytes that are cut anywhere.

        A line that is too long to be undone is handed on in pieces, as it is.
        """
        cut = block.rfind(b"\n") + 1
        if not cut and not last:
            self._rest.append(block)
            if sum(map(len, self._rest)) < _LONGEST_LINE and not self._passing:
                return b""
            self._passing = True
            pieces, self._rest = b"".join(self._rest), []
            return pieces
        data, self._rest = b"".join([*self._rest, block[:cut]]), [block[cut:]] if cut < len(block) else []
        before = b""
        if self._passing and data:
            self._passing = False
            end = data.find(b"\n") + 1 or len(data)
            before, data = data[:end], data[end:]
            self._lines.add(self._given, [self._next])
            self._next += 1
            self._given += 1
        if last:
            data, self._rest = data + b"".join(self._rest), []
        return before + (self.feed(data, last=last) if data or last else b"")

    def feed(self, data: bytes, *, last: bool) -> bytes:
        """Return whole lines undone; the last line of a text may lack its line end."""
        ended = data.endswith(b"\n") or not data
        data = data.replace(b"\r\n", b"\n") if ended else data.replace(b"\r\n", b"\n") + b"\n"
        first, count = self._next, data.count(b"\n")
        self._next += count
        numbers: Sequence[int] = range(first, self._next)
        for layer in self.layers:
            if isinstance(layer, Reflow):
                texts, numbers = layer.reflow(data.split(b"\n")[:-1], numbers, last)
                data = b"".join([text + b"\n" for text in texts])
            else:
                data = layer.rewrite(data)
        self._lines.add(self._given, numbers)
        self._given += len(numbers)
        return data if ended else data.removesuffix(b"\n")
