"""Named limits of everything that comes from the wire: an attacker can send no more than this."""

from typing import Final

AUDIO_FRAME_BYTES_MAX: Final = 8192
"""One audio frame's samples, bytes: 256 ms at 16 kHz, 16-bit mono."""
OPUS_PACKET_BYTES_MAX: Final = 1275
"""One Opus packet of one frame, bytes (RFC 6716, section 3.4); a microphone's takes some 60."""
OPUS_PACKETS_MAX: Final = 16
"""Packets in one frame: a quarter of a second in packets of 20 ms, and what was left over."""
MESSAGE_BYTES_MAX: Final = 64 * 1024
"""One encoded control message, bytes."""
CONTEXT_BYTES_MAX: Final = 4 * 1024 * 1024
"""One recognition context (grammar and word list), bytes: a large home's grammar is under 1 MiB."""
LIKENESS_BYTES_MAX: Final = 8 * 1024
"""What a household's calls have in common, bytes: some hundred weights of four bytes."""
TEXT_CHARS_MAX: Final = 2000
"""One transcript, reply or announcement, characters: two minutes of speech."""
NAME_CHARS_MAX: Final = 100
"""A room's, engine's, voice's or phrase's name, characters."""
LIST_ITEMS_MAX: Final = 256
"""Items in any list of a message: engines, alternatives, words."""
ALARMS_MAX: Final = 64
"""Timers, alarms and reminders that one satellite holds; of more, the first ones due."""
RESPONSE_TOPIC_BYTES_MAX: Final = 512
"""An asker's response topic, bytes."""
STREAM_SECONDS_MAX: Final = 60.0
"""One uplink stream, seconds of audio: the hard limit of a spoken command."""
STREAM_FRAMES_MAX: Final = 6000
"""Frames of one uplink stream: the longest one in frames of 10 ms."""
STAND_BY_SECONDS: Final = 5.0
"""How long a satellite that lost a call keeps recording, seconds: a worker calls a stream
dead after two seconds, so one that dies within three after the call can be taken over."""
PLAYBACK_SECONDS_MAX: Final = 180.0
"""One playback, seconds of audio: what a satellite must be able to hold."""
WAV_SECONDS_MAX: Final = 600.0
"""One WAV file given to a command, seconds."""
