"""What the practice provider can be told from outside."""

import msgspec

# An hour: a longer "slow" card would outlive every order and every test.
WAIT_MS_MAX = 3_600_000
# Five of each is what the fault tests want; more would only be noise.
WEBHOOK_COPIES_MAX = 5


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one practice provider; each is an environment variable in upper case.

    Raises ValueError when a value is out of its bounds.
    """

    # The shop's two secrets: one opens the API, the other signs what the provider tells the shop.
    payments_secret_key: str
    payments_webhook_secret: str
    # Where events are sent; empty: nobody is told, as with an account without an endpoint.
    practice_webhook_url: str = ""
    # A file with the certificate that the shop shows there, where no authority vouches for its name.
    practice_webhook_certificate: str = ""
    # Above 1, every event is delivered that often: the shop must not mind.
    practice_webhook_copies: int = 1
    # Where the provider remembers across restarts; empty: in memory only.
    practice_journal_path: str = ""
    # Under what address a browser reaches the provider's pages; empty: the one the shop calls.
    practice_public_url: str = ""
    # `card_slow`: longer than any answer the shop waits for, shorter than a hold.
    practice_slow_ms: int = 30_000
    # `card_timeout_*`: the intent settles while the shop still waits for an answer ...
    practice_settles_ms: int = 2_000
    # ... which comes later than any client waits.
    practice_silence_ms: int = 60_000

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        if not self.payments_secret_key or not self.payments_webhook_secret:
            raise ValueError("PAYMENTS_SECRET_KEY and PAYMENTS_WEBHOOK_SECRET must not be empty")
        if not 1 <= self.practice_webhook_copies <= WEBHOOK_COPIES_MAX:
            raise ValueError(f"PRACTICE_WEBHOOK_COPIES must be 1 to {WEBHOOK_COPIES_MAX}")
        for name in ("practice_slow_ms", "practice_settles_ms", "practice_silence_ms"):
            if not 0 <= getattr(self, name) <= WAIT_MS_MAX:
                raise ValueError(f"{name.upper()} must be 0 to {WAIT_MS_MAX}")
        for name in ("practice_webhook_url", "practice_public_url"):
            url = getattr(self, name)
            if url and not url.startswith(("http://", "https://")):
                raise ValueError(f"{name.upper()} must begin with http:// or https://")
