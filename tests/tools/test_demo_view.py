import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_protocol.messages.event import (
    CommandHeard,
    DeviceChanged,
    Event,
    PartlyHeard,
    ReplyBegan,
    SatelliteJoined,
    SatelliteLeft,
    TurnEnded,
    TurnStarted,
    Understood,
    WorkerJoined,
    WorkerLeft,
)
from antiphon_tools.demo.view import (
    LEVELS_KEPT,
    SILENCE_DBFS,
    TURNS_KEPT,
    HouseView,
    Level,
    RoomState,
    Voice,
)

ROOM = "kitchen"


def started(turn: str = "t1", room: str = ROOM) -> TurnStarted:
    return TurnStarted(turn=turn, room=room, satellite="s1", cause="phrase")


def heard(turn: str = "t1", text: str = "what time is it") -> CommandHeard:
    return CommandHeard(turn=turn, room=ROOM, text=text, confidence=0.9, source="grammar")


def ended(turn: str = "t1", room: str = ROOM) -> TurnEnded:
    return TurnEnded(
        turn=turn,
        room=room,
        satellite="s1",
        outcome="answered",
        transcript="what time is it",
        intent="HassGetCurrentTime",
        reply="It is noon",
    )


def view_after(*events: Event) -> HouseView:
    view = HouseView((ROOM, "bedroom"))
    for event in events:
        view.apply(event)
    return view


JOINED = SatelliteJoined(satellite="s1", room=ROOM)
REPLY = ReplyBegan(turn="t1", room=ROOM, text="It is noon")


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), RoomState.AWAY),
        ((JOINED,), RoomState.IDLE),
        ((JOINED, started()), RoomState.LISTENING),
        ((JOINED, started(), heard()), RoomState.THINKING),
        ((JOINED, started(), heard(), REPLY), RoomState.SPEAKING),
        ((JOINED, started(), heard(), REPLY, ended()), RoomState.IDLE),
        ((JOINED, started(), ended()), RoomState.IDLE),
        ((JOINED, SatelliteLeft(satellite="s1", room=ROOM, reason="lost")), RoomState.AWAY),
        ((JOINED, started("t1"), started("t2"), ended("t1")), RoomState.LISTENING),
    ],
)
def test_a_room_shows_what_its_turn_does(events: tuple[Event, ...], state: RoomState) -> None:
    assert view_after(*events).rooms[ROOM].state is state


def test_partial_text_grows_until_the_transcript_is_final() -> None:
    view = view_after(started(), PartlyHeard(turn="t1", room=ROOM, text="what time"))
    assert view.conversation is not None
    assert (view.conversation.transcript, view.conversation.heard) == ("what time", False)
    view.apply(heard())
    view.apply(PartlyHeard(turn="t1", room=ROOM, text="what"))
    assert (view.conversation.transcript, view.conversation.heard) == ("what time is it", True)


def test_meaning_and_reply_come_into_the_conversation() -> None:
    slots = {"name": "lamp"}
    understood = Understood(turn="t1", room=ROOM, intent="HassTurnOn", slots=slots)
    view = view_after(started(), heard(), understood, REPLY)
    talk = view.conversation
    assert talk is not None
    assert (talk.intent, talk.slots, talk.reply) == ("HassTurnOn", slots, "It is noon")
    assert talk.ended is None
    view.apply(ended())
    assert talk.ended == ended()


def test_facts_of_an_older_turn_leave_the_shown_conversation_alone() -> None:
    view = view_after(started("t1"), started("t2", "bedroom"), heard("t1"), ended("t1"))
    assert view.conversation is not None
    assert (view.conversation.turn, view.conversation.transcript) == ("t2", "")
    assert view.rooms["bedroom"].state is RoomState.LISTENING


def test_devices_and_workers_are_kept_by_id() -> None:
    view = view_after(
        DeviceChanged(device="lamp", room=ROOM, state={"on": True}),
        DeviceChanged(device="lamp", room=ROOM, state={"on": False}),
        DeviceChanged(device="heater", room="no satellite there", state={"on": True}),
        WorkerJoined(worker="w1", device="cpu", engines=("espeak",)),
        WorkerJoined(worker="w2", device="cpu", engines=()),
        WorkerLeft(worker="w1", reason="lost"),
        WorkerLeft(worker="never-here", reason="lost"),
    )
    assert set(view.rooms) == {ROOM, "bedroom"}
    assert view.rooms[ROOM].devices == {"lamp": {"on": False}}
    assert list(view.workers) == ["w2"]


def test_a_room_is_known_by_name_and_id_and_its_devices_by_short_names() -> None:
    view = HouseView(("living room", "kitchen"))
    for device, room in (
        ("living-room-ceiling-light", "living-room"),
        ("reading-lamp", "living room"),
        ("kitchen-light", "kitchen"),
    ):
        view.apply(DeviceChanged(device=device, room=room, state={"on": True}))
    assert set(view.rooms["living room"].devices) == {"ceiling light", "reading lamp"}
    assert set(view.rooms["kitchen"].devices) == {"kitchen light"}


def test_a_room_that_was_not_announced_is_added() -> None:
    view = view_after(SatelliteJoined(satellite="s9", room="attic"))
    assert view.rooms["attic"].state is RoomState.IDLE


def test_what_is_kept_is_bounded_and_the_count_goes_on() -> None:
    view = view_after(*(ended(f"t{n}") for n in range(TURNS_KEPT + 5)))
    for _ in range(LEVELS_KEPT + 5):
        view.level(ROOM, -20.0, Voice.PERSON)
    assert len(view.turns) == TURNS_KEPT
    assert view.turns[0].turn == "t5"
    assert view.turns_ended == TURNS_KEPT + 5
    assert len(view.rooms[ROOM].levels) == LEVELS_KEPT


@given(st.floats(min_value=-200.0, max_value=0.0))
def test_a_level_is_a_fraction_of_full_scale(dbfs: float) -> None:
    fraction = Level(dbfs, Voice.PERSON).fraction
    assert 0.0 <= fraction <= 1.0
    assert (fraction == 0.0) == (dbfs <= SILENCE_DBFS)


def test_only_facts_are_taken() -> None:
    with pytest.raises(TypeError, match="no fact: str"):
        view_after("turn-started")  # type: ignore[arg-type]  # the wrong type is the test
