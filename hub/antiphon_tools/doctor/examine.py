"""All examinations, in the order in which a person would mend things."""

import asyncio
from pathlib import Path

from antiphon_hub.errors import MistakesError
from antiphon_hub.home.model import load_home
from antiphon_hub.settings import Settings
from antiphon_link import settings as files
from antiphon_link.errors import SettingsError
from antiphon_tools.doctor.engines import examine_engines
from antiphon_tools.doctor.finding import Finding
from antiphon_tools.doctor.machine import (
    examine_opus,
    examine_packages,
    examine_programs,
    examine_python,
    examine_sound,
    examine_state_dir,
)
from antiphon_tools.doctor.network import examine_broker, examine_neighbourhood


async def examine(config: Path | None) -> list[Finding]:
    """Return everything there is to say about this machine as a hub with these settings."""
    about_settings, settings = _settings(config)
    broker, neighbourhood, sound, engines = await asyncio.gather(
        examine_broker(settings),
        examine_neighbourhood(),
        examine_sound(),
        examine_engines(settings),
    )
    return [
        examine_python(),
        *examine_packages(),
        examine_opus(),
        *about_settings,
        *_home(settings),
        examine_state_dir(settings.state_dir()),
        *broker,
        neighbourhood,
        *engines,
        *sound,
        *examine_programs(),
    ]


def _settings(config: Path | None) -> tuple[list[Finding], Settings]:
    """Read the settings; with mistakes in them, go on with the defaults."""
    where = str(config) if config is not None else "defaults"
    try:
        settings = files.load(config, Settings)
    except SettingsError as error:
        return [
            Finding("settings", where, "missing", mistake, "mend that line")
            for mistake in error.mistakes
        ], Settings()
    return [Finding("settings", where, "ok", "no mistakes")], settings


def _home(settings: Settings) -> list[Finding]:
    file = settings.home.file
    try:
        home = load_home(Path(file) if file else None)
    except MistakesError as error:
        return [
            Finding("home", file, "missing", mistake, "mend that line")
            for mistake in error.mistakes
        ]
    detail = f"{len(home.rooms)} rooms, {len(home.devices)} devices"
    return [Finding("home", file or "the example home", "ok", detail)]
