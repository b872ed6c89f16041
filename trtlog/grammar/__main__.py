"""Compile the grammar: ``python -m trtlog.grammar``."""

from trtlog.grammar.files import write_compiled

write_compiled()
