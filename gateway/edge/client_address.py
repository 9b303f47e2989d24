"""Whose address a request comes from: the connection's, or what a trusted proxy says of it."""

from functools import lru_cache

from gateway.bot_checks.asked_from import ClientAddress, client_address_of
from groundwork.networks import Ranges, packed_of, plain_address, trusted_networks
from groundwork.plain_request import Asking

# Addresses that were looked at and are remembered; a few megabytes.
REMEMBERED_MAX = 16_384
# Characters of a forwarded header that is remembered: four proxies. Fans may send any number.
FORWARDED_REMEMBERED_MAX = 200


class ClientAddresses:
    """Finds a fan's address behind the proxies that we run ourselves, and behind no others."""

    def __init__(self, trusted_proxies: str) -> None:
        self._trusted = Ranges(trusted_networks(trusted_proxies))
        # A request's address is asked for twice, and a fan's next request brings the same.
        self._behind = lru_cache(REMEMBERED_MAX)(self._read_behind)

    def of(self, request: Asking) -> str:
        """Return the address of the fan, or of the last proxy that is not ours."""
        return self.read(request).text

    def read(self, request: Asking) -> ClientAddress:
        """Return where the fan is, or the last proxy that is not ours.

        Each proxy adds whom it was asked by at the right end of X-Forwarded-For; what stands to the
        left of an address we do not trust may be made up.
        """
        forwarded = ""
        if self._trusted:
            forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        if len(forwarded) > FORWARDED_REMEMBERED_MAX:
            return self._read_behind(request.remote or "", forwarded)
        return self._behind(request.remote or "", forwarded)

    def of_connection(self, address: str) -> str:
        """Return the name under which to bound an address's connections; "" for no bound.

        A trusted proxy brings everybody, and says who it is only within its requests.
        """
        return "" if self._trusted.has(address) else client_address_of(address).bounded

    def _read_behind(self, remote: str, forwarded: str) -> ClientAddress:
        address = plain_address(remote)
        if forwarded and self._trusted.has(address):
            for text in reversed(forwarded.split(",")):
                if packed_of(text.strip()) is None:
                    break
                address = plain_address(text.strip())
                if not self._trusted.has(address):
                    break
        return client_address_of(address)
