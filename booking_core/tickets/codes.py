"""The code on a sold ticket: signed by us, checked at any door with our public keys, offline."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from groundwork.token_claims import SeatTicketClaims, TokenError
from groundwork.tokens import Tokens, read_kid, read_seat_ticket

TicketCode: TypeAlias = SeatTicketClaims  # what a code says: ticket, event, order, tier, seat
KEYS_MAX: Final = 64  # a key set with more is not one of ours; looking through it stays short


class TicketCodeError(Exception):
    """The code is not one of ours, or not for this event; the text says which, for the gate."""


class KeySetInvalid(ValueError):
    """What the code is to be checked with is no key set, or has a key that is none."""


class _Jwk(msgspec.Struct, frozen=True):
    kty: str
    kid: str = ""
    crv: str = ""
    x: str = ""


class _Jwks(msgspec.Struct, frozen=True):
    keys: Annotated[list[_Jwk], msgspec.Meta(max_length=KEYS_MAX)]


def write_ticket_code(tokens: Tokens, ticket: TicketCode) -> str:
    """Return the signed code. The same ticket gives the same code until the keys rotate."""
    return tokens.sign_seat_ticket(ticket)


def verify_ticket_code(
    code: str, jwks: Mapping[str, Any], event_id: str | None = None, issuer: str = "onsale"
) -> TicketCode:
    """Return what the code says, checked against a key set as `/.well-known/jwks.json` gives it.

    That somebody was let in with it before is for the check-in to know, not for the code.

    Errors: TicketCodeError for a code that is forged, damaged, signed by a key not in the set, or
    for another event than the one asked for; KeySetInvalid when jwks is no key set.
    """
    try:
        keys = msgspec.convert(jwks, _Jwks).keys
    except msgspec.ValidationError as error:
        raise KeySetInvalid(f"not a JSON Web Key Set: {error}") from error
    try:
        kid = read_kid(code)
        key = next((_public_key(jwk) for jwk in keys if jwk.kid == kid and jwk.kty == "OKP"), None)
        if key is None:
            raise TicketCodeError("signed by a key that is not in the key set")
        ticket = read_seat_ticket(code, key, issuer)
    except TokenError as error:
        raise TicketCodeError(str(error)) from error
    if event_id is not None and ticket.event_id != event_id:
        raise TicketCodeError(f"for another event: {ticket.event_id}")
    return ticket


def _public_key(jwk: _Jwk) -> Ed25519PublicKey:
    try:
        x = base64.urlsafe_b64decode(jwk.x + "=" * (-len(jwk.x) % 4))
        if jwk.crv != "Ed25519":
            raise ValueError("not an Ed25519 key")
        return Ed25519PublicKey.from_public_bytes(x)
    except (binascii.Error, ValueError) as error:
        raise KeySetInvalid(f"key {jwk.kid} of the key set is unusable: {error}") from error
