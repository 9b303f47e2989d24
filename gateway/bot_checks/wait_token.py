"""The way in for fans without JavaScript: wait a little where others compute a little."""

import hmac
import re
from typing import Final

from groundwork.clock import Clock, TokenSource
from groundwork.errors import BotCheckFailed
from groundwork.keys import KeyRing

SECRET_NAME: Final = b"wait-token"
VERSION: Final = "w1"
# Longer than the proof of work takes on any phone, so that waiting is never the cheaper way; short
# enough to sit through with a page that refreshes itself. A script can wait for many at once: what
# stops that is the limit of joins per address, not this.
WAIT_MIN_MS: Final = 10_000
# As old as a proof of work may be. A fan who reads slowly or uses a screen reader has time, and the
# form of an older page gets a fresh one.
AGE_MAX_MS: Final = 10 * 60_000
# How long the caller remembers a nonce: as long as a gateway whose clock is behind may accept it.
NONCE_KEPT_MS: Final = AGE_MAX_MS + 60_000
NONCE_BYTES: Final = 12  # 96 bits: no two alike in any sale
TEXT: Final = re.compile(
    r"(?P<body>w1\.(?P<sale>[a-z0-9-]{1,63})\.(?P<at_ms>[0-9]{1,15})\.(?P<nonce>[A-Za-z0-9_-]{16}))"
    r"\.(?P<mac>[0-9a-f]{64})",
    re.ASCII,
)


class WaitTokens:
    """Gives out and checks tokens that are worth nothing at first and nothing in the end."""

    def __init__(self, ring: KeyRing, clock: Clock, tokens: TokenSource) -> None:
        self._secret = ring.secret(SECRET_NAME)
        self._clock = clock
        self._tokens = tokens

    def issue(self, sale_id: str, purpose: str = "") -> str:
        """Return a token that `check` takes for this purpose WAIT_MIN_MS from now until AGE_MAX_MS."""
        nonce = self._tokens.token(NONCE_BYTES)
        body = f"{VERSION}.{sale_id}.{self._clock.now_ms()}.{nonce}"
        return f"{body}.{self._mac(body, purpose)}"

    def check(self, text: str, sale_id: str, wait_ms: int = WAIT_MIN_MS, purpose: str = "") -> str:
        """Return the nonce of a token that has waited so long; the caller refuses one it saw before.

        Errors: BotCheckFailed, reason: malformed, bad-signature (also of a token for another
        purpose), wrong-sale, too-early, expired.
        """
        parts = TEXT.fullmatch(text)
        if not parts:
            raise BotCheckFailed("malformed")
        if not hmac.compare_digest(parts["mac"], self._mac(parts["body"], purpose)):
            raise BotCheckFailed("bad-signature")
        if parts["sale"] != sale_id:
            raise BotCheckFailed("wrong-sale")
        waited_ms = self._clock.now_ms() - int(parts["at_ms"])
        if waited_ms < wait_ms:
            raise BotCheckFailed("too-early")
        if waited_ms > AGE_MAX_MS:
            raise BotCheckFailed("expired")
        return parts["nonce"]

    def _mac(self, body: str, purpose: str) -> str:
        # Bodies begin with `w1.` and purposes do not, so that no two of them make the same text.
        return hmac.digest(self._secret, f"{purpose}{body}".encode(), "sha256").hex()
