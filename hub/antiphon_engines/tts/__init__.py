"""Text to speech: the port and one adapter a file."""
