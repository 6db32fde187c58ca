"""What was meant: sentence templates, names of the home, and the closed grammar made of both."""
