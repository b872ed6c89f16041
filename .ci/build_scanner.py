"""Build the inner loop of the line engine, ``trtlog/engines/scan.c``: by hand, for tests, when trtlog is installed.

``python .ci/build_scanner.py`` builds it beside the source; hatchling runs `ScannerHook` for each wheel. The compiler
is the one that ``CC`` names, else ``cc``, else that of the package ziglang, which pip fetches for the build. Without
any of them trtlog installs all the same, and reads logs in Python alone.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "trtlog" / "engines" / "scan.c"
# What pip fetches where there is no compiler, on platforms that it exists for.
ZIG = (
    "ziglang>=0.13; (sys_platform == 'linux' and platform_machine in 'x86_64 aarch64 armv7l i686 ppc64le riscv64') "
    "or (sys_platform == 'darwin') or (sys_platform == 'win32' and platform_machine in 'AMD64 ARM64 x86')"
)
# A target of zig's and the tag of the wheel for it: set for each wheel of a release.
TARGET, TAG = "TRTLOG_ZIG_TARGET", "TRTLOG_WHEEL_TAG"
FLAGS = ("-std=c11", "-O3", "-shared", "-fvisibility=hidden")


class BuildError(Exception):
    """The scanner cannot be built; the text says why."""


def library_name(target: str = "") -> str:
    """Return what the library is called on its platform: no name that Python takes for a module's."""
    if "windows" in target or (not target and sys.platform == "win32"):
        return "_scan.lib.dll"
    return "_scan.lib.dylib" if "macos" in target or (not target and sys.platform == "darwin") else "_scan.lib.so"


def compilers() -> list[list[str]]:
    """Return the commands that may compile, the first choice first."""
    found = []
    target = os.environ.get(TARGET)
    if not target:
        chosen = os.environ.get("CC")
        found += [shlex.split(chosen)] if chosen else [[name] for name in ("cc", "gcc", "clang") if shutil.which(name)]
    if importlib.util.find_spec("ziglang"):
        found.append([sys.executable, "-m", "ziglang", "cc", *(["-target", target] if target else [])])
    return found


def source_flag() -> str:
    """Return what tells the library the number of its source, which the installed package compares."""
    spec = importlib.util.spec_from_file_location("digest", SOURCE.with_name("digest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return f"-DSCAN_SOURCE={module.source_digest()}"


def build(output: Path, flags: tuple[str, ...] = (), source: Path = SOURCE) -> None:
    """Compile the scanner.

    Raises
    ------
    BuildError
        No compiler is there, or none can.
    """
    said = []
    position = () if library_name(os.environ.get(TARGET, "")).endswith(".dll") else ("-fPIC",)
    for compiler in compilers():
        with tempfile.TemporaryDirectory(dir=output.parent) as folder:
            made = Path(folder) / output.name
            command = [*compiler, *FLAGS, *position, source_flag(), *flags, "-o", str(made), str(source)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            except OSError as error:
                said.append(f"{compiler[0]}: {error}")
                continue
            if done.returncode == 0 and made.is_file():
                os.replace(made, output)
                return
            said.append(f"{shlex.join(compiler)}: {done.stderr.strip()[-500:]}")
    raise BuildError("; ".join(said) or "no C compiler: neither cc nor the package ziglang is there")


def wheel_tag() -> str:
    """Return the tag of a wheel that holds the library: for this platform, and for any Python 3."""
    given = os.environ.get(TAG)
    if given:
        return f"py3-none-{given}"
    name = sysconfig.get_platform()
    if sys.platform == "darwin":  # what was built runs here; for which systems of another age, only a release says
        name = f"macosx-{'.'.join(platform.mac_ver()[0].split('.')[:1])}.0-{platform.machine()}"
    return "py3-none-" + name.replace("-", "_").replace(".", "_")


class ScannerHook(BuildHookInterface):
    """Puts the library into a wheel; in an editable installation it stands beside its source."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what the build needs beside hatchling: a compiler where there is none."""
        return [ZIG] if os.environ.get(TARGET) or not compilers() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and tag the wheel with the platform; a wheel without the library is for any platform."""
        name = library_name(os.environ.get(TARGET, ""))
        self._made = None if version == "editable" else Path(tempfile.mkdtemp(prefix="trtlog-"))
        output = (self._made or SOURCE.parent) / name
        try:
            build(output)
        except BuildError as error:
            if os.environ.get(TARGET):
                raise
            self.app.display_warning(f"trtlog will read logs in Python alone, more slowly: {error}")
            output.unlink(missing_ok=True)
            return
        if self._made is not None:
            build_data["force_include"][str(output)] = f"trtlog/engines/{name}"
        build_data["tag"] = wheel_tag()
        build_data["pure_python"] = False

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what is in the wheel now."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)


def main() -> int:
    """Build beside the source, for work on a checkout."""
    try:
        build(SOURCE.with_name(library_name()))
    except BuildError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a script
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
