"""Whatever else than a token of ours comes, it is refused, in one way."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock
from token_samples import (
    assert_refused_everywhere,
    forged,
    pass_claims,
    payload_of,
    segment,
    signing_key_of,
    ticket_claims,
)

from groundwork import tokens as tokens_module
from groundwork.keys import KeyRing
from groundwork.tokens import Tokens

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_every_changed_character_is_noticed(tokens: Tokens, clock: ManualClock) -> None:
    text = tokens.sign_pass(pass_claims(clock))
    for at in range(len(text)):
        for other in {"A", "B", "_", "."} - {text[at]}:
            assert_refused_everywhere(tokens, text[:at] + other + text[at + 1 :])
    for length in range(len(text)):
        assert_refused_everywhere(tokens, text[:length])


def test_there_is_no_second_spelling(tokens: Tokens, clock: ManualClock) -> None:
    text = tokens.sign_pass(pass_claims(clock))
    header, payload, signature = text.split(".")
    for variant in (
        f"{text}=",
        f"{text}==",
        f" {text}",
        f"{text}\n",
        f"{text}.",
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}.{signature}.{signature}",
        f"Bearer {text}",
    ):
        assert_refused_everywhere(tokens, variant)


def test_no_other_algorithm_counts(tokens: Tokens, ring: KeyRing, clock: ManualClock) -> None:
    payload = payload_of(tokens.sign_pass(pass_claims(clock)))
    key = ring.public_key(ring.active_kid)
    assert key
    public = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    kid = {"kid": ring.active_kid}
    signature = tokens.sign_pass(pass_claims(clock)).rsplit(".", 1)[1]

    assert_refused_everywhere(tokens, jwt.encode(payload, public, algorithm="HS256", headers=kid))
    assert_refused_everywhere(tokens, jwt.encode(payload, None, algorithm="none", headers=kid))
    for alg in ("none", "None", "HS256", "Ed25519", "ES256", "", None):
        header = segment({"alg": alg, **kid})
        assert_refused_everywhere(tokens, f"{header}.{segment(payload)}.{signature}")
        assert_refused_everywhere(tokens, f"{header}.{segment(payload)}.")


def test_header_tricks_are_refused(tokens: Tokens, ring: KeyRing, clock: ManualClock) -> None:
    payload = payload_of(tokens.sign_pass(pass_claims(clock)))
    assert tokens.read_pass(forged(ring, payload))  # the helper signs as we do

    for header in (
        {"kid": "nobody"},
        {"kid": "../../etc/passwd"},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
    ):
        assert_refused_everywhere(tokens, forged(ring, payload, **header))
    for bad in ([], {"alg": "EdDSA"}, {"alg": "EdDSA", "kid": 7}, {"kid": ring.active_kid}):
        signature = forged(ring, payload).rsplit(".", 1)[1]
        assert_refused_everywhere(tokens, f"{segment(bad)}.{segment(payload)}.{signature}")


def test_a_key_of_somebody_else_is_refused(
    tokens: Tokens, ring: KeyRing, clock: ManualClock, tmp_path: Path
) -> None:
    stranger = KeyRing.generate(tmp_path / "other.json")
    payload = payload_of(tokens.sign_pass(pass_claims(clock)))

    assert_refused_everywhere(tokens, forged(stranger, payload))
    assert_refused_everywhere(tokens, forged(stranger, payload, kid=ring.active_kid))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "demo"},
        {"aud": "sale:"},
        {"aud": "event:demo"},
        {"aud": ["sale:demo"]},
        {"typ": "seat-ticket"},
        {"typ": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": -1},
        {"exp": 10**30},
        {"iat": None},
        {"cnf": {}},
        {"cnf": "k"},
    ],
)
def test_signed_nonsense_is_refused_too(
    tokens: Tokens, ring: KeyRing, clock: ManualClock, changes: dict[str, Any]
) -> None:
    for text in (
        tokens.sign_pass(pass_claims(clock)),
        tokens.sign_ticket(ticket_claims(clock)),
    ):
        changed = {**payload_of(text), **changes}
        wanted = {name: value for name, value in changed.items() if value is not None}
        encoded = jwt.api_jws.encode(
            json.dumps(wanted).encode(),
            signing_key_of(ring),
            algorithm="EdDSA",
            headers={"kid": ring.active_kid},
        )
        assert_refused_everywhere(tokens, encoded)


def test_a_long_text_is_refused_before_any_work(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "_HEADER_DECODER", None)  # would fail if it were used
    assert_refused_everywhere(tokens, "a" * 5_000_000)
    assert_refused_everywhere(tokens, f"{'a' * 1000}.{'b' * 1000}.{'c' * 86}")


@SHARED
@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}"))
def test_garbage_meets_nothing_but_a_refusal(tokens: Tokens, text: str) -> None:
    assert_refused_everywhere(tokens, text)


@SHARED
@given(
    header=st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64"]), inner)
        ),
    )
)
def test_garbage_headers_meet_nothing_but_a_refusal(tokens: Tokens, header: object) -> None:
    assert_refused_everywhere(tokens, f"{segment(header)}.{segment({})}.{'A' * 86}")


@SHARED
@given(payload=st.binary(max_size=200))
def test_signed_garbage_meets_nothing_but_a_refusal(
    tokens: Tokens, ring: KeyRing, payload: bytes
) -> None:
    text = jwt.api_jws.encode(
        payload, signing_key_of(ring), algorithm="EdDSA", headers={"kid": ring.active_kid}
    )
    assert_refused_everywhere(tokens, text)
