"""Voice activity: the port and one adapter a file."""
