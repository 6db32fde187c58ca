"""Timers, alarms, reminders and lists: set by voice or request, kept, rung for, told of."""
