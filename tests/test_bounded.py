"""No input takes forever: work grows with the size of a log, in every command.

Two sizes are compared, by the processor time that each takes: eight times the lines may take up to three times eight
times as long, which leaves room for a busy machine and none for work that grows with the square.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from trtlog._util.redact import redact
from trtlog.cli import cli

HEAD = b"[11/22/2026-13:22:03] "
BANNER = b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx --verbose\n"
END = BANNER.replace(b"RUNNING", b"PASSED")
TIMES = 8
FACTOR = 3 * TIMES
# Below this nothing can be said of growth.
LEAST_S = 0.02


def lines(text: bytes, count: int) -> bytes:
    return b"".join(HEAD + text.replace(b"%d", b"%d" % number) + b"\n" for number in range(count))


LAYER = (
    b"[V] [TRT] *************** Autotuning format combination: Float(1,2) -> Float(1,2) ***************\n"
    b"[V] [TRT] --------------- Timing Runner: l%d (CaskConvolution[0x80000009])\n"
    b"[V] [TRT] Tactic: 0x0000000000000001 Time: 1.%d\n[V] [TRT] Tactic: 0x0000000000000002 Time: 2.%d\n"
    b"[V] [TRT] Fastest Tactic: 0x0000000000000001 Time: 1.%d\n"
    b"[V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x0000000000000001"
)
ENGINE = b"Layer(Conv): l%d, Tactic: 0x0000000000000001, t%d[Float(1,64,56,56)] -> u%d[Float(1,64,56,56)]\n"
NODE = b"[V] [TRT] Registering layer: n%d for ONNX node: n%d"
FUSION = b"[V] [TRT] ConvReluFusion: Fusing n%d with m%d"

# Shape of a log -> text of a size, and the commands that look at what it is made of.
SHAPES = {
    "runs": (lambda n: (BANNER + HEAD + b"[I] === Model Options ===\n") * n, ["summary", "lint", "report"]),
    "ended runs": (lambda n: (BANNER + END) * n, ["summary", "coverage", "stability"]),
    "warnings": (lambda n: BANNER + lines(b"[W] [TRT] warn %d", 8 * n), ["summary", "lint", "report", "diff", "lock"]),
    "errors": (
        lambda n: BANNER + lines(b"[E] [TRT] 4: [net.cpp::check::%d] Error Code 4: Internal Error (x%d)", 4 * n),
        ["summary", "lint", "diff"],
    ),
    "unknown lines": (lambda n: BANNER + lines(b"[V] [TRT] zork %d quux %d", 8 * n), ["unknown", "summary"]),
    "one line of dashes": (lambda n: BANNER + HEAD + b"[W] [TRT] " + b"-" * (40 * n) + b"\n", ["summary", "diff"]),
    "one option of names": (
        lambda n: BANNER.replace(b"--verbose", b"--layerPrecisions=" + b"x_" * (20 * n)),
        ["summary", "diff", "report", "lock"],
    ),
    "layers": (
        lambda n: BANNER + b"".join(HEAD + LAYER.replace(b"%d", b"%d" % i) + b"\n" for i in range(n)),
        ["tactics", "precision", "build-time", "report", "why"],
    ),
    "engine layers": (
        lambda n: (
            BANNER
            + HEAD
            + b"[V] [TRT] Engine Layer Information:\n"
            + b"".join(ENGINE.replace(b"%d", b"%d" % i) for i in range(4 * n))
        ),
        ["lock", "diff", "why", "report", "summary", "graph", "roofline"],
    ),
    "one layer of brackets": (
        lambda n: BANNER + HEAD + b"[V] [TRT] Engine Layer Information:\n" + ENGINE.replace(b"l%d", b"[" * (200 * n)),
        ["why", "report"],
    ),
    "one foreign node": (
        lambda n: (
            BANNER
            + HEAD
            + b"[V] [TRT] Engine Layer Information:\n"
            + ENGINE.replace(b"l%d", b"{ForeignNode[" + b"...ForeignNode[a" * (20 * n) + b"}")
        ),
        ["why", "lock", "fusions"],
    ),
    "one error of nodes": (
        lambda n: BANNER + lines(b"[E] [TRT] " + b"In node 3 with name: a and operator: Conv" * (20 * n), 1),
        ["lint", "summary"],
    ),
    "one warning of the DLA": (
        lambda n: BANNER + lines(b"[W] [TRT] " + b"layer a: DLA supports: b. Switching c " * (20 * n), 1),
        ["lint"],
    ),
    "builds": (
        lambda n: BANNER + lines(b"[I] [TRT] Engine generation completed in 3%d.5 seconds.", 16 * n),
        ["summary", "lint", "report"],
    ),
    "phases": (
        lambda n: BANNER + lines(b"[V] [TRT] Formats and tactics selection completed in 3.%d seconds.", 16 * n),
        ["summary", "diff"],
    ),
    "lost nodes": (
        lambda n: (
            BANNER
            + lines(b"[V] [TRT] Parsing node: n%d [Conv]", 16 * n)
            + lines(FUSION.replace(b"n%d", b"x%d"), 16 * n)
            + lines(b"[V] [TRT] Removing z%d", 16 * n)
            + HEAD
            + b"[V] [TRT] Engine Layer Information:\n"
            + ENGINE.replace(b"%d", b"1")
        ),
        ["report"],
    ),
    "nodes": (lambda n: BANNER + lines(NODE, 4 * n), ["fusions", "report"]),
    "fusions": (lambda n: BANNER + lines(FUSION, 4 * n), ["fusions", "report"]),
}


def command_line(command: str, path: str) -> list[str]:
    if command == "why":
        return ["why", "l1", path]
    if command in ("diff", "stability"):
        return [command, path, path]
    return [command, path, *(["-o", "-"] if command in ("report", "graph") else [])]


def seconds(command: str, path: str) -> float:
    """Return the processor time of a command; an exception that is no error of trtlog's own fails the test."""
    began = time.process_time()
    result = CliRunner().invoke(cli, command_line(command, path))
    spent = time.process_time() - began
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        assert type(result.exception).__module__ == "trtlog.errors", result.exception
    return spent


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "command"), [(s, c) for s, (_, commands) in SHAPES.items() for c in commands])
def test_eight_times_the_lines_take_about_eight_times_as_long(shape, command, tmp_path):
    make, _ = SHAPES[shape]
    small, large = tmp_path / "small.log", tmp_path / "large.log"
    small.write_bytes(make(50))
    large.write_bytes(make(50 * TIMES))
    seconds(command, str(small))  # loads what is loaded once
    before = seconds(command, str(small))
    assert seconds(command, str(large)) <= FACTOR * max(before, LEAST_S)


