"""A Wyoming service as the engines see it: what it can do, and connections to it."""

import logging
from typing import Any, Final

import msgspec

from antiphon_engines.errors import EngineError, ServiceError
from antiphon_engines.wyoming.codec import Event
from antiphon_engines.wyoming.connection import Connection

log = logging.getLogger(__name__)

_DESCRIBE: Final = Event("describe")


class Speaker(msgspec.Struct):
    """One of those whose voice a model has."""

    name: str


class Model(msgspec.Struct):
    """A model or a voice."""

    name: str
    languages: tuple[str, ...] = ()
    installed: bool = True
    speakers: tuple[Speaker, ...] | None = None


class Program(msgspec.Struct):
    """A recogniser or a synthesizer."""

    name: str = ""
    models: tuple[Model, ...] = ()
    voices: tuple[Model, ...] = ()
    supports_transcript_streaming: bool = False


class Info(msgspec.Struct):
    """What a service says of itself, as far as it matters here."""

    asr: tuple[Program, ...] = ()
    tts: tuple[Program, ...] = ()

    def models(self) -> list[Model]:
        """Return the models that hear, those at hand if any are."""
        return _at_hand([model for one in self.asr for model in one.models])

    def voices(self) -> list[Model]:
        """Return the voices, those at hand if any are."""
        return _at_hand([voice for one in self.tts for voice in one.voices])


class Service:
    """One service. It may come and go: each job has a connection of its own."""

    def __init__(self, uri: str, connect_s: float) -> None:
        self.uri = uri
        self._connect_s = connect_s
        self._info: Info | None = None

    def greet(self) -> Info:
        """Return what the service can do, or nothing when it is not there now."""
        try:
            return self.info()
        except EngineError as error:
            log.warning("%s; it is tried again when there is work for it", error)
            return Info()

    def info(self) -> Info:
        """Return what the service can do; asked once.

        Raises:
            ServiceError: it is not there, or is no Wyoming service.
        """
        if self._info is None:
            with self.connect() as connection:
                connection.send(_DESCRIBE, self._connect_s)
                event = connection.receive(("info",), self._connect_s)
            self._info = self._read(event.data)
        return self._info

    def connect(self) -> Connection:
        """Return a new connection.

        Raises:
            ServiceError: the service is not there.
        """
        return Connection(self.uri, self._connect_s)

    def _read(self, data: dict[str, Any]) -> Info:
        try:
            return msgspec.convert(data, Info)
        except msgspec.ValidationError as error:
            raise ServiceError(
                f"wyoming: {self.uri} says of itself what cannot be read: {error}"
            ) from None


def languages_of(models: list[Model]) -> tuple[str, ...]:
    """Return all their languages, each once."""
    return tuple(dict.fromkeys(language for model in models for language in model.languages))


def fitting(language: str, known: tuple[str, ...]) -> str:
    """Return the service's own name for a language: `en_US` for `en-GB` if it has no nearer one."""
    wanted = language.replace("_", "-").lower()
    for one in known:
        if one.replace("_", "-").lower() == wanted:
            return one
    primary = wanted.partition("-")[0]
    near = (one for one in known if one.replace("_", "-").lower().partition("-")[0] == primary)
    return next(near, primary)


def _at_hand(models: list[Model]) -> list[Model]:
    return [one for one in models if one.installed] or models
