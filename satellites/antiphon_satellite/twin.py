"""The settings twin: takes over what the hub wants to be set here, and reports what counts.

On top of the settings file. What counts is kept, so that the next start has it before it finds a
hub. What cannot be taken over changes nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from antiphon_codecs.codecs import OPUS, missing
from antiphon_codecs.errors import CodecMissingError
from antiphon_ears.errors import EarsError
from antiphon_link import settings as files
from antiphon_link.errors import SettingsError
from antiphon_protocol.messages.config import DesiredSettings, ReportedSettings, SatelliteSettings
from antiphon_protocol.messages.satellite import Fault
from antiphon_satellite.errors import NoWakeEngineError
from antiphon_satellite.kept_file import replace_file
from antiphon_satellite.listen.engines import Engines, load_engines
from antiphon_satellite.settings import Settings

log = logging.getLogger(__name__)

FAULT = "settings"


class Changed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The settings that count now."""

    settings: Settings
    engines: Engines | None
    """To listen with from now on; None: with those of before."""


class Twin:
    """What is set here: the file's settings, and on top of them the hub's."""

    def __init__(self, base: Settings, room: str, folder: Path | None, satellite: str) -> None:
        """Read what was kept of the last time; without a folder nothing is kept.

        Raises:
            NoWakeEngineError: the wake word shall be heard here, and no engine is installed.
            EarsError: an engine that the settings file names is missing or knows not the phrase.
        """
        section = msgspec.structs.replace(base.satellite, room=room)
        self._base = msgspec.structs.replace(base, satellite=section)
        self._file = folder / f"settings-{satellite}.json" if folder else None
        self._wanted: DesiredSettings | None = None
        self._moved = asyncio.Event()
        self._counts = self._kept()
        self._refused: tuple[int, str] = (0, "")
        try:
            self.settings = merged(self._base, self._counts.settings)
            self.engines = load_engines(self.settings.wake, self.settings.gate)
        except (EarsError, NoWakeEngineError, SettingsError) as error:
            if self._counts.version == 0:
                raise
            log.warning("what the hub had set here does not fit any more: %s", error)
            self._refused = (self._counts.version, str(error)[:500])
            self._counts, self.settings = DesiredSettings(version=0), self._base
            self.engines = load_engines(self.settings.wake, self.settings.gate)

    def want(self, desired: DesiredSettings) -> None:
        """The hub wants this; a newer wish takes the place of one that waits."""
        self._wanted = desired
        self._moved.set()

    async def run(
        self,
        change: Callable[[Changed], None],
        report: Callable[[], None],
        tell: Callable[[Fault], None],
    ) -> None:
        """Take over what is wanted, until cancelled.

        Args:
            change: Called with what counts from now on.
            report: Called when there is something to be reported.
            tell: Called with what could not be taken over.
        """
        while True:
            await self._moved.wait()
            self._moved.clear()
            wanted, self._wanted = self._wanted, None
            if wanted is None:
                continue
            try:
                if wanted != self._counts:
                    change(await self._take_over(wanted))
                self._refused = (0, "")
            except (EarsError, NoWakeEngineError, SettingsError, CodecMissingError) as error:
                log.error("settings %d of the hub: %s", wanted.version, error)  # noqa: TRY400 - the message says it all
                self._refused = (wanted.version, str(error)[:500])
                tell(Fault(code=FAULT, text=str(error)[:500]))
            report()

    def report(self) -> ReportedSettings:
        """Return what counts here."""
        wake, gate = self.settings.wake, self.settings.gate
        local, by_voice = wake.mode == "local", wake.mode == "hub"
        refused, why = self._refused
        return ReportedSettings(
            version=self._counts.version,
            settings=SatelliteSettings(
                room=self.settings.satellite.room,
                phrases=wake.phrases if local else None,
                threshold=wake.threshold if local else None,
                while_playing=wake.while_playing if local else None,
                gain_db=self.settings.speaker.gain_db,
                codec=self.settings.audio.codec,
                gate_threshold=gate.threshold if by_voice else None,
                gate_hangover_s=gate.hangover_s if by_voice else None,
            ),
            refused=refused,
            why=why,
            engines=self.engines.names,
            known_phrases=self.engines.known_phrases,
            restarts=True,
        )

    async def _take_over(self, wanted: DesiredSettings) -> Changed:
        fresh = merged(self._base, wanted.settings)
        if fresh.audio.codec == OPUS and (lacking := missing()):
            raise CodecMissingError(lacking.why, lacking.remedy)
        engines = None
        if (fresh.wake, fresh.gate) != (self.settings.wake, self.settings.gate):
            engines = await asyncio.to_thread(load_engines, fresh.wake, fresh.gate)
            self.engines = engines
        self.settings, self._counts = fresh, wanted
        try:
            await asyncio.to_thread(self._keep, wanted)
        except OSError as error:
            log.warning("what the hub has set counts until the next start: %s", error)
        return Changed(settings=fresh, engines=engines)

    def _kept(self) -> DesiredSettings:
        try:
            data = self._file.read_bytes() if self._file else b""
            return msgspec.json.decode(data, type=DesiredSettings)
        except (OSError, msgspec.DecodeError):
            return DesiredSettings(version=0)  # the hub says again what it wants

    def _keep(self, counts: DesiredSettings) -> None:
        if self._file is not None:
            replace_file(self._file, msgspec.json.encode(counts))


def merged(base: Settings, wanted: SatelliteSettings) -> Settings:
    """Return the settings with what is wanted in their place.

    Raises:
        SettingsError: a value is not allowed; all mistakes are listed.
    """
    places: dict[str, dict[str, object]] = {
        "satellite": {"room": wanted.room},
        "wake": {
            "phrases": wanted.phrases,
            "threshold": wanted.threshold,
            "while_playing": wanted.while_playing,
        },
        "speaker": {"gain_db": wanted.gain_db},
        "audio": {"codec": wanted.codec},
        "gate": {"threshold": wanted.gate_threshold, "hangover_s": wanted.gate_hangover_s},
    }
    given = {
        section: {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
            if value is not None
        }
        for section, fields in places.items()
    }
    checked = files.from_tree(given, Settings, "what the hub wants")
    return msgspec.structs.replace(
        base,
        **{
            section: msgspec.structs.replace(
                getattr(base, section),
                **{name: getattr(getattr(checked, section), name) for name in fields},
            )
            for section, fields in given.items()
        },
    )
