"""Clients of a Redis by its address: one server, or whichever Sentinels say is the primary now."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

SENTINEL_SCHEME: Final = "redis+sentinel://"
SCHEMES: Final = ("redis://", "rediss://", "unix://", SENTINEL_SCHEME)
SENTINEL_PORT: Final = 26_379
# A Sentinel answers at once or is gone; the next one is asked then, within one fan's patience.
SENTINEL_TIMEOUT_SECONDS: Final = 0.5
# A server whose machine vanished says nothing, and a reader waits for ever: noticed within these 11 s.
KEEPALIVE: Final = {
    socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 2, socket.TCP_KEEPCNT: 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Where the Sentinels are, what they call the primary, and how we log in to that."""

    sentinels: tuple[tuple[str, int], ...]
    primary: str
    database: int
    username: str | None
    password: str | None


def read_sentinel_address(url: str) -> SentinelAddress:
    """Return the parts of redis+sentinel://[user:password@]host[:port],…/primary[/database].

    Raises ValueError with what is wrong.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    primary, _, database = parts.path.strip("/").partition("/")
    if not hosts or not primary:
        raise ValueError(
            "REDIS_URL of Sentinels must be redis+sentinel://host:26379,host:26379/name-of-primary"
        )
    if database and not database.isdecimal():
        raise ValueError("REDIS_URL of Sentinels ends with the number of a database")
    return SentinelAddress(
        tuple(_host_and_port(host) for host in hosts.split(",")),
        unquote(primary),
        int(database or 0),
        unquote(username) or None,
        unquote(password) or None,
    )


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        return text, SENTINEL_PORT
    if not port.isdecimal():
        raise ValueError(f"REDIS_URL has a Sentinel without a port that is a number: {text}")
    return host.strip("[]"), int(port)


class _SentinelClient(Redis):
    """The primary's client, which takes the clients of the Sentinels with it when it is closed."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        await pool.sentinel_manager.aclose()


def client_of(url: str, options: Mapping[str, Any]) -> Redis:
    """Return a client with these options. A Sentinel's is asked anew at each connection made."""
    if not url.startswith(SENTINEL_SCHEME):
        client: Redis = Redis.from_url(url, **options)
        return client
    address = read_sentinel_address(url)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        address.sentinels,
        # One that sees no other may be on the wrong side of a cut, and name a primary nobody else has.
        min_other_sentinels=1 if len(address.sentinels) > 1 else 0,
        sentinel_kwargs={
            "socket_timeout": SENTINEL_TIMEOUT_SECONDS,
            "socket_connect_timeout": SENTINEL_TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": True,
        },
        db=address.database,
        username=address.username,
        password=address.password,
        socket_keepalive=True,
        socket_keepalive_options=KEEPALIVE,
        **options,
    )
    found: Redis = sentinel.master_for(address.primary, redis_class=_SentinelClient)
    return found
