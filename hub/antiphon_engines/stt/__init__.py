"""Speech to text: the port and one adapter a file."""
