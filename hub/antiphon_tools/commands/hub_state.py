"""Which hub's state a command looks at."""

from pathlib import Path
from typing import Annotated

import typer

from antiphon_hub.settings import Settings
from antiphon_link import settings

ConfigOption = Annotated[Path | None, typer.Option(help="The hub's settings file, TOML.")]
StateOption = Annotated[
    Path | None, typer.Option(help="The hub's state directory; default: as the hub's.")
]


def state_dir_of(config: Path | None, state_dir: Path | None) -> Path:
    """Return the state directory that was named, or else the settings'.

    Raises:
        SettingsError: the settings cannot be read, or have mistakes.
    """
    return state_dir or settings.load(config, Settings).state_dir()
