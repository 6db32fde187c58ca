"""What sounds in which room, how loud, and what waits."""

from antiphon_hub.playback.playback import ManyManners, Playback

__all__ = ["ManyManners", "Playback"]
