"""Several engines in one run stay apart; strategies that were tried and discarded are marked."""

from __future__ import annotations

import pytest

import trtlog
from tests.conftest import CORPUS

TWO_BUILDS = """\
[11/22/2026-13:00:00] [TRT] [V] Original: 9 layers
[11/22/2026-13:00:00] [TRT] [V] --------------- Timing Runner: Pooling2 (TiledPooling)
[11/22/2026-13:00:00] [TRT] [V] Tactic: 0x0000000000000001 Time: 0.5
[11/22/2026-13:00:00] [TRT] [V] Fastest Tactic: 0x0000000000000001 Time: 0.5
[11/22/2026-13:00:00] [TRT] [V] Layer: Pooling2 Host Persistent: 16 Device Persistent: 0 Scratch Memory: 0
[11/22/2026-13:00:01] [TRT] [I] Engine generation completed in 1.5 seconds.
[11/22/2026-13:00:01] [TRT] [V] Engine Layer Information:
Layer(TiledPooling): Pooling2, Tactic: 0x0000000000000001, a (Float[1,3]) -> b (Float[1,3])
[11/22/2026-13:00:01] [TRT] [I] Loaded engine size: 3 MiB
[11/22/2026-13:00:02] [TRT] [V] Original: 5 layers
[11/22/2026-13:00:02] [TRT] [V] --------------- Timing Runner: Pooling2 (CudnnPooling)
[11/22/2026-13:00:02] [TRT] [V] Tactic: 0xffffffffffffffff Time: 0.25
[11/22/2026-13:00:02] [TRT] [V] Fastest Tactic: 0xffffffffffffffff Time: 0.25
[11/22/2026-13:00:02] [TRT] [V] Layer: Pooling2 Host Persistent: 32 Device Persistent: 0 Scratch Memory: 0
[11/22/2026-13:00:03] [TRT] [I] Engine generation completed in 2.5 seconds.
[11/22/2026-13:00:03] [TRT] [V] Layers:
Name: Pooling2, LayerType: CudnnPooling, Inputs: [], Outputs: [], TacticName: pool, TacticValue: 0xffffffffffffffff
[11/22/2026-13:00:03] [TRT] [I] Loaded engine size: 2 MiB
"""


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_two_builds_of_a_program_stay_apart(engine):
    log = trtlog.parse(TWO_BUILDS.encode(), engine=engine)
    assert log.engines[["line", "last_line", "engine", "kept", "seconds", "size_mib"]].values.tolist() == [
        [1, 9, 0, True, 1.5, 3],
        [10, 18, 1, True, 2.5, 2],
    ]
    layers = log.engine_layers[["layer", "type", "engine", "source"]].values.tolist()
    assert layers == [["Pooling2", "TiledPooling", 0, "brief"], ["Pooling2", "CudnnPooling", 1, "detailed"]]
    for table in ("timings", "tactics", "layer_memory", "passes", "phases"):
        assert log.frame(table).engine.tolist() == [0, 1], table


STRATEGIES = """\
[V] [TRT] Original: 9 layers
[V] [TRT] Building graph using backend strategy 4
[V] [TRT] After Myelin optimization: 7 layers
[I] [TRT] Engine generation completed in 8 seconds.
[V] [TRT] Use backend strategy 4 with estimated inference time (0.5) as the initial choice.
[V] [TRT] Building graph using backend strategy 3
[V] [TRT] After Myelin optimization: 5 layers
[I] [TRT] Engine generation completed in 4 seconds.
[V] [TRT] Chose this engine with backend strategy 3 since its estimated inference time (0.25) is faster than \
the previous engine with estimated inference time (0.5).
[V] [TRT] Building graph using backend strategy 2
[V] [TRT] After Myelin optimization: 6 layers
[I] [TRT] Engine generation completed in 2 seconds.
[V] [TRT] Skip backend strategy 2since its estimated inference time (0.375) is not faster than \
the previous engine with estimated inference time (0.25).
[V] [TRT] Engine Layer Information:
Layer(Myelin): {ForeignNode[a...b]}, Tactic: 0x0000000000000000, x (Float[1]) -> y (Float[1])
[I] [TRT] Loaded engine size: 6 MiB
"""


def test_of_strategies_one_is_kept_and_the_layers_of_the_engine_are_its():
    log = trtlog.parse(STRATEGIES.encode())
    assert log.engines[["engine", "strategy", "estimated_ms", "kept"]].values.tolist() == [
        [0, "4", 0.5, False],
        [1, "3", 0.25, True],
        [2, "2", 0.375, False],
    ]
    assert log.passes[["layers", "engine"]].values.tolist() == [[9, 0], [7, 0], [5, 1], [6, 2]]
    assert log.engine_layers.engine.tolist() == [1]
    assert log.engines.size_mib.fillna(-1).tolist() == [-1, 6, -1]


def test_below_verbose_it_is_not_said_which_attempt_is_kept():
    log = trtlog.parse(b"""\
[V] Compiler backend is used during engine build.
[V] Engine generation completed in 10 seconds.
[V] Compiler backend is used during engine build.
[V] Engine generation completed in 6 seconds.
[V] [MemUsageStats] Peak memory usage of TRT CPU/GPU memory allocators: CPU 6 MiB, GPU 37 MiB
[V] Compiler backend is used during engine build.
[V] Engine generation completed in 3 seconds.
""")
    assert log.engines.kept.isna().tolist() == [True, True, False]


def test_an_engine_that_is_only_loaded():
    log = trtlog.parse(b"""\
[11/22/2026-13:00:00] [TRT] [I] Loaded engine size: 3 MiB
[11/22/2026-13:00:00] [TRT] [I] Loaded engine size: 5 MiB
""")
    assert log.engines[["engine", "origin", "size_mib"]].values.tolist() == [[0, "loaded", 3], [1, "loaded", 5]]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the third-party logs are not beside this checkout")
def test_a_real_log_of_three_strategies():
    log = trtlog.parse(CORPUS / "10.16.0" / "cookbook-trtexec-result-02.log.gz")
    assert log.engines[["line", "strategy", "kept", "estimated_ms"]].values.tolist() == [
        [1, "4", True, 0.23552],
        [2808, "3", False, 0.262144],
        [4203, "2", False, 0.256],
    ]
    assert set(log.engine_layers.engine) == {0}
