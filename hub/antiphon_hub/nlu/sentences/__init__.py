"""Sentence templates of our own, one YAML file a language."""
