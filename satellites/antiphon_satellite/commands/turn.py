"""`antiphon turn`: speak one WAV to a running hub and print what came of it."""

import asyncio
import json
import logging
import secrets
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from antiphon_link import logs, program
from antiphon_link.broker import BrokerSettings
from antiphon_link.link import Envelope, Link, Resolver
from antiphon_link.resolve import resolver
from antiphon_protocol.messages.event import Event, TurnEnded
from antiphon_protocol.topics import EVENT
from antiphon_protocol.wav import read_wav, write_wav
from antiphon_satellite.commands.failing import told_plainly
from antiphon_satellite.errors import TurnError
from antiphon_satellite.simulate import SimulatedRoom, Spoken

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

BROKER_WITHIN_S: Final = 15.0
"""Finding it by zeroconf takes five, a broker that just restarts a few more."""
HUB_WITHIN_S: Final = 5.0
"""The hub's retained Welcome comes at once; this is for a hub that just starts."""
EVENT_WITHIN_S: Final = 5.0
"""The hub says what came of a turn when the satellite has played its reply, or given up."""


class Result(msgspec.Struct, frozen=True):
    """What came of a WAV that was spoken."""

    ended: TurnEnded
    spoken: Spoken

    @property
    def answered(self) -> bool:
        """The house did what was asked, or said what was wanted."""
        return self.ended.outcome == "answered"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, in the order in which people ask."""
        ended = self.ended
        return {
            "transcript": ended.transcript,
            "intent": ended.intent,
            "slots": ended.slots,
            "reply": ended.reply,
            "room": ended.room,
            "outcome": ended.outcome,
            "code": ended.code,
            "timings": ended.timings,
            "turn": ended.turn,
            "cues": list(self.spoken.cues),
            "trace": ended.trace,
        }


@cli.command()
def turn(
    wav: Annotated[Path, typer.Argument(help="16 kHz mono 16-bit WAV: wake phrase and command.")],
    room: Annotated[str, typer.Option(help="The room in which it is said.")],
    no_wake: Annotated[
        bool, typer.Option("--no-wake", help="Push the button; the WAV holds only the command.")
    ] = False,
    broker: Annotated[
        str, typer.Option(help="Broker, HOST or HOST:PORT; without: find the hub by zeroconf.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the reply to this WAV file.")] = None,
    timeout_s: Annotated[
        float, typer.Option(min=1.0, max=600.0, help="Give up so long behind the last sample.")
    ] = 60.0,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Speak one WAV to a running hub and print what came of it; exit 0 only if it was answered."""
    logs.set_up(verbose=verbose)
    if not verbose:
        logging.getLogger().setLevel(logging.ERROR)
    results: list[Result] = []

    async def speak() -> None:
        resolve = resolver(BrokerSettings(address=broker))
        results.append(
            await spoken_turn(
                read_wav(wav), str(wav), resolve, room=room, press=no_wake, within_s=timeout_s
            )
        )

    with told_plainly("antiphon turn"):
        program.run(speak())
        if not results:
            raise TurnError("interrupted")
        _print(results[0], as_json=as_json)
        if out is not None:
            _write(results[0].spoken, out)
    if not results[0].answered:
        raise typer.Exit(1)


async def spoken_turn(
    pcm: bytes, name: str, resolve: Resolver, *, room: str, press: bool, within_s: float
) -> Result:
    """Speak in a simulated room and wait for the hub's account of the turn.

    Args:
        pcm: Signed 16-bit mono 16 kHz samples.
        name: What they are, for messages.
        resolve: Finds the broker.
        room: The room's name.
        press: Push the button instead of relying on the wake phrase.
        within_s: How long the turn may take behind the last sample, seconds.

    Raises:
        TurnError: no hub, no wake phrase, or no end in time.
    """
    satellite = f"turn-{secrets.token_hex(4)}"
    sim = SimulatedRoom(resolve, satellite=satellite, room=room, wake="none" if press else "local")
    ended: asyncio.Future[TurnEnded] = asyncio.get_running_loop().create_future()

    def take(event: Event, _: Envelope) -> None:
        if isinstance(event, TurnEnded) and event.satellite == satellite and not ended.done():
            ended.set_result(event)

    watch = Link(resolve, client_id=f"{satellite}-watch", name="turn")
    watch.on(EVENT, take, kind="turn-ended")
    result: Result | TurnError
    async with asyncio.TaskGroup() as group:
        background = [group.create_task(watch.run()), group.create_task(sim.run())]
        try:
            await _wait_ready(watch, sim)
            spoken = await sim.speak(pcm, press_button=press, within_s=within_s)
            result = Result(await _account(ended, spoken, name, within_s), spoken)
        except TurnError as error:
            result = error  # raised behind the group, which would wrap it
        finally:
            for task in background:
                task.cancel()
    if isinstance(result, TurnError):
        raise result
    return result


async def _wait_ready(watch: Link, sim: SimulatedRoom) -> None:
    try:
        async with asyncio.timeout(BROKER_WITHIN_S):
            await watch.wait_connected()
    except TimeoutError:
        raise TurnError(
            f"no broker could be reached within {BROKER_WITHIN_S:g} s; "
            "is `antiphon hub` running, and is --broker HOST:PORT its address?"
        ) from None
    try:
        async with asyncio.timeout(HUB_WITHIN_S):
            await sim.wait_ready()
    except TimeoutError:
        raise TurnError(
            "the broker answers, but no hub is there; start one: antiphon hub"
        ) from None


async def _account(
    ended: asyncio.Future[TurnEnded], spoken: Spoken, name: str, within_s: float
) -> TurnEnded:
    if not spoken.called:
        raise TurnError(
            f"{name}: no wake phrase was heard in it; it should begin with `hey mycroft`, or hold "
            "the command alone and be spoken with --no-wake"
        )
    try:
        async with asyncio.timeout(EVENT_WITHIN_S):
            return await ended
    except TimeoutError:
        if "unreachable" in spoken.cues:
            raise TurnError(f"{name}: the hub did not take the call; look at its log") from None
        raise TurnError(
            f"{name}: the turn did not end within {within_s:g} s; look at the hub's log"
        ) from None


def _write(spoken: Spoken, out: Path) -> None:
    if not spoken.reply:
        raise TurnError(f"{out}: not written, for nothing was replied")
    try:
        out.write_bytes(write_wav(spoken.reply, spoken.reply_rate_hz))
    except OSError as error:
        raise TurnError(f"{out}: cannot be written: {error.strerror}") from None


def _print(result: Result, *, as_json: bool) -> None:
    told = result.as_dict()
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    for key in ("transcript", "intent", "slots", "reply", "outcome", "code"):
        if told[key]:
            print(f"{key:<11}{told[key]}")
    print("timings    " + ", ".join(f"{k} {v:.0f} ms" for k, v in result.ended.timings.items()))


def main() -> None:
    """Run the command."""
    cli()
