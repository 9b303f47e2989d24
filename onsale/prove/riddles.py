"""Proofs of work that are done already: who knows the installation's secrets need not search.

What the line promises does not depend on how long somebody calculated; that has tests of its own.
"""

import base64
import hmac

import msgspec

from gateway.bot_checks.challenge_pool import ALGORITHM, COST, EASY, KEY_BYTES
from gateway.bot_checks.proof_of_work import (
    EXPIRES_AFTER_SECONDS,
    KEY_SIGNATURE_SECRET,
    NONCE_CHARACTERS,
    SIGNATURE_SECRET,
)
from groundwork.clock import Clock, TokenSource
from groundwork.keys import KeyRing

# A phone works about as long; a proof that took no time at all speaks for a program.
WORK_SECONDS = 3
# As many digits of the key are shown as the real riddles show.
PREFIX_CHARACTERS = 32


def solved_riddle(ring: KeyRing, clock: Clock, tokens: TokenSource, sale_id: str) -> str:
    """Return the `altcha` of a join: a riddle as the gateway signs it, with its answer."""
    now = clock.now_ms() // 1000
    key, nonce, salt = (_digest(tokens) for _ in range(3))
    parameters = {
        "algorithm": ALGORITHM,
        "cost": COST,
        "data": {"iat": now - WORK_SECONDS, "lvl": EASY, "sale": sale_id},
        "expiresAt": now + EXPIRES_AFTER_SECONDS,
        "keyLength": KEY_BYTES,
        "keyPrefix": key.hex()[:PREFIX_CHARACTERS],
        "keySignature": hmac.digest(ring.secret(KEY_SIGNATURE_SECRET), key, "sha256").hex(),
        "nonce": nonce.hex()[:NONCE_CHARACTERS],
        "salt": salt.hex()[:NONCE_CHARACTERS],
    }
    encoded = msgspec.json.Encoder(order="sorted").encode(parameters)
    signature = hmac.digest(ring.secret(SIGNATURE_SECRET), encoded, "sha256").hex()
    payload = {
        "challenge": {"parameters": parameters, "signature": signature},
        "solution": {"counter": 0, "derivedKey": key.hex()},
    }
    return base64.b64encode(msgspec.json.encode(payload)).decode()


def _digest(tokens: TokenSource) -> bytes:
    return hmac.digest(b"any", tokens.token(KEY_BYTES).encode(), "sha256")
