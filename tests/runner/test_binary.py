"""Finding trtexec, and being told what is wrong with what was found."""

import os

import pytest

from trtlog.errors import RunError
from trtlog.runner.binary import Trtexec, find_trtexec
from trtlog.testing import FakeTrtexec


def test_order_argument_variable_path(script, tmp_path):
    one, two = script("exit 0", "one"), script("exit 0", "two")
    (tmp_path / "bin").mkdir()
    on_path = script("exit 0", "bin/trtexec")
    env = {"TRTLOG_TRTEXEC": str(two), "PATH": str(tmp_path / "bin")}
    assert find_trtexec(one, env) == Trtexec((str(one),))
    assert find_trtexec(None, env).command == (str(two),)
    assert find_trtexec(None, {"PATH": env["PATH"]}).command == (str(on_path),)


def test_an_install_folder(script, tmp_path):
    (tmp_path / "TensorRT-8.5.3.1" / "bin").mkdir(parents=True)
    path = script("exit 0", "TensorRT-8.5.3.1/bin/trtexec")
    assert find_trtexec(None, {"PATH": "", "TENSORRT_ROOT": str(tmp_path / "TensorRT-8.5.3.1")}).command == (str(path),)
    assert find_trtexec(tmp_path / "TensorRT-8.5.3.1").command == (str(path),)  # the folder itself was given


def test_a_command_as_a_list_or_in_one_string(script):
    docker = script("exit 0", "docker")
    command = [str(docker), "run", "--gpus=all", "-v", "/data:/data", "image", "trtexec"]
    found = find_trtexec(command)
    assert found.foreign
    assert not found.remote
    assert found.argv(["--shapes='x:0':1"]) == [*command, "--shapes='x:0':1"]
    assert find_trtexec(" ".join(command)) == found
    assert not find_trtexec([str(script("exit 0", "nice")), "-n5", "trtexec"]).foreign


def test_ssh_arguments_survive_the_shell_on_the_other_side(script):
    # like ssh, this joins its arguments and gives them to a shell
    ssh = script('shift; exec sh -c "$*"', "ssh")
    found = find_trtexec([str(ssh), "gpu1", "printf", "%s|"])
    assert found.remote
    out = os.popen(" ".join(f"'{part}'" for part in found.argv(["--onnx=my model.onnx", "--layerPrecisions=*:fp16"])))
    assert found.argv(["--a=b c"])[-1] == "'--a=b c'"
    out.close()


def test_a_prefix_is_not_looked_for_on_this_machine(script):
    docker = script("exit 0", "docker")
    assert find_trtexec(prefix=f"{docker} run --rm image").command == (str(docker), "run", "--rm", "image", "trtexec")
    found = find_trtexec("/usr/src/tensorrt/bin/trtexec", prefix=[str(docker), "exec", "box"])
    assert found.command == (str(docker), "exec", "box", "/usr/src/tensorrt/bin/trtexec")
    assert found.foreign


def test_a_stand_in():
    fake = FakeTrtexec("some.log")
    assert find_trtexec(fake).command == tuple(fake.command)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda d: d / "nothing", "does not exist"),
        (lambda d: d, "a folder without trtexec"),
        (lambda d: "no-such-program-anywhere", "not found on PATH"),
        (lambda d: [], "empty command"),
    ],
)
def test_what_is_not_there(make, word, tmp_path):
    with pytest.raises(RunError, match=word):
        find_trtexec(make(tmp_path))


def test_not_executable(script):
    path = script("exit 0")
    path.chmod(0o644)
    with pytest.raises(RunError, match=r"may not be executed .*chmod \+x"):
        find_trtexec(path)


def test_nowhere(monkeypatch):
    monkeypatch.setattr("trtlog.runner.binary._FOLDERS", ("/no/such/folder",))
    with pytest.raises(RunError) as caught:
        find_trtexec(None, {"PATH": "/no/such/bin"})
    for word in ("TRTLOG_TRTEXEC", "PATH", "/no/such/folder", "trtexec=PATH"):
        assert word in str(caught.value)


def test_help_is_read_once_for_each_binary(script, capture, tmp_path):
    counter = tmp_path / "count"
    path = script(f"echo x >> {counter}; gzip -dc {capture('help.txt')}")
    found = find_trtexec(path)
    assert found.read_help().release == (8, 5, 3)
    assert found.read_help().release == (8, 5, 3)
    assert counter.read_text() == "x\n"


def test_a_binary_whose_library_is_missing(script):
    path = script(
        'echo "trtexec: error while loading shared libraries: libnvinfer.so.8: cannot open shared '
        'object file" >&2;'
        "exit 127"
    )
    with pytest.raises(RunError, match=r"(?s)exit code 127.*libnvinfer.so.8.*LD_LIBRARY_PATH"):
        find_trtexec(path).read_help()


def test_another_program(script):
    with pytest.raises(RunError, match=r"(?s)printed no trtexec help.*\(nothing\)"):
        find_trtexec(script("exit 0")).read_help()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"#!/no/such/interpreter\n", "interpreter or loader is missing"),
        (b"\x00\x01\x02\x03", "no program for this"),
    ],
)
def test_files_that_cannot_be_started(content, word, tmp_path):
    path = tmp_path / "trtexec"
    path.write_bytes(content)
    path.chmod(0o755)
    with pytest.raises(RunError, match=word):
        find_trtexec(path).read_help()
