"""Whose address a request comes from: the connection's, or what a trusted proxy says of it."""

from functools import lru_cache
from typing import Final

from aiohttp import web

from gateway.bot_checks.asked_from import ClientAddress, client_address_of, client_address_read
from groundwork.networks import Ranges, packed_of, trusted_networks
from groundwork.plain_request import Asking

# Addresses that were looked at and are remembered; a few megabytes.
REMEMBERED_MAX = 16_384
# Characters of a forwarded header that is remembered: four proxies. Fans may send any number.
FORWARDED_REMEMBERED_MAX = 200
# What was read of a request, which is asked for two or three times.
READ: Final = web.RequestKey("client_address", ClientAddress)


class ClientAddresses:
    """Finds a fan's address behind the proxies that we run ourselves, and behind no others."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = Ranges(trusted_networks(trusted_proxies))
        self._trusts_some = len(self._trusted) > 0
        # Proxies have few addresses, and a fan's next request brings the same.
        self._is_trusted = lru_cache(REMEMBERED_MAX)(self._trusted.has)
        self._behind = lru_cache(REMEMBERED_MAX)(self._read_behind)

    def of(self, request: Asking) -> str:
        """Return the address of the fan, or of the last proxy that is not ours."""
        return self.read(request).text

    def read(self, request: Asking) -> ClientAddress:
        """Return where the fan is, or the last proxy that is not ours.

        Each proxy adds whom it was asked by at the right end of X-Forwarded-For; what stands to the
        left of an address we do not trust may be made up.
        """
        known: ClientAddress | None = request.get(READ)
        if known is None:
            known = request[READ] = self._read(request)
        return known

    def _read(self, request: Asking) -> ClientAddress:
        forwarded = ""
        if self._trusts_some:
            forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        if len(forwarded) > FORWARDED_REMEMBERED_MAX:
            return self._read_behind(request.remote or "", forwarded)
        return self._behind(request.remote or "", forwarded)

    def of_connection(self, address: str) -> str:
        """Return the name under which to bound an address's connections; "" for no bound.

        A trusted proxy brings everybody, and says who it is only within its requests.
        """
        return "" if self._is_trusted(address) else client_address_of(address).bounded

    def _read_behind(self, remote: str, forwarded: str) -> ClientAddress:
        address, packed = remote, packed_of(remote)
        if forwarded and self._is_trusted(remote):
            for part in reversed(forwarded.split(",")):
                before = part.strip()
                packed_before = packed_of(before)
                if packed_before is None:
                    break
                address, packed = before, packed_before
                if not self._trusted.has_packed(packed):
                    break
        return client_address_read(address, packed)
