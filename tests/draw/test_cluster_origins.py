"""What is kept of where an entry came from: enough for clusters, no address, and not for long."""

import asyncio
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.bot_checks.client_kind import kind_of
from gateway.draw import order, permutation
from gateway.draw.clusters import ORIGIN_BYTES, UNKNOWN
from gateway.draw.records import DrawPlan
from gateway.settings import GatewaySettings
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock
from tests.support.fan import DeviceKey, Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PATIENCE_SECONDS = 20


@pytest.fixture
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    settings = GatewaySettings(pacing_every_ms=50, trusted_proxies="127.0.0.0/8")
    async with open_shop(redis_url, database_dsn, open_dir, gateway=settings) as shop:
        yield shop


async def new_sale(shop: Shop, sale_id: str, name: str) -> None:
    sale = Sale(
        sale_id=sale_id, name="Drawn", opens_at=datetime.now(UTC) + timedelta(hours=1),
        state="open", pause_reason="", message="", rate_per_minute=60, burst=1, capacity=100,
    )  # fmt: skip
    await SaleRecords(shop.pool).create(sale, DrawPlan(b"\x17" * 32, permutation=name))
    await shop.refresh_rooms()


async def join_from(shop: Shop, sale_id: str, address: str) -> None:
    fan = Fan(shop, DeviceKey())
    path = f"/api/sales/{sale_id}/join"
    headers = {**fan.proven("POST", path), "X-Forwarded-For": address, "User-Agent": FIREFOX}
    body = {"altcha": await fan.solved(sale_id)}
    reply = await fan.call("POST", path, json=body, credential="", headers=headers)
    assert reply.json["entry_number"]


async def origins_of(shop: Shop, sale_id: str, wanted: int) -> list[bytes]:
    """What is kept, when all entries are in the roster."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await shop.value("SELECT entries FROM draws WHERE sale_id = %s", sale_id) != wanted:
            await asyncio.sleep(0.05)
    kept = await shop.value("SELECT origins FROM roster_origins WHERE sale_id = %s", sale_id)
    return [bytes(kept[at : at + ORIGIN_BYTES]) for at in range(0, len(kept or b""), ORIGIN_BYTES)]


async def test_a_keyed_network_the_kind_and_the_second_are_kept_until_the_sealing(
    shop: Shop,
) -> None:
    addresses = ["81.2.69.142", "81.2.69.9", "91.198.174.192", "2a00:1450:4001::1", "10.0.0.7"]
    await new_sale(shop, "clustered", order.NAME)
    for address in addresses:
        await join_from(shop, "clustered", address)
    kept = await origins_of(shop, "clustered", len(addresses))
    networks, kinds, seconds = zip(*(struct.unpack(">8sHI", each) for each in kept), strict=True)
    assert networks[0] == networks[1], "of one /24"
    assert len({networks[0], networks[2], networks[3]}) == 3
    assert kept[4] == UNKNOWN, "an address of a house is nobody's network"
    assert set(kinds[:4]) == {kind_of("gecko", "linux")}
    assert all(abs(second - SystemClock().now_ms() / 1000) < 60 for second in seconds[:4])
    assert bytes([81, 2, 69]) not in b"".join(networks)

    await shop.rows("UPDATE sales SET opens_at = now() WHERE sale_id = 'clustered'")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await shop.value("SELECT state FROM draws WHERE sale_id = 'clustered'") != "drawn":
            await asyncio.sleep(0.05)
    assert await shop.value("SELECT count(*) FROM roster_origins") == 0


async def test_a_draw_without_clusters_keeps_nothing(shop: Shop) -> None:
    await new_sale(shop, "plain", permutation.NAME)
    await join_from(shop, "plain", "81.2.69.142")
    assert await origins_of(shop, "plain", 1) == []
