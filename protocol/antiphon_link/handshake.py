"""The key exchange of pairing: SPAKE2 over the code, a proof, and what is sealed with the key.

Both sides get a key that is the same only if the code was. The device proves first that it has it;
a listener, or somebody between the two, gains nothing from what is said that helps to guess.

Its libraries are imported where they are used: that takes a tenth of a program's start, and hardly
any start pairs.
"""

import hmac
import os
from typing import Final

import msgspec

from antiphon_link.errors import PairingError
from antiphon_protocol.messages.pairing import DeviceKind, Membership, PairHello

_HUB: Final = b"antiphon hub"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class DeviceSide:
    """One run, seen from the device; a failed one is not used again."""

    def __init__(self, code: str, kind: DeviceKind, device: str, serial: str) -> None:
        from spake2 import SPAKE2_A  # noqa: PLC0415 - see above

        self._exchange = SPAKE2_A(code.encode(), idA=_identity(kind, device, serial), idB=_HUB)
        self.share: bytes = self._exchange.start()
        self._sealing = b""

    def prove(self, share: bytes) -> bytes:
        """Take the hub's share; returns the proof that we know the code.

        Raises:
            PairingError: it is no share.
        """
        try:
            secret = self._exchange.finish(share)
        except Exception as error:  # noqa: BLE001 - the library declares no base for what is no share
            raise PairingError("wrong-code", f"the hub's answer cannot be used: {error}") from None
        proving, self._sealing = _keys(secret)
        return _proof(proving)

    def open(self, sealed: bytes, request: str) -> Membership:
        """Return what the hub sealed for us.

        Raises:
            PairingError: whoever sealed it has another key, so no code of ours.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = AESGCM(self._sealing).decrypt(nonce, text, request.encode())
            return msgspec.msgpack.decode(plain, type=Membership)
        except (InvalidTag, ValueError, msgspec.MsgspecError):
            raise PairingError(
                "wrong-code", "the hub's answer is not from who has the code"
            ) from None


class HubSide:
    """One run, seen from the hub."""

    def __init__(self, code: str, hello: PairHello) -> None:
        """Take the device's share and make ours.

        Raises:
            PairingError: it is no share.
        """
        from spake2 import SPAKE2_B  # noqa: PLC0415 - see above

        identity = _identity(hello.kind, hello.device, hello.serial)
        exchange = SPAKE2_B(code.encode(), idA=identity, idB=_HUB)
        self.share: bytes = exchange.start()
        try:
            secret = exchange.finish(hello.share)
        except Exception as error:  # noqa: BLE001 - the library declares no base for what is no share
            raise PairingError("wrong-code", f"the device's share is none: {error}") from None
        self._proving, self._sealing = _keys(secret)

    def accepts(self, proof: bytes) -> bool:
        """Tell whether the device knows the code."""
        return hmac.compare_digest(_proof(self._proving), proof)

    def seal(self, membership: Membership, request: str) -> bytes:
        """Return what only the device of this run can read."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        nonce = os.urandom(_NONCE_BYTES)
        plain = msgspec.msgpack.encode(membership)
        return nonce + AESGCM(self._sealing).encrypt(nonce, plain, request.encode())


def _identity(kind: str, device: str, serial: str) -> bytes:
    """Bind the run to who the device says it is; slugs hold no zero byte."""
    return b"\0".join(part.encode() for part in (kind, device, serial))


def _keys(secret: bytes) -> tuple[bytes, bytes]:
    """Return the keys for proving and for sealing (RFC 5869)."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - see above

    both = HKDF(hashes.SHA256(), 2 * _KEY_BYTES, salt=None, info=b"antiphon pairing 1")
    derived = both.derive(secret)
    return derived[:_KEY_BYTES], derived[_KEY_BYTES:]


def _proof(key: bytes) -> bytes:
    return hmac.digest(key, b"device", "sha256")
