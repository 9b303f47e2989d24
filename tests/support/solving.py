"""The work of a challenge, done as the page's script does it."""

import base64
import hashlib
import json
from typing import Any


def solve(challenge: dict[str, Any]) -> str:
    """Do the work of an ALTCHA challenge; returns the payload."""
    wanted = challenge["parameters"]
    salt, nonce = bytes.fromhex(wanted["salt"]), bytes.fromhex(wanted["nonce"])
    for counter in range(2**32):
        password = nonce + counter.to_bytes(4, "big")
        key = hashlib.pbkdf2_hmac("sha256", password, salt, wanted["cost"], wanted["keyLength"])
        if key.hex().startswith(wanted["keyPrefix"]):
            solution = {"counter": counter, "derivedKey": key.hex(), "time": 1}
            payload = json.dumps({"challenge": challenge, "solution": solution})
            return base64.b64encode(payload.encode()).decode()
    raise AssertionError("there is always a counter")
