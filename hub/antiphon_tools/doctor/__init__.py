"""What is there, what is missing, how to mend it: one small examination a module."""
