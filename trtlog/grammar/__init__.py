"""The grammar: ``grammars/`` read, checked and compiled to regular expressions."""

from functools import lru_cache

from trtlog.grammar.files import (
    COMPILED_NAME,
    COMPILER_VERSION,
    compile_grammar,
    digest_of,
    field_files,
    grammar_dir,
    grammar_files,
    shipped,
    value_parser,
    value_terminals,
    write_compiled,
)
from trtlog.grammar.model import Field, Grammar, Message, Part, Variant, escape, expression_of

__all__ = [
    "COMPILED_NAME",
    "COMPILER_VERSION",
    "Field",
    "Grammar",
    "Message",
    "Part",
    "Variant",
    "compile_grammar",
    "digest_of",
    "escape",
    "expression_of",
    "field_files",
    "grammar_dir",
    "grammar_files",
    "load",
    "shipped",
    "value_parser",
    "value_terminals",
    "write_compiled",
]


@lru_cache(maxsize=1)
def load() -> Grammar:
    """Return the grammar: what comes with trtlog, and the rules of installed plug-in packages.

    Examples
    --------
    >>> "tactic" in load().messages
    True
    """
    from trtlog import plugins

    if not plugins.entry_points(plugins.GRAMMARS):
        return shipped()
    from trtlog.grammar.plugins import with_plugins  # local: packages with rules are few

    return with_plugins(shipped())
