"""Build the wheels of a release into ``dist/``: one for each platform of PyPI, the scanner compiled by zig for each.

``pip install build hatchling ziglang && python .ci/build_wheels.py [TAG..]``; without tags all. On any other platform
pip takes the source and compiles it there, or trtlog reads in Python alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Tag of the wheel -> target of zig. The oldest glibc, musl and macOS that supported Pythons run on.
TARGETS = {
    "manylinux2014_x86_64": "x86_64-linux-gnu.2.17",
    "manylinux2014_aarch64": "aarch64-linux-gnu.2.17",
    "musllinux_1_2_x86_64": "x86_64-linux-musl",
    "musllinux_1_2_aarch64": "aarch64-linux-musl",
    "macosx_11_0_x86_64": "x86_64-macos.11.0",
    "macosx_11_0_arm64": "aarch64-macos.11.0",
    "win_amd64": "x86_64-windows-gnu",
    "win_arm64": "aarch64-windows-gnu",
}


def main(tags: list[str]) -> None:
    """Build the wheels of some tags."""
    for tag in tags or TARGETS:
        environment = {**os.environ, "TRTLOG_WHEEL_TAG": tag, "TRTLOG_ZIG_TARGET": TARGETS[tag]}
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist"]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
