"""Which room answers when several satellites hear one call. Pure.

`gains`: how well each satellite hears, learned over time. `arbiter`: which reports are one call,
and which of them leads.
"""
