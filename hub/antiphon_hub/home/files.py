"""Which files make a house: those that the settings name, and those made in the console."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

OWN: Final = "own"
"""Their folder's name in the hub's state directory."""
HOME: Final = "home.yaml"
SENTENCES: Final = "sentences"


class HomeFiles:
    """The home's description and the owner's sentences."""

    def __init__(
        self, home: Path | None, sentences: Sequence[Path] = (), own: Path | None = None
    ) -> None:
        """Name them.

        Args:
            home: The home's file by the settings; None: none is named there.
            sentences: The sentence files of the settings.
            own: The folder where the console keeps what was made there; None: there is none.
        """
        self._home = home
        self._sentences = tuple(sentences)
        self.own = own

    @property
    def home(self) -> Path | None:
        """The file that counts; None: the example home."""
        if self._home is not None or self.own is None:
            return self._home
        made = self.own / HOME
        return made if made.exists() else None

    @property
    def home_to_write(self) -> Path | None:
        """The file that is to hold the home when it is changed; None: nowhere to keep it."""
        if self._home is not None or self.own is None:
            return self._home
        return self.own / HOME

    @property
    def sentences(self) -> list[Path]:
        """All sentence files, those of the settings first."""
        made = sorted((self.own / SENTENCES).glob("*.yaml")) if self.own is not None else []
        return [*self._sentences, *made]

    def stamps(self) -> tuple[tuple[str, int], ...]:
        """Return what changes when a file does."""
        files = [*self.sentences, *([self.home] if self.home else [])]
        return tuple((str(one), one.stat().st_mtime_ns if one.exists() else 0) for one in files)

    def drafted(self, changed: Mapping[Path, str], folder: Path) -> "Draft":
        """Return the files as they would be with these texts, written into that folder."""
        names: dict[str, str] = {}

        def drafted(path: Path) -> Path:
            if path not in changed:
                return path
            copy = folder / f"{len(names)}-{path.name}"
            copy.write_text(changed[path], encoding="utf-8")
            names[str(copy)] = path.name
            return copy

        home = self.home
        if self.home_to_write in changed:
            home = self.home_to_write
        sentences = list(dict.fromkeys([*self.sentences, *(one for one in changed if one != home)]))
        return Draft(drafted(home) if home else None, [drafted(one) for one in sentences], names)


class Draft:
    """Files of a house that is to be tried."""

    def __init__(
        self, home: Path | None, sentences: Sequence[Path], names: Mapping[str, str]
    ) -> None:
        self.home = home
        self.sentences = sentences
        self.names = names
        """What each draft is the draft of."""
