"""Networks of our own proxies, as an operator names them, and whether an address lies in one."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The longest address of IPv6 has 45 characters, its zone as many as a network card's name, 16.
ADDRESS_CHARACTERS_MAX: Final = 64
# Reading one takes five microseconds, and a request's is looked at a dozen times; a few megabytes.
ADDRESSES_REMEMBERED_MAX: Final = 16_384


def trusted_networks(text: str, name: str = "TRUSTED_PROXIES") -> tuple[Network, ...]:
    """Return the networks of a setting, commas between. Raises ValueError for what is none."""
    try:
        return tuple(
            ipaddress.ip_network(part.strip(), strict=False)
            for part in text.split(",")
            if part.strip()
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def is_address(text: str) -> bool:
    """Say whether this is an IP address."""
    return address_of(text) is not None


def address_of(text: str) -> Address | None:
    """Return the address that a text is, None for any other text."""
    return _read(text) if len(text) <= ADDRESS_CHARACTERS_MAX else None


@lru_cache(ADDRESSES_REMEMBERED_MAX)
def _read(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def plain_address(text: str) -> str:
    """Return an IPv4 address that is written as one of IPv6 (`::ffff:192.0.2.1`) as what it is.

    Servers that take both on one socket write all of IPv4 so. Other texts stay as they are.
    """
    parsed = address_of(text)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return text if mapped is None else str(mapped)


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Say whether an address lies in one of the networks."""
    ip = address_of(plain_address(address))
    return ip is not None and any(ip in network for network in networks)
