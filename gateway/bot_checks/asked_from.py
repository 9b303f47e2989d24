"""Where a request comes from, as limits count it: names that say nothing about the address."""

from typing import Final

import msgspec

from groundwork.base64url import base64url
from groundwork.keyed_hash import keyed_hash
from groundwork.networks import is_public, network_around, packed_of, plain_address

# One customer gets so much of IPv6, and may use any address of it; a company or a small provider gets
# so much. Of IPv4 the usual piece that is rented out together.
ADDRESS_PREFIX_V6: Final = 64
NETWORK_PREFIX_V6: Final = 48
NETWORK_PREFIX_V4: Final = 24
# Names the secret of the key ring that the names are keyed with.
SECRET_NAME: Final = b"asked from"
NAME_BYTES: Final = 12  # 96 bits: no two addresses of a sale meet


class ClientAddress(msgspec.Struct, frozen=True, gc=False):
    """An address, whom it belongs to, and the network around it; empty where nobody is bounded.

    An IPv6 customer has 2^64 addresses, so a /64 counts as one. An address that is not of the public
    internet is a proxy we were not told of, or somebody in the house: a bound for it would be one for
    everybody.
    """

    text: str
    bounded: str
    network: str


class AskedFrom(msgspec.Struct, frozen=True, gc=False):
    """The names of an address and of the network around it; empty where nobody counts."""

    address: str
    network: str


NOWHERE: Final = AskedFrom("", "")


class AddressNames:
    """Names addresses, for each sale anew: nobody can tell that a fan came to two of them."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, sale_id: str, address: ClientAddress) -> AskedFrom:
        """Return the names under which a sale counts what comes from there."""
        if not address.bounded:
            return NOWHERE
        return AskedFrom(self._name(sale_id, address.bounded), self._name(sale_id, address.network))

    def _name(self, sale_id: str, network: str) -> str:
        return base64url(keyed_hash(self._secret, f"{sale_id}:{network}".encode(), NAME_BYTES))


def client_address_of(address: str) -> ClientAddress:
    """Return whom an address belongs to, and what is around it: rented out or handed out together."""
    return client_address_read(address, packed_of(address))


def client_address_read(address: str, packed: bytes | None) -> ClientAddress:
    """Return the same of an address whose bytes are known, or that is none."""
    if packed is not None and len(packed) == 4:
        address = plain_address(address)
    if packed is None or not is_public(packed):
        return ClientAddress(address, "", "")
    if len(packed) == 4:
        return ClientAddress(address, address, network_around(packed, NETWORK_PREFIX_V4))
    bounded = network_around(packed, ADDRESS_PREFIX_V6)
    return ClientAddress(address, bounded, network_around(packed, NETWORK_PREFIX_V6))


def address_bounded(address: str) -> str:
    """Return whom an address belongs to: itself, or of IPv6 the network of one customer."""
    packed = packed_of(address)
    if packed is None or len(packed) == 4:
        return plain_address(address)
    return network_around(packed, ADDRESS_PREFIX_V6)
