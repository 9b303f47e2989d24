"""Signs and reads the JWTs of the system: tickets for the line, admission passes, ticket codes."""

import base64
import re
from functools import lru_cache
from typing import Final, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from groundwork.base64url import base64url
from groundwork.clock import Clock
from groundwork.errors import MoveLinkInvalid, NotAdmitted, PassExpired, TicketInvalid
from groundwork.keys import KeyRing
from groundwork.token_claims import (
    MOVE_DECODER,
    PASS_DECODER,
    SEAT_TICKET_DECODER,
    TICKET_DECODER,
    MoveClaims,
    MoveWire,
    PassClaims,
    PassWire,
    SeatTicketClaims,
    SeatTicketWire,
    TicketClaims,
    TicketWire,
    TokenError,
)

__all__ = ["MoveClaims", "PassClaims", "SeatTicketClaims", "TicketClaims", "TokenError", "Tokens"]

ALGORITHM: Final = "EdDSA"
# Our longest token is a seat ticket's code with every name at its limit, under 1,800 characters.
# Nothing is done for a longer text, not even splitting it.
TOKEN_CHARACTERS_MAX: Final = 2048
# Gateways keep time by NTP and differ by milliseconds, at worst by seconds; and a fan who pressed
# the button in time must not lose to the way here. More than half a minute would be a longer pass.
LEEWAY_MS: Final = 30_000
# A checked token takes about 1.5 KB: 24 MB at worst, and more fans than one process has inside.
CHECKED_TOKENS_MAX: Final = 16_384
# One signs at a time, and what signed before a rotation need not be remembered.
KIDS_REMEMBERED_MAX: Final = 2
# Nothing else gets as far as decoding, so no token has a second spelling (padding, blanks).
# 86 characters are the 64 bytes of an Ed25519 signature.
COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", re.ASCII)

Wire = TypeVar("Wire", TicketWire, PassWire, MoveWire, SeatTicketWire)

_JWS: Final = PyJWS(algorithms=[ALGORITHM])  # the list is closed: "none" and HMAC do not exist here


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str


_HEADER_DECODER: Final = msgspec.json.Decoder(_Header)


