"""The pictures of README and docs: what commands print on a terminal, as SVG, and a report as PNG.

``python -m tests.pictures`` makes them anew from the fixtures. A test holds that each terminal shows what its command
prints now. The report needs Playwright and an installed Chromium; without them its picture is left as it is.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT
from tests.terminal import read_to_the_end

FOLDER = ROOT / "docs" / "pictures"
T8 = "fixtures/trt-8.5.3-h200"
COLUMNS = 100
# Name of the picture -> the command, as its title shows it.
TERMINALS = {
    "summary": f"trtlog summary {T8}/resnet50_fp16_dyn_detailed.log.gz",
    "why": f'trtlog why "/layer3/layer3.2/conv2/Conv" {T8}/resnet50_fp16_dyn_detailed.log.gz',
    "diff": f"trtlog diff {T8}/resnet50_fp32_verbose.log.gz {T8}/resnet50_fp16_dyn_detailed.log.gz --limit 3",
}
REPORTED = f"{T8}/resnet50_fp16_dyn_detailed.log.gz"
REPORT = FOLDER / "report.png"
REPORT_BYTES = 300_000
# The picture is text that is placed; fonts are those of whoever looks at it.
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", \
"Liberation Mono", monospace; font-size: {char_height}px; \
line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-family: inherit; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def on_terminal(command: str, columns: int = COLUMNS, python: str = sys.executable) -> str:
    """Return what a command prints on a terminal with colours, control sequences included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    dropped = ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR", "CI", "PYTEST_CURRENT_TEST")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    arguments = [python, "-m", *shlex.split(command)]
    streams = {"stdin": theirs, "stdout": theirs, "stderr": subprocess.PIPE}
    with subprocess.Popen(arguments, cwd=ROOT, env=environment, **streams) as run:
        os.close(theirs)
        printed = read_to_the_end(ours)
        complaint = run.stderr.read().decode() if run.stderr else ""
    assert run.returncode == 0, f"{command}: {complaint}"
    return printed.decode().replace("\r\n", "\n")


def picture(printed: str, title: str) -> str:
    """Return a picture of a terminal that shows what was printed on it, as SVG."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi(printed), end="")
    svg = console.export_svg(title=title, code_format=_SVG, unique_id="terminal")
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def text_of(svg: str) -> list[str]:
    """Return the lines that a picture of a terminal shows, read from where its pieces of text stand."""
    space = "{http://www.w3.org/2000/svg}"
    root = ET.fromstring(svg)
    [matrix] = [g for g in root.iter(f"{space}g") if g.get("class", "").endswith("-matrix")]
    pieces: dict[float, list[tuple[float, str]]] = defaultdict(list)
    width = 0.0
    for text in matrix.iter(f"{space}text"):
        words = (text.text or "").rstrip("\n")
        if words:
            width = width or float(text.get("textLength", 0)) / len(words)
            pieces[float(text.get("y", 0))].append((float(text.get("x", 0)), words.replace("\xa0", " ")))
    lines = []
    for _, row in sorted(pieces.items()):
        line = ""
        for x, words in sorted(row):
            line = line.ljust(round(x / width)) + words
        lines.append(line.rstrip())
    return lines


def report(target: Path, browser: str) -> None:
    """Take the picture of a report's first screen: 1280 pixels wide, light, in few enough colours to be small."""
    import tempfile

    from PIL import Image
    from playwright.sync_api import sync_playwright

    import trtlog

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder, "report.html")
        page_file.write_text(trtlog.parse(ROOT / REPORTED).report().replace(str(ROOT), ""), encoding="utf-8")
        flags = ["--no-sandbox", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=browser, args=flags)
        page = chromium.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-ready=true]")
        raw = page.screenshot()
        chromium.close()
    colours = Image.open(io.BytesIO(raw)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    colours.save(target, optimize=True)


if __name__ == "__main__":
    from tests.report.conftest import installed

    FOLDER.mkdir(exist_ok=True)
    for name, line in TERMINALS.items():
        svg = picture(on_terminal(line), line.replace(f"{T8}/", ""))
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    if found := installed():
        report(REPORT, found)
    else:
        print("no Chromium is installed: the picture of the report is left as it is", file=sys.stderr)
