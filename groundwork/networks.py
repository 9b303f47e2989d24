"""Addresses and networks: as text, as bytes, and whether the one lies in the other."""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The longest address of IPv6 has 45 characters, its zone as many as a network card's name, 16.
ADDRESS_CHARACTERS_MAX: Final = 64
# A request's is looked at more than once; a few megabytes.
ADDRESSES_REMEMBERED_MAX: Final = 16_384
# Where addresses of the public internet begin with no others among them, by the registries of IANA: what
# it has handed out to the regions, and the first numbers without a special purpose anywhere in them.
PUBLIC_V6: Final = frozenset(range(0x24, 0x2E))
PUBLIC_V4: Final = frozenset(range(1, 224)) - {10, 100, 127, 169, 172, 192, 198, 203}

# Sixteen bytes that are an address of IPv4 begin so (RFC 4291, section 2.5.5.2).
MAPPED: Final = bytes(10) + b"\xff\xff"


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
    return packed_of(text) is not None


def packed_of(text: str) -> bytes | None:
    """Return the bytes of an address, None for any other text: four of IPv4, sixteen of IPv6.

    Four also where it is written as one of IPv6 (`::ffff:192.0.2.1`), as servers do that take both on
    one socket.
    """
    return _read(text) if len(text) <= ADDRESS_CHARACTERS_MAX else None


@lru_cache(ADDRESSES_REMEMBERED_MAX)
def _read(text: str) -> bytes | None:
    # The library reads in Python, five microseconds an address; in a rush each fan comes with a new one.
    with suppress(OSError, ValueError):
        if ":" not in text:
            return inet_pton(AF_INET, text)
        if "%" not in text:
            return _unmapped(inet_pton(AF_INET6, text))
    try:
        return _unmapped(ipaddress.ip_address(text).packed)
    except ValueError:
        return None


def _unmapped(packed: bytes) -> bytes:
    return packed[len(MAPPED) :] if packed.startswith(MAPPED) else packed


def is_public(packed: bytes) -> bool:
    """Say whether an address is of the public internet."""
    known = PUBLIC_V4 if len(packed) == 4 else PUBLIC_V6
    # The library looks at some dozen networks for each, 20 microseconds for one of IPv6.
    return packed[0] in known or ipaddress.ip_address(packed).is_global


def network_around(packed: bytes, prefix: int) -> str:
    """Return the network of an address, as text; its prefix is of whole bytes, so many bits."""
    assert prefix % 8 == 0
    family = AF_INET if len(packed) == 4 else AF_INET6
    return f"{inet_ntop(family, packed[: prefix // 8].ljust(len(packed), bytes(1)))}/{prefix}"


def plain_address(text: str) -> str:
    """Return an IPv4 address that is written as one of IPv6 as what it is; other texts stay as they are."""
    if ":" not in text:
        return text
    packed = packed_of(text)
    return inet_ntop(AF_INET, packed) if packed is not None and len(packed) == 4 else text


class Ranges:
    """Networks as sorted ranges: whether an address lies in one is a search of a few steps."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        # By the bytes of an address: four of IPv4, sixteen of IPv6.
        self._starts: dict[int, list[int]] = {4: [], 16: []}
        self._ends: dict[int, list[int]] = {4: [], 16: []}
        spans = sorted(
            (each.max_prefixlen // 8, int(each.network_address), int(each.broadcast_address))
            for each in networks
        )
        for size, start, end in spans:
            starts, ends = self._starts[size], self._ends[size]
            if ends and start <= ends[-1] + 1:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)

    def __len__(self) -> int:
        return sum(len(starts) for starts in self._starts.values())

    def has(self, address: str) -> bool:
        """Say whether the address lies in one of the networks."""
        packed = packed_of(address)
        return packed is not None and self.has_packed(packed)

    def has_packed(self, packed: bytes) -> bool:
        """Say whether the address of these bytes lies in one of the networks."""
        size, number = len(packed), int.from_bytes(packed)
        place = bisect_right(self._starts[size], number) - 1
        return place >= 0 and number <= self._ends[size][place]