class Tokens:
    """Signs and reads JWTs (EdDSA) by the ring's keys and the clock it was handed.

    Reading costs about 150 µs, so what was found good is remembered until it runs out, by its exact
    text; a pass that comes again costs a look into a dict. A change of the ring forgets everything.
    """

    def __init__(self, ring: KeyRing, clock: Clock, issuer: str = "onsale") -> None:
        self._ring = ring
        self._clock = clock
        self._issuer = issuer
        self._checked: dict[str, TicketClaims | PassClaims] = {}
        self._checked_generation = ring.generation

    def sign_ticket(self, claims: TicketClaims) -> str:
        """Return the ticket. The same claims give the same text until the keys rotate."""
        return self._sign(TicketWire.of(claims, self._issuer))

    def sign_pass(self, claims: PassClaims) -> str:
        """Return the admission pass. The same claims give the same text until the keys rotate."""
        return self._sign(PassWire.of(claims, self._issuer))

    def sign_seat_ticket(self, claims: SeatTicketClaims) -> str:
        """Return the code of a sold ticket, to be checked anywhere with `read_seat_ticket`."""
        return self._sign(SeatTicketWire.of(claims, self._issuer))

    def read_ticket(self, text: str, sale_id: str | None) -> TicketClaims:
        """Return what a ticket for this sale says, or, without a sale, for whichever it is.

        Errors: TicketInvalid for anything but a running ticket that we signed for this sale.
        """
        claims = self._remembered(text)
        if claims is None:
            try:
                claims = self._open(text, TICKET_DECODER).claims()
            except TokenError as error:
                raise TicketInvalid from error
            self._remember(text, claims)
        if not isinstance(claims, TicketClaims) or sale_id not in (None, claims.sale_id):
            raise TicketInvalid
        if self._is_past(claims.expires_at_ms):
            raise TicketInvalid
        return claims

    def read_pass(self, text: str, *, waiting_room_url: str = "/") -> PassClaims:
        """Return what an admission pass says; the caller checks that its sale is the one wanted.

        Errors: PassExpired (with the waiting room of its sale); NotAdmitted (with the given one)
        for anything but a pass that we signed.
        """
        claims = self._remembered(text)
        if claims is None:
            try:
                claims = self._open(text, PASS_DECODER).claims()
            except TokenError as error:
                raise NotAdmitted(waiting_room_url) from error
            self._remember(text, claims)
        if not isinstance(claims, PassClaims):
            raise NotAdmitted(waiting_room_url)
        if self._is_past(claims.expires_at_ms):
            raise PassExpired(f"/sales/{claims.sale_id}")
        return claims

    def read_lapsed_pass(self, text: str, lapsed_ms_max: int) -> PassClaims | None:
        """Return what a pass says that ended no longer ago than that; None for any other text."""
        try:
            claims = self._open(text, PASS_DECODER).claims()
        except TokenError:
            return None
        lapsed_ms = self._clock.now_ms() - claims.expires_at_ms
        return claims if 0 <= lapsed_ms <= lapsed_ms_max else None

    def sign_move(self, claims: MoveClaims) -> str:
        """Return what a link that moves a place carries."""
        return self._sign(MoveWire.of(claims, self._issuer))

    def read_move(self, text: str, sale_id: str) -> MoveClaims:
        """Return what a link says that moves a place of this sale.

        Errors: MoveLinkInvalid, reason: invalid (not one of ours for this sale) or expired.
        """
        try:
            claims = self._open(text, MOVE_DECODER).claims()
        except TokenError as error:
            raise MoveLinkInvalid("invalid") from error
        if claims.sale_id != sale_id:
            raise MoveLinkInvalid("invalid")
        if self._is_past(claims.expires_at_ms):
            raise MoveLinkInvalid("expired")
        return claims

    def _sign(self, wire: TicketWire | PassWire | MoveWire | SeatTicketWire) -> str:
        # By hand, as RFC 7515 §7.1 has it: the library puts a header together for each token, half the
        # time that a signature takes. Reading is the library's.
        signer = self._ring.signer
        signed = f"{_header_of(signer.kid)}.{base64url(msgspec.json.encode(wire))}"
        return f"{signed}.{base64url(signer.sign(signed.encode()))}"

    def _open(self, text: str, decoder: msgspec.json.Decoder[Wire]) -> Wire:
        key = self._ring.public_key(read_kid(text))
        if key is None:
            raise TokenError("unknown kid")
        wire = open_token(text, key, decoder, self._issuer)
        if wire.iat * 1000 > self._clock.now_ms() + LEEWAY_MS:
            raise TokenError("issued in the future")
        return wire

    def _is_past(self, expires_at_ms: int) -> bool:
        return self._clock.now_ms() > expires_at_ms + LEEWAY_MS

    def _remembered(self, text: str) -> TicketClaims | PassClaims | None:
        if self._checked_generation != self._ring.generation:
            self._checked.clear()
            self._checked_generation = self._ring.generation
        return self._checked.get(text)

    def _remember(self, text: str, claims: TicketClaims | PassClaims) -> None:
        if self._is_past(claims.expires_at_ms):
            return
        if len(self._checked) >= CHECKED_TOKENS_MAX:
            del self._checked[next(iter(self._checked))]  # the oldest; it is only checked again
        self._checked[text] = claims


@lru_cache(KIDS_REMEMBERED_MAX)
def _header_of(kid: str) -> str:
    # "typ" would be "JWT" in every header; without it the QR of a ticket is smaller.
    return base64url(msgspec.json.encode(_Header(ALGORITHM, kid)))


def read_kid(text: str) -> str:
    """Return the key id that a token claims, before anything about it is believed.

    Errors: TokenError for what is too long or no compact JWS signed with EdDSA.
    """
    if len(text) > TOKEN_CHARACTERS_MAX or not COMPACT.fullmatch(text):
        raise TokenError("malformed")
    segment = text.partition(".")[0]
    try:
        header = _HEADER_DECODER.decode(
            base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        )
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TokenError("malformed") from error
    if header.alg != ALGORITHM:
        raise TokenError("wrong algorithm")
    return header.kid


def open_token(
    text: str, key: Ed25519PublicKey, decoder: msgspec.json.Decoder[Wire], issuer: str
) -> Wire:
    """Return the verified content of a token whose `read_kid` named the key. Raises TokenError."""
    try:
        wire = decoder.decode(_JWS.decode(text, key, algorithms=[ALGORITHM]))
    except (PyJWTError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TokenError("bad signature or content") from error
    if wire.iss != issuer:
        raise TokenError("wrong issuer")
    return wire


def read_seat_ticket(text: str, key: Ed25519PublicKey, issuer: str = "onsale") -> SeatTicketClaims:
    """Return what the code of a sold ticket says, at any time of day. Raises TokenError."""
    return open_token(text, key, SEAT_TICKET_DECODER, issuer).claims()
