"""Whose address counts: the fan's, as far as our own proxies vouch for it."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from gateway.edge.client_address import ClientAddresses
from gateway.settings import GatewaySettings
from groundwork.networks import ADDRESS_CHARACTERS_MAX, is_address, trusted_networks
from groundwork.settings import SettingsError, read_settings


def asked(remote: str, *forwarded: str) -> object:
    headers = CIMultiDict(("X-Forwarded-For", value) for value in forwarded)
    return make_mocked_request("GET", "/", headers=headers).clone(remote=remote)


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "address"),
    [
        ("", "203.0.113.9", (), "203.0.113.9"),
        ("", "203.0.113.9", ("198.51.100.1",), "203.0.113.9"),
        ("10.0.0.0/8", "203.0.113.9", ("198.51.100.1",), "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        # What a fan writes to the left of what our proxy adds is not believed.
        ("10.0.0.0/8", "10.0.0.1", ("1.1.1.1, 198.51.100.1",), "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", ("1.1.1.1", "198.51.100.1, 10.0.0.2"), "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.0/8", "10.0.0.1", ("1.1.1.1, " * 50 + "198.51.100.1",), "198.51.100.1"),
        ("10.0.0.0/8", "10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ("1.1.1.1, nonsense, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.0/8, ::1/128", "::1", ("2001:db8::1",), "2001:db8::1"),
        # As servers write it that take IPv4 and IPv6 on one socket.
        ("10.0.0.0/8", "10.0.0.1", ("::ffff:198.51.100.1",), "198.51.100.1"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", ("1.1.1.1, 198.51.100.1, ::ffff:a00:2",), "198.51.100.1"),
    ],
)
def test_the_last_one_we_trust_says_who_asked(
    trusted: str, remote: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert ClientAddresses(trusted).of(asked(remote, *forwarded)) == address  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("8.8.8.8", "8.8.8.8"), ("127.0.0.1", ""), ("10.1.2.3", ""), ("::1", ""), ("", ""),
        # All of IPv4 lies in one /64 of IPv6: each of them is somebody else there, too.
        ("::ffff:8.8.8.8", "8.8.8.8"), ("::ffff:8.8.4.4", "8.8.4.4"), ("::ffff:10.1.2.3", ""),
        ("2a00:1450:4001:830::200e", "2a00:1450:4001:830::/64"),
        ("2a00:1450:4001:830:ffff::1", "2a00:1450:4001:830::/64"),
    ],
)  # fmt: skip
def test_what_an_address_is_bounded_as(remote: str, name: str) -> None:
    addresses = ClientAddresses("")
    assert addresses.read(asked(remote)).bounded == name  # type: ignore[arg-type]
    assert addresses.of_connection(remote) == name


def test_a_network_that_is_none_stops_the_start() -> None:
    assert trusted_networks("") == ()
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        read_settings(GatewaySettings, {"TRUSTED_PROXIES": "10.0.0.0/8, everybody"})


def test_what_is_no_address_is_none() -> None:
    for text in ("192.0.2.1", "2001:db8::1", "fe80::1%eth0", "::ffff:192.0.2.1"):
        assert is_address(text)
    for text in (
        "",
        "192.0.2",
        "2001:db8::1 ",
        "fan.example",
        f"fe80::1%{'e' * ADDRESS_CHARACTERS_MAX}",
    ):
        for _ in range(2):
            assert not is_address(text)
