"""The voice `wyoming`: any Wyoming synthesizer, Piper among them, on this machine or another."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

import msgspec

from antiphon_engines.errors import ModelError, ServiceError
from antiphon_engines.resample import Resampler
from antiphon_engines.wyoming.codec import Event
from antiphon_engines.wyoming.connection import Connection
from antiphon_engines.wyoming.options import WyomingOptions, read_options
from antiphon_engines.wyoming.service import Service, fitting, languages_of
from antiphon_protocol.audio import SAMPLE_BYTES
from antiphon_protocol.limits import LIST_ITEMS_MAX, TEXT_CHARS_MAX

RATE_HZ: Final = 22_050
"""What Piper's voices have; other services' samples are brought to it."""
SPEECH_S_MAX: Final = 300.0
"""A text of the longest kind takes less; a service that never ends is cut off."""
_AUDIO: Final = ("audio-start", "audio-chunk", "audio-stop")
_OWN_CHOICE: Final = "default"


class _Format(msgspec.Struct, frozen=True):
    """How the service's samples are."""

    rate: int
    width: int
    channels: int


class WyomingTts:
    """See TtsEngine."""

    name = "wyoming"
    rate_hz = RATE_HZ

    def __init__(self, options: WyomingOptions) -> None:
        self.options = options
        self._uri = options.tts_uri or options.uri
        self._service = Service(self._uri, options.connect_s)
        known = self._service.greet().voices()
        names = [options.voice or _OWN_CHOICE, *(voice.name for voice in known)]
        self.voices = tuple(dict.fromkeys(names))[:LIST_ITEMS_MAX]
        spoken = [one for one in known if one.name == options.voice] or known
        primary = (one.replace("_", "-").partition("-")[0] for one in languages_of(spoken))
        self.languages = options.languages or tuple(dict.fromkeys(primary)) or ("en",)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See TtsEngine.from_options; a service that is not there yet is no error."""
        return cls(read_options(options, tts=True))

    def synthesize(self, text: str, *, language: str, voice: str = "") -> Iterator[bytes]:
        """See TtsEngine.synthesize."""
        if len(text) > TEXT_CHARS_MAX:
            raise ModelError(
                f"a text of {len(text)} characters, at most {TEXT_CHARS_MAX}; split the text"
            )
        request = {"text": _plain(text), "voice": self._voice(voice, language)}
        if not request["text"]:
            return
        with self._service.connect() as connection:
            connection.send(Event("synthesize", request), self.options.answer_s)
            yield from self._speech(connection)

    def close(self) -> None:
        """See TtsEngine.close; nothing of it lives between two texts."""

    def _voice(self, voice: str, language: str) -> dict[str, str]:
        known = self._service.info().voices()
        name = voice if voice not in ("", _OWN_CHOICE) else self.options.voice
        if not name:
            return {"language": fitting(language, languages_of(known))}
        if known and name not in (names := [one.name for one in known]):
            some = ", ".join(names[:12])
            raise ModelError(f"{self._uri} has no voice {name[:80]!r}; it has: {some}")
        speaker = {"speaker": self.options.speaker} if self.options.speaker else {}
        return {"name": name, **speaker}

    def _speech(self, connection: Connection) -> Iterator[bytes]:
        speech: _Speech | None = None
        while (event := connection.receive(_AUDIO, self.options.answer_s)).type != _AUDIO[-1]:
            if speech is None:
                speech = _Speech(self._format(event))
            elif self._format(event) != speech.format:
                raise ServiceError(f"wyoming: {self._uri} changes its samples in mid-sentence")
            if pcm := speech.feed(event.payload):
                yield pcm
        if speech is not None and (rest := speech.rest()):
            yield rest

    def _format(self, event: Event) -> _Format:
        try:
            form = msgspec.convert(event.data, _Format)
        except msgspec.ValidationError as error:
            raise ServiceError(
                f"wyoming: {self._uri} sends audio without its form ({error}); "
                "is it a Wyoming service?"
            ) from None
        if form.width != SAMPLE_BYTES or form.channels != 1 or not 8000 <= form.rate <= 48_000:  # noqa: PLR2004 - what our resampler and every voice can do
            raise ServiceError(
                f"wyoming: {self._uri} gives {form.channels} channels of {8 * form.width} bits at "
                f"{form.rate} Hz; set it to 16-bit mono of 8 to 48 kHz"
            )
        return form


class _Speech:
    """Samples of one text, brought to our rate and bounded."""

    def __init__(self, form: _Format) -> None:
        self.format = form
        self._resampler = Resampler(form.rate, RATE_HZ)
        self._left = int(SPEECH_S_MAX * form.rate) * SAMPLE_BYTES

    def feed(self, pcm: bytes) -> bytes:
        self._left -= max(SAMPLE_BYTES, len(pcm))  # nor do empty pieces go on for ever
        if self._left < 0:
            raise ServiceError(f"wyoming: more than {SPEECH_S_MAX:g} s of speech for one text")
        return self._resampler.feed(pcm)

    def rest(self) -> bytes:
        return self._resampler.feed(b"", last=True)


def _plain(text: str) -> str:
    """Return the text as UTF-8 can carry it, without control characters."""
    said = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(said.split())
