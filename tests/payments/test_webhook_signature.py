"""Only what the provider signed just now is an event."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.checkout.webhook_signature import WebhookEvent, WebhookRefused, verify

SECRET = "whsec_test"
NOW_S = 1_800_000_000
PAYLOAD = json.dumps(
    {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
).encode()


def signature(payload: bytes = PAYLOAD, secret: str = SECRET, at_s: object = NOW_S) -> str:
    return hmac.new(secret.encode(), f"{at_s}.".encode() + payload, hashlib.sha256).hexdigest()


def header(payload: bytes = PAYLOAD, secret: str = SECRET, at_s: object = NOW_S) -> str:
    return f"t={at_s},v1={signature(payload, secret, at_s)}"


def refusal(payload: bytes, given_header: str, now_s: int = NOW_S) -> str:
    with pytest.raises(WebhookRefused) as caught:
        verify(payload, given_header, SECRET, now_s)
    return caught.value.reason


def test_a_genuine_event_is_read() -> None:
    assert verify(PAYLOAD, header(), SECRET, NOW_S) == WebhookEvent(
        "evt_1", "payment_intent.succeeded", "pi_1"
    )


def test_one_good_signature_among_several_is_enough() -> None:
    several = f"t={NOW_S}, v1={'0' * 64}, v0=x, v1={signature()}, v1=ü"
    assert verify(PAYLOAD, several, SECRET, NOW_S).payment_id == "pi_1"


@pytest.mark.parametrize(
    ("about", "payment_id"),
    [
        ({"id": "ch_1", "object": "charge", "payment_intent": "pi_7"}, "pi_7"),
        ({"id": "ch_1", "object": "charge", "payment_intent": None}, ""),
        ({"id": "cus_1", "object": "customer"}, ""),
    ],
)
def test_the_payment_an_event_is_about_is_found(about: object, payment_id: str) -> None:
    payload = json.dumps({"id": "evt_1", "type": "x", "data": {"object": about}}).encode()
    assert verify(payload, header(payload), SECRET, NOW_S).payment_id == payment_id


def test_a_forged_event_is_refused() -> None:
    assert refusal(PAYLOAD, header(secret="other")) == "forged"
    assert refusal(PAYLOAD.replace(b"pi_1", b"pi_2"), header()) == "forged"
    assert refusal(PAYLOAD, f"t={NOW_S + 1},v1={signature()}") == "forged"
    assert refusal(PAYLOAD, f"t={NOW_S},v1={signature().upper()}") == "forged"
    assert refusal(PAYLOAD, f"t={NOW_S},v1=ü{signature()}") == "forged"
    # What a byte that is no UTF-8 arrives as.
    assert refusal(PAYLOAD, f"t={NOW_S},v1=\udcff") == "forged"


def test_a_recording_is_refused_and_a_late_one_within_bounds_is_not() -> None:
    for drift_s in (-300, 300):
        verify(PAYLOAD, header(), SECRET, NOW_S + drift_s)
    for drift_s in (-301, 301):
        assert refusal(PAYLOAD, header(), NOW_S + drift_s) == "too-old"


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "t=,v1=",
        f"t={NOW_S}",
        f"v1={signature()}",
        f"t=now,v1={signature()}",
        f"t=-5,v1={signature(at_s=-5)}",
        f"t={NOW_S},t={NOW_S},v1={signature()}",
        f"t={NOW_S},v0={signature()}",
        f"t={NOW_S}" + f",v1={signature()}" * 9,
        header() + "," + "x" * 1024,
        "t=" + "9" * 5000 + f",v1={signature()}",
    ],
)
def test_a_malformed_header_is_refused(broken: str) -> None:
    assert refusal(PAYLOAD, broken) == "malformed"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"id":"evt_1","type":"x"}',
        b'{"id":1,"type":"x","data":{"object":{"id":"pi","object":"payment_intent"}}}',
        b'{"id":"evt_1","type":"\xff","data":{"object":{"id":"pi","object":"x"}}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(payload: bytes) -> None:
    assert refusal(payload, header(payload)) == "malformed"


def test_a_huge_body_is_refused() -> None:
    payload = b" " * (256 * 1024) + PAYLOAD
    assert refusal(payload, header(payload)) == "malformed"


@given(st.binary(max_size=200), st.text(max_size=200))
def test_nothing_unsigned_gets_through_or_breaks_it(payload: bytes, given_header: str) -> None:
    with pytest.raises(WebhookRefused):
        verify(payload, given_header, SECRET, NOW_S)
