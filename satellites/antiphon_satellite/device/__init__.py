"""The satellite as a thing in a room: who it is, its light, its button, its health."""
