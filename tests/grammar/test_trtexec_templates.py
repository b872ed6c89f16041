"""Every message that trtexec's public source prints is of exactly one kind.

The list of templates stands beside the checkout; ``{}`` is a substituted value, ``⏎`` a line end inside
one statement, ``{a|b}`` one of two words. Each template is filled with plausible values and read as a log.
"""

from __future__ import annotations

import csv
import functools
import re
from pathlib import Path

import pytest

from tests.conftest import each
from trtlog import grammar
from trtlog.messages.captures import SPECIAL_KINDS
from trtlog.messages.classify import Classifier
from trtlog.messages.match import Matcher

TEMPLATES = Path(__file__).parents[3] / "shared" / "reference" / "trtexec-messages.tsv"
RULES = grammar.load()
MATCHER = Matcher(RULES)
STATISTICS = "min = 0.5 ms, max = 1e+03 ms, mean = 0.75 ms, median = 0.625 ms, percentile(99.9%) = 0.875 ms"

# What stands in a hole, by the text around it: (before, after, value), the first that fits.
HOLES = [
    (r"^(D2H|H2D|End-to-End Host|GPU Compute|Enqueue)?[ A-Za-z]*(Latency|Time): $", r"^$", STATISTICS),
    (r"(MIN|OPT|MAX|min|opt|max)=$", r"", "1x3x-1x224"),
    (r"(skipping dump|timing cache|dimensions .*) to $", r"^$", "net.file"),
    (
        r"(shape to: |shape: |dimensions | is |tensor .* to: |to )$",
        r"^( is created|$| reported| and type)",
        "4x3x224x224",
    ),
    (r"with datatype $", r"", "fp32"),
    (r"and dimensions $", r"", "1.3.224.224"),
    (r"and type $", r"^ is created", "int64"),
    (r"Percentile $", r"", "101.000000"),
    (r"Compute Capability: $", r"", "8"),
    (r"(Converting |data type )$", r"", "kBF16"),
    (
        r"to type |to precision |input type |output type |inferred type |unexpected type ",
        r"^( via| for a strongly|$)",
        "fp16",
    ),
    (r"validation: $", r"^$", "bf16"),
    (r"(device type )$", r"", "DLA"),
    (r"UUID: $", r"", "GPU-01234567-89ab-cdef-0123-456789abcdef"),
    (r"(budget must be |, |set to )$", r"^(\.| or at|, )", "-2"),
    (r"(BuilderFlag::|setting )$", r"", "kFP16"),
    (r"^$", r"^ cannot be empty", "hostname"),
    (r"^$", r"^ conversion failure", "stoi"),
    (r"Accuracy.*[(]$", r"^\): ", "LInf"),
    (r"^Tuning $", r"", "phase1"),
    (r"useRuntime=$", r"", "lean"),
    (r"^$", r"^ binding for ", "Output"),
    (r"(Created|file for) $", r"^ binding", "output"),
    (r"random values for $", r"^ ", "input"),
    (r"Missing \(.*, $", r"", "Bias"),
    (r"ptr=$", r"", "0x7f3a00000000"),
    (r"deserialization time = $", r"", "1.25e+03"),
    (r"(GPU memory|Clock Rate|[^n]time|threshold|gpu_time_ms|by average time is|Time)\s*[=:]? ?$", r"", "1.25"),
    (r"", r"^ ms|^ s\b|^ sec|^ qps|^ milliseconds|^ GiB|^ GB/s|^ GHz|^%|^\\%|^ MiB", "12"),
    (r"Accuracy loss .*: $", r"", "0.000125"),
    (r"percentile time is $", r"", "1.5"),
    (
        r"(\[|iteration |index |ID |profile |Device |stream |Omitting |batch=|batch |maxBatch |\(volume=|bytes="
        r"|size=|received: |engine, |Set output |for output |\()$",
        r"^(\]|:|\)|\.| |,|!|'|$| of| not|$)",
        "3",
    ),
    (r"(version |\.)$", r"^(\.|$)", "8"),
    (r"empty\(\):$|size\(\):$|size\(\) ?:$|pairIndex:$|\.size\(\):$", r"", "1"),
    (
        r"( to | using | has |but |Expected: |read: |size is:? |summary: |/ |search: |dryRun: |over |in |pruned )$",
        r"^( weights| bytes|x| outputs| output types| iterations| args| positive|$| build| / | runs| queries)",
        "7",
    ),
    (r"", r"^ (queries|runs|iterations|bytes|auxiliary|profiles|bits|KiB|lines|build route|weights|positive)", "9"),
    (r"(batch|SMs:|limit of|limit \(|to|Summary:|/|summary:) $", r"^( bytes|$| iterations| / )", "11"),
    (r"Tuning summary: $", r"", "6"),
    (r"timeout reached \($", r"", "60"),
    (r"TensorRT version: $", r"", "8001"),
    (r"Selected Device ID: $", r"", "0"),
]  # fmt: skip

