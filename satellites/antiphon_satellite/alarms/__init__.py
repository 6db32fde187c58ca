"""Ringing alone: what the hub set in advance, kept on disk, rung for with or without it."""
