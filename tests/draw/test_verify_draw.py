"""`onsale verify-draw` against a system that runs, and against one that cheats."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from aiohttp import web
from made_draw import (
    CLUSTERS,
    MANY,
    SALE,
    clustered_draw,
    fan_of,
    made_draw,
    made_leaves,
    many_leaves,
)

from gateway.draw.clusters import packed
from gateway.draw.document import DrawDocument
from gateway.draw.records import DrawPlan
from gateway.draw.roster import levels_of, path_in, split
from gateway.draw.seed import index_of
from gateway.waiting_room.sales import Sale, SaleRecords
from tests.support.fan import DeviceKey, Fan
from tests.support.opening import open_shop, served
from tests.support.shop import Shop

FANS = 12
PATIENCE_SECONDS = 20


async def verify(*arguments: str) -> tuple[int, str]:
    """Run the command as somebody at home would; returns its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onsale", "verify-draw", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


@dataclass
class Drawn:
    """A running system, a sale in it, and the fans who came before its opening."""

    shop: Shop
    sale_id: str
    fans: list[Fan]

    @property
    def url(self) -> str:
        return f"{self.shop.url}/sales/{self.sale_id}"

    async def state(self) -> str:
        await self.shop.refresh_rooms()
        found = await self.fans[0].call("GET", f"/api/sales/{self.sale_id}/draw", credential="")
        return str(found.json["state"])


@pytest.fixture
async def entered(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Drawn]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        sale = Sale(
            sale_id="drawn", name="Drawn", opens_at=datetime.now(UTC) + timedelta(hours=1),
            state="open", pause_reason="", message="", rate_per_minute=60, burst=1, capacity=100,
        )  # fmt: skip
        await SaleRecords(shop.pool).create(sale, DrawPlan(b"\x17" * 32))
        await shop.refresh_rooms()
        fans = [Fan(shop, DeviceKey()) for _ in range(FANS)]
        for fan in fans:
            assert (await fan.join("drawn")).json["entry_number"]
        yield Drawn(shop, "drawn", fans)


async def test_a_draw_is_checked_from_before_its_opening_to_every_fans_place(
    entered: Drawn,
) -> None:
    code, told = await verify(entered.url)
    assert code == 2, told
    commitment = told.partition("note the commitment: ")[2].strip()
    assert len(commitment) == 64

    await entered.shop.rows("UPDATE sales SET opens_at = now() WHERE sale_id = 'drawn'")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await entered.state() != "drawn":
            await asyncio.sleep(0.05)

    code, told = await verify(f"{entered.url}/draw", "--commitment", commitment)
    assert code == 0, told
    assert "WRONG" not in told
    assert (await verify(entered.url, "--commitment", "00" * 32))[0] == 1
    places = set()
    for fan in entered.fans[:3]:
        code, told = await verify(entered.url, "--ticket", fan.ticket)
        assert code == 0, told
        found = await fan.call("GET", "/api/sales/drawn/place", credential=fan.ticket)
        assert f"the place is {found.json['place']};" in told
        assert found.json["receipt"]["count"] == FANS
        assert "leads to the sealed root" in told
        places.add(found.json["place"])
    assert len(places) == 3
    late = Fan(entered.shop, DeviceKey())
    assert (await late.join("drawn")).json["place"] == FANS + 1
    code, told = await verify(entered.url, "--ticket", late.ticket)
    assert (code, "took no part" in told) == (1, True)


def receipt_of(number: int) -> dict[str, Any]:
    """The receipt of one of the entries of `made_draw`."""
    leaves, told = split(made_leaves()), made_draw()
    index = index_of(number, told.count or 0, told.gaps)
    assert index is not None
    path = [node.hex() for node in path_in(levels_of(leaves), index)]
    return {"index": index, "leaf": leaves[index].hex(), "audit_path": path}


def ticket_of(number: int, **claims: object) -> str:
    """A ticket's text; who checks a draw does not ask who signed it."""
    said = {"sub": fan_of(number), "entry_number": number, **claims}
    return jwt.encode(said, "x" * 32, algorithm="HS256")


