"""The commands that put several parts together, one module each."""
