"""Forms that were once undone wrongly, each on lines of the kind that showed it."""

from __future__ import annotations

import pytest

import trtlog
from tests.forms.rows import rows_of, written

STAMP = "[11/22/2026-13:22:03] "
OPTIONS = [f"{STAMP}[I] {name}: {value}" for name, value in (
    ("=== Build Options ===", ""), ("Precision", "FP32"), ("Calibration", ""), ("Refit", "Disabled"),
    ("Sparsity", "Disabled"), ("Safe mode", "Disabled"), ("Save engine", ""), ("Load engine", "a.engine"),
    ("minTiming", "1"), ("avgTiming", "8"), ("Model", ""), ("DirectIO mode", "Disabled"),
)]  # fmt: skip
OPTIONS[0] = f"{STAMP}[I] === Build Options ==="
PERFORMANCE = [
    f"{STAMP}[I] {name}: min = 0.0{n}709 ms, max = 0.0197754 ms, mean = 0.00{n}426 ms, median = 0.00213623 ms, "
    f"percentile(90%) = 0.00421143 ms, percentile(95%) = 0.0045166 ms, percentile(99%) = 0.00524902 ms"
    for n, name in enumerate(("Latency", "Enqueue Time", "H2D Latency", "GPU Compute Time", "D2H Latency"))
]
AVERAGES = [
    f"{STAMP}[I] Average on 10 runs - GPU latency: 0.10{n}409 ms - Host latency: 0.13{n}661 ms (enqueue 0.0948975 ms)"
    for n in range(12)
]
SEVERITIES = [
    f"My Logger: Severity.VERBOSE {text}"
    for n in range(8)
    for text in (f"--------------- Timing Runner: conv{n} (Cast)", f"Tactic: 0x00000000000003e{n} Time: 0.0{n}1")
]
PYTHON = [f"{STAMP}[TRT] [V] Registering layer: conv{n} for ONNX node: conv{n}" for n in range(12)]
ERRORS = [
    f"{STAMP}[E] [TRT] ModelImporter.cpp:{n}: ERROR: ModelImporter.cpp:179 In function parseGraph:\n"
    f"[6] Invalid Node - Identity_{n}\nonnx::QuantizeLinear_429: invalid weights type of Int8\n\nname: a\nop: b"
    for n in range(6)
]
LOADER = [
    "[I] Building engine with configuration:\n    Flags                  | [FP16]\n    Engine Capability      | STD",
    "[W] Input tensor: x | Will generate data of shape: [1].\n    If this is incorrect, provide a data loader.",
    "[I] Finished engine building in 6.225 seconds",
]
LONG = [f"{STAMP}[V] [TRT] node_{n:03d} [Identity] outputs: [q.{'x' * n} -> (256)[FLOAT]], " for n in range(40)]
# The banner's last piece is as wide as a mail is, and what follows is no record.
BUILT = ["&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=a.plan".ljust(158, "x"), "Succeeded!"]
KERNELS = [
    f"{STAMP}[V] [TRT] {text}"
    for n in range(1, 13)
    for tactic in [f"0x{n * 0x1234567890ABCDEF:016x}"]
    for text in (
        f"/layer2/conv2/Conv Set Tactic Name: sm{80 + n % 2 * 10}_xmma_fprop_implicit_gemm_f16f16_f16f16_f16_nhwckrsc_"
        f"nhwc_tilesize{1 << n}x128x32_{'cgasize1x2x1_' * (n % 3)}warpgroupsize1x1x1_g1 Tactic: {tactic}",
        f"Tactic: {tactic} Time: 0.0{n}37425",
    )
]
FOUND = {
    "blanks that belong to lines behind numbers": (LOADER * 2, ("vim",)),
    "lines that PowerShell found and lines around them": (AVERAGES, ("docker-json", "select-string")),
    "a logger whose name is words": (SEVERITIES, ("indent", "bullets")),
    "the same behind a time and a comment": (SEVERITIES, ("dashes", "ts %.s")),
    "two times in brackets": (PYTHON, ("jenkins", "dmesg")),
    "a logger in front of every line, also of those without a header": (
        [*PYTHON, *ERRORS, *PYTHON, *PYTHON],
        ("python logging",),
    ),
    "a table of one column in which one line needs quotes": (
        [*OPTIONS, f"{STAMP}[I] Memory Pools: workspace: default, dlaSRAM: default"],
        ("excel csv",),
    ),
    "an empty line in a quotation, with the dollar of its end": (
        [*AVERAGES, f"{STAMP}[I] Layer Information:", f"{STAMP}[I] Layers:", "conv0", "conv1", "", "Bindings:", "x"],
        ("quote", "cat -e"),
    ),
    "entities in two lines": (
        [*OPTIONS, f'{STAMP}[E] [TRT] While parsing node number 0 [Magic -> "y"]:', f'{STAMP}[V] [TRT] "a" && b'],
        ("entities",),
    ),
    "blanks at ends of lines whose value is empty": (OPTIONS * 3, ("markdown line ends",)),
    "tags at the ends of lines that take any text": (OPTIONS, ("br", "kubernetes parts")),
    "tags inside another program's records": (LOADER * 3, ("br", "fluentd")),
    "a rest that begins as a line number does": (PERFORMANCE * 9, ("vim", "wrap80")),
    "numbers of which a blank is the rest": (PERFORMANCE * 9, ("wrap80", "vim")),
    "tags cut from records": (AVERAGES, ("br", "wrap100")),
    "arrows that are cut before a mark": (LONG, ("quote", "wrap80")),
    "a command that ends at the width": ([*AVERAGES, *BUILT, *AVERAGES], ("quote", "wrap80")),
    "a container in JSON, quoted in a mail that cut its lines": (AVERAGES * 3, ("docker-json", "quote", "wrap80")),
    "marks behind lines that were cut": (KERNELS, ("wrap80", "backslashes")),
    "lines that were cut behind marks": (KERNELS, ("cat -e", "wrap100")),
    "marks at the places of cuts": (KERNELS, ("emacs -nw",)),
    "marks in a notebook on one line": (PYTHON, ("slashes", "notebook, minified")),
}


