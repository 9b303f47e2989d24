"""What a fan is given for having read a code in their mailbox: it names the mailbox to us alone."""

import hmac
import re
from typing import Final

from groundwork.clock import Clock
from groundwork.keys import KeyRing

SECRET_NAME: Final = b"mailbox"
VERSION: Final = "b1"
TEXT: Final = re.compile(
    r"(?P<body>b1\.(?P<sale>[a-z0-9-]{1,63})\.(?P<at_ms>[0-9]{1,15})\.(?P<mailbox>[0-9a-f]{64}))"
    r"\.(?P<mac>[0-9a-f]{64})",
    re.ASCII,
)


class Mailboxes:
    """Makes and reads these tokens. One that somebody copies makes them the same fan, and no second one."""

    def __init__(self, ring: KeyRing, clock: Clock, good_ms: int) -> None:
        self._secret = ring.secret(SECRET_NAME)
        self._clock = clock
        self._good_ms = good_ms

    def issue(self, sale_id: str, mailbox: str) -> str:
        """Return a token for the mailbox that is called so in this sale."""
        body = f"{VERSION}.{sale_id}.{self._clock.now_ms()}.{mailbox}"
        return f"{body}.{self._mac(body)}"

    def read(self, text: str, sale_id: str) -> str | None:
        """Return what the mailbox is called; None for anything but a good token of this sale."""
        parts = TEXT.fullmatch(text)
        if not parts or parts["sale"] != sale_id:
            return None
        if not hmac.compare_digest(parts["mac"], self._mac(parts["body"])):
            return None
        age_ms = self._clock.now_ms() - int(parts["at_ms"])
        return parts["mailbox"] if age_ms <= self._good_ms else None

    def _mac(self, body: str) -> str:
        return hmac.digest(self._secret, body.encode(), "sha256").hex()
