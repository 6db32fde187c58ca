"""The whole house in one terminal: a real hub, simulated rooms, spoken commands, a live view."""
