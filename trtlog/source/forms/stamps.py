"""What collectors of logs put in front of each line: times, jobs, steps, pods, containers, hosts, processes."""

from __future__ import annotations

from trtlog.source.forms.base import InFront

_DAY = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOUR = rb"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_ZONE = rb"(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_ISO = rb"%bT%b(?:[.,][0-9]+)?%b" % (_DAY, _HOUR, _ZONE)
_END = rb"(?: |\t|$)"
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] %b(?:\.[0-9]+)?" % _HOUR
_PROCESS = rb"[A-Za-z0-9_.@/-]+ ([A-Za-z0-9_.@/()-]+)(?:\[[0-9]+\])?:" + _END
_BOM = rb"(?:\xef\xbb\xbf)?"

# In the order in which they are looked for: what is told apart by more comes first.
COLLECTORS = (
    InFront(
        "gh run view --log",
        "Job, step and time in front of each line, with tabs between them.",
        samples=(
            (
                b"build\tRun trtexec\t2026-11-22T13:22:03.1234567Z [11/22/2026-13:22:03] [I] Format: ONNX",
                b"[11/22/2026-13:22:03] [I] Format: ONNX",
            ),
        ),
        expressions=(rb"[^\t\n]+\t[^\t\n]+\t%b%b%b" % (_BOM, _ISO, _END),),
    ),
    InFront(
        "Kubernetes container log",
        "Time, stream and a mark for whole lines in front of each line, as `/var/log/containers` holds it.",
        samples=((b"2026-11-22T13:22:03.123456789Z stdout F [I] [TRT] Loaded", b"[I] [TRT] Loaded"),),
        expressions=(rb"%b std(?:out|err) ([FP])%b" % (_ISO, _END),),
        marks=(b"P", b""),
    ),
    InFront(
        "GitLab job log",
        "Time and stream in front of each line of a job.",
        samples=((b"2026-11-22T13:22:03.123456Z 01O [I] [TRT] Loaded", b"[I] [TRT] Loaded"),),
        expressions=(rb"%b [0-9]{2}[OE]([+ ])?" % _ISO,),
        marks=(b"", b"+"),
    ),
    InFront(
        "logcli",
        "Time and labels in braces in front of each line, as `logcli query` prints it.",
        samples=((b'2026-11-22T13:22:03Z {app="trtexec"} [I] [TRT] Loaded', b"[I] [TRT] Loaded"),),
        expressions=(rb"%b[ \t]+\{[^{}\n]*\}%b" % (_ISO, _END),),
    ),
    InFront(
        "journalctl or syslog",
        "Time, host and process in front of each line, in the short, ISO, monotonic and RFC 5424 forms.",
        samples=(
            (b"Nov 22 13:22:03 host trtexec[4321]: [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"2026-11-22T13:22:03+0100 host trtexec[4321]: [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"<14>1 2026-11-22T13:22:03.123Z host trtexec 4321 - - [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
        ),
        expressions=(
            rb"(?:<[0-9]{1,3}>)?(?:%b) %b" % (_MONTH, _PROCESS),
            rb"(?:[A-Z][a-z]{2} )?(?:%b|%b %b(?:\.[0-9]+)? [A-Z]{2,5}) %b" % (_ISO, _DAY, _HOUR, _PROCESS),
            rb"\[ *[0-9]+\.[0-9]{6}\] " + _PROCESS,
            rb"<[0-9]{1,3}>1 %b [^ \n]+ [^ \n]+ [^ \n]+ [^ \n]+ -%b" % (_ISO, _END),
            rb"(?:<[0-9]{1,3}>)?%b [A-Za-z0-9_.-]+ [A-Za-z0-9_./-]+(?:\[[0-9]+\])?:%b" % (_MONTH, _END),
        ),
    ),
    InFront(
        "time stamps",
        (
            "A time in front of each line: GitHub Actions, `docker logs --timestamps`, `kubectl logs --timestamps`, "
            "Jenkins, Azure Pipelines, `ts`."
        ),
        samples=(
            (b"2026-11-22T13:22:03.1234567Z [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"[2026-11-22T13:22:03.123Z] [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"13:22:03  [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"Nov 22 13:22:03 [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
        ),
        expressions=(
            _BOM + _ISO + _END,
            rb"\[%b\]%b" % (_ISO, _END),
            rb"%b(?:\.[0-9]+)?(?:  ?|$)" % _HOUR,
            rb"\[%b(?:\.[0-9]+)?\]%b" % (_HOUR, _END),
            rb"%b(?: |$)(?![A-Za-z0-9_.@/-]+ [^ ]+(?:\[[0-9]+\])?: )" % _MONTH,
            # The loggers that begin with a time of this shape are headers of their own.
            rb"%b[T ]%b(?:[.,][0-9]+)?%b(?!\[[VIWEF]:onnxruntime|\[TAO |- |\[?[A-Za-z]+\]? )" % (_DAY, _HOUR, _END),
            rb"\[%b[T ]%b(?:[.,][0-9]+)?\]%b(?!\[[A-Za-z_.]+\] )" % (_DAY, _HOUR, _END),
        ),
    ),
    InFront(
        "names of containers, pods or ranks",
        "The name of what printed it in front of each line: docker compose, `kubectl logs --prefix`, MPI, Slurm.",
        samples=(
            (b"trtexec-1  | [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"[pod/build-0/trtexec] [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"[1,0]<stdout>:[I] [TRT] Loaded", b"[I] [TRT] Loaded"),
            (b"#12 34.56 [I] [TRT] Loaded", b"[I] [TRT] Loaded"),
        ),
        expressions=(
            rb"([A-Za-z][A-Za-z0-9_.@/-]*)[ \t]*\| ?",
            rb"\[pod/[A-Za-z0-9_./-]+\]" + _END,
            rb"\[[0-9]+,[0-9]+\]<std(?:out|err)>:",
            rb"#[0-9]+ [0-9]+\.[0-9]+" + _END,
        ),
    ),
)
