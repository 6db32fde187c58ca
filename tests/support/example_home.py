"""The example home as it is understood and heard: built once in each process, and only asked."""

from functools import cache

from antiphon_engines.grammar import WordAutomaton, compile_grammar
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpreter


@cache
def house() -> Interpreter:
    """Return what understands it."""
    return Interpreter(load_home(None))


@cache
def automaton() -> WordAutomaton:
    """Return what a recogniser may hear in it."""
    return compile_grammar(recognition_context(house()).grammar)
