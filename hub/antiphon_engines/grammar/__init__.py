"""Closed grammars: JSGF text in, a small word automaton out. Pure."""

from antiphon_engines.grammar.automaton import WordAutomaton
from antiphon_engines.grammar.compiler import compile_grammar

__all__ = ["WordAutomaton", "compile_grammar"]
