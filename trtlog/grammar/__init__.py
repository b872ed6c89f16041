"""The grammar: ``grammars/`` read, checked and compiled to regular expressions; lark's own parser as the oracle."""

from trtlog.grammar.files import (
    COMPILED_NAME,
    COMPILER_VERSION,
    compile_grammar,
    digest_of,
    field_files,
    grammar_dir,
    grammar_files,
    load,
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
    "write_compiled",
]