@asynccontextmanager
async def published(
    told: DrawDocument,
    leaves: bytes,
    place: int | None = None,
    clusters: bytes = b"",
    receipt: dict[str, Any] | None = None,
) -> AsyncIterator[str]:
    """Serve a draw as it is given, right or wrong; everybody is told the same place and receipt."""

    async def document(_: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(told))

    async def roster(_: web.Request) -> web.Response:
        return web.Response(body=leaves)

    async def shared(_: web.Request) -> web.Response:
        return web.Response(body=clusters)

    async def told_place(_: web.Request) -> web.Response:
        return web.json_response({"place": place} | ({"receipt": receipt} if receipt else {}))

    app = web.Application()
    app.router.add_get("/api/sales/tour/draw", document)
    app.router.add_get("/api/sales/tour/draw/roster", roster)
    app.router.add_get("/api/sales/tour/draw/clusters", shared)
    app.router.add_get("/api/sales/tour/place", told_place)
    async with served(app) as url:
        yield f"{url}/sales/{SALE}"


async def test_what_was_changed_ends_with_one() -> None:
    honest = made_draw()
    rigged = [
        (msgspec.structs.replace(honest, secret="00" * 32), made_leaves()),
        (honest, made_leaves()[:-32] + bytes(32)),
        (honest, made_leaves() + bytes(32)),
        (msgspec.structs.replace(honest, root="00" * 32), made_leaves()),
    ]
    for told, leaves in rigged:
        async with published(told, leaves) as url:
            code, said = await verify(url)
        assert code == 1, said
        assert "WRONG" in said
    async with published(honest, made_leaves()) as url:
        assert (await verify(url))[0] == 0


async def test_clusters_are_checked_and_places_follow_from_them() -> None:
    told, leaves, content = clustered_draw(), many_leaves(), packed(CLUSTERS)
    async with published(told, leaves, place=MANY, clusters=content) as url:
        _, said = await verify(url, "--ticket", ticket_of(11))
        assert "40 entries in 2 clusters share 16 chances" in said
        assert "the waiting room says 100" in said
    for tampered in (content[:-1], packed(CLUSTERS[:1])):
        async with published(told, leaves, clusters=tampered) as url:
            code, said = await verify(url, "--ticket", ticket_of(1))
        assert (code, "WRONG the clusters are those" in said) == (1, True), said


async def test_another_place_than_the_drawn_one_is_noticed() -> None:
    honest, number = made_draw(), 3
    async with published(honest, made_leaves(), place=1) as url:
        _, told = await verify(url, "--ticket", ticket_of(number))
        place = int(told.partition("the place is ")[2].partition(";")[0])
    receipt = receipt_of(number)
    for shown, expected in ((place, 0), (place + 1, 1), (None, 1)):
        async with published(honest, made_leaves(), place=shown, receipt=receipt) as url:
            assert (await verify(url, "--ticket", ticket_of(number)))[0] == expected
            moved = ticket_of(number, sub="f_another", entered_as=fan_of(number))
            assert (await verify(url, "--ticket", moved))[0] == expected
            assert (await verify(url, "--ticket", ticket_of(number, sub="f_another")))[0] == 1


async def test_a_receipt_that_leads_elsewhere_is_noticed() -> None:
    honest, number = made_draw(), 3
    good = receipt_of(number)
    wrong = [
        None,
        receipt_of(1),
        good | {"index": good["index"] + 1},
        good | {"audit_path": good["audit_path"][:-1]},
        good | {"audit_path": ["00" * 32, *good["audit_path"][1:]]},
    ]
    async with published(honest, made_leaves(), receipt=good) as url:
        _, told = await verify(url, "--ticket", ticket_of(number))
    assert f"ok    the receipt of entry {number} leads to the sealed root" in told
    for receipt in wrong:
        async with published(honest, made_leaves(), receipt=receipt) as url:
            _, told = await verify(url, "--ticket", ticket_of(number))
        assert f"WRONG the receipt of entry {number} leads to the sealed root" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("not-an-address",),
        ("http://127.0.0.1:9/sales/tour",),
        ("https://shop.example/events/tour",),
    ],
)
async def test_what_cannot_be_asked_is_said_in_one_sentence(arguments: tuple[str, ...]) -> None:
    code, told = await verify(*arguments)
    assert code == 1
    assert told.startswith("Error: ")
    assert len(told.splitlines()) == 1


async def test_what_is_no_draw_is_not_called_one() -> None:
    none = DrawDocument(version="v", sale=SALE, opens_at="", state="none")
    for told in (none, msgspec.structs.replace(made_draw(), sale="another"),
                 msgspec.structs.replace(made_draw(), count=1 << 30)):  # fmt: skip
        async with published(told, b"") as url:
            code, said = await verify(url)
        assert (code, said.startswith("Error: ")) == (1, True)
    async with published(made_draw(), made_leaves()) as url:
        assert (await verify(url, "--ticket", "nonsense"))[0] == 1
