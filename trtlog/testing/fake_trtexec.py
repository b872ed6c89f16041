"""The stand-in as a program: ``python -m trtlog.testing.fake_trtexec --fake-log=LOG [trtexec's flags]``.

Also installed as ``trtlog-fake-trtexec``. Options of its own begin with ``--fake-``; everything else is
taken as trtexec's. See :class:`trtlog.testing.FakeTrtexec` for what each does.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

if not __package__:
    # started by its path: the folder on sys.path must be that of the package, installed or not
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from trtlog.flags import RELEASES, Version, all_flags, flags_of, parse_version
from trtlog.runner.arguments import split_flag
from trtlog.runner.helptext import Help, parse_help
from trtlog.testing.capture import Capture, choose, read_capture
from trtlog.testing.written import write_files

_HEADINGS = {
    "model": "=== Model Options ===",
    "build": "=== Build Options ===",
    "inference": "=== Inference Options ===",
    "tuning": "=== Tuning Options ===",
    "reporting": "=== Reporting Options ===",
    "system": "=== System Options ===",
    "general": "=== Help ===",
}
_SHORT = {
    "--help": "-h",
    "--versionCompatible": "--vc",
    "--nativeInstanceNorm": "--ni",
    "--pluginInstanceNorm": "--pi",
}
_FLOOD_LINE = b"[01/01/2026-00:00:00] [V] [TRT] Parsing node: flood_%d [Conv]\n"


def main(argv: list[str] | None = None) -> int:
    """Run the stand-in; return the exit code."""
    own, args = _options().parse_known_args(argv)
    if args[:1] == ["--"]:
        args = args[1:]
    # trtexec handles no signals: SIGINT ends it on the spot, without Python's traceback
    signal.signal(signal.SIGINT, signal.SIG_IGN if own.fake_stubborn else signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if own.fake_stubborn else signal.SIG_DFL)
    if own.fake_close:
        os.close(1 if own.fake_close == "stdout" else 2)
    try:
        captures = [read_capture(path) for path in own.fake_log]
        help_text = Path(own.fake_help_file).read_text(encoding="utf-8") if own.fake_help_file else None
    except OSError as error:
        return _complain(f"cannot read {error.filename}: {error.strerror}")
    version = parse_version(own.fake_version) if own.fake_version else next((c.version for c in captures), None)
    release = _release(version)
    if help_text is None:
        help_text = help_page(release, version, next((c.build for c in captures), None))
    if not args or {"--help", "-h"} & {split_flag(argument)[0] for argument in args}:
        _write(1, help_text.encode())
        return 0
    if not own.fake_no_check:
        refused = refusal(args, release, help_text, parse_help(help_text))
        if refused is not None:
            for stream, text in refused:
                _write(stream, text)
            return 1
    if not captures:
        return _complain("give it a captured log: --fake-log=PATH")
    capture = choose(captures, args)
    if capture is None:
        known = "\n".join(f"  {' '.join(item.command)}" for item in captures)
        return _complain(f"none of the captured logs was run with these flags: {' '.join(args)}\nThey are:\n{known}")
    return _replay(capture, args, own)


def help_page(release: Version, version: Version | None, build: int | None) -> str:
    """Return a ``--help`` with the flags of a release, laid out as trtexec does."""
    number = "" if version is None else f"[TensorRT v{_code(version)}] "
    built = "" if build is None else f"[b{build}] "
    program = "tensorrt_rtx" if version is not None and version < RELEASES[0] else "trtexec"
    lines = [f"&&&& RUNNING TensorRT.trtexec {number}{built}# {program} --help"]
    names = flags_of(release, hidden=False)
    for group, heading in _HEADINGS.items():
        flags = [item for item in all_flags().values() if item.name in names and item.group == group]
        if not flags:
            continue
        lines.append(heading)
        for item in flags:
            if item.name in _SHORT.values():
                continue
            short = _SHORT.get(item.name)
            shown = item.name if item.bare else f"{item.name}={item.value.replace(' ', '')}"
            both = f"{shown}, {short}" if short in names else shown
            lines.append(f"  {both:<34} {item.note or item.group}".rstrip())
        lines.append("")
    return "\n".join(lines) + "\n"


def refusal(args: list[str], release: Version, text: str, listed: Help | None) -> list[tuple[int, bytes]] | None:
    """Return what trtexec prints about unknown flags, as (stream, text); None if it knows them all."""
    known = flags_of(release) | set(listed.flags if listed is not None else ())
    unknown = [argument for argument in args if split_flag(argument)[0] not in known]
    if not unknown:
        return None
    stamp = time.strftime("[%m/%d/%Y-%H:%M:%S]")
    banner, _, page = text.partition("\n")
    opening = banner.rpartition("#")[0]
    command = "trtexec " + " ".join(args)
    errors = [(2, f"{stamp} [E] Unknown option: {' '.join(_pair(argument))}\n".encode()) for argument in unknown]
    parts = [(1, f"{opening}# {command}\n".encode())]
    # the error came first until 9.3, and comes last since
    parts += [*errors, (1, page.encode())] if release < (10,) else [(1, page.encode()), *errors]
    if release < (11, 1):
        parts.append((1, f"{opening.replace('RUNNING', 'FAILED')}# {command}\n".encode()))
    return parts


def _replay(capture: Capture, args: list[str], own: argparse.Namespace) -> int:
    lines, streams = capture.lines, capture.streams()
    stop = len(lines)
    if own.fake_crash_after is not None:
        stop = min(stop, own.fake_crash_after)
    if own.fake_hang_after is not None:
        stop = min(stop, own.fake_hang_after)
    flood_at = next((i for i in range(len(lines) - 1, -1, -1) if lines[i].startswith(b"&&&& ")), len(lines))
    due = capture.due_s() if own.fake_speed else None
    started = time.monotonic()
    position = 0
    while position < stop:
        end = position + 1
        limit = flood_at if own.fake_flood_lines and position < flood_at else stop
        now = (time.monotonic() - started) * own.fake_speed if due is not None else 0.0
        if due is not None and due[position] > now:
            time.sleep((due[position] - now) / own.fake_speed)
        # what is due by now and goes to the same stream is written together, as a flushed buffer is
        while end < min(limit, stop) and streams[end] == streams[position] and (due is None or due[end] <= now):
            end += 1
        if own.fake_flood_lines and position == flood_at:
            _flood(own.fake_flood_lines)
        _write(streams[position], b"".join(lines[position:end]))
        position = end
    if own.fake_hang_after is not None:
        while True:
            time.sleep(3600)
    crashed = own.fake_crash_after is not None
    if own.fake_crash_signal:
        _die(own.fake_crash_signal)
    if capture.status == "PASSED" and not crashed and not own.fake_no_exports:
        try:
            write_files(capture, args)
        except OSError as error:
            return _complain(f"cannot write {error.filename}: {error.strerror}")
    if own.fake_exit_code is not None:
        return int(own.fake_exit_code)
    if crashed:
        return 1
    if capture.status is None and not any(b"Unknown option: " in line for line in lines):
        _die("SIGABRT")  # a log without a closing line: the program died
    return 0 if capture.status in ("PASSED", "WAIVED") else 1


def _flood(count: int) -> None:
    block = 2000
    for start in range(0, count, block):
        _write(1, b"".join(_FLOOD_LINE % number for number in range(start, min(start + block, count))))


def _write(stream: int, text: bytes) -> None:
    try:
        while text:
            text = text[os.write(stream, text) :]
    except OSError as error:
        if error.errno != 9:  # a closed stream swallows what is written, as it does for trtexec
            raise


def _die(name: str) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    number = getattr(signal, name)
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    time.sleep(10)


def _pair(argument: str) -> tuple[str, str]:
    name, value = split_flag(argument)
    return name, value or ""


def _release(version: Version | None) -> Version:
    if version is None:
        return (7, 2, 3)  # the last whose banner has no version
    return version if version >= RELEASES[0] else RELEASES[-1]  # TensorRT-RTX counts its own versions


def _code(version: Version) -> int:
    major, minor, patch = (*version, 0, 0)[:3]
    return major * (10000 if major >= 10 or version < RELEASES[0] else 1000) + minor * 100 + patch


def _complain(text: str) -> int:
    _write(2, f"fake trtexec: {text}\n".encode())
    return 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("trtlog-fake-trtexec", add_help=False, allow_abbrev=False)
    parser.add_argument("--fake-log", action="append", default=[])
    parser.add_argument("--fake-speed", type=float)
    parser.add_argument("--fake-exit-code", type=int)
    parser.add_argument("--fake-crash-signal")
    parser.add_argument("--fake-crash-after", type=int)
    parser.add_argument("--fake-hang-after", type=int)
    parser.add_argument("--fake-flood-lines", type=int, default=0)
    parser.add_argument("--fake-close", choices=("stdout", "stderr"))
    parser.add_argument("--fake-version")
    parser.add_argument("--fake-help-file")
    for switch in ("stubborn", "no-exports", "no-check"):
        parser.add_argument(f"--fake-{switch}", action="store_true")
    return parser


def run_as_program() -> None:
    """Run as a console script."""
    sys.exit(main())


if __name__ == "__main__":
    run_as_program()
