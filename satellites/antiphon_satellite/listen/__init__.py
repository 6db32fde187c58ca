"""From the microphone to a call: sources, pre-roll, noise floor, voice gate, wake word."""
