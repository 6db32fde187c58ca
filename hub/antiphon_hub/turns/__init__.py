"""Turns: a call in a room, from the wake word to the answer."""
