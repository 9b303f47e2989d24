"""What the shop can be told, with the reasons for the defaults."""

from importlib.util import find_spec
from ipaddress import ip_address
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from groundwork.weak_secrets import weakness

MINUTE_MS = 60_000
# Shorter secrets can be guessed; providers give much longer ones.
SECRET_CHARACTERS_MIN = 16
STRIPE_URL: Final = "https://api.stripe.com"
# Where `onsale up` and the compose file let fans in when nothing is set.
LOCAL_SHOP_URL: Final = "http://localhost:8080"


class CoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the shop; the environment has them in upper case (HOLD_MS)."""

    # Long enough to fill in a form on a phone, short enough that seats come back while fans wait.
    hold_ms: Annotated[int, msgspec.Meta(ge=1_000, le=30 * MINUTE_MS)] = 8 * MINUTE_MS
    # The one extension a fan may ask for.
    extend_ms: Annotated[int, msgspec.Meta(ge=1_000, le=15 * MINUTE_MS)] = 4 * MINUTE_MS
    # How long a fan may hold places of an event, one hold after the other; then others have their turn.
    # Two holds with their extensions, and some looking around between them.
    holding_ms: Annotated[int, msgspec.Meta(ge=2_000, le=24 * 60 * MINUTE_MS)] = 30 * MINUTE_MS
    # How long a payment may take from claim to authorisation: a slow bank, a confirmation on the phone.
    payment_ms: Annotated[int, msgspec.Meta(ge=5_000, le=30 * MINUTE_MS)] = 5 * MINUTE_MS
    # How much longer seats wait for a bank that is at it and cannot be stopped, while others want them.
    payment_patience_ms: Annotated[int, msgspec.Meta(ge=0, le=24 * 60 * MINUTE_MS)] = 10 * MINUTE_MS
    # Who moves the money. `practice` moves none; `stripe` needs the extra `stripe`.
    payment_provider: Literal["practice", "stripe"] = "practice"
    # Where the payment provider answers; needed for `practice`, and Stripe's own for `stripe`.
    payment_provider_url: str = ""
    # How we show who we are, and how it does.
    payments_secret_key: str
    payments_webhook_secret: str
    # The largest body a buyer has to send lists a hundred seats.
    body_bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=16 * 1024 * 1024)] = 64 * 1024
    # Open seat-map streams per process.
    streams_max: Annotated[int, msgspec.Meta(ge=0, le=200_000)] = 15_000
    # Where a bank sends buyers back to, and where search engines find the shop: what fans type.
    # Empty: PUBLIC_URL, or this machine where that is empty, too.
    shop_url: str = ""
    # The address fans type, as the front tier has it.
    public_url: str = ""

    def __post_init__(self) -> None:
        """Refuse relations between settings that cannot work."""
        if self.holding_ms < self.hold_ms + self.extend_ms:
            raise ValueError("HOLDING_MS is shorter than HOLD_MS and EXTEND_MS: no hold would last")
        if self.payment_provider == "stripe" and find_spec("stripe") is None:
            raise ValueError("PAYMENT_PROVIDER=stripe needs `pip install onsale[stripe]`")
        if not self.provider_url.startswith(("http://", "https://")):
            raise ValueError("PAYMENT_PROVIDER_URL must begin with http:// or https://")
        self._settle_shop_url()
        for name in ("payments_secret_key", "payments_webhook_secret"):
            if len(getattr(self, name)) < SECRET_CHARACTERS_MIN:
                raise ValueError(
                    f"{name.upper()} is too short: {SECRET_CHARACTERS_MIN} characters at least"
                )
            # Rehearsals on one machine may use what they like; where fans come over https, money moves.
            if self.shop_url.startswith("https://") and (why := weakness(getattr(self, name))):
                raise ValueError(f"{name.upper()} {why}: make one that nobody can guess")

    def _settle_shop_url(self) -> None:
        """Take the public address for the shop's where none is named; raise ValueError for a wrong one."""
        name = "SHOP_URL" if self.shop_url else "PUBLIC_URL"
        url = self.shop_url or self.public_url or LOCAL_SHOP_URL
        if not url.startswith(("http://", "https://")) or url.count("/") != 2:
            raise ValueError(f"{name} must be http(s)://host[:port] without a path, is {url!r}")
        is_public = self.public_url.startswith("https://") and not is_this_machine(self.public_url)
        if is_public and is_this_machine(url):
            raise ValueError(
                f"SHOP_URL is {url} while fans come to {self.public_url}: banks and mails would send "
                "them to their own machine. Leave it out, or set it to what fans type"
            )
        msgspec.structs.force_setattr(self, "shop_url", url)

    @property
    def provider_url(self) -> str:
        """Return where the payment provider answers."""
        is_stripe = self.payment_provider == "stripe"
        return self.payment_provider_url or (STRIPE_URL if is_stripe else "")


def is_this_machine(url: str) -> bool:
    """Say whether an address leads everybody to the machine in front of them. Raises ValueError."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
