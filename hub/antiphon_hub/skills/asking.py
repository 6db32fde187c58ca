"""Answering what state things are in."""

from collections.abc import Callable, Sequence

from antiphon_hub.home.model import Device, Home
from antiphon_hub.home.spoken import number_words
from antiphon_hub.skills.port import DevicePort, Reply, Request
from antiphon_hub.skills.wording import condition, device_phrase, listed, percent, sentence, verb
from antiphon_protocol.messages.event import DeviceState

_ON = frozenset({"on", "open", "opening", "locked"})


class AskingSkill:
    """Answers from the last known states."""

    intents = frozenset({"HassGetState"})

    def __init__(self, home: Home, devices: DevicePort) -> None:
        self._home = home
        self._devices = devices
        self._answers: dict[str, Callable[[_Question], str]] = {
            "all": self._all,
            "which": self._which,
            "how_many": self._how_many,
            "one": self._condition,
            "one_yesno": self._yes_or_no,
        }

    async def do(self, request: Request) -> Reply:
        """Return the answer."""
        devices = [one for one in self._home.devices if one.id in request.devices]
        if not devices:
            return Reply("Sorry, I don't know which device you mean.", ok=False, code="no-device")
        unknown = [one for one in devices if self._devices.state(one.id) is None]
        if len(unknown) == len(devices):
            phrase = device_phrase(devices[0], self._home, request.room)
            what = f"{phrase} {verb(devices)}" if len(devices) == 1 else "they are"
            return Reply(f"I don't know how {what}.", ok=False, code="unknown-state")
        question = _Question(devices, request, self._devices)
        kind = "one_yesno" if len(devices) == 1 and request.response == "any" else request.response
        return Reply(sentence(self._answers.get(kind, self._any)(question)))

    def _phrase(self, devices: Sequence[Device], question: "_Question") -> str:
        return listed([device_phrase(one, self._home, question.room) for one in devices])

    def _any(self, question: "_Question") -> str:
        if not question.matched:
            return f"no, none {question.wanted}"
        return f"yes, {self._phrase(question.matched, question)} {question.wanted_verb}"

    def _all(self, question: "_Question") -> str:
        if not question.others:
            return f"yes, all are {question.word}"
        others = question.others
        return f"no, {self._phrase(others, question)} {verb(others)} not"

    def _which(self, question: "_Question") -> str:
        if not question.matched:
            return f"none {question.wanted}"
        return f"{self._phrase(question.matched, question)} {question.wanted_verb}"

    def _how_many(self, question: "_Question") -> str:
        count = len(question.matched)
        if count == 0:
            return f"none {question.wanted}"
        return f"{number_words(count)} {'is' if count == 1 else 'are'} {question.word}"

    def _yes_or_no(self, question: "_Question") -> str:
        yes = "yes" if question.matched else "no"
        return f"{yes}, {self._condition(question)}"

    def _condition(self, question: "_Question") -> str:
        device = question.devices[0]
        state = self._devices.state(device.id) or DeviceState(on=False)
        dimmed = state.on and state.brightness is not None
        level = f" at {percent(state.brightness)}" if dimmed and state.brightness else ""
        phrase = device_phrase(device, self._home, question.room)
        return f"{phrase} {verb([device])} {condition(device, on=state.on)}{level}"


class _Question:
    """Which of the devices are in the state that was asked for."""

    def __init__(self, devices: Sequence[Device], request: Request, port: DevicePort) -> None:
        wanted_on = str(request.slots.get("state", "on")) in _ON
        self.devices = devices
        self.room = request.room
        self.word = condition(devices[0], on=wanted_on)
        states = {one.id: port.state(one.id) for one in devices}
        self.matched = [
            one for one in devices if (state := states[one.id]) and state.on is wanted_on
        ]
        self.others = [one for one in devices if one not in self.matched]

    @property
    def wanted(self) -> str:
        """The state, said of none."""
        return f"is {self.word}"

    @property
    def wanted_verb(self) -> str:
        """The state, said of those that are in it."""
        return f"{verb(self.matched)} {self.word}"
