"""What the player says of its playbacks."""

from typing import Literal

import msgspec


class PlaybackChanged(msgspec.Struct, frozen=True):
    """A playback's first sample sounds, its last one has, or it ended without a sound."""

    playback: str
    """Its id; a cue's name as a sound for `cue-over`."""
    to: Literal["began", "ended", "dropped", "cue-over"]
