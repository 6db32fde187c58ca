"""How a program is joined to the house: the broker link, discovery, service manager, settings.

Everything here does I/O for all four programs alike; what is said over it is `antiphon_protocol`.
"""
