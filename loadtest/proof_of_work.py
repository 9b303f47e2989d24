"""Solves ALTCHA v2 challenges as fast as one core can: what a browser's worker does, natively."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

# PBKDF2 by the name ALTCHA gives it, and as hashlib calls the hash inside.
DIGESTS = {"PBKDF2/SHA-256": "sha256", "PBKDF2/SHA-384": "sha384", "PBKDF2/SHA-512": "sha512"}
# A fair challenge is found within some thousand tries; this many would take minutes.
TRIES_MAX = 100_000


class Unsolvable(ValueError):
    """The challenge is of a kind this solver does not know, or nobody could solve it in time."""


def solve(challenge: Mapping[str, Any]) -> str:
    """Return the base64 payload that goes into `altcha` of the join request. Raises Unsolvable."""
    started_at = time.perf_counter()
    parameters = challenge["parameters"]
    digest = DIGESTS.get(parameters["algorithm"])
    if digest is None:
        raise Unsolvable(f"algorithm {parameters['algorithm']!r}")
    nonce = bytes.fromhex(parameters["nonce"])
    salt = bytes.fromhex(parameters["salt"])
    for counter in range(TRIES_MAX):
        password = nonce + counter.to_bytes(4, "big")
        key = hashlib.pbkdf2_hmac(
            digest, password, salt, parameters["cost"], parameters["keyLength"]
        )
        if key.hex().startswith(parameters["keyPrefix"]):
            took_ms = round((time.perf_counter() - started_at) * 1000)
            solution = {"counter": counter, "derivedKey": key.hex(), "time": took_ms}
            payload = {"challenge": challenge, "solution": solution}
            return base64.b64encode(json.dumps(payload).encode()).decode()
    raise Unsolvable(f"no solution in {TRIES_MAX} tries")
