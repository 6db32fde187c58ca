"""Words by which a sentence is something else than the command that it looks like (pure).

The model goes by what people mostly want. Where a word says that this time it may be another thing,
the house asks, however sure the model is.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from antiphon_hub.nlu.natural.words import words_of


class Cue(NamedTuple):
    """What makes one intent doubtful."""

    holds: frozenset[str] = frozenset()
    """Words any of which does."""
    lacks: frozenset[str] = frozenset()
    """Words of which there must be one."""
    beyond: frozenset[str] = frozenset()
    """The words that the house can answer to; any other does."""
    says: re.Pattern[str] | None = None
    """Words in a row that do."""


_TOLD: Final = re.compile(
    r"^(?:i|we|he|she|they|it|this|that|(?:the |my |our )[a-z]+) (?:just |really |so )?"
    r"(?:am|was|were|is|are|got|had|love|loved|like|liked|hate|hated|feel|felt)\b"
)
"""Somebody tells something. `I need`, `I want`, `I would like` are wishes."""
_WATCHED: Final = words_of(
    "radio station stations channel fm podcast podcasts episode episodes audiobook audiobooks book"
    " books chapter chapters video videos movie movies film films game games chess"
)
"""What is played too, and is no music."""
_QUESTION: Final = re.compile(r"^(?:what|who|where|when|which|how|why)\b(?! about\b| don't\b)")
"""`How do I turn it off` and `what trees change colour` are no orders; `why don't you` is one."""
_ORDERS: Final = words_of(
    "HassLightSet HassTurnOn HassTurnOff HassSetPosition HassFanSetSpeed HassClimateSetTemperature"
    " HassSetVolume HassSetVolumeRelative HassMediaPlayerMute HassMediaPlayerUnmute HassMediaPause"
    " HassMediaUnpause HassMediaSearchAndPlay HassMediaNext HassMediaPrevious HassListAddItem"
    " HassListRemoveItem HassListCompleteItem HassStartTimer HassCancelTimer HassPauseTimer"
    " HassUnpauseTimer HassIncreaseTimer HassDecreaseTimer HassVacuumStart HassVacuumReturnToBase"
    " HassVacuumCleanArea HassLawnMowerStartMowing HassBroadcast"
)
_HOW_TO: Final = re.compile(r"^how (?:do|does|can|could|should|would|to)\b")

CUES: Final[dict[str, Cue]] = {
    "HassMediaSearchAndPlay": Cue(
        _WATCHED
        | words_of("pandora spotify youtube netflix itunes soundcloud deezer tidal audible")
        | words_of("funny hilarious joke jokes laugh story stories news called named title who"),
        says=re.compile(
            rf"{_TOLD.pattern}|^do you\b|^add\b|^(?:please )?put (?:\w+ )+in\b|\bwith me$"
        ),
    ),
    "HassMediaNext": Cue(_WATCHED | words_of("title name called what who")),
    "HassMediaPrevious": Cue(_WATCHED | words_of("repeat again title name called what who")),
    "HassMediaPause": Cue(words_of("book books audiobook audiobooks chapter game")),
    "HassMediaUnpause": Cue(words_of("book books audiobook audiobooks chapter game podcast")),
    "HassSetVolumeRelative": Cue(
        words_of("slow slower slowly fast faster quick quicker quickly speed pace accent language")
    ),
    "HassTimerStatus": Cue(says=_HOW_TO),
    "HassGetCurrentTime": Cue(
        words_of("difference different convert conversion between compare compared versus vs")
        | words_of("if when while noon midnight")
    ),
    "HassGetCurrentDate": Cue(
        says=re.compile(r"^(?:hey |hi |so )?(?:how (?:is|was|are|were|has)|how's)\b")
    ),
    "HassGetWeather": Cue(says=_TOLD),
    "HassGetState": Cue(
        words_of("where who why"),
        lacks=words_of("on off running open closed shut locked unlocked opened lit home away"),
    ),
    "HassListAddItem": Cue(
        words_of("remind reminder playlist calendar"),
        says=re.compile(r"^did\b|^(?:do|does|is|are|was|have|has)\b(?!.*\b(?:add|put)\b)"),
    ),
    "AntiphonAlarmStatus": Cue(
        beyond=words_of(
            "a all alarm alarms an any are at can coming could currently did do does for go goes"
            " going have how i is list many me my next now off of on one our please right ring"
            " ringing rings set show tell the there time times up upcoming us we what what's when"
            " which will you your"
        ),
    ),
}


def doubtful(intent: str, words: Sequence[str]) -> bool:
    """Tell whether the words, in lower case and without signs, may mean something else."""
    text = " ".join(words)
    if intent in _ORDERS and _QUESTION.search(text):
        return True
    cue = CUES.get(intent)
    if cue is None:
        return False
    said = frozenset(words)
    return bool(
        not cue.holds.isdisjoint(said)
        or (cue.lacks and cue.lacks.isdisjoint(said))
        or (cue.beyond and not said <= cue.beyond)
        or (cue.says is not None and cue.says.search(text))
    )
