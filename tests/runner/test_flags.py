"""The table of flags against what captured binaries say of themselves."""

import gzip
import re

import pytest

from tests.conftest import each
from tests.runner.conftest import ROOT, find_capture
from trtlog.flags import all_flags, decode_banner_version, flags_of, nearest_release
from trtlog.runner.check import check_arguments
from trtlog.runner.helptext import Help, parse_help
from trtlog.testing.capture import read_capture, split_command

CORPUS = ROOT.parent / "shared" / "corpus"
HELPS = {
    "8.2.1": (8, 2, 1),
    "8.5.0": (8, 5, 0),
    "8.6.0": (8, 6, 0),
    "8.6.1": (8, 6, 1),
    "10.0.1": (10, 0, 1),
    "10.6.0": (10, 6, 0),
    "10.14.1": (10, 14, 1),
    "10.16.0": (10, 16, 0),
    "10.16.1": (10, 16, 1),
}


def listed_by_eye(text: str) -> set[str]:
    """Flags at the start of a line, a second way: a grep without knowledge of the format."""
    found = set()
    for line in text.splitlines():
        head = line[:6] + line[6:].split("   ")[0]
        if re.match(r"[^A-Za-z-]{0,4}--?[A-Za-z]", head):
            found |= set(re.findall(r"(?<![\w<\[\"'-])--?[A-Za-z][A-Za-z0-9]*", head))
    return found


def help_of(version: str) -> str:
    path = CORPUS / version / "help-trtexec.txt"
    if not path.exists():
        pytest.skip(f"{path} is not here (third-party logs)")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("folder", "version"), HELPS.items())
def test_help_of_every_generation_is_read_whole(folder, version):
    text = help_of(folder)
    found = parse_help(text)
    assert found.printed_version == version
    assert found.release == version
    assert set(found.flags) == listed_by_eye(text)


@pytest.mark.parametrize(("folder", "version"), HELPS.items())
def test_a_listed_flag_is_in_the_table(folder, version):
    found = parse_help(help_of(folder))
    missing = set(found.flags) - flags_of(version)
    # 8.5.0 was an early-access release; the table's first 8.5 is 8.5.1
    assert missing == ({"--heuristic", "--persistentCacheRatio", "--preview"} if folder == "8.5.0" else set())


def test_captured_8_5_3(text_of):
    text = text_of("help.txt").decode()
    found = parse_help(text)
    assert (found.printed_version, found.build, found.release) == ((8, 5, 3), None, (8, 5, 3))
    assert len(found.flags) == 79
    assert set(found.flags) == listed_by_eye(text)
    assert found.flags["--memPoolSize"] == "poolspec"


def test_tensorrt_rtx_counts_its_own_versions_but_has_the_flags_of_11_1(text_of):
    found = parse_help(text_of("rtx_help.txt").decode())
    assert (found.printed_version, found.build, found.release) == ((1, 7, 1), 116, (11, 1, 0))
    assert "--fp16" not in found.flags


def test_the_table_says_the_same_as_the_reference():
    path = ROOT.parent / "shared" / "reference" / "trtexec-flags.tsv"
    if not path.exists():
        pytest.skip("the reference table is not here")
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert {row[0] for row in rows} == set(all_flags())
    for name, syntax, group, first, last, _ in each(rows):
        flag = all_flags()[name]
        shown_last = "11.1" if flag.last is None else ".".join(map(str, flag.last))
        assert (flag.group, ".".join(map(str, flag.first)), shown_last) == (group, first, last)
        assert flag.bare == (syntax == "(bare flag)")


def test_a_help_without_version_is_placed_by_its_flags():
    text = "\n".join(f"  {name}   x" for name in flags_of((7, 2, 1), hidden=False))
    found = parse_help("&&&& RUNNING TensorRT.trtexec # trtexec --help\n" + text)
    assert found.printed_version is None
    assert found.release[:2] == (7, 2)
    assert found.name == f"trtexec (its flags are those of {'.'.join(map(str, found.release))})"


def test_every_release_is_nearest_to_itself_or_to_one_with_the_same_flags():
    from trtlog.flags import RELEASES

    for release in each(RELEASES):
        assert flags_of(nearest_release(flags_of(release, hidden=False))) == flags_of(release)


def test_text_that_is_no_help():
    assert parse_help("usage: ls [OPTION]... [FILE]...\n  -a, --all   do not ignore\n") is None
    assert parse_help("") is None


def problems(version_text, args):
    return [(p.severity, p.text) for p in check_arguments(args, parse_help(version_text))]


