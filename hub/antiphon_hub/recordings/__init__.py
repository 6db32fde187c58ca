"""What was spoken, kept for a while where the owner wants that: off unless it is asked for."""

from antiphon_hub.recordings.recordings import Recordings
from antiphon_hub.recordings.shelf import Shelf, files_of

__all__ = ["Recordings", "Shelf", "files_of"]
