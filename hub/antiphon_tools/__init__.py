"""Commands that put several parts together: demo, transcribe, wake, understand, speak, doctor."""
