"""A value that may be None where a log lacks it, and that type checkers let use without a test."""

from __future__ import annotations

from typing import Any, TypeAlias

# ``Statistics | MaybeNone`` is None where the log lacks the record. A run that passed has it: type checkers know its
# fields and ask for no test.
MaybeNone: TypeAlias = Any
