"""Audio as frames and back: one maker and one taker of frames for each codec."""
