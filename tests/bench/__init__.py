"""Figures of the whole, one bench a module; `python -m tests.bench NAME [--json]` runs it.

A bench is a module with `run(args) -> dict` (figures by name, units in the names, spreads as
`p50`, `p95`, `p99`, sample sizes as `n`) and, where it has options, `add_arguments(parser)`.
"""
