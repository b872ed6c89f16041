"""A Python that starts in a tenth of the time: forked of one that has loaded trtlog, but a process of its own.

``python()`` stands where ``sys.executable`` would, before ``-m MODULE`` or ``-c CODE``. It is a small client, which
hands its arguments, folder, environment and streams to a server, and ends as the process does that the server forks.
The server has loaded modules, and nothing else: no grammar, no library, no plug-in.

What is tested of the start itself - what is loaded, which variables Python reads, closed streams - starts a Python.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import marshal
import os
import pkgutil
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Programs that load as much as all of trtlog, and what: the server loads it when it is first asked for one.
MORE = {
    "check_jsonschema": ("check_jsonschema",),
    "mcp": ("trtlog.mcp.server",),
    "sphinx": ("sphinx.cmd.build", "sphinx.ext.autodoc", "myst_nb"),
    "tests.kernel": ("ipykernel.ipkernel", "plotly.express", "plotly.tools", "plotly.subplots"),
}

CLIENT = """\
#!{python} -SEs
import _socket, marshal, os, signal, sys
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({address!r})
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
request = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ)))
server.sendmsg([len(request).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(request)
process = int.from_bytes(server.recv(4), "big")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: os.kill(process, number))
code = server.recv(1)
if not code:  # killed
    os.kill(os.getpid(), signal.SIGKILL)
os._exit(code[0])
"""


@functools.cache
def python() -> str:
    """Return the path of the client; start the server when it is first asked for."""
    if sys.platform != "linux":
        return sys.executable
    folder = tempfile.mkdtemp(prefix="warm-")
    address, client = f"{folder}/server", Path(folder) / "python"
    client.write_text(CLIENT.format(python=sys.executable, address=address), encoding="utf-8")
    client.chmod(0o755)
    command = [sys.executable, str(Path(__file__)), address]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TRTLOG", "COLUMNS"))}
    server = subprocess.Popen(
        command, env={**environment, "PYTHONPATH": str(ROOT)}, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stdout.read(1) == b"1", "the server did not start"

    def end() -> None:
        server.stdin.close()  # it ends with whoever started it
        server.wait()
        server.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return str(client)


# ------------------------------------------------------------------ the server
def _serve(address: str) -> None:
    import trtlog

    for module in pkgutil.walk_packages(trtlog.__path__, "trtlog."):
        if "__main__" not in module.name and not module.name.startswith("trtlog.mcp."):
            importlib.import_module(module.name)
    for name in ("duckdb", "numpy", "pandas", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "rich.console"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which means others
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    os.write(1, b"1")
    while True:
        connection, _ = listener.accept()
        request, streams = _request(connection)
        for program, names in MORE.items():
            if request and program in request[0]:
                for name in names:
                    importlib.import_module(name)
        if request and not os.fork():
            listener.close()
            _handle(connection, request, streams)
        for number in streams:
            os.close(number)
        connection.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _end_with_the_tests() -> None:
    os.read(0, 1)
    os._exit(0)


Request = tuple[list[str], str, dict[str, str]]


def _request(connection: socket.socket) -> tuple[Request | None, list[int]]:
    """Return arguments, folder and environment of a client, and its streams; None of one that has gone."""
    streams: list[int] = []
    request = b""
    with contextlib.suppress(ConnectionError):
        length, streams, _, _ = socket.recv_fds(connection, 4, 3)
        while len(request) < int.from_bytes(length, "big"):
            piece = connection.recv(1 << 20)
            if not piece:
                return None, streams
            request += piece
    return marshal.loads(request) if request else None, streams


def _handle(connection: socket.socket, request: Request, streams: list[int]) -> None:
    """Be the process that a client stands for."""
    arguments, folder, environment = request
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", line_buffering=os.isatty(1)
    )
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
    )
    connection.sendall(os.getpid().to_bytes(4, "big"))
    threading.Thread(target=_end_with_the_client, args=(connection,), daemon=True).start()
    code = _run(arguments, environment.get("PYTHONPATH"))
    connection.sendall(bytes([code & 255]))
    os._exit(code & 255)


def _end_with_the_client(connection: socket.socket) -> None:
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)  # what kills the client means this process


def _run(arguments: list[str], path: str | None) -> int:
    """Do what Python does with such arguments; return its exit code."""
    kind, what, *rest = arguments
    sys.path[:] = [os.getcwd() if kind == "-m" else "", *(path.split(os.pathsep) if path else ()), *sys.path[2:]]
    importlib.invalidate_caches()
    sys.argv = [kind, *rest]
    code = 0
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            assert kind == "-c", f"neither -m nor -c: {arguments}"
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if code and not isinstance(ended.code, int):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined] - waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


if __name__ == "__main__":
    _serve(sys.argv[1])
