"""The likely cause of a failed run, from how it ended and what it said last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trtlog.runner.process import Ending

#: (text in the log, what it means and what to do), the most telling ones first.
_TEXTS: tuple[tuple[str, str], ...] = (
    (r"error while loading shared libraries: (\S+)",
     "The library {0} is not found: add its folder to LD_LIBRARY_PATH."),
    (r"Could not load library (\S+?)\.? ", "The library {0} could not be loaded: add its folder to "
        "LD_LIBRARY_PATH."),
    (r"docker: Error response from daemon: (.*)", "Docker refused to start the container: {0}"),
    (r"docker: invalid reference format", "The name of the container image is malformed."),
    (r"Cannot connect to the Docker daemon", "Docker's daemon does not run, or this user may not speak "
        "to it."),
    (r"(?:ssh|kex_exchange_identification): (.*)", "The connection failed: {0}"),
    (r"Host key verification failed", "ssh does not know the host's key: connect once by hand."),
    (r"Permission denied \((publickey.*)\)", "ssh was refused ({0}): check the user and key."),
    (r"Unknown option: (\S+)", "This trtexec does not know {0}: see its --help."),
    (r"CUDA (?:driver version is insufficient|driver is a stub)[^\n]*",
     "The GPU driver is too old for this CUDA, or missing: update the driver."),
    (r"CUDA initialization failure with error: ([0-9]+)",
     "CUDA could not start (error {0}): is there a GPU, and do driver and CUDA fit? Check nvidia-smi."),
    (r"Cannot find any available devices \(GPUs\)|no CUDA-capable device is detected|cudaErrorNoDevice",
     "No GPU is visible: check nvidia-smi, CUDA_VISIBLE_DEVICES and, in a container, --gpus=all."),
    (r"Cannot find device ID ([0-9]+)", "There is no GPU number {0}: see --device and CUDA_VISIBLE_DEVICES."),
    (r"invalid device ordinal", "There is no GPU of that number: see --device and CUDA_VISIBLE_DEVICES."),
    (r"[Cc]annot create DLA engine|DLA.* not available|kDLA.*not supported",
     "This GPU has no DLA: leave --useDLACore out."),
    (r"(?:[Cc]ould not|[Cc]annot|[Ff]ailed to) open file[: ]*(\S+)|Error (?:opening|loading) engine "
        r"file: (\S+)|"
     r"Input file cannot be found, or is not a regular file: (\S+)",
     "The file {0} cannot be opened: check its path and permissions."),
    (r"While parsing node number [0-9]+ \[(\w+)(?s:.{,900}?)(?:Plugin not found|FallbackPluginImporter)",
     "TensorRT has no operator {0} and no plugin of that name is loaded: load one with --staticPlugins "
     "(--plugins "
     "before 8.6), or change the model."),
    (r"getPluginCreator could not find plugin:? *(\S+)",
     "The model needs the plugin or operator {0}, which TensorRT does not know: load it with --staticPlugins "
     "(--plugins before 8.6), or change the model."),
    (r"kDLA_STANDALONE, use cuDLA",
     "The engine is a loadable for cuDLA (--buildDLAStandalone): trtexec builds it, but cannot run it."),
    (r"Serialization assertion|magicTag|Version tag does not match|"
     r"engine plan file is (?:not compatible|generated on an incompatible device)|Cannot deserialize",
     "The engine file is damaged, or was built by another TensorRT version or for another GPU: build it "
     "again."),
    (r"Static model does not take explicit shapes",
     "The model's shapes are fixed: leave --shapes, --minShapes, --optShapes and --maxShapes out."),
    (r'Cannot find input tensor with name "([^"]*)"', "The model has no input {0}: check the names in "
        "the shapes."),
    (r"ynamic input tensor (\S+) is missing dimensions in profile|Dynamic dimensions required for "
        r"input: (\S+?),? but "
     r"no shapes were provided\. (?!Auto)",
     "The input {0} has dynamic dimensions: give --shapes, or --minShapes, --optShapes and --maxShapes."),
    (r"\((\S+): number of dimensions is [0-9]+ but profile [0-9]+ has [0-9]+",
     "The given shape of {0} has another number of dimensions than the model's input."),
    (r"dimensions? mismatch|for dimension [0-9]+ in profile|[Pp]rofile [0-9]+ .*(?:dimension|valid range)|"
     r"doesn't match number of dimensions|does not satisfy any optimization profiles",
     "The given shapes do not fit the model's inputs: check names, ranks and min <= opt <= max."),
    (r"While parsing node number ([0-9]+ \[\w+)", "The model's node {0}] cannot be imported: see the "
        "errors after it."),
    (r"Failed to parse ONNX model from file: (\S+)|Failed to parse onnx file()",
     "The ONNX model {0} cannot be read: is the file whole, and is it ONNX? Try onnx.checker.check_model."),
    (r"Model missing or format not recognized", "No model was given: give --onnx or --loadEngine."),
    (r"[Cc]ould not find any implementation for node (.*?)\.?(?: due to|$)",
     "No kernel could run the layer {0}: more workspace (--memPoolSize) or another precision may help."),
    (r"[Oo]ut of memory|OutOfMemory|cudaErrorMemoryAllocation|bad_alloc",
     "Memory ran out: is another program using the GPU (nvidia-smi)? Smaller shapes or a smaller "
     "workspace may help."),
    (r"No space left on device", "A disk is full."),
    (r"Segmentation fault", "The program crashed (segmentation fault)."),
    (r"Could not open library|Could not load plugin library: (\S+)|Unable to open library: (\S+)",
     "The plugin library {0} cannot be loaded: check its path and what it depends on (ldd)."),
    (r"Safety is not supported", "This TensorRT has no safety runtime: leave --safe out."),
    (r"Saving engine to file failed", "The engine could not be written: check the folder and the free "
        "space."),
    (r"command not found|No such file or directory", "A program or file is missing: see the last lines."),
)  # fmt: skip

_SIGNALS = {
    "SIGKILL": "It was killed from outside; if nobody did, the system ran out of memory (see dmesg).",
    "SIGSEGV": "The program crashed (segmentation fault).",
    "SIGABRT": "The program aborted itself, after a failed assertion or an exception.",
    "SIGBUS": "The program crashed (bus error; often a full /dev/shm or a cut memory-mapped file).",
    "SIGILL": "The program uses instructions that this CPU does not have.",
    "SIGFPE": "The program crashed (arithmetic error).",
    "SIGINT": "It was interrupted.",
    "SIGTERM": "It was ended from outside.",
    "SIGHUP": "Its terminal or connection was closed.",
    "SIGPIPE": "Its output could not be written.",
    "SIGXCPU": "It reached its limit of CPU time.",
}
_ERROR = re.compile(r"^(?:\[[0-9/:\- ]+\] ?)*(?:\[TRT\] )?\[[EF]\] |^terminate called")
_HEADER = re.compile(r"^(?:\[[0-9/:\- ]+\] ?)+")


@dataclass(frozen=True)
class Verdict:
    """What became of a run.

    Attributes
    ----------
    status
        ``passed failed killed timed_out hung interrupted disk_full``.
    headline
        One sentence: how it ended.
    cause
        The likely cause and what to do; None if the log gives no hint.
    messages
        The errors it printed last, oldest first, without time stamps.
    """

    status: str
    headline: str
    cause: str | None
    messages: tuple[str, ...]


def judge(ending: Ending, lines: Sequence[str], *, timeout_s: float | None, hang_s: float | None) -> Verdict:
    """Judge a run by how its process ended and by its last lines.

    Parameters
    ----------
    ending
        How the process ended.
    lines
        The log's lines, or its last few thousand.
    timeout_s, hang_s
        The limits that were set, for the wording.
    """
    banner = next((line for line in reversed(lines) if line.startswith("&&&& ")), "")
    code, name = ending.exit_code, ending.signal
    if name is None and code is not None and 128 < code < 160:
        name = _shell_signal(code)  # a shell or container reports a signal as 128 + its number
    if ending.reason == "timed_out":
        status, headline = (
            "timed_out",
            f"It was stopped after {timeout_s:g} s, the limit that was set (timeout_s).",
        )
    elif ending.reason == "hung":
        status, headline = "hung", f"It was stopped: it had printed nothing for {hang_s:g} s (hang_s)."
    elif ending.reason == "interrupted":
        status, headline = "interrupted", "It was interrupted and stopped."
    elif ending.reason == "disk_full":
        status = "disk_full"
        headline = (
            f"It was stopped, because its log could not be written ({ending.disk_error}); "
            f"the first {ending.log_bytes:,} bytes are kept."
        )
    elif name is not None:
        status, headline = "killed", f"It was ended by {name}."
    elif code == 0 and not banner.startswith("&&&& FAILED"):
        return Verdict("passed", "It passed.", None, ())
    elif code == 0:
        status, headline = "failed", "It printed FAILED, though its exit code is 0."
    else:
        status, headline = "failed", f"It failed with exit code {code}."
        if banner.startswith("&&&& PASSED"):
            headline += " It had printed PASSED before."
    if status == "disk_full":
        return Verdict(status, headline, "Free some room, or give another out=.", ())
    errors = _errors(lines)
    cause = _cause(lines, errors)
    if status == "killed" and name in _SIGNALS:
        cause = f"{_SIGNALS[name]} {cause}" if cause else _SIGNALS[name]
    if status == "failed" and cause is None:
        cause = {126: "The command may not be executed.", 127: "The command, or a library it needs, is "
            "not found.",
                 255: "The connection may have failed."}.get(code or 0)  # fmt: skip
    return Verdict(status, headline, cause, tuple(errors[-10:]))


def _shell_signal(code: int) -> str | None:
    import signal

    try:
        return signal.Signals(code - 128).name
    except ValueError:
        return None


def _errors(lines: Sequence[str]) -> list[str]:
    texts: list[str] = []
    for position, line in enumerate(lines):
        if not _ERROR.match(line):
            continue
        text = _HEADER.sub("", line).strip()
        # what follows without a header belongs to the error
        for more in lines[position + 1 : position + 8]:
            if not more or more[0] in "[&=":
                break
            text += " / " + more.strip()
        texts.append(text)
    if texts:
        return texts
    plain = [line.strip() for line in lines[-5:] if line.strip() and not line.startswith("&&&&")]
    return [_HEADER.sub("", line) for line in plain]


def _cause(lines: Sequence[str], errors: Sequence[str]) -> str | None:
    # lines without a header come from the loader, the shell or CUDA
    bare = [line for line in lines[-40:] if line and line[0] not in "[&="]
    text = "\n".join((*errors, *bare, *lines[-5:]))
    for pattern, meaning in _TEXTS:
        found = re.search(pattern, text)
        if found:
            value = next((group for group in found.groups() if group), "")
            return meaning.replace("{0}", value).replace("  ", " ")
    return None
