"""The settings twin: what the hub wants of a satellite, and what counts there."""

from typing import Annotated

from msgspec import Meta

from antiphon_protocol.codec import Message, Record
from antiphon_protocol.limits import LIST_ITEMS_MAX
from antiphon_protocol.messages.fields import GainDb, LevelDbfs, Name, Score, Text

SettingsVersion = Annotated[int, Meta(ge=0, le=2**53)]
"""Counted by the hub, one higher with each change; 0: nothing was set."""
Phrases = Annotated[tuple[Name, ...], Meta(max_length=16)]
Threshold = Annotated[float, Meta(ge=0.01, le=1.0)]
Hangover = Annotated[float, Meta(ge=0.2, le=10.0)]


class SatelliteSettings(Record, frozen=True, kw_only=True):
    """What can be set of a satellite over the wire; nil: as its own settings file has it.

    In `reported-settings` all that counts there; nil: this satellite has no such thing.
    """

    room: Name | None = None
    phrases: Phrases | None = None
    """Wake phrases; not empty."""
    threshold: Threshold | None = None
    """Score from which a phrase counts; nil where each engine has its own."""
    while_playing: bool | None = None
    """Listen for the wake phrase while a reply sounds."""
    gain_db: GainDb | None = None
    """Louder or quieter than other satellites, dB."""
    gate_threshold: Threshold | None = None
    """Speech probability that opens the gate of a satellite without a wake engine."""
    gate_hangover_s: Hangover | None = None
    """Quiet that closes it, seconds."""
    codec: Name | None = None
    """How its microphone's audio travels where the house can take it: `pcm`, `opus`."""


class DesiredSettings(Message, frozen=True, kw_only=True, tag="desired-settings"):
    """What the hub wants; takes the place of all that it wanted before."""

    version: SettingsVersion
    settings: SatelliteSettings = SatelliteSettings()


class ReportedSettings(Message, frozen=True, kw_only=True, tag="reported-settings"):
    """What counts at a satellite; said when it joins, and behind each `desired-settings`."""

    version: SettingsVersion
    """The version that counts."""
    settings: SatelliteSettings
    refused: SettingsVersion = 0
    """The version that was not taken over, if that was the last one; nothing of it counts."""
    why: Text = ""
    """Why it was refused, for a person."""
    engines: Annotated[tuple[Name, ...], Meta(max_length=16)] = ()
    """Wake engines that listen there."""
    known_phrases: Annotated[tuple[Name, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    """Wake phrases that all of them know."""
    restarts: bool = False
    """It takes `restart`."""


class PhraseScore(Record, frozen=True, kw_only=True):
    """How sure one engine was of one phrase, at most, since the message before."""

    engine: Name
    phrase: Name
    score: Score
    threshold: Score
    """From which it would have called."""


class WakeScores(Message, frozen=True, kw_only=True, tag="wake-scores"):
    """What a satellite's wake engines make of what they hear; at most five in a second."""

    level_dbfs: LevelDbfs
    """The loudest frame since the message before."""
    scores: Annotated[tuple[PhraseScore, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    """Empty while the engines rest: a stream runs."""
