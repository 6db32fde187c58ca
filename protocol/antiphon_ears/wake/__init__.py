"""Wake words: the port and one adapter a file."""
