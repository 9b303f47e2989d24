"""Device proofs to check, right ones and wrong ones."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from manual_clock import ManualClock

from groundwork.device_proof import DeviceProof, DeviceProofs
from groundwork.errors import DeviceProofInvalid

KEY = ec.generate_private_key(ec.SECP256R1())
PATH = "/api/sales/demo/join"
HTU = f"https://tickets.example{PATH}"
JTI = "0123456789abcdefghijkl"


def public_jwk(key: Any = KEY) -> dict[str, Any]:
    algorithm = {
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    kind = next(kind for kind in algorithm if isinstance(key, kind))
    jwk: dict[str, Any] = json.loads(algorithm[kind].to_jwk(key.public_key()))
    return jwk


def private_jwk() -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY))
    return jwk


def proof(
    clock: ManualClock,
    key: Any = KEY,
    algorithm: str = "ES256",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """Make a right proof, but for what is given; a claim or header of None is left out."""
    payload = {"htm": "POST", "htu": HTU, "iat": clock.at_ms // 1000, "jti": JTI, **claims}
    headers = {"typ": "dpop+jwt", "jwk": public_jwk(), **(header or {})}
    return jwt.api_jws.encode(
        json.dumps({k: v for k, v in payload.items() if v is not None}).encode(),
        key,
        algorithm=algorithm,
        headers={k: v for k, v in headers.items() if v is not None},
    )


def verify(proofs: DeviceProofs, text: str) -> DeviceProof:
    return proofs.verify(text, "POST", PATH, "tickets.example", "https")


def refusal(proofs: DeviceProofs, text: str) -> str:
    with pytest.raises(DeviceProofInvalid) as caught:
        verify(proofs, text)
    return caught.value.reason
