"""Take secrets out of text that is made to be shared: reports, diffs, lock files, Markdown, notebooks.

Command lines and messages hold them: ``ssh://user:password@host``, ``https://host/model?token=...``, ``--api-key X``,
``-u user:password``, ``-H "Authorization: Bearer ..."``. What is not certain to be harmless is replaced: a report may
lose a word, it must not publish a password. Tables and Parquet keep the log's own text.

No expression here may begin at many places of one run of characters and look through the rest of it from each: a line
of 40 kB of dashes would take minutes. So a name is known by its last word, and words are taken one after the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trtlog._util.expression import expression
from trtlog._util.finite import finite

if TYPE_CHECKING:
    import pyarrow as pa

REDACTED = "***"
# Names that tables are joined by: a secret cannot stand in them, and a changed one would not be found.
IDENTIFIERS = frozenset(
    [
        *("layer", "node", "tactic", "kernel", "runner", "tensor", "precision", "type", "rule", "op", "kind"),
        *("winner", "winner_kernel", "winner_runner", "second", "second_kernel", "second_runner"),
        *("input_formats", "output_formats", "input_layout", "output_layout", "metric", "stat"),
    ]
)

# The last words of names whose values are secret: of options, variables, parameters of an address, keys of JSON.
_WORDS = (
    r"password|passwd|passphrase|passcode|secret|token|credentials?|authorization|signature|cookie|"
    r"(?:api|access|private|secret|account|shared|license|encryption|subscription|client|master|service|storage|ssh)"
    r"[-_]?key"
)
# Words that stand in others (compass, signed_authors, oauth): those that begin a name or follow a mark.
_SHORT_WORDS = r"pwd|pass|auth|sig|pat|pin"
_NAMED = expression(rf"(?:{_WORDS}|(?<![A-Za-z0-9])(?:{_SHORT_WORDS}))$", re.IGNORECASE)
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s&\"']+)"
# name=value and name: value, in a query, an option, a variable, a message or JSON.
_ASSIGNED = expression(
    rf"((?:{_WORDS}|(?<![A-Za-z0-9])(?:{_SHORT_WORDS}))[\"']?\s?[=:]\s?)((?:bearer|basic|token|digest)\s+)?({_VALUE})",
    re.IGNORECASE,
)
# Parameters of signed addresses, whose names say nothing elsewhere.
_PARAMETER = expression(
    r"([?&](?:amp;)?(?:key|code|jwt|x-amz-[a-z-]+|x-goog-[a-z-]+|awsaccesskeyid|googleaccessid|policy)=)[^\s&\"'#]+",
    re.IGNORECASE,
)
# A tensor may be called token: its shape is no secret.
_SHAPE = expression(r"[0-9]+(?:x[0-9]+)+(?:[+:,].*)?")
# user:password@ and user@ of an address: the name alone may be a token. The password may hold @ and :, so that all up
# to the last @ before the path goes.
_USER = expression(r"(?<=[A-Za-z0-9+.-])(://)[^\s/?#\"']*@")
# user:password@host without a scheme, but no tag of an image before its digest (model:v1@sha256:...).
_BARE_USER = expression(r"^[A-Za-z0-9._~%+-]+:[^\s@/]+@(?!sha[0-9]+:)(?=[A-Za-z0-9\[])")
# The value of a header goes to the end of its quotes or line.
_HEADER = expression(
    r"\b((?:proxy-)?authorization|(?:set-)?cookie2?|x-[a-z-]*(?:token|key|auth|secret)|private-token)(\s*:\s*)[^\"'\r\n]+",
    re.IGNORECASE,
)
_SCHEME = expression(r"\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_PRIVATE_KEY = expression(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]*")
# Addresses that are themselves the secret: chat hooks and bots.
_HOOK = expression(
    r"(hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/|"
    r"chat\.googleapis\.com/v1/spaces/|api\.telegram\.org/bot|oapi\.dingtalk\.com/robot/|open\.feishu\.cn/open-apis/bot/)"
    r"[^\s\"'<>]+",
    re.IGNORECASE,
)
# Tokens that say what they are. Clouds, source hosts, package indexes, chats, model hubs, payment and mail services.
_KNOWN = expression(
    r"\b(?:(?:AKIA|ASIA|AGPA|AROA)[0-9A-Z]{12,128}|AIza[0-9A-Za-z_-]{30,128}|ya29\.[0-9A-Za-z_-]{16,512}|GOCSPX-[0-9A-Za-z_-]{16,128}|"
    r"dop_v1_[0-9a-f]{32,128}|gh[pousr]_[A-Za-z0-9]{16,255}|github_pat_[A-Za-z0-9_]{16,255}|gl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{16,255}|"
    r"ATATT[A-Za-z0-9_=-]{16,255}|pypi-[A-Za-z0-9_-]{16,512}|npm_[A-Za-z0-9]{16,255}|rubygems_[0-9a-f]{16,128}|"
    r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,128}|xox[abeprs]-[A-Za-z0-9-]{10,255}|xapp-[A-Za-z0-9-]{10,255}|[0-9]{8,10}:AA[A-Za-z0-9_-]{30,64}|"
    r"hf_[A-Za-z0-9]{16,255}|api_org_[A-Za-z0-9]{16,255}|nvapi-[A-Za-z0-9_-]{16,255}|r8_[A-Za-z0-9]{16,128}|gsk_[A-Za-z0-9]{16,128}|"
    r"sk-[A-Za-z0-9_-]{16,255}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}|"
    r"wandb_v1_[A-Za-z0-9_]{16,255}|eyJ[A-Za-z0-9_-]{8,512}\.[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{0,1024})"
)  # fmt: skip
# What any text holds that one of these expressions matches, in lower case but for the last: it is looked for first.
_IN_ASSIGNED = ("pass", "secret", "token", "credential", "auth", "sig", "cookie", "key", "pwd", "pat", "pin")
_IN_HEADER = ("auth", "cookie", "x-", "private")
_IN_PARAMETER = ("?", "&")
_IN_SCHEME = ("bearer", "basic")
_IN_KNOWN = (
    *("AKIA", "ASIA", "AGPA", "AROA", "AIza", "ya29.", "GOCSPX-", "dop_v1_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glsoat-", "ATATT", "pypi-", "npm_", "rubygems_"),
    *("dckr_", "xox", "xapp-", ":AA", "hf_", "api_org_", "nvapi-", "r8_", "gsk_", "sk-", "sk_", "rk_", "SG.", "wandb_"),
    "eyJ",
)
# Quoted texts and what stands between blanks, one after the other.
_WORD = expression(r"\"[^\"]*\"|'[^']*'|[^\s\"']+|[\"']")
# An option may stand in brackets or quotes: of a message, of a command that a shell is given.
_OPENING = "([{<,;`"
_OPTION = expression(r"(?:^|[\s\"'(\[{<,;`])-")
# Programs that take a folder, a port or a number behind -p, and those whose -p is a password though it looks like one.
_PLAIN_P = frozenset(
    [
        *("mkdir", "docker", "podman", "nerdctl", "ssh", "cp", "install", "nc", "ps", "tar", "unzip", "pytest"),
        *("taskset", "kill", "read", "renice", "lsof", "redis-cli", "psql", "pip", "python"),
    ]
)
_PASSWORD_P = frozenset({"sshpass", "mysql", "mysqldump", "mariadb", "login"})
# Numbers of user and group, as docker run -u takes them.
_IDS = expression(r"[0-9]+:[0-9]+")
_PLAIN_VALUE = expression(r"[0-9][0-9.:,/x-]*(?:tcp|udp)?|\.{0,2}/.*|[^\s/]*/[^\s]*")


def redact(text: str) -> str:
    """Return ``text`` with passwords, tokens and keys replaced by ``***``; all else is unchanged.

    Examples
    --------
    >>> redact("trtexec --onnx=https://me:pa@ss@example.com/m.onnx?token=abc&x=1 --fp16")
    'trtexec --onnx=https://***@example.com/m.onnx?token=***&x=1 --fp16'
    >>> redact("API_KEY=12ab trtexec --remoteAutoTuningConfig=ssh://me:secret@10.0.0.7:22/x")
    'API_KEY=*** trtexec --remoteAutoTuningConfig=ssh://***@10.0.0.7:22/x'
    >>> redact("curl -u me:hunter2 --api-key X7 host")
    'curl -u me:*** --api-key *** host'
    >>> redact("--shapes=tokens:1x128")
    '--shapes=tokens:1x128'
    """
    if "://" in text:
        text = _HOOK.sub(rf"\g<1>{REDACTED}", _USER.sub(rf"\g<1>{REDACTED}@", text))
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(rf"\g<1>{REDACTED}", text)
    # Other letters may stand for those of ASCII where case is ignored: such a text is searched as a whole.
    low = text.lower() if text.isascii() else None
    if "=" in text or ":" in text:
        if _may_hold(low, _IN_HEADER):
            text = _HEADER.sub(rf"\g<1>\g<2>{REDACTED}", text)
        if _may_hold(low, _IN_PARAMETER):
            text = _PARAMETER.sub(rf"\g<1>{REDACTED}", text)
        if _may_hold(low, _IN_ASSIGNED):
            text = _ASSIGNED.sub(_assigned, text)
    if _may_hold(low, _IN_SCHEME):
        text = _SCHEME.sub(rf"\g<1>\g<2>{REDACTED}", text)
    if _may_hold(text, _IN_KNOWN):
        text = _KNOWN.sub(REDACTED, text)
    return _words(text) if "@" in text or _OPTION.search(text) else text


def _may_hold(text: str | None, pieces: tuple[str, ...]) -> bool:
    return text is None or any(map(text.__contains__, pieces))


def redact_value(name: str, value: str | None) -> str | None:
    """Redact the value of an option together with the option's name, which says that ``--token`` holds a secret.

    Examples
    --------
    >>> redact_value("--token", "12ab"), redact_value("--fp16", "Enabled"), redact_value("--onnx", None)
    ('***', 'Enabled', None)
    """
    if value is None:
        return None
    if _NAMED.search(name) and value and not _SHAPE.fullmatch(value):
        return REDACTED
    for mark in ("=", " ") if name.startswith("-") else ("=",):
        whole = redact(f"{name}{mark}{value}")
        value = whole[len(name) + 1 :] if whole.startswith(f"{name}{mark}") else redact(value)
    return redact(value) if value.startswith("-") else value  # a text that begins with an option


def redact_json(value: Any) -> Any:
    """Return what JSON can hold, all texts redacted; the names of keys stay, nan and inf become text.

    Examples
    --------
    >>> redact_json({"command": "trtexec --token=12ab", "lines": [1, 2]})
    {'command': 'trtexec --token=***', 'lines': [1, 2]}
    """
    if isinstance(value, dict):
        return {key: redact_json(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_json(inner) for inner in value]
    return redact(value) if isinstance(value, str) else finite(value)


def redact_table(table: pa.Table) -> pa.Table:
    """Redact the texts of a table, those in lists too; names of layers and kernels stay, as tables join by them.

    Where a column ``key`` names what a column ``value`` holds, as in the table of options, it says what is secret.

    Examples
    --------
    >>> import pyarrow as pa
    >>> redact_table(pa.table({"key": ["--token"], "value": ["12ab"], "line": [3]})).to_pylist()
    [{'key': '--token', 'value': '***', 'line': 3}]
    """
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if field.name in IDENTIFIERS or not _holds_text(field.type):
            continue
        values = table.column(place).to_pylist()
        if field.name == "value" and "key" in table.column_names:
            keys = table.column("key").to_pylist()
            safe = [redact_value(key or "", value) for key, value in zip(keys, values, strict=True)]
        elif pa.types.is_nested(field.type):
            safe = [redact_json(value) for value in values]
        else:
            known = {value: redact_json(value) for value in set(values)}
            safe = [known[value] for value in values]
        if safe != values:
            plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            table = table.set_column(place, field, pa.array(safe, plain).cast(field.type))
    return table


def _holds_text(type_: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(type_) or pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return _holds_text(type_.value_type)
    if pa.types.is_struct(type_):
        return any(_holds_text(type_.field(place).type) for place in range(type_.num_fields))
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _assigned(found: re.Match[str]) -> str:
    if _SHAPE.fullmatch(found[3]) or found[3].startswith(REDACTED):
        return found[0]
    return f"{found[1]}{REDACTED}"


def _words(text: str) -> str:
    """Redact values that stand in words of their own behind an option, and users with their passwords."""
    out: list[str] = []
    position = 0
    option = program = ""
    for found in _WORD.finditer(text):
        word = found[0]
        shown = _value(option, word, program) if option else None
        begins = position < found.start() or not position  # a quote may stand inside of a word: --name="x"
        if shown is None:
            option = ""
            shown = _BARE_USER.sub(f"{REDACTED}@", word) if "@" in word else word
            bare = word.lstrip(_OPENING)
            if begins and bare.startswith("-"):
                option = bare.rstrip("=") if "=" not in bare[:-1] else ""
                if program in _PASSWORD_P and word.startswith("-p") and len(word) > 2:
                    shown = f"-p{REDACTED}"
            elif word[0] in "\"'" and len(word) > 2 and _OPTION.search(word, 1):
                shown = f"{word[0]}{_words(word[1:-1])}{word[-1]}"
            elif begins and word[0] not in "\"'&|;":
                name = word.rpartition("/")[2]
                program = name if name in _PASSWORD_P or name in _PLAIN_P else program
            elif word[0] in "&|;":
                program = ""
        else:
            option = ""
        out += [text[position : found.start()], shown]
        position = found.end()
    return "".join([*out, text[position:]])


def _value(option: str, word: str, program: str) -> str | None:
    """Return what is shown of the word behind an option; None where the word is no secret."""
    inside = word.strip("\"'")
    if inside.startswith("-") or not inside or inside == REDACTED:
        return None
    if option in ("-u", "--user", "--proxy-user", "-U"):
        user, mark, _ = inside.partition(":")
        if not mark or inside[len(user) + 1 :].startswith(REDACTED) or (program in _PLAIN_P and _IDS.fullmatch(inside)):
            return None
        return f"{user}:{REDACTED}"
    if option in ("-b", "--cookie"):
        return REDACTED if "=" in inside else None
    if option == "-p":
        plain = program not in _PASSWORD_P and (program in _PLAIN_P or _PLAIN_VALUE.fullmatch(inside))
        return None if plain else REDACTED
    return REDACTED if _NAMED.search(option) else None
