"""Processes that match chunks beside this one: Python runs one thread at a time, and half of matching is Python.

A chunk is written to a file without a name that the process shares, and a short message says that it is there;
what was found comes back the same way. So neither side ever waits for a pipe to be emptied. A process that
dies, hangs or cannot be started costs time, and no line: its chunks are matched here.

This module loads nothing heavy, so that a process starts while the libraries load here.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import select
import struct
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import trtlog

if TYPE_CHECKING:
    from trtlog.engines.scan import HeaderTable, PackedScan
    from trtlog.engines.vector import Match

# A log of fewer bytes is read before a process would be of use.
LEAST_BYTES = 48 << 20
# Chunks that a process is given before it is done with the first.
_AHEAD = 2
# More processes only wait for the one that puts results in order.
_MOST = 3
# So long a chunk may take: a process that hangs is given up.
_PATIENCE_S = 60.0
# Where the two chunks under way stand in the shared files, far apart: what is not written takes no room.
_SLOT = 1 << 36
_REQUEST = struct.Struct("<QQQ")  # slot, bytes, first line
_ANSWER = struct.Struct("<QQ")  # slot, bytes of the head
# Files that live in memory, where there are some.
_MEMORY = "/dev/shm"
# What a library prints while it loads is no answer.
_SERVE = """
import json, os, sys
answers = os.dup(1)
os.dup2(2, 1)
sys.path[:] = json.loads(sys.argv[1])
from trtlog.engines.processes import serve
serve(answers, *map(int, sys.argv[2:]))
"""


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wanted(size: int) -> int:
    """Return how many processes are of use for a log of about so many bytes.

    None are in a worker of a pool, whose cores have work already, and where Python cannot start itself.

    Examples
    --------
    >>> wanted(1_000_000)
    0
    """
    if size < LEAST_BYTES or usable_cores() < 2 or os.name != "posix" or getattr(sys, "frozen", False):
        return 0
    workers = sys.modules.get("multiprocessing.process")
    if workers is not None and workers.parent_process() is not None:
        return 0
    if not os.path.basename(sys.executable or "").startswith(("python", "pypy")):
        return 0
    return min(usable_cores() - 1, _MOST)


def start(size: int, min_rows: int = 0) -> list[Process]:
    """Start the processes that are of use for a log of about so many bytes; none where that fails."""
    out: list[Process] = []
    with contextlib.suppress(OSError):
        for _ in range(wanted(size)):
            out.append(Process(min_rows))
    return out


class MatchingProcesses:
    """The processes for one log, started as soon as it is known to be long; they end with the ``with``.

    Parameters
    ----------
    source : Any
        As that of :func:`trtlog.parse`: the size of a file and of bytes is known before anything is read.
    """

    def __init__(self, source: Any) -> None:
        self._processes: list[Process] = []
        size = 0
        if isinstance(source, bytes):
            size = len(source)
        elif isinstance(source, str | os.PathLike):
            with contextlib.suppress(OSError, ValueError):
                size = os.stat(source).st_size
        self.start(size)

    def start(self, size: int) -> list[Process]:
        """Return the processes; start them, unless they are, if a log of about so many bytes is long."""
        if not self._processes:
            self._processes = start(size)
        return self._processes

    def __enter__(self) -> MatchingProcesses:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.close()


class Process:
    """One process; raises OSError where it cannot be started.

    Parameters
    ----------
    min_rows : int
        As that of :class:`trtlog.engines.bulk.BulkMatcher`; 0 for its default.

    Attributes
    ----------
    alive : bool
        False once it has died or was given up; what it was given is to be matched here then.
    """

    def __init__(self, min_rows: int) -> None:
        with contextlib.ExitStack() as opened:
            folder = _MEMORY if os.access(_MEMORY, os.W_OK) else None
            self._chunks = opened.enter_context(tempfile.TemporaryFile(buffering=0, dir=folder))
            self._answers = opened.enter_context(tempfile.TemporaryFile(buffering=0, dir=folder))
            files = self._chunks.fileno(), self._answers.fileno()
            own = os.path.dirname(os.path.dirname(os.path.abspath(trtlog.__file__)))
            path = json.dumps([own, *(entry or os.getcwd() for entry in sys.path)])
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SERVE, path, *map(str, (*files, min_rows))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=files,
                start_new_session=True,  # Ctrl-C is for this process, which ends the other
            )
            opened.pop_all()
        self._free: list[int] = []  # slots; none before the process says that it is ready
        self._held: dict[int, tuple[PackedScan, list[Any]]] = {}  # what came for a slot
        self._unwanted: set[int] = set()
        self._printed: list[bytes] = []  # headers, as the process numbers them
        self._headers: list[int] = []  # their numbers here
        self.alive = True

    def is_free(self) -> bool:
        """Return whether the process would take a chunk now."""
        self._receive(0)
        return self.alive and bool(self._free)

    def submit(self, data: bytes, first_line: int) -> int:
        """Give the process a chunk; returns a number by which to ask for what it found."""
        slot = self._free.pop()
        try:
            _write_at(self._chunks.fileno(), [data], slot * _SLOT)
            assert self._child.stdin is not None
            self._child.stdin.write(_REQUEST.pack(slot, len(data), first_line))
            self._child.stdin.flush()
        except OSError:  # it has died, or there is no room
            self.close()
        return slot

    def result(self, slot: int, data: bytes, table: HeaderTable, wait: bool) -> Match | None:
        """Return what was found in a chunk: None where it is not there yet, or will not come (`alive`)."""
        while slot not in self._held and self._receive(_PATIENCE_S if wait else 0):
            pass
        answer = self._held.pop(slot, None)
        if answer is None:
            return None
        self._free.append(slot)
        self._headers += [table.number(text) for text in self._printed[len(self._headers) :]]
        lines, (extracts, few) = answer
        return lines.restored(data, self._headers), extracts, few

    def forget(self, slot: int) -> None:
        """Say that what comes for a chunk is not needed."""
        self._unwanted.add(slot)

    def _receive(self, patience_s: float) -> bool:
        """Read a message of the process, if there is one within some time; give the process up where none came."""
        if not self.alive:
            return False
        assert self._child.stdout is not None
        pipe = self._child.stdout.fileno()
        try:
            ready = select.poll()
            ready.register(pipe, select.POLLIN)
            if not ready.poll(int(patience_s * 1000)):
                if patience_s:
                    self.close()
                return False
            message = os.read(pipe, _ANSWER.size)
            if len(message) < _ANSWER.size:  # it has died
                self.close()
                return False
            slot, size = _ANSWER.unpack(message)
            if not size:  # it is ready
                self._free = list(range(_AHEAD))
                return True
            (printed, lines), matched = _read_parts(self._answers.fileno(), slot * _SLOT, size)
            self._printed += printed
            if slot in self._unwanted:
                self._unwanted.remove(slot)
                self._free.append(slot)
            else:
                self._held[slot] = lines, matched
        except (OSError, ValueError, pickle.UnpicklingError, EOFError):
            self.close()
            return False
        return True

    def close(self) -> None:
        """End the process."""
        if not self.alive:
            return
        self.alive = False
        self._child.kill()
        self._child.wait()
        for file in (self._child.stdin, self._child.stdout, self._chunks, self._answers):
            assert file is not None
            with contextlib.suppress(OSError):
                file.close()


def serve(messages: int, chunks: int, answers: int, min_rows: int) -> None:
    """Match the chunks that come, until there are no more: what a process does.

    Parameters
    ----------
    messages : int
        The pipe to the other side.
    chunks, answers : int
        The shared files.
    min_rows : int
        As that of :class:`trtlog.engines.bulk.BulkMatcher`.
    """
    from trtlog import grammar
    from trtlog.engines.bulk import MIN_ROWS
    from trtlog.engines.vector import ChunkMatcher

    matcher = ChunkMatcher(grammar.load(), min_rows or MIN_ROWS)
    told = 0  # headers that the other side knows
    os.write(messages, _ANSWER.pack(0, 0))
    while True:
        request = sys.stdin.buffer.read(_REQUEST.size)
        if len(request) < _REQUEST.size:
            return
        slot, size, first_line = _REQUEST.unpack(request)
        data = _read_at(chunks, size, slot * _SLOT)
        found, *matched = matcher.match(data, first_line)
        printed = matcher.headers.printed[told:]
        told += len(printed)
        head = _write_parts(answers, slot * _SLOT, [(printed, found.packed()), matched])
        os.write(messages, _ANSWER.pack(slot, head))


def _write_parts(file: int, place: int, parts: list[Any]) -> int:
    """Write objects with the memory of their arrays side by side; return the bytes of the head."""
    sizes: list[list[int]] = []
    pieces: list[Any] = []
    for part in parts:
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(part, protocol=5, buffer_callback=buffers.append)
        held = [pickled, *(buffer.raw() for buffer in buffers)]
        sizes.append([len(piece) for piece in held])
        pieces += held
    head = json.dumps(sizes).encode()
    _write_at(file, [head, *pieces], place)
    return len(head)


def _read_parts(file: int, place: int, size: int) -> list[Any]:
    """Read objects; the arrays of each part share one piece of memory."""
    out = []
    sizes = json.loads(_read_at(file, size, place))
    place += size
    for lengths in sizes:
        whole = memoryview(_read_at(file, sum(lengths), place))
        place += len(whole)
        pieces, at = [], 0
        for length in lengths:
            pieces.append(whole[at : at + length])
            at += length
        out.append(pickle.loads(pieces[0], buffers=pieces[1:]))
    return out


def _read_at(file: int, size: int, place: int) -> bytes:
    data = os.pread(file, size, place)
    if len(data) == size:
        return data
    pieces = [data]
    while (left := size - sum(map(len, pieces))) > 0:
        piece = os.pread(file, left, place + size - left)
        if not piece:
            raise EOFError
        pieces.append(piece)
    return b"".join(pieces)


def _write_at(file: int, pieces: list[Any], place: int) -> None:
    for piece in pieces:
        view = memoryview(piece).cast("B") if len(piece) else memoryview(b"")
        while len(view):
            written = os.pwrite(file, view, place)
            place += written
            view = view[written:]
