"""Networks of our own proxies, as an operator names them, and whether an address lies in one."""

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The longest address of IPv6 has 45 characters, its zone as many as a network card's name, 16.
ADDRESS_CHARACTERS_MAX: Final = 64
# A request's is looked at a dozen times; a few megabytes.
ADDRESSES_REMEMBERED_MAX: Final = 16_384
# Where addresses of the public internet begin with no others among them, by the registries of IANA: what
# it has handed out to the regions, and the first numbers without a special purpose anywhere in them.
PUBLIC_V6: Final = frozenset(range(0x24, 0x2E))
PUBLIC_V4: Final = frozenset(range(1, 224)) - {10, 100, 127, 169, 172, 192, 198, 203}


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
    # The library reads in Python, five microseconds an address; in a rush each fan comes with a new one.
    with suppress(OSError, ValueError):
        if ":" not in text:
            return ipaddress.IPv4Address(inet_pton(AF_INET, text))
        if "%" not in text:
            return ipaddress.IPv6Address(inet_pton(AF_INET6, text))
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Say whether an address is of the public internet."""
    first = address.packed[0]
    # The library looks at some dozen networks for each, 20 microseconds for one of IPv6.
    return first in (PUBLIC_V4 if address.version == 4 else PUBLIC_V6) or address.is_global


def network_around(address: Address, prefix: int) -> str:
    """Return the network of an address, as text; its prefix is of whole bytes, so many bits."""
    assert prefix % 8 == 0
    family, size = (AF_INET, 4) if address.version == 4 else (AF_INET6, 16)
    return f"{inet_ntop(family, address.packed[: prefix // 8].ljust(size, bytes(1)))}/{prefix}"


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
