"""Whose address a request comes from: the connection's, or what a trusted proxy says of it."""

from functools import lru_cache

from gateway.bot_checks.asked_from import ADDRESS_PREFIX_V6
from groundwork.networks import (
    address_of,
    is_address,
    is_public,
    is_within,
    network_around,
    plain_address,
    trusted_networks,
)
from groundwork.plain_request import Asking

# Addresses that were looked at and are remembered; a few megabytes.
REMEMBERED_MAX = 16_384
# Characters of a forwarded header that is remembered: four proxies. Fans may send any number.
FORWARDED_REMEMBERED_MAX = 200


class ClientAddresses:
    """Finds a fan's address behind the proxies that we run ourselves, and behind no others."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = trusted_networks(trusted_proxies)
        # A request's address is asked for three times, and a fan's next request brings the same.
        self._is_ours = lru_cache(REMEMBERED_MAX)(self._read_is_ours)
        self._behind = lru_cache(REMEMBERED_MAX)(self._read_behind)

    def of(self, request: Asking) -> str:
        """Return the address of the fan, or of the last proxy that is not ours.

        Each proxy adds whom it was asked by at the right end of X-Forwarded-For; what stands to the
        left of an address we do not trust may be made up.
        """
        remote = request.remote or ""
        if not self._trusted:
            return plain_address(remote)
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        if len(forwarded) > FORWARDED_REMEMBERED_MAX:
            return self._read_behind(remote, forwarded)
        return self._behind(remote, forwarded)

    def to_be_bounded(self, request: Asking) -> str:
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
        return "" if self._is_ours(address) else _bounded_name(address)

    def _read_is_ours(self, address: str) -> bool:
        return is_within(address, self._trusted)

    def _read_behind(self, remote: str, forwarded: str) -> str:
        address = plain_address(remote)
        if not self._is_ours(address):
            return address
        for text in reversed(forwarded.split(",")):
            if not is_address(text.strip()):
                break
            address = plain_address(text.strip())
            if not self._read_is_ours(address):
                break
        return address


@lru_cache(REMEMBERED_MAX)
def _bounded_name(address: str) -> str:
    address = plain_address(address)
    parsed = address_of(address)
    if parsed is None or not is_public(parsed):
        return ""
    return address if parsed.version == 4 else network_around(parsed, ADDRESS_PREFIX_V6)
