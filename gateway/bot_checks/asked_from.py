"""Where a request comes from, as limits count it: names that say nothing about the address."""

import base64
import hmac
from typing import Final, NamedTuple

from groundwork.networks import address_of, network_around

# One customer gets so much of IPv6, and may use any address of it; a company or a small provider gets
# so much. Of IPv4 the usual piece that is rented out together.
ADDRESS_PREFIX_V6: Final = 64
NETWORK_PREFIX_V6: Final = 48
NETWORK_PREFIX_V4: Final = 24
# Names the secret of the key ring that the names are keyed with.
SECRET_NAME: Final = b"asked from"
NAME_BYTES: Final = 12  # 96 bits: no two addresses of a sale meet


class AskedFrom(NamedTuple):
    """The names of an address and of the network around it; empty where nobody counts."""

    address: str
    network: str


NOWHERE: Final = AskedFrom("", "")


class AddressNames:
    """Names addresses, for each sale anew: nobody can tell that a fan came to two of them."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, sale_id: str, address: str) -> AskedFrom:
        """Return the names of an address that is to be bounded, see ClientAddresses."""
        if not address:
            return NOWHERE
        return AskedFrom(
            self._name(sale_id, address_bounded(address)), self._name(sale_id, network_of(address))
        )

    def _name(self, sale_id: str, network: str) -> str:
        digest = hmac.digest(self._secret, f"{sale_id}:{network}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:NAME_BYTES]).decode()


def address_bounded(address: str) -> str:
    """Return whom an address belongs to: itself, or of IPv6 the network of one customer."""
    return _within(address, None, ADDRESS_PREFIX_V6)


def network_of(address: str) -> str:
    """Return the network around an address: what is rented out or handed out together."""
    return _within(address, NETWORK_PREFIX_V4, NETWORK_PREFIX_V6)


def _within(address: str, prefix_v4: int | None, prefix_v6: int) -> str:
    parsed = address_of(address.partition("/")[0])
    if parsed is None:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.version == 6:
        return network_around(parsed, prefix_v6)
    return str(parsed) if prefix_v4 is None else network_around(parsed, prefix_v4)
