"""What an ear listens with, loaded as the settings describe it."""

import msgspec

from antiphon_ears.registry import installed_vad, installed_wake, load_vad, load_wake
from antiphon_ears.wake.joint import JointEngine, JointStream
from antiphon_satellite.errors import NoWakeEngineError
from antiphon_satellite.listen.ear import Ear
from antiphon_satellite.listen.gate import Gate
from antiphon_satellite.settings import DEFAULT_ENGINES, GateSection, WakeSection


class Engines(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Wake engines or a gate; neither, where only the button calls."""

    wake: JointStream | None = None
    gate: Gate | None = None
    known_phrases: tuple[str, ...] = ()
    """Wake phrases that any of the engines knows."""

    @property
    def names(self) -> tuple[str, ...]:
        """The wake engines."""
        return tuple(part.engine for part in self.wake.parts) if self.wake else ()

    def ear(self) -> Ear:
        """Return an ear that listens with them."""
        return Ear(self.wake, self.gate)


def load_engines(wake: WakeSection, gate: GateSection) -> Engines:
    """Return the engines that the settings describe, with their models: blocking, for a moment.

    Raises:
        NoWakeEngineError: the wake word shall be heard here, and no engine is installed.
        EarsError: an engine that the settings name is missing or knows not the phrase.
    """
    if wake.mode == "hub":
        return Engines(gate=_gate(gate))
    if wake.mode == "none":
        return Engines()
    names = wake.engines or tuple(name for name in DEFAULT_ENGINES if name in installed_wake())
    if not names:
        raise NoWakeEngineError(
            "no wake-word engine is installed: `pip install antiphon-satellite[microwake]`, "
            "or use --wake hub (a worker looks for the phrase) or --wake none (only the button)"
        )
    engine = JointEngine([load_wake(name) for name in names], wake.together)
    return Engines(
        wake=engine.open(wake.phrases, wake.threshold), known_phrases=tuple(engine.phrases)
    )


def _gate(gate: GateSection) -> Gate:
    name = gate.engine
    if name == "auto":
        name = "microvad" if "microvad" in installed_vad() else "energy"
    return Gate(load_vad(name), threshold=gate.threshold, hangover_s=gate.hangover_s)
