"""Whatever else than a device proof comes, it is refused, in one way."""

import base64

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock
from proof_samples import proof, public_jwk, refusal, verify

from groundwork.device_proof import DeviceProofs
from groundwork.errors import DeviceProofInvalid

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_every_changed_character_is_noticed(proofs: DeviceProofs, clock: ManualClock) -> None:
    text = proof(clock)
    for at in range(len(text)):
        refusal(proofs, text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    for length in range(0, len(text), 7):
        refusal(proofs, text[:length])
    for variant in (f" {text}", f"{text}=", f"{text}, {text}", f"{text}.x"):
        assert refusal(proofs, variant) == "malformed"


def test_a_huge_header_is_refused_before_any_work(proofs: DeviceProofs, clock: ManualClock) -> None:
    assert refusal(proofs, "a" * 5_000_000) == "malformed"
    assert refusal(proofs, proof(clock, filler="x" * 2000)) == "malformed"
    nested = base64.urlsafe_b64encode(b'{"jwk":' + b"[" * 1300).rstrip(b"=").decode()
    assert refusal(proofs, f"{nested}.e30.{'A' * 86}") == "malformed"


@SHARED
@given(text=st.text())
def test_garbage_meets_nothing_but_a_refusal(proofs: DeviceProofs, text: str) -> None:
    refusal(proofs, text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@SHARED
@given(claim=st.sampled_from(["htm", "htu", "iat", "jti"]), value=VALUES)
def test_signed_garbage_meets_nothing_but_a_refusal(
    proofs: DeviceProofs, clock: ManualClock, claim: str, value: object
) -> None:
    text = proof(clock, **{claim: value})
    try:
        verify(proofs, text)
    except DeviceProofInvalid:
        return
    assert claim in ("jti", "iat")  # chance may have made a right one


@SHARED
@given(member=st.sampled_from(["kty", "crv", "x", "y", "d", "new"]), value=VALUES)
def test_garbage_keys_meet_nothing_but_a_refusal(
    proofs: DeviceProofs, clock: ManualClock, member: str, value: object
) -> None:
    text = proof(clock, header={"jwk": {**public_jwk(), member: value}})
    try:
        verify(proofs, text)
    except DeviceProofInvalid:
        return
    assert member == "new"
