"""Compile the grammar: ``python -m trtlog.grammar``."""

from trtlog.grammar.files import write_compiled
from trtlog.grammar.programme_file import write_programme

write_compiled()
write_programme()
