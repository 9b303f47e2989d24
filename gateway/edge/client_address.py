"""Whose address a request comes from: the connection's, or what a trusted proxy says of it."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_network

from aiohttp import web

from groundwork.networks import (
    Network,
    address_of,
    is_address,
    is_within,
    plain_address,
    trusted_networks,
)

# Addresses that were looked at and are remembered; a few megabytes.
REMEMBERED_MAX = 16_384


class ClientAddresses:
    """Finds a fan's address behind the proxies that we run ourselves, and behind no others."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = trusted_networks(trusted_proxies)

    def of(self, request: web.Request) -> str:
        """Return the address of the fan, or of the last proxy that is not ours.

        Each proxy adds whom it was asked by at the right end of X-Forwarded-For; what stands to the
        left of an address we do not trust may be made up.
        """
        address = plain_address(request.remote or "")
        if not self._trusted or not _is_within(address, self._trusted):
            return address
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        for text in reversed(forwarded):
            if not is_address(text.strip()):
                break
            address = plain_address(text.strip())
            if not _is_within(address, self._trusted):
                break
        return address

    def to_be_bounded(self, request: web.Request) -> str:
        """Return the name under which to bound what one address may have; "" for no bound.

        An IPv6 customer has 2^64 addresses, so a /64 counts as one. An address that is not of the
        public internet is a proxy we were not told of, or somebody in the house: a bound for it
        would be one for everybody.
        """
        return _bounded_name(self.of(request))

    def of_connection(self, address: str) -> str:
        """Return the name under which to bound an address's connections; "" for no bound.

        A trusted proxy brings everybody, and says who it is only within its requests.
        """
        return "" if _is_within(address, self._trusted) else _bounded_name(address)


@lru_cache(REMEMBERED_MAX)
def _bounded_name(address: str) -> str:
    address = plain_address(address)
    parsed = address_of(address)
    if parsed is None or not parsed.is_global:
        return ""
    return address if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


@lru_cache(REMEMBERED_MAX)
def _is_within(address: str, networks: Sequence[Network]) -> bool:
    return is_within(address, networks)
