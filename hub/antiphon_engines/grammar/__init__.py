"""Closed grammars: JSGF text in, a small word automaton out. Pure."""

from antiphon_engines.grammar.automaton import WordAutomaton
from antiphon_engines.grammar.compiler import compile_grammar
from antiphon_engines.grammar.odds import Odds, odds_of

__all__ = ["Odds", "WordAutomaton", "compile_grammar", "odds_of"]
