"""A door without network lets in whoever has a code of ours, and nobody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_core.tickets.codes import (
    TicketCode,
    TicketCodeError,
    verify_ticket_code,
    write_ticket_code,
)
from groundwork.clock import SystemClock
from groundwork.keys import KeyRing
from groundwork.tokens import PassClaims, TicketClaims, Tokens

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
SEAT = TicketCode(
    ticket_id="7d0e1c54-4c0f-4a51-9e3b-0d4a4f1f2a11",
    event_id="demo-arena",
    order_id="5c7b8a9e-1f2d-4b3c-8a7d-9e0f1a2b3c4d",
    tier="floor",
    seat_id="A-12-7",
    issued_at_ms=1_790_000_000_000,
)
STANDING = TicketCode(
    ticket_id="t", event_id="demo-drop", order_id="o", tier="standing", issued_at_ms=0
)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.generate(tmp_path / "keys.json")


@pytest.fixture
def tokens(ring: KeyRing) -> Tokens:
    return Tokens(ring, SystemClock())


def assert_refused(code: str, jwks: dict[str, Any], **wanted: str) -> None:
    with pytest.raises(TicketCodeError):
        verify_ticket_code(code, jwks, **wanted)


@pytest.mark.parametrize("ticket", [SEAT, STANDING])
def test_a_door_with_the_key_set_reads_it(
    tokens: Tokens, ring: KeyRing, ticket: TicketCode
) -> None:
    downloaded = json.loads(json.dumps(ring.jwks()))

    assert verify_ticket_code(write_ticket_code(tokens, ticket), downloaded) == ticket


def test_a_code_fits_a_symbol_that_cheap_scanners_read(tokens: Tokens) -> None:
    assert len(write_ticket_code(tokens, SEAT)) <= 412  # version 15 at level M


def test_the_longest_names_are_read(tokens: Tokens, ring: KeyRing) -> None:
    longest = TicketCode(
        ticket_id="t" * 36,
        event_id="e" * 63,
        order_id="o" * 36,
        tier="\t" * 64,
        seat_id="🎵" * 100,
        issued_at_ms=1_790_000_000_000,
    )
    assert verify_ticket_code(write_ticket_code(tokens, longest), ring.jwks()) == longest


def test_it_is_for_one_event(tokens: Tokens, ring: KeyRing) -> None:
    code = write_ticket_code(tokens, SEAT)

    assert verify_ticket_code(code, ring.jwks(), "demo-arena") == SEAT
    with pytest.raises(TicketCodeError, match="another event: demo-arena"):
        verify_ticket_code(code, ring.jwks(), "demo-drop")


def test_a_pass_or_a_place_in_line_is_no_ticket(tokens: Tokens, ring: KeyRing) -> None:
    life: dict[str, Any] = {"issued_at_ms": 1_790_000_000_000, "expires_at_ms": 4_000_000_000_000}
    for text in (
        tokens.sign_pass(PassClaims(fan_id="f", sale_id="demo", visit_id="v", **life)),
        tokens.sign_ticket(TicketClaims(fan_id="f", sale_id="demo", **life)),
    ):
        assert_refused(text, ring.jwks())


def test_every_changed_character_is_noticed(tokens: Tokens, ring: KeyRing) -> None:
    code, jwks = write_ticket_code(tokens, SEAT), ring.jwks()
    for at in range(len(code)):
        assert_refused(code[:at] + ("A" if code[at] != "A" else "B") + code[at + 1 :], jwks)
    for length in range(len(code)):
        assert_refused(code[:length], jwks)
    for variant in (code + "=", " " + code, code + "\n", code.upper()):
        assert_refused(variant, jwks)


def test_tickets_sold_before_a_rotation_stay_good(
    tokens: Tokens, ring: KeyRing, tmp_path: Path
) -> None:
    first_kid = ring.active_kid
    old = write_ticket_code(tokens, SEAT)
    downloaded_before = ring.jwks()
    ring.rotate()
    new = write_ticket_code(tokens, SEAT)

    assert new != old
    assert verify_ticket_code(old, ring.jwks()) == SEAT
    assert verify_ticket_code(new, downloaded_before) == SEAT  # the next key was in it

    ring.retire(first_kid)
    assert_refused(old, ring.jwks())
    stranger = KeyRing.generate(tmp_path / "other.json")
    assert_refused(new, stranger.jwks())
    assert_refused(new, {"keys": []})


def test_another_issuer_is_refused(ring: KeyRing) -> None:
    code = write_ticket_code(Tokens(ring, SystemClock(), issuer="another shop"), SEAT)
    assert_refused(code, ring.jwks())
    assert verify_ticket_code(code, ring.jwks(), issuer="another shop") == SEAT


def test_keys_of_other_kinds_in_the_set_are_passed_over(tokens: Tokens, ring: KeyRing) -> None:
    others = [{"kty": "RSA", "kid": "r", "n": "AQAB"}, {"kty": "oct", "kid": ring.active_kid}]
    jwks = {"keys": [*others, *ring.jwks()["keys"]], "more": 1}
    assert verify_ticket_code(write_ticket_code(tokens, SEAT), jwks) == SEAT


@pytest.mark.parametrize(
    "jwks", [{}, {"keys": 1}, {"keys": [1]}, {"keys": [{}]}, {"keys": [{"kty": "OKP"}] * 65}]
)
def test_what_is_no_key_set_is_told_apart(tokens: Tokens, jwks: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a JSON Web Key Set"):
        verify_ticket_code(write_ticket_code(tokens, SEAT), jwks)


@pytest.mark.parametrize("damage", [{"x": "short"}, {"x": ""}, {"x": "é"}, {"crv": "Ed448"}])
def test_a_damaged_key_is_told_apart(tokens: Tokens, ring: KeyRing, damage: dict[str, str]) -> None:
    jwks = {"keys": [{**key, **damage} for key in ring.jwks()["keys"]]}
    with pytest.raises(ValueError, match="unusable"):
        verify_ticket_code(write_ticket_code(tokens, SEAT), jwks)


@SHARED
@given(code=st.text() | st.from_regex(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}"))
def test_garbage_meets_nothing_but_a_refusal(ring: KeyRing, code: str) -> None:
    assert_refused(code, ring.jwks())
