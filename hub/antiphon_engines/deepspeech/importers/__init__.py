"""Readers of other people's model files; all of them end in our Weights."""
