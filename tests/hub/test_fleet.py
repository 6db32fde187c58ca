"""Who is in which room."""

from antiphon_hub.fleet import Fleet
from antiphon_hub.fleet.fleet import SATELLITES_MAX
from antiphon_hub.publisher import RecordingPublisher
from antiphon_protocol.messages.presence import Goodbye, Hello
from antiphon_protocol.version import VersionRange


def hello(name: str = "sat", epoch: int = 1, room: str = "Kitchen", newest: int = 1) -> Hello:
    return Hello(
        satellite=name,
        epoch=epoch,
        room=room,
        protocol=VersionRange(newest, newest),
        software="0",
        host="host",
        instance="one",
    )


def test_a_satellite_comes_moves_and_goes() -> None:
    publisher = RecordingPublisher()
    fleet = Fleet(publisher)
    fleet.joined("sat", hello())
    fleet.joined("sat", hello(epoch=2, room="Hall"))
    assert [one.id for one in fleet.in_room(" hall ")] == ["sat"]
    assert fleet.in_room("Kitchen") == ()
    assert fleet.left("sat", Goodbye(satellite="sat", epoch=2, reason="stopped"))
    assert fleet.get("sat") is None
    kinds = [type(one).__name__ for one in publisher.events]
    assert kinds == ["SatelliteJoined", "SatelliteJoined", "SatelliteLeft"]


def test_the_will_of_an_earlier_connection_changes_nothing() -> None:
    fleet = Fleet(RecordingPublisher())
    fleet.joined("sat", hello(epoch=5))
    assert not fleet.left("sat", Goodbye(satellite="sat", epoch=4, reason="lost"))
    assert fleet.get("sat") is not None


def test_a_clock_that_was_set_back_hides_nobody_who_came_back() -> None:
    fleet = Fleet(RecordingPublisher())
    fleet.joined("sat", hello(epoch=5))
    assert fleet.joined("sat", hello(epoch=4))  # its end was not seen
    assert not fleet.joined("sat", hello(epoch=4))
    assert fleet.left("sat", Goodbye(satellite="sat", epoch=4, reason="lost"))


def test_a_satellite_that_speaks_no_common_version_is_refused() -> None:
    fleet = Fleet(RecordingPublisher())
    fleet.joined("sat", hello(newest=99))
    assert fleet.get("sat") is None


def test_a_presence_that_names_another_satellite_is_ignored() -> None:
    fleet = Fleet(RecordingPublisher())
    fleet.joined("sat", hello("other"))
    assert list(fleet) == []


def test_there_is_an_end_to_satellites() -> None:
    fleet = Fleet(RecordingPublisher())
    for number in range(SATELLITES_MAX + 3):
        fleet.joined(f"s{number}", hello(f"s{number}"))
    assert len(list(fleet)) == SATELLITES_MAX
