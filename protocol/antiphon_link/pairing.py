"""Becoming part of a house: the device's side of pairing, over a broker that knows it not yet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from antiphon_link import mqtt
from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connect
from antiphon_link.errors import (
    LinkDownError,
    LinkRefusedError,
    NotFoundError,
    PairingError,
)
from antiphon_link.handshake import DeviceSide
from antiphon_link.link import Envelope, Link
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.pairing import (
    DeviceKind,
    Membership,
    PairAnswer,
    PairGranted,
    PairHello,
    PairProof,
    PairRefused,
    PairShare,
)
from antiphon_protocol.pairing_code import label_of, new_code
from antiphon_protocol.topics import PAIR_ANSWER, PAIR_ASK

log = logging.getLogger(__name__)

A = TypeVar("A", PairShare, PairGranted)

ACCOUNT: Final = "pairing"
"""The broker's account for devices that have none, while pairing is open; no secret."""
RUN_LIMIT_S: Final = 30.0
"""A small board takes seconds for the arithmetic."""
AGAIN_S: Final = 2.0
"""Between two looks whether pairing is open."""
GIVEN_LIMIT_S: Final = 900.0
"""How long a device with a given code waits for the hub to be ready for it."""
WRONG_MAX: Final = 5
"""After so many failed runs a device with a code of its own gives up: somebody is guessing."""
PROOF_S: Final = 15.0
"""Within this time the broker must know the new account."""


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to be let in."""

    kind: DeviceKind
    device: str
    """The id that it will have in the house."""
    room: str = ""
    host: str = ""
    software: str = ""
    serial: str


async def join(
    find: Callable[[], Awaitable[BrokerAddress]],
    who: Applicant,
    *,
    code: str = "",
    show: Callable[[str], None],
    connect: Connect = mqtt.connect,
) -> Membership:
    """Become part of the house; waits until somebody opens pairing at the hub.

    Args:
        find: Gives the broker's address, without an account.
        who: Who we are.
        code: The hub's code; empty: make codes of our own.
        show: Called with each code of our own, for a person to carry to the hub.
        connect: Opens connections.

    Raises:
        PairingError: the hub refuses us, or nobody let us in.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + GIVEN_LIMIT_S if code else None
    address: BrokerAddress | None = None
    current, wrong = code, 0
    while until_s is None or loop.time() < until_s:
        if not current:
            current = new_code()
            show(current)
        try:
            address = address or await find()
            membership = await _ask(address, who, current, connect)
        except LinkRefusedError as error:
            log.debug("pairing is not open: %s", error)
        except (LinkDownError, NotFoundError) as error:
            log.debug("the hub is not there: %s", error)
            address = None
        except PairingError as error:
            if error.code == "wrong-code":
                wrong += 1
                current = ""  # a code is good for one run
            if error.code in ("taken", "full") or (code and wrong) or wrong >= WRONG_MAX:
                raise
        else:
            await _prove(address, membership, connect)
            return membership
        await asyncio.sleep(AGAIN_S)
    raise PairingError("closed", f"nobody opened pairing at the hub within {GIVEN_LIMIT_S:g} s")


async def _ask(address: BrokerAddress, who: Applicant, code: str, connect: Connect) -> Membership:
    """Run the exchange once."""
    request = new_id("pair")
    answers: asyncio.Queue[PairAnswer] = asyncio.Queue(maxsize=8)

    async def resolve() -> BrokerAddress:
        # Nobody is trusted yet and nothing secret is said: what is, is sealed with the code's key.
        return msgspec.structs.replace(
            address, username=ACCOUNT, password=ACCOUNT, authority="", unverified=True
        )

    def answered(answer: PairAnswer, _: Envelope) -> None:
        if not answers.full():
            answers.put_nowait(answer)

    link = Link(resolve, client_id=request, name="pairing", connect=connect)
    link.on(PAIR_ANSWER, answered, request=request)
    running = asyncio.create_task(link.run())
    talking = asyncio.create_task(_talk(link, request, who, code, answers))
    try:
        done, _ = await asyncio.wait(
            {running, talking}, timeout=RUN_LIMIT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if talking in done:
            return talking.result()
        if running in done:
            running.result()  # raises
        raise LinkDownError("the hub does not answer")
    finally:
        for task in (talking, running):
            task.cancel()
        await asyncio.wait({talking, running})


async def _talk(
    link: Link, request: str, who: Applicant, code: str, answers: asyncio.Queue[PairAnswer]
) -> Membership:
    await link.wait_connected()
    side = await asyncio.to_thread(DeviceSide, code, who.kind, who.device, who.serial)
    hello = PairHello(
        kind=who.kind,
        device=who.device,
        label=label_of(code),
        room=who.room,
        host=who.host,
        software=who.software,
        serial=who.serial,
        share=side.share,
    )
    await link.send(PAIR_ASK, hello, request=request)
    share = _expected(PairShare, await answers.get()).share
    proof = PairProof(proof=await asyncio.to_thread(side.prove, share))
    await link.send(PAIR_ASK, proof, request=request)
    return side.open(_expected(PairGranted, await answers.get()).sealed, request)


def _expected(wanted: type[A], answer: PairAnswer) -> A:
    if isinstance(answer, PairRefused):
        raise PairingError(answer.code, answer.text)
    if not isinstance(answer, wanted):
        raise PairingError("wrong-code", "the hub's answers come in no order")
    return answer


async def _prove(address: BrokerAddress, membership: Membership, connect: Connect) -> None:
    """Sign in as who we are now: the broker takes a moment to know us."""
    mine = msgspec.structs.replace(
        address,
        username=membership.username,
        password=membership.password,
        authority=membership.authority,
        unverified=False,
    )
    until_s = asyncio.get_running_loop().time() + PROOF_S
    while True:
        try:
            async with connect(mine, new_id("proof"), None, _Nobody()):
                return
        except (LinkDownError, LinkRefusedError) as error:
            if asyncio.get_running_loop().time() > until_s:
                raise PairingError("closed", f"paired, and yet refused: {error}") from None
            await asyncio.sleep(AGAIN_S / 10)


class _Nobody:
    """Receives nothing: it is subscribed to nothing."""

    def dispatch(self, delivery: object) -> None:
        """Take no message."""
