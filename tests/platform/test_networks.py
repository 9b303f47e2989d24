"""Addresses are read, judged and cut to networks as the standard library does it, only faster."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.networks import (
    Network,
    Ranges,
    is_public,
    network_around,
    packed_of,
    plain_address,
)

# Where something special begins or ends: in every one of the registries' ranges, and beside it.
SPECIAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "::/128", "::1/128", "::ffff:0:0/96",
    "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
    "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip


def edges(text: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    network = ipaddress.ip_network(text)
    make = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    first, last = int(network.network_address), int(network.broadcast_address)
    most = 2**network.max_prefixlen - 1
    return [make(n) for n in (first - 1, first, last, last + 1) if 0 <= n <= most]


def packed_by_library(text: str) -> bytes | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (getattr(address, "ipv4_mapped", None) or address).packed


@pytest.mark.parametrize("text", SPECIAL)
def test_the_edges_of_what_is_special_are_judged_as_the_library_does(text: str) -> None:
    for address in edges(text):
        assert is_public(address.packed) == address.is_global, address


@given(st.ip_addresses())
def test_every_address_is_judged_as_the_library_does(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    assert is_public(address.packed) == address.is_global


@given(st.ip_addresses(), st.sampled_from([8, 24, 48, 64]))
def test_a_network_is_written_as_the_library_does(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int
) -> None:
    if prefix <= address.max_prefixlen:
        wanted = str(ipaddress.ip_network((address, prefix), strict=False))
        assert network_around(address.packed, prefix) == wanted


@given(st.one_of(st.ip_addresses().map(str), st.text("0123456789abcdef:.%/ ", max_size=24)))
def test_texts_are_read_as_the_library_does(text: str) -> None:
    assert packed_of(text) == packed_by_library(text)


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4", "01.2.3.4", "1.2.3", "1.2.3.4.5", "0x1.2.3.4", "1.2.3.256", "", " 1.2.3.4", "1.2.3.4\n",
        "::", "::1%eth0", "::1%", "fe80::1%2", "::ffff:1.2.3.4", "1::2::3", "12345::", "[::1]", "١.٢.٣.٤",
        "::\0",
    ],
)  # fmt: skip
def test_odd_texts_are_read_as_the_library_does(text: str) -> None:
    assert packed_of(text) == packed_by_library(text)


@given(st.ip_addresses(v=4))
def test_ipv4_is_the_same_however_it_is_written(address: ipaddress.IPv4Address) -> None:
    for written in (f"::ffff:{address}", f"::FFFF:{address.packed.hex(':', 2)}"):
        assert packed_of(written) == address.packed
        assert plain_address(written) == str(address)
    assert plain_address(str(address)) == str(address)


@given(
    st.ip_addresses(),
    st.lists(st.tuples(st.ip_addresses(), st.sampled_from([0, 3, 8, 31, 32])), max_size=3),
    st.booleans(),
)
def test_what_lies_within_does_so_as_the_library_has_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    around: list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]],
    is_near: bool,
) -> None:
    networks: list[Network] = [
        ipaddress.ip_network((near, prefix), strict=False) for near, prefix in around
    ]
    if is_near:
        networks.append(ipaddress.ip_network((address, 27), strict=False))
    unmapped = getattr(address, "ipv4_mapped", None) or address
    assert Ranges(networks).has(str(address)) == any(unmapped in each for each in networks)
    assert not Ranges(networks).has("fan.example")
