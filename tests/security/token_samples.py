"""Tokens to read, right ones and forged ones."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from manual_clock import ManualClock

from groundwork.errors import NotAdmitted, TicketInvalid
from groundwork.keys import KeyRing
from groundwork.tokens import PassClaims, SeatTicketClaims, TicketClaims, Tokens

LIFE_MS = 900_000


def ticket_claims(clock: ManualClock, **changes: Any) -> TicketClaims:
    claims = {
        "fan_id": "fan-1",
        "sale_id": "demo",
        "place": 41,
        "entry_number": None,
        "jkt": "k" * 43,
        "issued_at_ms": clock.at_ms,
        "expires_at_ms": clock.at_ms + LIFE_MS,
    }
    return TicketClaims(**{**claims, **changes})


def pass_claims(clock: ManualClock, **changes: Any) -> PassClaims:
    claims = {
        "fan_id": "fan-1",
        "sale_id": "demo",
        "visit_id": "visit-1",
        "jkt": None,
        "issued_at_ms": clock.at_ms,
        "expires_at_ms": clock.at_ms + LIFE_MS,
    }
    return PassClaims(**{**claims, **changes})


def seat_claims(clock: ManualClock) -> SeatTicketClaims:
    return SeatTicketClaims(
        ticket_id="t", event_id="demo", order_id="o", tier="floor", issued_at_ms=clock.at_ms
    )


def signing_key_of(ring: KeyRing) -> Ed25519PrivateKey:
    """The active key, as an outside library takes it."""
    return Ed25519PrivateKey.from_private_bytes(ring.signer._secret_key[:32])


def forged(ring: KeyRing, payload: dict[str, Any], **header: Any) -> str:
    """Sign whatever is wanted with the real active key."""
    headers = {"kid": ring.active_kid, **header}
    return jwt.encode(payload, signing_key_of(ring), algorithm="EdDSA", headers=headers)


def payload_of(text: str) -> dict[str, Any]:
    segment = text.split(".")[1]
    content: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    )
    return content


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def assert_refused_everywhere(tokens: Tokens, text: str) -> None:
    with pytest.raises(TicketInvalid):
        tokens.read_ticket(text, "demo")
    with pytest.raises(NotAdmitted) as refusal:
        tokens.read_pass(text, waiting_room_url="/sales/demo")
    assert refusal.value.waiting_room_url == "/sales/demo"
