"""Engines in a process of their own: a crash, or a licence, stays there."""
