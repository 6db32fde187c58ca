"""What computes the network: a port, and one adapter a file."""
