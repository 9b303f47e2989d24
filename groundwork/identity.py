"""How the gateway tells the shop who is asking: one signed header, believed for a minute.

Not a JWT: both ends are ours and know the one algorithm, nobody else ever reads it, and it is made
and checked on every request. An HMAC over compact JSON costs a few microseconds at either end; the
cheapest JWT costs seventy for both together, one with Ed25519 two hundred.
"""

import base64
import hmac
from typing import Annotated, Final, Literal

import msgspec

from groundwork.clock import Clock
from groundwork.errors import NotAdmitted
from groundwork.keys import KeyRing

HEADER_NAME: Final = "Onsale-Identity"
VERSION: Final = "v1"
SECRET_NAME: Final = b"identity"
# The longest way from gateway to shop is a retried request, a few seconds; a minute also forgives
# clocks that differ. A header seen in a log is worth nothing after it.
AGE_MAX_MS: Final = 60_000
# A shop whose clock is behind sees headers from its future.
CLOCK_SKEW_MAX_MS: Final = 30_000
# A browser's names in other sales, at most: as many as its cookies have room for.
OTHER_NAMES_MAX: Final = 8
# Thirteen names of 64 characters, most of them ASCII, in base64; usually 350 characters.
HEADER_CHARACTERS_MAX: Final = 2048

Name = Annotated[str, msgspec.Meta(max_length=64)]
IdentityKind = Literal["pass", "ticket", "anonymous"]


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is asking, by what proof. Ids are empty where the kind has none."""

    kind: IdentityKind
    fan_id: Name = ""
    sale_id: Name = ""
    visit_id: Name = ""
    jkt: Name | None = None
    # How many seats the pass is good for; None: as many as everybody's.
    seats_max: int | None = None
    request_id: Name = ""
    # The same browser's fan ids in other sales; only told where the sale is not known.
    other_fan_ids: Annotated[tuple[Name, ...], msgspec.Meta(max_length=OTHER_NAMES_MAX)] = ()


class _Wire(msgspec.Struct, frozen=True):
    at_ms: int
    who: Identity


_WIRE: Final = msgspec.json.Decoder(_Wire)
_ENCODER: Final = msgspec.json.Encoder()


class IdentitySigner:
    """Both ends of the header, by one secret of the ring."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._secret = ring.secret(SECRET_NAME)
        self._clock = clock

    def sign(self, identity: Identity) -> str:
        """Return the header's value, good for AGE_MAX_MS."""
        content = _ENCODER.encode(_Wire(self._clock.now_ms(), identity))
        body = f"{VERSION}.{base64.urlsafe_b64encode(content).decode()}"
        return f"{body}.{self._mac(body)}"

    def read(self, text: str) -> Identity:
        """Return who is asking.

        Errors: NotAdmitted, its cause says why, for anything the gateway did not sign this minute.
        """
        try:
            return self._read(text)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise NotAdmitted(waiting_room_url="/") from error

    def _read(self, text: str) -> Identity:
        if len(text) > HEADER_CHARACTERS_MAX or not text.isascii():
            raise ValueError("too long or not ASCII")
        body, _, mac = text.rpartition(".")
        if not hmac.compare_digest(mac, self._mac(body)):
            raise ValueError("bad signature")
        version, _, content = body.partition(".")
        if version != VERSION:
            raise ValueError("unknown version")
        wire = _WIRE.decode(base64.urlsafe_b64decode(content))
        age_ms = self._clock.now_ms() - wire.at_ms
        if not -CLOCK_SKEW_MAX_MS <= age_ms <= AGE_MAX_MS:
            raise ValueError(f"signed {age_ms} ms ago")
        return wire.who

    def _mac(self, body: str) -> str:
        digest = hmac.digest(self._secret, body.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode()
