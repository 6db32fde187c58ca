"""Readers of other people's model files; all of them end in our Weights."""

from antiphon_engines.deepspeech.importers.load import load_weights

__all__ = ["load_weights"]
