"""Networks of our own proxies, as an operator names them, and whether an address lies in one."""

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def plain_address(text: str) -> str:
    """Return an IPv4 address that is written as one of IPv6 (`::ffff:192.0.2.1`) as what it is.

    Servers that take both on one socket write all of IPv4 so. Other texts stay as they are.
    """
    if not is_address(text):
        return text
    parsed = ipaddress.ip_address(text)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return text if mapped is None else str(mapped)


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Say whether an address lies in one of the networks."""
    if not is_address(address):
        return False
    ip = ipaddress.ip_address(plain_address(address))
    return any(ip in network for network in networks)
