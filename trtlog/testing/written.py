"""The files that trtexec writes on request, made from a captured log by the stand-in."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trtlog._util.expression import expression
from trtlog.runner.arguments import split_flag
from trtlog.testing.capture import Capture

_AVERAGE = expression(
    rb"Average on ([0-9]+) runs - GPU latency: (\S+) ms - Host latency: (\S+) ms \((?:end to end \S+ "
    rb"ms, )?enqueue (\S+) ms\)"
)
_PROFILE_OLD = expression(r"^\s*(\S.*?)\s+([0-9.]+)\s+([0-9.]+)\s+([0-9.]+)\s+([0-9.]+)$")
_PROFILE_NEW = expression(r"^\s*([0-9.]+)\s+([0-9.]+)\s+([0-9.]+)\s+([0-9.]+)   (\S.*)$")
_PROFILE_HEAD = expression(r"=== Profile \(([0-9]+) iterations ?\) ===")
_LAYER = expression(r"^Layer\([^)]*\): (.*?), Tactic: ")
_SIBLINGS = {"--exportTimes": "times", "--exportProfile": "profile", "--exportLayerInfo": "layers"}


def write_files(capture: Capture, args: list[str]) -> list[Path]:
    """Write what the flags ask for.

    A captured export that lies beside the log (``NAME.times.json``, ``NAME.profile.json``,
    ``NAME.layers.json``, also ``.gz``) is copied. Otherwise times are made from the log's averages, a row each, the
    profile from its profile table and the layers from its engine layers. Engine and timing cache are
    placeholders.
    """
    written = []
    for argument in args:
        name, value = split_flag(argument)
        if not value:
            continue
        content: bytes | None = None
        if name in _SIBLINGS:
            if name == "--exportTimes" and not capture.has_summary:
                continue  # trtexec writes it with the performance report only
            content = _sibling(capture, _SIBLINGS[name])
            if content is None:
                content = _MAKERS[name](capture)
        elif name == "--saveEngine":
            content = b"placeholder for an engine, written by trtlog.testing\n"
        elif name == "--timingCacheFile":
            if Path(value).exists():
                continue
            content = b"placeholder for a timing cache, written by trtlog.testing\n"
        if content is not None:
            Path(value).write_bytes(content)
            written.append(Path(value))
    return written


def _sibling(capture: Capture, word: str) -> bytes | None:
    stem = re.sub(r"\.(?:log|txt)(?:\.gz|\.xz|\.bz2)?$", "", capture.path.name)
    for name in (f"{stem}.{word}.json", f"{stem}.{word}.json.gz"):
        path = capture.path.with_name(name)
        if path.is_file():
            content = path.read_bytes()
            return gzip.decompress(content) if name.endswith(".gz") else content
    return None


def _text(capture: Capture) -> Iterator[str]:
    for line in capture.lines:
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def _body(line: str) -> str:
    return re.sub(r"^(?:\[[0-9/:\- ]+\] )*\[[VIWEF]\] (?:\[TRT\] )?", "", line)


def _times(capture: Capture) -> bytes:
    rows = []
    now = 0.0
    for line in capture.lines:
        found = _AVERAGE.search(line)
        if found is None:
            continue
        gpu, host, enqueue = (float(found[group]) for group in (2, 3, 4))
        copy = max(0.0, (host - gpu) / 2)
        rows.append(
            {
                "startEnqMs": now,
                "endEnqMs": now + enqueue,
                "startH2dMs": now,
                "endH2dMs": now + copy,
                "startComputeMs": now + copy,
                "endComputeMs": now + copy + gpu,
                "startD2hMs": now + copy + gpu,
                "endD2hMs": now + 2 * copy + gpu,
                "h2dMs": copy,
                "computeMs": gpu,
                "d2hMs": copy,
                "latencyMs": host,
            }
        )
        now += host * int(found[1])
    return json.dumps(rows).encode()


def _profile(capture: Capture) -> bytes:
    rows: list[dict[str, Any]] = []
    inside = False
    for line in _text(capture):
        body = _body(line)
        head = _PROFILE_HEAD.search(body)
        if head is not None:
            rows, inside = [{"count": int(head[1])}], True
            continue
        if not inside:
            continue
        new, old = _PROFILE_NEW.match(body), _PROFILE_OLD.match(body)
        if new is not None:
            time, average, median, percent, name = new.groups()
        elif old is not None:
            name, time, average, median, percent = old.groups()
        else:
            continue
        if name == "Total":
            inside = False
            continue
        row = {"name": name, "timeMs": time, "averageMs": average, "medianMs": median, "percentage": percent}
        rows.append({key: value if key == "name" else float(value) for key, value in row.items()})
    return json.dumps(rows or [{"count": 0}]).encode()


def _layers(capture: Capture) -> bytes:
    names = [found[1] for line in _text(capture) if (found := _LAYER.match(line))]
    return json.dumps({"Layers": names, "Bindings": []}).encode()


_MAKERS = {"--exportTimes": _times, "--exportProfile": _profile, "--exportLayerInfo": _layers}
