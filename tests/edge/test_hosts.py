"""Nobody is answered who asked for somebody else, on either way through the gateway and on no listener."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.edge.hosts import Hosts
from gateway.operator.settings import OperatorSettings
from gateway.settings import GatewaySettings
from groundwork.settings import SettingsError, read_settings
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop

OURS = ["fans.example", "FANS.example", "fans.example:443", "tickets.example", "127.0.0.9:81"]
OTHERS = [
    *(
        "evil.example",
        "fans.example.evil.example",
        "evil.example:443",
        "",
        "fans.example@evil.example",
    ),
    *("xfans.example", "127.0.0.1", "[::1]", "fans.example:", "fans.example, evil.example"),
]
STATUS = "/api/sales/hosts/status"


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    gateway = GatewaySettings(
        public_url="https://fans.example", hosts="tickets.example,127.0.0.9", pacing_every_ms=50
    )
    async with open_shop(redis_url, database_dsn, open_dir, gateway=gateway) as shop:
        await shop.new_sale("hosts")
        yield shop


async def asked(url: str, content: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    try:
        writer.write(content.encode("latin-1"))
        async with asyncio.timeout(5):
            answer = await reader.read()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), body
    finally:
        writer.close()


def get(path: str, host: str, *lines: str) -> str:
    head = [f"GET {path} HTTP/1.1", f"Host: {host}", *lines, "Connection: close"]
    return "\r\n".join([*head, "", ""])


@pytest.mark.parametrize(
    "path", [STATUS, "/sales/hosts", "/api/events/search", "/static/base/base.css"]
)
async def test_only_our_names_are_answered(shop: Shop, path: str) -> None:
    for host in OURS:
        assert (await asked(shop.url, get(path, host)))[0] == 200, host
    for host in OTHERS:
        status, body = await asked(shop.url, get(path, host))
        assert status == 421, host
        assert json.loads(body)["code"] == "unknown-host"


@pytest.mark.parametrize(
    ("host", "status"), [("tickets.example", b"200"), ("evil.example", b"421")]
)
async def test_a_ready_answer_is_for_our_names_too(shop: Shop, host: str, status: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(shop.url).port)
    # As browsers poll: without a word about the connection, so that no framework is woken.
    writer.write(f"GET {STATUS} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert (await reader.readuntil(b"\r\n")).split(b" ")[1] == status
    writer.close()


async def test_a_call_before_the_framework_is_for_our_names_too(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    # The first look wakes the framework; what follows is given before it.
    for host, status in (("fans.example", 200), ("tickets.example", 200), ("evil.example", 421)):
        lines = [
            f"GET /api/events/{event}/seats HTTP/1.1",
            f"Host: {host}",
            f"Authorization: Bearer {fan.admission}",
        ]
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(shop.url).port)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(5):
            assert int((await reader.readuntil(b"\r\n")).split(b" ")[1]) == status, host
        writer.close()


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (f"https://fans.example{STATUS}", "fans.example", 200),
        (f"https://evil.example{STATUS}", "fans.example", 421),
        (f"https://fans.example{STATUS}", "tickets.example", 421),
        (f"https://evil.example{STATUS}", "evil.example", 421),
        (f"https://fans.example@evil.example{STATUS}", "fans.example", 421),
        ("http://[::1", "fans.example", 400),
    ],
)
async def test_a_request_line_names_no_other_host(
    shop: Shop, target: str, host: str, status: int
) -> None:
    assert (await asked(shop.url, get(target, host)))[0] == status


async def test_a_request_without_a_host_is_refused(shop: Shop) -> None:
    for version, status in (("1.0", 421), ("1.1", 400)):
        content = f"GET {STATUS} HTTP/{version}\r\nConnection: close\r\n\r\n"
        assert (await asked(shop.url, content))[0] == status, version


def test_without_a_public_address_every_host_is_taken() -> None:
    assert GatewaySettings(hosts="gateway").allowed_hosts().takes("anything.example")


def test_the_operator_listener_goes_by_name_and_by_number() -> None:
    """A page can make its own name point at a machine nearby; it cannot make a number do so."""
    settings = OperatorSettings(
        operator_url="https://desk.example", operator_hosts="core,metrics.example"
    )
    for host in (
        "localhost:9090",
        "127.0.0.1:9090",
        "[::1]:9090",
        "10.0.0.7",
        "desk.example",
        "core:9090",
    ):
        assert settings.hosts().takes(host), host
    for host in ("evil.example", "localhost.evil.example", "", "desk.example.evil"):
        assert not settings.hosts().takes(host), host


@pytest.mark.parametrize("name", ["https://x.example", "x.example:80", "x y", "*", "a/b"])
def test_what_is_no_host_stops_the_start(name: str) -> None:
    for kind, variable in ((GatewaySettings, "HOSTS"), (OperatorSettings, "OPERATOR_HOSTS")):
        with pytest.raises(SettingsError, match="is no host"):
            read_settings(kind, {variable: name})


def test_names_are_remembered_within_bounds() -> None:
    hosts = Hosts(["x.example"])
    for number in range(5_000):
        assert not hosts.takes(f"{number}.example")
    assert hosts.takes.cache_info().currsize < 2_000