# Templates whose holes say too little: the text that they become.
FILLED = {
    "Input \"{}\": {}x{}x{}": 'Input "data": 3x224x224',
    "Output \"{}\": {}x{}x{}": 'Output "prob": 1000x1x1',
    "Engine {loaded|built} in {} sec.": "Engine loaded in 1.25 sec.",
    "TensorRT version: {}.{}.{}": "TensorRT version: 10.3.0",
    "TensorRT version: {}.{}.{}{}": "TensorRT version: 10.9.0 JIT",
    "Plan was created with TensorRT version {}.{}.{}.{}": "Plan was created with TensorRT version 10.3.0.26",
    "Only allocated device memory enough for {}: {} MiB":
        "Only allocated device memory enough for current input shapes: 0.5 MiB",
    "Build max batch {} is less than inference batch {}": "Build max batch 4 is less than inference batch 8",
    "Values missing for input shape tensor: {}Automatically setting values to: {}":
        "Values missing for input shape tensor: lengthsAutomatically setting values to: 4x128",
    "The weight streaming budget must be {} or at least {}.":
        "The weight streaming budget must be -2 or at least -1.",
    "First deserialization time divided by average time is {}. Exceeds tolerance of {}x.":
        "First deserialization time divided by average time is 2.5. Exceeds tolerance of 2x.",
    "Cuda failure at {}:{}: {}": "Cuda failure at C:\\src\\common.h:812: out of memory",
    "Can not set tilingOptimizationLevel({})": "Can not set tilingOptimizationLevel(4)",
    "Can not set l2LimitForTiling({})": "Can not set l2LimitForTiling(-5)",
}  # fmt: skip