TACTIC = b"[V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029"
BLOCK = (
    b"[V] [TRT] *************** Autotuning format combination: Float(1,2) -> Float(1,2) ***************\n"
    b"[11/22/2026-13:22:03] [V] [TRT] --------------- Timing Runner: l1 (CaskConvolution[0x80000009])\n"
    b"[11/22/2026-13:22:03] "
)
CACHE = b"[V] [TRT] Local timing cache in use. Profiling results in this builder pass will not be stored."
# What a log is made of, one line again and again -> bytes of memory for each byte of text.
REPEATED = {
    "error": (b"", b"[E] [TRT] 4: [net.cpp::check::12] Error Code 4: Internal Error (something odd)", 2.5),
    "unknown error": (b"", b"[E] [TRT] zork quux happened at the wrong place of things", 2.5),
    "warning": (b"", b"[W] [TRT] zork quux happened at the wrong place of things", 2.5),
    "unknown line": (b"", b"[V] [TRT] zork quux happened at the wrong place of things", 0.5),
    "tactic": (b"", TACTIC, 4),
    "tactic of a layer": (BLOCK, TACTIC, 5),
    "build": (b"", b"[V] [TRT] Original: 3 layers", 10),
    "engine": (b"", b"[I] [TRT] Engine generation completed in 34.4437 seconds.", 12),
    "backend strategy": (b"", b"[V] [TRT] Building graph using backend strategy 2", 9),
    "timing cache": (b"", CACHE, 5),
    "attempt": (b"", b"[V] [TRT] Running: ConvReluFusion on Conv_0", 6),
    "skipped tactic": (b"", b"[V] [TRT] Skipping tactic 0x0000000000000000 due to exception no reason", 4),
}
PEAK = (
    "import resource, sys; from click.testing import CliRunner; from trtlog.cli import cli;"
    "CliRunner().invoke(cli, sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)


def peak_mib(*command: str) -> float:
    """Return the most memory that a process of its own takes for a command."""
    run = subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, text=True, check=True)
    return int(run.stdout) / 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
@pytest.mark.parametrize("shape", sorted(REPEATED))
def test_memory_grows_by_little_more_than_the_text(shape, tmp_path):
    """No command makes an object of Python of each line: that takes ten times the text, and more."""
    before, line, most = REPEATED[shape]
    paths = [tmp_path / "small.log", tmp_path / "large.log"]
    sizes = []
    for path, count in zip(paths, (60_000, 300_000), strict=True):
        path.write_bytes(BANNER + HEAD + before + lines(line, count).removeprefix(HEAD if before else b""))
        sizes.append(os.path.getsize(path) / 2**20)
    for command in ("summary", "lint", "tactics", "report", "diff", "convert"):
        more = ["-o", str(tmp_path / "out")] if command == "convert" else []
        small, large = (peak_mib(*command_line(command, str(path)), *more) for path in paths)
        assert (large - small) / (sizes[1] - sizes[0]) <= most, command


PIECES = ["-", "_", ".", "x_", "-a", "a.", "eyJ-", "token=", 'token="', "://", "a://", "@", "eyJaaaaaaaa.", "--token ",
          "'", "--token-", "sk-", "bearer ", "pass-", '"token', "key: ", "a:b@", "-p ", "cookie",
          "x-auth-", "?key"]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_secrets_are_sought_in_time_that_grows_with_the_text(piece):
    def spent(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.process_time()
        redact(text)
        return time.process_time() - began

    spent(1000)
    before = spent(8_000)
    assert spent(8_000 * TIMES) <= FACTOR * max(before, LEAST_S)
