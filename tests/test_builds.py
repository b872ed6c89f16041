"""Several engines in one run stay apart; strategies that were tried and discarded are marked."""

from __future__ import annotations

import pytest

import trtlog
from tests.command import trtlog as trtlog_command
from tests.conftest import CORPUS
from trtlog.analyses.build.builds import build_seconds, builds_in_words, builds_of, took, which_build
from trtlog.analyses.compare.figures import figures
from trtlog.analyses.compare.tables import phase_seconds

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


def test_no_figure_of_several_builds_is_given_as_one():
    log = trtlog.parse(TWO_BUILDS.encode())
    assert log.engines.build.tolist() == [0, 1]
    assert build_seconds(log) == 2.5  # of the engine that the run ended with, as all that is said of its layers
    assert took(log) == "the 2 builds took 1.5 s and 2.5 s"
    assert (figures(log)["build_seconds"], figures(log)["builds"]) == (2.5, 2)
    assert trtlog.lock(log).document["budgets"]["build_seconds"] == 2.5
    assert log.analyze.build_time()[["build", "name", "tactics"]].values.tolist() == [
        [0, "Pooling2", 1],
        [1, "Pooling2", 1],
    ]
    assert phase_seconds(log) == {"engine_generation": 2.5}
    text = " ".join(trtlog_command("summary", "-", stdin=TWO_BUILDS.encode()).stdout.split())
    assert "2 built one after the other: build 0: built, 1.5 s; build 1: built, 2.5 s" in text
    assert "Layers and memory are those of engine 1, that of the last of 2 builds" in text
    assert "engine generation (engine 0)" in text


def test_tactics_of_one_build_are_no_rivals_of_another_builds():
    log = trtlog.parse(TWO_BUILDS.encode())
    story = log.why("Pooling2")
    assert (story.candidates, story.winner["time_ms"], story.top[0]["slower_percent"]) == (1, 0.25, 0.0)
    ranked = log.analyze.candidates()[["engine", "rank", "time_ms"]].values.tolist()
    assert ranked == [[0, 1, 0.5], [1, 1, 0.25]]
    assert log.analyze.margins()[["engine", "candidates", "in_engine"]].values.tolist() == [[1, 1, True], [0, 1, True]]


def test_a_long_build_among_several_is_told_by_itself():
    text = TWO_BUILDS.replace("1.5 seconds", "14.25 seconds").replace("2.5 seconds", "12.5 seconds")
    use = "Local timing cache in use. Profiling results in this builder pass will not be stored."
    text = f"[11/22/2026-13:00:00] [TRT] [I] {use}\n{text}"
    [found] = [
        row["text"]
        for row in trtlog.parse(text.encode()).table("findings").to_pylist()
        if row["rule"] == "timing-cache-unused"
    ]
    assert "the 2 builds took 14.25 s and 12.5 s" in found
    assert "26.75" not in found


def test_strategies_of_one_engine_are_one_build_whose_times_add_up():
    log = trtlog.parse(STRATEGIES.encode())
    assert log.engines.build.tolist() == [0, 0, 0]
    assert (build_seconds(log), figures(log)["builds"]) == (14.0, 1)
    assert took(log) == "the build took 14 s"
    assert which_build(log) is None
    text = " ".join(trtlog_command("summary", "-", stdin=STRATEGIES.encode()).stdout.split())
    assert "backend strategy 2 discarded, estimated 0.375 ms; 14 s in all" in text


def test_a_cache_that_is_loaded_serves_the_build_that_comes():
    use = "[V] [TRT] Global timing cache in use. Profiling results in this builder pass will be stored.\n"
    build = "[V] [TRT] Original: 2 layers\n" + use + "[I] [TRT] Engine generation completed in 1 seconds.\n"
    log = trtlog.parse((build + "[V] [TRT] Loaded 7 timing cache entries.\n" + build).encode())
    assert log.analyze.cache_use()[["build", "loaded"]].values.tolist() == [[0, False], [1, True]]