# Pieces of a line, and lines that mean something in one place only: what stands before, and the whole line.
PLACED = {
    "{}: {}": ([], "avgRuns: 100"),
    "{}: (": (["=== Performance summary ==="], "logits:0: (1x1000)"),
    "{} {}": (["Engine built in 12.5 sec."], "conv1 + relu1 Kernel"),
    "    {}": ([], "    /opt/plugins/libours.so.10"),
    "[{}]:{}": (["--dryRun: 2 build routes would be tried:"], "[0]:tile=4"),
    ", newly allocated GPU memory = {} GiB":
        ([], "Free GPU memory = 30.5 GiB, newly allocated GPU memory = 0.25 GiB, total GPU memory = 31.7 GiB"),
    ", total GPU memory = {} GiB": ([], "Free GPU memory = 30.5 GiB, total GPU memory = 31.7 GiB"),
    "Free GPU memory = {} GiB": ([], "Free GPU memory = 30.5 GiB, total GPU memory = 31.7 GiB"),
    " [FAIL: >= threshold {}]":
        ([], "Accuracy loss for tensor out (Cosine): 0.250000 [FAIL: >= threshold 0.010000]"),
    "Total{}{}{}":
        (["=== Profile (9 iterations ) ==="], "          Total       12.50           1.3889    100.0"),
    "Total{}{}{}{}":
        (["=== Profile (9 iterations ) ==="], "   Total       12.50           1.3889             1.3801    100.0"),
    "{}{}{}{}   Total":
        (["=== Profile (9 iterations ) ==="], "      12.50       1.3889       1.3801      100.0   Total"),
    "{}{}{}{}   {}":
        (["=== Profile (9 iterations ) ==="], "       1.50       0.1667       0.1650       12.0   a 1.50 0.1667 12.0"),
    "⏎=== Profile ({} iterations ) ===⏎{}{}{}{}":
        (["=== Profile (9 iterations ) ==="], "         Layer   Time (ms)   Avg. Time (ms)   Time %"),
    "⏎=== Profile ({} iterations ) ===⏎{}{}{}{}{}":
        (["=== Profile (9 iterations ) ==="], "   Time(ms)     Avg.(ms)   Median(ms)   Time(%)   Layer"),
    "  Device {}: \"{}\" UUID: {}":
        (["Available Devices: "], '  Device 1: "NVIDIA Ours" UUID: GPU-01234567-89ab-cdef-0123-456789abcdef'),
    "{} has been successfully loaded.": ([], "net.engine has been successfully loaded."),
}  # fmt: skip
# Rules of which one goes before the other inside its section.
ORDERED = {frozenset({"profile_total", "profile_row"})}


def templates():
    if not TEMPLATES.is_file():
        skipped = pytest.mark.skip(reason="the list of trtexec's messages is not beside this checkout")
        return [pytest.param("", "", marks=skipped)]
    with TEMPLATES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return [pytest.param(row[0], row[1], id=f"{number}:{row[1][:50]}") for number, row in enumerate(rows, 2)]


def fill(template: str) -> str:
    """Put a value into each hole of a template."""
    worded = re.sub(r"\{[^{}]*\|([^{}|]*)\}", r"\1", template)
    text, *holes = worded.split("{}")
    for after in holes:
        text += next((v for b, a, v in HOLES if re.search(b, text) and re.search(a, after)), "ours") + after
    return text.replace("\\%", "%")


def lines_of(severity: str, template: str) -> list[str]:
    """Return the log that a template becomes; its own lines are the last ones."""
    context: list[str] = []
    if template in PLACED:
        context, text = PLACED[template]
    else:
        text = FILLED.get(template) or fill(template)
    if severity.startswith("raw"):
        return [text]
    letter = severity[0]
    time = "[11/22/2026-13:22:03] "
    return [f"{time}[I] {line}" for line in context] + [f"{time}[{letter}] {line}" for line in text.split("⏎")]


@functools.cache
def expressions():
    return [(re.compile(v.regex.encode()), RULES.messages[v.kind]) for v in RULES.variants]


@pytest.mark.parametrize(("severity", "template"), templates())
def test_a_template_is_of_one_kind(severity, template):
    classifier = Classifier(RULES, MATCHER)
    checked = 0
    for number, line in each(enumerate(lines_of(severity, template), 1)):
        section = classifier.section
        result = classifier.classify(number, line.encode())
        if not result.body.strip():
            continue
        assert result.kind not in SPECIAL_KINDS, f"no rule for {line!r}"
        inside, anywhere = set(), set()
        for expression, message in expressions():
            if not any(expression.fullmatch(body) for body in (result.body, result.body.rstrip())):
                continue
            if "within" not in message.attributes:
                anywhere.add(message.kind)
            elif section in message.attributes["within"].split(","):
                inside.add(message.kind)
        kinds = inside if result.kind in inside else anywhere
        assert kinds == {result.kind} or frozenset(kinds) in ORDERED, f"{line!r} is of {sorted(kinds)}"
        checked += 1
    assert checked
