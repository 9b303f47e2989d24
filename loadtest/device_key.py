"""A browser's device key: a P-256 key that proves itself with DPoP headers (RFC 9449)."""

import base64
import hashlib
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

COORDINATE_BYTES = 32  # of a point on P-256


class DeviceKey:
    """One fan's key; `jkt` is its thumbprint, which tickets and passes carry."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        point = self._key.public_key().public_numbers()
        self._jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": _text(point.x.to_bytes(COORDINATE_BYTES, "big")),
            "y": _text(point.y.to_bytes(COORDINATE_BYTES, "big")),
        }
        # RFC 7638: the members in alphabetical order, no spaces.
        self.jkt = _text(hashlib.sha256(_json(self._jwk)).digest())

    def proof(self, method: str, url: str) -> str:
        """Return a fresh `DPoP` header for one request; a server takes each proof once."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._jwk}
        claims = {
            "htm": method,
            "htu": url.partition("?")[0],
            "jti": secrets.token_urlsafe(16),
            "iat": int(time.time()),
        }
        signed = f"{_text(_json(header))}.{_text(_json(claims))}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
        return f"{signed}.{_text(signature)}"


def _json(members: dict[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":"), sort_keys=True).encode()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
