"""Learning: manifests of recordings in, a network out. Needs the extra `torch`."""
