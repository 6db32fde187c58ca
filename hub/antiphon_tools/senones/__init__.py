"""Making the network of senones: speech, its labels, rooms and noise, training."""