@pytest.mark.parametrize("what", FOUND)
def test_rows_are_those_of_the_bare_lines(what):
    records, forms = FOUND[what]
    lines = [line.encode() for record in records for line in record.split("\n")]
    text, numbers = written(lines, forms)
    bare = trtlog.parse(b"\n".join(lines) + b"\n")
    expected = rows_of(bare, numbers)
    found = rows_of(trtlog.parse(text))
    assert {name: rows for name, rows in found.items() if repr(rows) != repr(expected[name])} == {}
    assert any(expected.values())


def test_the_only_line_that_a_page_escapes_is_read():
    lines = ["=== Device Information ===", 'Available Devices:', '  Device 0: &quot;NVIDIA L4&quot; UUID: GPU-1']
    lines += ["Selected Device: NVIDIA L4", "Selected Device ID: 0", "Compute Capability: 8.9", "SMs: 58"]
    text = "".join(f"[11/22/2026-13:22:03] [I] {line}\n" for line in lines)
    log = trtlog.parse(f"<html><body>\n<pre>\n{text}</pre>\n</body></html>\n".encode())
    assert log.table("devices").column("available").to_pylist() == [["NVIDIA L4"]]


def test_what_is_escaped_between_tags_of_a_page_is_read():
    """The page's own tags do not say that nothing was escaped."""
    nodes = [
        f"; {STAMP}[TRT] [V] {text}"
        for n in range(8)
        for text in (f"Parsing node: n{n} [Identity]", f"n{n} [Identity] inputs: [a{n} -&gt; (8)[FLOAT]], ")
    ]
    log = trtlog.parse("\n".join(["<html><body>", "<pre>", *nodes, "</pre>", "</body></html>", ""]).encode())
    assert [row["inputs"] for row in log.table("onnx_nodes").to_pylist()] == [
        [{"tensor": f"a{n}", "dtype": "FLOAT", "shape": [8]}] for n in range(8)
    ]


@pytest.mark.parametrize("mark", ["section_end:1718045599:step_script\r\x1b[0K", "##[endgroup]", "[Pipeline] }"])
def test_what_a_runner_prints_behind_a_step_is_the_rest_of_no_line(mark):
    passed = BUILT[0].rstrip("x").ljust(200, "x")
    text, _ = written([line.encode() for line in (*KERNELS, passed)], ("wrap100",))
    log = trtlog.parse(text + mark.encode() + b"\n")
    assert log.run.command == passed.partition("# ")[2]
