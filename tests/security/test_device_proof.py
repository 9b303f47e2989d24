"""A DPoP proof counts for one key, one request and a few minutes."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from manual_clock import ManualClock
from proof_samples import HTU, JTI, PATH, private_jwk, proof, public_jwk, refusal, verify

from groundwork.device_proof import SKEW_MAX_MS, DeviceProofs, _Header, _read_key
from groundwork.errors import DeviceProofInvalid


def test_a_right_proof_names_its_key(proofs: DeviceProofs, clock: ManualClock) -> None:
    found = verify(proofs, proof(clock))

    jwk = public_jwk()
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")})
    digest = hashlib.sha256(canonical.replace(" ", "").encode()).digest()
    assert found.jkt == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (found.jti, found.iat_ms) == (JTI, clock.at_ms)


def test_the_thumbprint_is_that_of_rfc_7638(clock: ManualClock) -> None:
    # The key of the example in RFC 9449, whose section 6.1 gives the thumbprint.
    jwk = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    thumbprint = _read_key(_Header(typ="dpop+jwt", alg="ES256", jwk=jwk))[1]
    assert thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_what_a_browser_exports_is_taken(proofs: DeviceProofs, clock: ManualClock) -> None:
    jwk = {**public_jwk(), "ext": True, "key_ops": ["verify"]}
    same = verify(proofs, proof(clock)).jkt
    assert verify(proofs, proof(clock, header={"jwk": jwk})).jkt == same


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"htm": "GET"}, "wrong-method"),
        ({"htm": "post"}, "wrong-method"),
        ({"htm": None}, "malformed"),
        ({"htu": None}, "malformed"),
        ({"htu": "https://evil.example/api/sales/demo/join"}, "wrong-url"),
        ({"htu": "http://tickets.example/api/sales/demo/join"}, "wrong-url"),
        ({"htu": "https://tickets.example:8443/api/sales/demo/join"}, "wrong-url"),
        ({"htu": "https://tickets.example/api/sales/demo/admit"}, "wrong-url"),
        ({"htu": "https://tickets.example/api/sales/demo/join/"}, "wrong-url"),
        ({"htu": "https://tickets.example/api/sales/DEMO/join"}, "wrong-url"),
        ({"htu": "https://fan@tickets.example/api/sales/demo/join"}, "wrong-url"),
        ({"htu": "/api/sales/demo/join"}, "wrong-url"),
        ({"htu": "https://[/"}, "wrong-url"),
        ({"htu": ""}, "wrong-url"),
        ({"jti": None}, "malformed"),
        ({"jti": ""}, "malformed"),
        ({"jti": "a" * 15}, "malformed"),
        ({"jti": "a" * 129}, "malformed"),
        ({"jti": 7}, "malformed"),
        ({"iat": None}, "malformed"),
        ({"iat": "now"}, "malformed"),
        ({"iat": 0}, "stale"),
        ({"iat": -5}, "stale"),
        ({"iat": 1e308}, "stale"),
        ({"iat": 10**400}, "stale"),
    ],
)
def test_a_proof_for_something_else_is_refused(
    proofs: DeviceProofs, clock: ManualClock, claims: dict[str, Any], reason: str
) -> None:
    assert refusal(proofs, proof(clock, **claims)) == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "JWT"}, "wrong-type"),
        ({"typ": "DPOP+JWT"}, "wrong-type"),
        ({"typ": ""}, "malformed"),
        ({"jwk": None}, "malformed"),
        ({"jwk": "key"}, "malformed"),
        ({"jwk": {}}, "wrong-key"),
        ({"jwk": private_jwk()}, "wrong-key"),
        ({"jwk": {**public_jwk(), "k": "c2VjcmV0"}}, "wrong-key"),
        ({"jwk": {**public_jwk(), "crv": "P-384"}}, "wrong-key"),
        ({"jwk": {**public_jwk(), "kty": "oct"}}, "wrong-key"),
        ({"jwk": {**public_jwk(), "x": 7}}, "wrong-key"),
        ({"jwk": {**public_jwk(), "x": "A" * 43}}, "wrong-key"),
        ({"jwk": {**public_jwk(), "y": public_jwk()["y"] + "="}}, "wrong-key"),
        ({"jwk": {**public_jwk(), "y": public_jwk()["x"]}}, "wrong-key"),
        ({"jwk": {**public_jwk(), "x": "_" * 43}}, "wrong-key"),
        ({"jwk": public_jwk(ec.generate_private_key(ec.SECP256R1()))}, "bad-signature"),
        ({"crit": ["exp"]}, "malformed"),
    ],
)
def test_a_header_that_is_not_plain_is_refused(
    proofs: DeviceProofs, clock: ManualClock, header: dict[str, Any], reason: str
) -> None:
    assert refusal(proofs, proof(clock, header=header)) == reason


def test_no_other_algorithm_counts(proofs: DeviceProofs, clock: ManualClock) -> None:
    p384 = ec.generate_private_key(ec.SECP384R1())
    edwards = ed25519.Ed25519PrivateKey.generate()
    for text in (
        proof(clock, b"0" * 64, "HS512", header={"jwk": {"kty": "oct", "k": "MDAw"}}),
        proof(clock, edwards, "EdDSA", header={"jwk": public_jwk(edwards)}),
        proof(clock, edwards, "EdDSA"),
    ):
        assert refusal(proofs, text) == "wrong-algorithm"
    # Signatures of another length than ES256's do not even look like a proof.
    hmac_key = public_jwk()["x"].encode()
    for text in (
        proof(clock, hmac_key, "HS256"),
        proof(clock, None, "none"),
        proof(clock, p384, "ES384", header={"jwk": public_jwk(p384)}),
    ):
        assert refusal(proofs, text) == "malformed"
    for alg in ("none", "HS256", "ES384", "es256", ""):
        right = proof(clock).split(".")
        header = json.dumps({"typ": "dpop+jwt", "alg": alg, "jwk": public_jwk()})
        right[0] = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
        assert refusal(proofs, ".".join(right)) == "wrong-algorithm"


def test_the_window_is_five_minutes_both_ways(proofs: DeviceProofs, clock: ManualClock) -> None:
    text = proof(clock)
    made_at_ms = clock.at_ms
    for offset_ms in (-SKEW_MAX_MS, SKEW_MAX_MS):
        clock.at_ms = made_at_ms + offset_ms
        assert verify(proofs, text)
    for offset_ms in (-SKEW_MAX_MS - 1, SKEW_MAX_MS + 1):
        clock.at_ms = made_at_ms + offset_ms
        assert refusal(proofs, text) == "stale"


def test_fractions_of_a_second_are_taken(proofs: DeviceProofs, clock: ManualClock) -> None:
    found = verify(proofs, proof(clock, iat=clock.at_ms / 1000 + 0.25))
    assert found.iat_ms == clock.at_ms + 250


@pytest.mark.parametrize(
    "htu",
    [
        f"{HTU}?x=1",
        f"{HTU}#top",
        f"HTTPS://Tickets.Example{PATH}",
        f"https://tickets.example:443{PATH}",
    ],
)
def test_spellings_of_the_same_address_are_the_same(
    proofs: DeviceProofs, clock: ManualClock, htu: str
) -> None:
    assert verify(proofs, proof(clock, htu=htu))


def test_without_a_public_address_the_requests_own_counts(
    proofs: DeviceProofs, clock: ManualClock
) -> None:
    text = proof(clock, htu=f"http://127.0.0.1:8080{PATH}")
    assert proofs.verify(text, "POST", PATH, "127.0.0.1:8080", "http")
    assert refusal(proofs, text) == "wrong-url"
    with pytest.raises(DeviceProofInvalid):
        proofs.verify(text, "POST", PATH, "[broken", "http")


def test_with_a_public_address_the_requests_own_does_not_count(clock: ManualClock) -> None:
    proofs = DeviceProofs(clock, "https://tickets.example")
    assert proofs.verify(proof(clock), "POST", PATH, "10.0.0.7:8080", "http")
    inner = proof(clock, htu=f"http://10.0.0.7:8080{PATH}")
    with pytest.raises(DeviceProofInvalid, match="wrong-url"):
        proofs.verify(inner, "POST", PATH, "10.0.0.7:8080", "http")

    below = DeviceProofs(clock, "https://tickets.example/shop/")
    assert below.verify(
        proof(clock, htu=f"https://tickets.example/shop{PATH}"), "POST", PATH, "x", "http"
    )


def test_the_replay_key_tells_proofs_apart(proofs: DeviceProofs, clock: ManualClock) -> None:
    other_key = ec.generate_private_key(ec.SECP256R1())
    first = verify(proofs, proof(clock))
    again = verify(proofs, proof(clock))  # another signature, the same proof
    other = verify(proofs, proof(clock, jti=JTI + "x"))
    stranger = verify(proofs, proof(clock, other_key, header={"jwk": public_jwk(other_key)}))

    assert first.replay_key == again.replay_key
    assert len({first.replay_key, other.replay_key, stranger.replay_key}) == 3
    assert len(first.replay_key) == 22
