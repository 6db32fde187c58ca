"""What sounds in which room, how loud, and what waits."""

from antiphon_hub.playback.playback import Playback

__all__ = ["Playback"]
