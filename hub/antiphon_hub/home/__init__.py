"""The home model: rooms, floors and devices, and what they are called."""
