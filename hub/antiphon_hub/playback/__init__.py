"""What sounds in which room."""
