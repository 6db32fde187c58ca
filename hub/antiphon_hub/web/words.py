"""What the house's names are in words for people."""

from typing import Final

OUTCOMES: Final = {"answered": "Answered", "failed": "Failed", "cancelled": "Cancelled"}
STATES: Final = {
    "idle": "Quiet",
    "listening": "Listening",
    "thinking": "Thinking",
    "speaking": "Answering",
    "ringing": "Ringing",
}
SOURCES: Final = {
    "grammar": "as the home says it",
    "dictation": "open text",
    "nothing": "nothing",
}
STAGES: Final = {
    "listen": "Listening",
    "hear": "Recognising",
    "understand": "Understanding",
    "journal": "Writing down",
    "act": "Doing",
    "voice": "Finding its voice",
    "play": "Answering",
    "endpoint": "waiting for the end of speech",
    "recognise": "the recogniser",
    "synthesize": "the voice",
}
INTENTS: Final = {
    "HassTurnOn": "Turn on",
    "HassTurnOff": "Turn off",
    "HassLightSet": "Dim or brighten",
    "HassGetState": "Ask for a state",
    "HassGetCurrentTime": "Ask for the time",
    "HassGetCurrentDate": "Ask for the date",
    "HassNevermind": "Never mind",
    "HassStartTimer": "Set a timer",
    "HassCancelTimer": "Cancel a timer",
    "HassCancelAllTimers": "Cancel all timers",
    "HassTimerStatus": "Ask for a timer",
    "HassIncreaseTimer": "Lengthen a timer",
    "HassDecreaseTimer": "Shorten a timer",
    "HassPauseTimer": "Pause a timer",
    "HassUnpauseTimer": "Resume a timer",
    "HassListAddItem": "Put on a list",
    "HassListCompleteItem": "Take off a list",
    "HassListRemoveItem": "Take off a list",
    "HassBroadcast": "Announce",
    "HassRespond": "Ask about the house itself",
    "AntiphonMessage": "Take a message for others",
    "AntiphonReadList": "Read a list",
    "AntiphonClearList": "Clear a list",
}
REASONS: Final = {
    "not-understood": "not understood",
    "nothing-said": "nothing was said",
    "no-wake": "the wake word was not in it",
    "superseded": "somebody called anew",
    "satellite-lost": "the satellite was lost",
    "hub-restarted": "the hub was restarted",
    "no-worker": "no worker was there",
}
