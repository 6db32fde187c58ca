"""A room's ear and mouth: hears the wake word, sends the command, plays the answer."""
