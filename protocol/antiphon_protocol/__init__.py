"""Antiphon's wire protocol: what is said on the bus, and within which limits.

One module per topic of conversation under `messages/`; `topics` says where each message travels.
"""
