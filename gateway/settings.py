"""What the front tier can be told, with the reasons for the defaults."""

from typing import Annotated

import msgspec

from gateway.bot_checks.captcha import Kind, check_settings
from gateway.edge.hosts import Hosts, host_in
from groundwork.networks import trusted_networks

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the front tier; the environment has them in upper case (PASS_MS)."""

    # The address fans type, without a path. Empty: whatever Host they send (development only).
    public_url: str = ""
    # More names under which fans, or a provider's webhooks, may ask for us; commas between, no ports.
    hosts: str = ""
    # For those without a load balancer: a certificate with its chain, and its key, as PEM files. They
    # are read again when they change.
    tls_certificate: str = ""
    tls_key: str = ""
    # 10 to 15 minutes is what shops give; choosing, holding and paying fit well.
    pass_ms: Annotated[int, msgspec.Meta(ge=MINUTE_MS, le=4 * 60 * MINUTE_MS)] = 15 * MINUTE_MS
    # A ticket also shows who owns an order, so it outlives the sale by a good while.
    ticket_ms: Annotated[int, msgspec.Meta(ge=60 * MINUTE_MS, le=90 * DAY_MS)] = 30 * DAY_MS
    # How long a called fan keeps room for themselves. Later they still get in, when there is room.
    answer_ms: Annotated[int, msgspec.Meta(ge=5_000, le=30 * MINUTE_MS)] = 2 * MINUTE_MS
    # Longer than it takes to look for a credit card; a closed tab should not block the next fan.
    silent_ms: Annotated[int, msgspec.Meta(ge=10_000, le=60 * MINUTE_MS)] = 5 * MINUTE_MS
    # How often each process moves the line. Four times a second keeps calls smooth to the eye; less
    # than once a second would look like an outage to the pacing (lua/includes/tokens.lua).
    pacing_every_ms: Annotated[int, msgspec.Meta(ge=50, le=800)] = 250
    # The largest body a fan has to send is a proof of work with a device key: a few kilobytes.
    body_bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=16 * 1024 * 1024)] = 64 * 1024
    # Open streams per process; the rest polls. A process may have 20,000 files open in all.
    streams_max: Annotated[int, msgspec.Meta(ge=0, le=200_000)] = 15_000
    # One address's part of them. A whole campus or a mobile network may share one; who gets no
    # stream polls, and sees the same.
    address_streams_max: Annotated[int, msgspec.Meta(ge=1, le=200_000)] = 1_000
    # Open connections per process besides streams; room for more is made by closing idle ones.
    connections_max: Annotated[int, msgspec.Meta(ge=64, le=200_000)] = 4_000
    # One address's part of them. A campus may share one, and every browser opens six.
    address_connections_max: Annotated[int, msgspec.Meta(ge=8, le=200_000)] = 1_000
    # Addresses or networks of our own proxies (commas between): whom they say a request comes from.
    trusted_proxies: str = ""
    # A folder with lists of networks (`onsale networks update`). Empty: no network says anything.
    network_lists: str = ""
    # How long what was noticed of a fan is kept for appeals; then it is deleted.
    signals_kept_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 30
    # Somebody else's CAPTCHA as one more way through the check before going in. Empty: none.
    captcha: Kind = ""
    captcha_site_key: str = ""
    captcha_secret: str = ""
    # Another address to ask: the provider's for Europe, or a server of one's own that speaks the same.
    captcha_url: str = ""
    # Challenges made ahead in each process: two milliseconds each, in the background, at the start.
    riddles_max: Annotated[int, msgspec.Meta(ge=16, le=100_000)] = 2_048
    # An answer of the shop that takes longer to begin shows a shop that is unwell, and fewer are let
    # in: four times what we promise for a booking, and before a fan begins to press again.
    origin_slow_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 2_000

    # Where a beacon's rounds are asked for, in this order, commas between. None of them is trusted.
    drand_urls: str = "https://api.drand.sh,https://drand.cloudflare.com"

    def __post_init__(self) -> None:
        """Refuse relations between settings that cannot work."""
        if self.silent_ms > self.pass_ms:
            raise ValueError("SILENT_MS is longer than PASS_MS: a visit cannot outlast its pass")
        trusted_networks(self.trusted_proxies)
        url = self.public_url
        if url and (not url.startswith(("http://", "https://")) or url.count("/") != 2):
            raise ValueError(f"PUBLIC_URL must be http(s)://host[:port] without a path, is {url!r}")
        self.allowed_hosts()
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY need each other")
        if self.tls_certificate and not self.is_secure:
            raise ValueError("TLS_CERTIFICATE needs a PUBLIC_URL that begins with https://")
        check_settings(
            self.captcha, self.captcha_site_key, self.captcha_secret, is_production=self.is_secure
        )
        for url in self.drand_servers:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"DRAND_URLS must begin with http(s)://, is {url!r}")

    @property
    def drand_servers(self) -> tuple[str, ...]:
        """The servers of DRAND_URLS."""
        return tuple(url.strip().rstrip("/") for url in self.drand_urls.split(",") if url.strip())

    def allowed_hosts(self) -> Hosts:
        """Return what we may be called; anything in development. Raises ValueError for what is no host."""
        named = Hosts.of(self.public_url, self.hosts)
        return named if self.public_url else Hosts(())

    @property
    def is_secure(self) -> bool:
        """Whether fans come over https."""
        return self.public_url.startswith("https://")

    @property
    def is_strict(self) -> bool:
        """Whether browsers may be told never to come otherwise."""
        return self.is_secure and host_in(self.public_url) != "localhost"
