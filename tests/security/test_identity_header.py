"""The shop believes the gateway's header, for a minute, and nobody else's."""

import base64
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from groundwork.errors import NotAdmitted
from groundwork.identity import AGE_MAX_MS, CLOCK_SKEW_MAX_MS, Identity, IdentitySigner
from groundwork.keys import KeyRing

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
INSIDE = Identity(
    kind="pass", fan_id="fan-1", sale_id="demo", visit_id="visit-1", jkt="k", request_id="r-1"
)


@pytest.fixture
def signer(ring: KeyRing, clock: ManualClock) -> IdentitySigner:
    return IdentitySigner(ring, clock)


def assert_refused(signer: IdentitySigner, text: str) -> None:
    with pytest.raises(NotAdmitted) as refusal:
        signer.read(text)
    assert refusal.value.waiting_room_url == "/"


@pytest.mark.parametrize(
    "identity",
    [
        INSIDE,
        Identity(kind="ticket", fan_id="fan-1", sale_id="demo"),
        Identity(kind="anonymous", request_id="r-2"),
        Identity(kind="pass", fan_id="ф" * 64, sale_id="s" * 63, visit_id="🎵" * 64),
    ],
)
def test_the_shop_reads_what_the_gateway_signed(
    signer: IdentitySigner, ring: KeyRing, clock: ManualClock, identity: Identity
) -> None:
    text = signer.sign(identity)

    assert IdentitySigner(ring, clock).read(text) == identity
    assert text.isascii()
    assert "\n" not in text


def test_a_header_is_believed_for_a_minute(signer: IdentitySigner, clock: ManualClock) -> None:
    text = signer.sign(INSIDE)
    clock.at_ms += AGE_MAX_MS
    assert signer.read(text) == INSIDE
    clock.at_ms += 1
    assert_refused(signer, text)


def test_a_shop_whose_clock_is_behind_reads_it_too(
    signer: IdentitySigner, clock: ManualClock
) -> None:
    text = signer.sign(INSIDE)
    clock.at_ms -= CLOCK_SKEW_MAX_MS
    assert signer.read(text) == INSIDE
    clock.at_ms -= 1
    assert_refused(signer, text)


def test_every_changed_character_is_noticed(signer: IdentitySigner) -> None:
    text = signer.sign(INSIDE)
    for at in range(len(text)):
        for other in {"A", "B", "=", "."} - {text[at]}:
            assert_refused(signer, text[:at] + other + text[at + 1 :])
    for length in range(len(text)):
        assert_refused(signer, text[:length])
    for variant in (f" {text}", f"{text} ", f"{text}=", f"x.{text}", f"{text}.", "é" + text):
        assert_refused(signer, variant)


def test_another_secret_is_refused(
    signer: IdentitySigner, clock: ManualClock, tmp_path: Path
) -> None:
    stranger = IdentitySigner(KeyRing.generate(tmp_path / "other.json"), clock)
    assert_refused(signer, stranger.sign(INSIDE))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"[1,2]", b"not json", b"\xff", b"[" * 700, b'{"at_ms":"1","who":{}}'],
)
def test_signed_nonsense_is_refused_too(signer: IdentitySigner, content: bytes) -> None:
    body = f"v1.{base64.urlsafe_b64encode(content).decode()}"
    assert_refused(signer, f"{body}.{signer._mac(body)}")
    assert_refused(signer, f"v1.!.{signer._mac('v1.!')}")


def test_another_version_and_an_unknown_kind_are_refused(
    signer: IdentitySigner, clock: ManualClock
) -> None:
    body = signer.sign(INSIDE).rpartition(".")[0].replace("v1.", "v2.")
    assert_refused(signer, f"{body}.{signer._mac(body)}")
    wrong = msgspec.json.encode({"at_ms": clock.at_ms, "who": {"kind": "operator"}})
    body = f"v1.{base64.urlsafe_b64encode(wrong).decode()}"
    assert_refused(signer, f"{body}.{signer._mac(body)}")


def test_a_long_text_is_refused(signer: IdentitySigner) -> None:
    assert_refused(signer, "v1." + "a" * 5_000_000)


@SHARED
@given(text=st.text())
def test_garbage_meets_nothing_but_a_refusal(signer: IdentitySigner, text: str) -> None:
    assert_refused(signer, text)
    assert_refused(signer, f"v1.{text}.{text}")
