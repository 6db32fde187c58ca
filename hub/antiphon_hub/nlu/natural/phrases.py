"""What an intent is in words: to ask `do you want me to ...`, to say what cannot be done (pure)."""

from typing import Final

from antiphon_hub.home.spoken import plural_of
from antiphon_hub.nlu.meaning import Interpretation

DOING: Final = {
    "HassTurnOn": "turn on",
    "HassTurnOff": "turn off",
    "HassLightSet": "change",
    "HassGetState": "check",
    "HassSetPosition": "move the blinds",
    "HassClimateGetTemperature": "tell you the temperature",
    "HassClimateSetTemperature": "set the temperature",
    "HassClimateSetFanMode": "set the fan mode",
    "HassFanSetSpeed": "set the fan's speed",
    "HassGetWeather": "tell you the weather",
    "HassGetCurrentTime": "tell you the time",
    "HassGetCurrentDate": "tell you the date",
    "HassSetVolume": "set the volume",
    "HassSetVolumeRelative": "change the volume",
    "HassMediaPlayerMute": "mute the sound",
    "HassMediaPlayerUnmute": "bring the sound back",
    "HassMediaPause": "pause the music",
    "HassMediaUnpause": "go on with the music",
    "HassMediaNext": "play the next song",
    "HassMediaPrevious": "play the song before",
    "HassMediaSearchAndPlay": "play music",
    "HassListAddItem": "add to the list",
    "HassListRemoveItem": "take something off the list",
    "HassListCompleteItem": "check something off the list",
    "HassShoppingListAddItem": "add to the shopping list",
    "HassShoppingListCompleteItem": "check something off the shopping list",
    "HassStartTimer": "start a timer",
    "HassCancelTimer": "cancel the timer",
    "HassCancelAllTimers": "cancel all timers",
    "HassTimerStatus": "tell you about the timer",
    "HassPauseTimer": "pause the timer",
    "HassUnpauseTimer": "go on with the timer",
    "HassIncreaseTimer": "add time to the timer",
    "HassDecreaseTimer": "take time off the timer",
    "HassVacuumStart": "start the vacuum",
    "HassVacuumCleanArea": "clean that room",
    "HassVacuumReturnToBase": "send the vacuum home",
    "HassLawnMowerStartMowing": "mow the lawn",
    "HassLawnMowerDock": "send the mower home",
    "AntiphonSetAlarm": "set an alarm",
    "AntiphonCancelAlarm": "cancel the alarm",
    "AntiphonAlarmStatus": "tell you about the alarms",
    "HassBroadcast": "announce that",
}


def phrase(meaning: Interpretation) -> str:
    """Return what would be done: `turn on the kitchen light`, `set an alarm`."""
    what = DOING.get(meaning.intent, "do that")
    if not meaning.devices:
        return what
    named = meaning.slots.get("name")
    if named:
        return f"{what} the {named}"
    kind = str(meaning.slots.get("domain", "light"))
    plural = plural_of(kind)
    where = f" in the {meaning.slots['area']}" if meaning.slots.get("area") else ""
    return f"{what} the {plural}{where}"
