"""From the wire to the speaker: jitter buffer, player, cues, sinks."""
