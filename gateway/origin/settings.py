"""How the gateway reaches a shop over HTTP and how the shop is treated, with reasons for the defaults."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from yarl import URL

from groundwork.networks import Network, trusted_networks

SECOND_MS: Final = 1_000
# Each is checked every second by every process; a pool this size is a mistake in the setting.
ORIGINS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """An address of the shop as it was configured."""

    scheme: str
    host: str
    port: int

    @property
    def is_default_port(self) -> bool:
        """Whether the port goes without saying."""
        return self.port == (443 if self.scheme == "https" else 80)

    @property
    def netloc(self) -> str:
        """Return host and port as a Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.is_default_port else f"{host}:{self.port}"


class OriginSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the door; the environment has them in upper case (ORIGIN_URLS)."""

    # Where the shop is when it is not in this process: one address or several, with commas between.
    # Of a name with several addresses each is an upstream of its own.
    origin_urls: str = ""
    # A TOML file that says what is public, what needs a pass, and of which sale. Empty: our own shop's.
    shop_policy: str = ""
    # What the shop sees as Host: what fans typed, which its links and cookies should name; or its
    # own name (`upstream`), for servers that find the shop by it.
    origin_host: Literal["public", "upstream"] = "public"
    # Asked with GET on every upstream; an answer under 400 is healthy. Empty: taking a connection is.
    origin_health_path: str = ""
    # Often enough that an upstream that hangs is left alone within seconds; costs next to nothing.
    origin_check_every_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = SECOND_MS
    # A shop at its limit answers late; later than this it should get no more.
    origin_check_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 2 * SECOND_MS
    # One check is lost now and then; three in a row are not an accident.
    origin_unhealthy_after: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    # The first good check may meet a server that is still starting.
    origin_healthy_after: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    # A shop that does not take the connection within this is down; a fan should hear so quickly.
    origin_connect_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 2 * SECOND_MS
    # From the last byte of the request to the first of the answer. Longer than a slow bank takes.
    origin_answer_ms: Annotated[int, msgspec.Meta(ge=50, le=600_000)] = 60 * SECOND_MS
    # The longest pause within an answer or a request's way to the shop; live updates send
    # heartbeats well within it. WebSockets may be silent for longer: they end with their pings.
    origin_silence_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 60 * SECOND_MS
    # How long a fan may leave us waiting for the next part of a body, or for taking one.
    origin_fan_ms: Annotated[int, msgspec.Meta(ge=50, le=600_000)] = 30 * SECOND_MS
    # The largest body for the shop: a form, a picture. Bodies stream through; this bounds no memory.
    origin_body_bytes_max: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 1024 * 1024
    # The longest message of a WebSocket; messages are held whole, so this does bound memory.
    origin_message_bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=64 << 20)] = 256 * 1024
    # Failures in a row after which an upstream rests. One or two happen at every deployment.
    origin_breaks_after: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5
    # The first rest; each vain trial doubles it ...
    origin_rest_ms: Annotated[int, msgspec.Meta(ge=50, le=600_000)] = SECOND_MS
    # ... up to this: an upstream that comes back is in use again within seconds.
    origin_rest_ms_max: Annotated[int, msgspec.Meta(ge=50, le=600_000)] = 5 * SECOND_MS
    # Idle connections are closed before the shop closes them (gunicorn: 2 s, Node, uvicorn: 5 s):
    # a request that meets a closing connection is lost, and a payment cannot be sent twice.
    origin_keepalive_ms: Annotated[int, msgspec.Meta(ge=1, le=600_000)] = 1_500
    # How often names are looked up again, so that added servers are found and removed ones left.
    origin_lookup_every_ms: Annotated[int, msgspec.Meta(ge=50, le=600_000)] = 5 * SECOND_MS
    # Tickets and passes stay here: who has one can act as the fan. A shop that wants to check them
    # by the JWKS itself asks for them with `true`.
    shop_sees_tokens: bool = False
    # Addresses or networks (commas between) whose X-Forwarded-* are believed and added to; those of
    # everybody else are replaced.
    trusted_proxies: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        origins_of(self.origin_urls)
        trusted_networks(self.trusted_proxies)
        if self.origin_health_path and not self.origin_health_path.startswith("/"):
            raise ValueError("ORIGIN_HEALTH_PATH must begin with /")

    @property
    def is_apart(self) -> bool:
        """Whether the shop is reached over HTTP."""
        return bool(self.origin_urls)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Return the addresses of the shop."""
        return origins_of(self.origin_urls)

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Return the networks whose word about a fan's address counts."""
        return trusted_networks(self.trusted_proxies)


def origins_of(text: str) -> tuple[Origin, ...]:
    """Return the addresses named, each once. Raises ValueError for what is none."""
    urls = [part.strip().rstrip("/") for part in text.split(",") if part.strip()]
    if len(urls) > ORIGINS_MAX:
        raise ValueError(f"ORIGIN_URLS names more than {ORIGINS_MAX} addresses")
    return tuple(dict.fromkeys(origin_of(url) for url in urls))


def origin_of(text: str) -> Origin:
    """Return one address. Raises ValueError for anything but http(s)://host[:port]."""
    refusal = f"ORIGIN_URLS must be http(s)://host[:port] without a path, is {text!r}"
    try:
        url = URL(text)
        host, port = url.host, url.port
    except ValueError as error:
        raise ValueError(refusal) from error
    if url.scheme not in ("http", "https") or not host or not port or text.count("/") != 2:
        raise ValueError(refusal)
    if url.user or url.query_string or url.fragment:
        raise ValueError(refusal)
    return Origin(url.scheme, host, port)