def test_of_many_strategies_one_is_kept_and_a_few_are_named():
    tried = b"[V] [TRT] Building graph using backend strategy %d\n"
    chosen = b"[V] [TRT] Use backend strategy 0 with estimated inference time (0.5) as the initial choice.\n"
    skipped = (
        b"[V] [TRT] Skip backend strategy %d since its estimated inference time (0.75) is not faster than "
        b"the previous engine with estimated inference time (0.5).\n"
    )
    text = tried % 0 + chosen + b"".join(tried % n + skipped.replace(b"%d", b"%d" % n) for n in range(1, 61))
    log = trtlog.parse(text)
    assert log.engines.kept.tolist() == [True] + 60 * [False]
    words = builds_in_words(log)
    assert words.startswith("backend strategy 0 kept, estimated 0.5 ms; backend strategy 1 discarded, estimated 0.75")
    assert words.endswith("backend strategy 49 discarded, estimated 0.75 ms; and 11 more")


def test_of_many_strategies_the_last_one_chosen_is_kept():
    tried = "[V] [TRT] Building graph using backend strategy 1\n"
    chosen = "[V] [TRT] Use backend strategy 1 with estimated inference time (0.5) as the initial choice.\n"
    engines = trtlog.parse(((tried + chosen) * 3 + tried).encode()).table("engines")
    assert engines.column("kept").to_pylist() == [False, False, True, None]


def test_more_builds_than_are_held_at_a_time_each_have_their_time_and_cache():
    build = (
        b"[V] [TRT] Original: 3 layers\n"
        b"[I] [TRT] Local timing cache in use. Profiling results in this builder pass will not be stored.\n"
        b"[I] [TRT] Engine generation completed in %d seconds.\n"
    )
    count = 9000
    log = trtlog.parse(b"".join(build % (n + 1) for n in range(count)))
    builds = builds_of(log)
    assert [builds[place].seconds for place in (0, 8191, 8192, -1)] == [1, 8192, 8193, count]
    assert (len(builds), builds.longest_s, build_seconds(log)) == (count, count, count)
    assert took(log) == f"the {count} builds took 1 s, 2 s, 3 s, 4 s and ..."
    use = log.analyze.table("cache_use")
    assert use.column("build").to_pylist() == list(range(count))
    assert set(use.column("scope").to_pylist()) == {"Local"}


def test_estimated_times_of_layers_do_not_exceed_the_phase_they_stand_in():
    """Two blocks between 10:00:00 and 10:00:02 by the clock of whole seconds; the selection took 0.5 s as printed."""
    head = "[01/02/2026-10:00:0{}] [V] [TRT] "

    def block(second, layer):
        return (
            f"{head.format(second)}--------------- Timing Runner: {layer} (CaskConvolution)\n"
            f"{head.format(second)}Tactic: 0x0000000000000011 Time: 0.01\n"
            f"{head.format(second)}Fastest Tactic: 0x0000000000000011 Time: 0.01\n"
        )

    blocks = block(0, "conv_a") + block(1, "conv_b")
    rows = trtlog.parse(blocks.encode()).analyze.build_time().to_dict("records")
    took = f"{head.format(2)}Formats and tactics selection completed in 0.5 seconds.\n"
    bounded = trtlog.parse((blocks + took).encode()).analyze.build_time().to_dict("records")
    assert sum(row["seconds"] for row in rows) > 1
    assert sum(row["seconds"] for row in bounded) == pytest.approx(0.5)
    assert sum(row["percent"] for row in bounded) == pytest.approx(100)


def test_a_summary_tells_timed_tactics_from_those_of_foreign_nodes_and_of_the_cache():
    """One runner's block of two tactics, one row of a foreign node's own table, one result of the cache."""
    head = "[01/02/2026-10:00:00] [V] [TRT] "
    text = (
        f"{head}--------------- Timing Runner: conv_a (CaskConvolution)\n"
        f"{head}Tactic: 0x0000000000000011 Time: 0.01\n"
        f"{head}Tactic: 0x0000000000000012 Time: 0.02\n"
        f"{head}Fastest Tactic: 0x0000000000000011 Time: 0.01\n"
        f"{head}conv_b [Float(4,4,2,1) -> Float(4,4,2,1)] got cached result: CaskConvolution, tactic "
        "0x0000000000000011, 0.01 ms\n"
        f"{head} (foreignNode) Autotuning op node: [ONNX Layer: node]\n"
        f"{head} (foreignNode) Sorted table of all evaluated tactics:\n"
        f"{head} (foreignNode)    2, 0.0058368, 1.00000, 0.00000, kernel, 0x38d8ab1d35e0f,\n"
    )
    shown = trtlog_command("summary", "-", stdin=text.encode()).stdout
    assert "2 timed in 1 runner block, 1 listed by foreign nodes, 1 result from the timing cache" in shown
