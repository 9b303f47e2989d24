"""Tickets and passes: what we signed is read, everything else is refused in one way."""

from pathlib import Path

import jwt
import pytest
from manual_clock import ManualClock
from token_samples import (
    assert_refused_everywhere,
    pass_claims,
    payload_of,
    seat_claims,
    ticket_claims,
)

from groundwork import tokens as tokens_module
from groundwork.errors import NotAdmitted, PassExpired, TicketInvalid
from groundwork.keys import KeyRing
from groundwork.tokens import LEEWAY_MS, Tokens

LIFE_MS = 900_000


def test_what_was_signed_is_read_back(tokens: Tokens, clock: ManualClock) -> None:
    for claims in (
        ticket_claims(clock),
        ticket_claims(clock, place=None, entry_number=7, jkt=None),
    ):
        text = tokens.sign_ticket(claims)
        assert tokens.read_ticket(text, "demo") == claims == tokens.read_ticket(text, "demo")
        assert tokens.sign_ticket(claims) == text
    admitted = pass_claims(clock, jkt="k" * 43)
    assert tokens.read_pass(tokens.sign_pass(admitted)) == admitted


def test_a_ticket_says_what_the_interface_promises(
    tokens: Tokens, ring: KeyRing, clock: ManualClock
) -> None:
    text = tokens.sign_ticket(ticket_claims(clock))

    assert jwt.get_unverified_header(text) == {"alg": "EdDSA", "kid": ring.active_kid}
    assert payload_of(text) == {
        "typ": "ticket",
        "iss": "onsale",
        "aud": "sale:demo",
        "sub": "fan-1",
        "iat": clock.at_ms // 1000,
        "exp": (clock.at_ms + LIFE_MS) // 1000,
        "place": 41,
        "cnf": {"jkt": "k" * 43},
    }
    # Another shop's library, with our public key set, comes to the same result.
    keys = jwt.PyJWKSet.from_dict(ring.jwks())
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(
        text,
        keys[ring.active_kid],
        algorithms=["EdDSA"],
        audience="sale:demo",
        options=options,  # type: ignore[arg-type]
    ) == payload_of(text)


def test_times_are_cut_so_that_nobody_loses_part_of_a_second(
    tokens: Tokens, clock: ManualClock
) -> None:
    claims = pass_claims(
        clock, issued_at_ms=clock.at_ms + 1, expires_at_ms=clock.at_ms + LIFE_MS + 1
    )
    read = tokens.read_pass(tokens.sign_pass(claims))

    assert read.issued_at_ms == clock.at_ms
    assert read.expires_at_ms == clock.at_ms + LIFE_MS + 1000


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_token_ends_after_its_leeway(ring: KeyRing, clock: ManualClock, is_cached: bool) -> None:
    tokens = Tokens(ring, clock)
    ticket = tokens.sign_ticket(ticket_claims(clock))
    admitted = tokens.sign_pass(pass_claims(clock))
    clock.at_ms += LIFE_MS + LEEWAY_MS
    if is_cached:
        tokens.read_ticket(ticket, "demo")
        tokens.read_pass(admitted)
    clock.at_ms += 1

    with pytest.raises(TicketInvalid):
        tokens.read_ticket(ticket, "demo")
    with pytest.raises(PassExpired) as refusal:
        tokens.read_pass(admitted, waiting_room_url="/elsewhere")
    assert refusal.value.waiting_room_url == "/sales/demo"


def test_a_token_from_the_future_is_refused(tokens: Tokens, clock: ManualClock) -> None:
    near = tokens.sign_pass(pass_claims(clock, issued_at_ms=clock.at_ms + LEEWAY_MS))
    assert tokens.read_pass(near)

    far = tokens.sign_pass(pass_claims(clock, issued_at_ms=clock.at_ms + LEEWAY_MS + 1000))
    assert_refused_everywhere(tokens, far)


@pytest.mark.parametrize("was_read_before", [True, False])
def test_a_token_is_good_for_its_purpose_and_sale_only(
    tokens: Tokens, clock: ManualClock, was_read_before: bool
) -> None:
    ticket = tokens.sign_ticket(ticket_claims(clock))
    admitted = tokens.sign_pass(pass_claims(clock))
    if was_read_before:
        tokens.read_ticket(ticket, "demo")
        tokens.read_pass(admitted)

    with pytest.raises(TicketInvalid):
        tokens.read_ticket(ticket, "other")
    with pytest.raises(TicketInvalid):
        tokens.read_ticket(admitted, "demo")
    with pytest.raises(NotAdmitted):
        tokens.read_pass(ticket)
    assert_refused_everywhere(tokens, tokens.sign_seat_ticket(seat_claims(clock)))


def test_a_rotation_keeps_old_tokens_and_a_retired_key_loses_its_own(
    ring: KeyRing, key_file: Path, clock: ManualClock
) -> None:
    other_ring = KeyRing.load(key_file)
    here, there = Tokens(ring, clock), Tokens(other_ring, clock)
    first_kid = ring.active_kid
    old = here.sign_pass(pass_claims(clock))
    assert there.read_pass(old)

    ring.rotate()
    new = here.sign_pass(pass_claims(clock))
    assert there.read_pass(new)  # before it heard of the rotation
    assert here.read_pass(old)
    assert here.read_pass(there.sign_pass(pass_claims(clock)))  # still signed with the old key

    ring.retire(first_kid)
    assert other_ring.refresh()
    for tokens in (here, there):
        assert_refused_everywhere(tokens, old)
        assert tokens.read_pass(new)


def test_a_repeated_pass_is_not_verified_again(
    tokens: Tokens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tokens.sign_pass(pass_claims(clock))
    claims = tokens.read_pass(text)

    def fail(*_: object) -> None:
        raise AssertionError("verified again")

    monkeypatch.setattr(tokens_module, "open_token", fail)
    assert tokens.read_pass(text) is claims


def test_the_memory_of_checked_tokens_is_bounded(
    tokens: Tokens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "CHECKED_TOKENS_MAX", 3)
    texts = [tokens.sign_pass(pass_claims(clock, fan_id=f"fan-{i}")) for i in range(5)]
    for text in texts + texts:
        assert tokens.read_pass(text)
    assert len(tokens._checked) == 3