@pytest.fixture
def help_853():
    return gzip.decompress(find_capture("help.txt").read_bytes()).decode()


@pytest.fixture
def help_rtx():
    return gzip.decompress(find_capture("rtx_help.txt").read_bytes()).decode()


def test_what_is_new_later_is_named_by_its_old_name(help_853):
    assert problems(help_853, ["--onnx=m.onnx", "--skipInference", "--infStreams=2"]) == [
        ("error", "--skipInference does not exist in trtexec 8.5.3 (it is there from 8.6.0 on). "
                  "Write --buildOnly: the same meaning under its old name."),
        ("error", "--infStreams does not exist in trtexec 8.5.3 (it is there from 8.6.0 on). "
                  "Write --streams=2: the same meaning under its old name."),
    ]  # fmt: skip


def test_what_is_gone_is_named_by_its_new_name(help_rtx):
    found = problems(help_rtx, ["--onnx=m.onnx", "--buildOnly", "--workspace=1024", "--fp16"])
    assert [severity for severity, _ in found] == ["error"] * 3
    assert "Write --skipInference" in found[0][1]
    assert "Write --memPoolSize=workspace:1024" in found[1][1]
    assert "strongly typed from 11.0" in found[2][1]


def test_misspelt_flags_get_a_suggestion(help_853):
    (found,) = problems(help_853, ["--savengine=m.engine"])
    assert found == ("error", "--savengine is not known to trtexec 8.5.3. Did you mean --saveEngine?")
    (found,) = problems(help_853, ["--saveengine=m.engine"])
    assert found[1].endswith("Did you mean --saveEngine?")


def test_deprecated_flags_are_warned_about_but_allowed(help_853, help_rtx):
    assert problems(help_853, ["--onnx=m", "--explicitBatch"])[0][0] == "warning"
    assert problems(help_853, ["--onnx=m", "--workspace=64"]) == [
        ("warning", "--workspace is deprecated in trtexec 8.5.3. "
                    "Write --memPoolSize=workspace:64: the value stays in MiB.")
    ]  # fmt: skip
    assert problems(help_rtx, ["--onnx=m", "--useCudaGraph"])[0][0] == "warning"


def test_values_copies_and_pairs(help_853):
    assert problems(help_853, ["--int8=0"])[0][0] == "warning"  # trtexec switches it on all the same
    # trtexec 8.5.2 ran with an empty --plugins; a number it cannot read from nothing
    assert problems(help_853, ["--plugins"]) == [("warning", "--plugins needs a value: --plugins=<file>.")]
    assert problems(help_853, ["--avgRuns="]) == [("error", "--avgRuns needs a value: --avgRuns=N.")]
    assert "given 2 times" in problems(help_853, ["--fp16", "--fp16"])[0][1]
    assert problems(help_853, ["--plugins=a.so", "--plugins=b.so"]) == []
    assert "exclude each other" in problems(help_853, ["--saveEngine=a", "--loadEngine=b"])[0][1]
    assert "no flag" in problems(help_853, ["m.onnx"])[0][1]


def test_a_profile_without_its_own_run_hides_the_summary_from_8_4_to_10_16(help_853, help_rtx):
    assert "--separateProfileRun" in problems(help_853, ["--onnx=m", "--dumpProfile"])[0][1]
    assert problems(help_853, ["--onnx=m", "--dumpProfile", "--separateProfileRun"]) == []
    assert problems(help_rtx, ["--onnx=m", "--dumpProfile"]) == []


def test_command_lines_that_passed_are_not_refused():
    """Every run in the third-party logs that ended PASSED was accepted by its trtexec."""
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS} is not here (third-party logs)")
    refused, passed = [], set()
    for path in sorted(CORPUS.rglob("*")):
        if not path.is_file():
            continue
        for line in read_capture(path).lines:
            found = re.match(rb"&&&& PASSED TensorRT\.trtexec \[TensorRT v([0-9]+)\] (?:\[b[0-9]+\] )?# (.*)", line)
            if found is None:
                continue
            command = tuple(split_command(found[2].decode("utf-8", "replace").strip()))
            version = decode_banner_version(found[1].decode())
            known = Help(dict.fromkeys(flags_of(version, hidden=False), ""), version, None, version)
            problems_found = check_arguments(command[1:], known)
            refused += [(path.name, problem.text) for problem in problems_found if problem.severity == "error"]
            passed.add((version, command))
    assert len(passed) > 50
    assert refused == []
