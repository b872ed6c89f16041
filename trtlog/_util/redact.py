"""Take secrets out of text that leaves the machine: reports, lock files, pull requests.

Command lines hold them: ``ssh://user:password@host``, ``https://host/model?token=...``, ``--api-key=...``,
``-H "Authorization: Bearer ..."``. What is not certain to be harmless is replaced: a report may lose a word,
it must not publish a password.
"""

from __future__ import annotations

import re

REDACTED = "***"

_NAME = (
    r"(?:[A-Za-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|"
    r"credentials?|authorization|signature)|(?:[A-Za-z0-9_.-]*[-_])?(?:pwd|pass|auth|sig))"
)
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s&;,\"']+)"
# user:password@ and user@ of an URL: the name alone may be a token. The password may hold @ and :, so that
# all up to the last @ before the path goes.
_USER = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#\"']*@")
# name=value and name: value, in a query, an option or an environment variable.
_ASSIGNED = re.compile(
    rf"(?<![A-Za-z0-9])({_NAME})([\"']?\s?[=:]\s?)(?:(?:bearer|basic|token)\s+)?({_VALUE})", re.IGNORECASE
)
# A tensor may be called token: its shape is no secret.
_SHAPE = re.compile(r"[0-9]+(?:x[0-9]+)+(?:\+[0-9x+]*)?")
# --token value
_OPTION = re.compile(rf"(?<!\S)(--?{_NAME})(\s+)(?!-)({_VALUE})", re.IGNORECASE)
_SCHEME = re.compile(r"\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
# Tokens that tell what they are: GitHub, GitLab, Hugging Face, NGC, AWS, Slack, OpenAI-like, JSON web tokens.
_KNOWN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|"
    r"nvapi-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{12,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|"
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
)


def redact(text: str) -> str:
    """Return ``text`` with passwords, tokens and keys replaced by ``***``; all else is unchanged.

    Examples
    --------
    >>> redact("trtexec --onnx=https://me:pa@ss@example.com/m.onnx?token=abc&x=1 --fp16")
    'trtexec --onnx=https://***@example.com/m.onnx?token=***&x=1 --fp16'
    >>> redact("API_KEY=12ab trtexec --remoteAutoTuningConfig=ssh://me:secret@10.0.0.7:22/x")
    'API_KEY=*** trtexec --remoteAutoTuningConfig=ssh://***@10.0.0.7:22/x'
    >>> redact("--shapes=tokens:1x128")
    '--shapes=tokens:1x128'
    """
    text = _USER.sub(rf"\g<1>{REDACTED}@", text)
    text = _ASSIGNED.sub(_assigned, text)
    text = _OPTION.sub(rf"\g<1>\g<2>{REDACTED}", text)
    text = _SCHEME.sub(rf"\g<1>\g<2>{REDACTED}", text)
    return _KNOWN.sub(REDACTED, text)


def redact_value(name: str, value: str | None) -> str | None:
    """Redact the value of an option together with the option's name, which tells that ``--token`` holds a secret.

    Examples
    --------
    >>> redact_value("--token", "12ab"), redact_value("--fp16", "Enabled"), redact_value("--onnx", None)
    ('***', 'Enabled', None)
    """
    if value is None:
        return None
    whole = redact(f"{name}={value}")
    return whole[len(name) + 1 :] if whole.startswith(f"{name}=") else redact(value)


def _assigned(found: re.Match[str]) -> str:
    if _SHAPE.fullmatch(found[3]):
        return found[0]
    return f"{found[1]}{found[2]}{REDACTED}"
