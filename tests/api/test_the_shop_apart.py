"""The same gateway before a shop that is a server of its own: nothing changes for the fan."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.app_keys import DOOR
from gateway.origin.door import Door
from groundwork.front_calls import FrontCall
from groundwork.identity import HEADER_NAME
from tests.support.fan import Fan
from tests.support.opening import door_to, open_shop, served
from tests.support.shop import Shop
from tests.support.truth import assert_settled


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir, is_core_apart=True) as shop:
        yield shop


@pytest.fixture
async def door(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Door]]:
    """A list to put another door in, for the gateway to use in this test."""
    whole = shop.gateway[DOOR]
    doors: list[Door] = []

    class Other:
        async def forward(self, request: web.Request, identity: str) -> web.StreamResponse:
            return await (doors[0] if doors else whole).forward(request, identity)

        def front_calls(self) -> Sequence[FrontCall]:
            return (doors[0] if doors else whole).front_calls()

    monkeypatch.setitem(shop.gateway._state, DOOR, Other())
    yield doors


async def test_a_fan_buys_as_always(shop: Shop) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(4, sale_id=sale)
    fan = Fan(shop)
    await fan.join(sale)
    await fan.let_in()
    snapshot = await fan.call(
        "GET", f"/api/events/{event}/seats", headers={"Accept-Encoding": "gzip"}
    )
    assert snapshot.json["count"] == 4
    reply = await fan.complete(await fan.held(event, "A-1"))
    assert reply.status == 201
    assert "Onsale-Visit" not in reply.headers
    await shop.refresh_rooms()
    board = (await fan.call("GET", f"/api/sales/{sale}/status")).json
    assert board["inside"] == 0, "the visit has ended"
    pdf = await fan.call("GET", reply.json["tickets"][0]["pdf_url"])
    assert pdf.body.startswith(b"%PDF")
    await shop.settle()
    await assert_settled(shop, event)


async def test_refusals_and_pages_come_through(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    await Fan.inside(shop).held(event, "A-1")
    taken = await fan.reserve(event, "A-1")
    assert (taken.status, taken.code, taken.json["seat_ids"]) == (409, "seats-taken", ["A-1"])
    page = await Fan(shop, headers={"Accept": "text/html"}).call("GET", f"/events/{event}")
    assert page.status == 200
    assert page.headers.getall("X-Frame-Options") == ["DENY"]
    assert len(page.headers.getall("Content-Security-Policy")) == 1
    head = await fan.call("HEAD", f"/events/{event}")
    assert (head.status, head.body) == (200, b"")
    big = await fan.call("POST", "/api/bookings/reserve", data=b"x" * 100_000)
    assert big.status == 413
    for header in ("\u2603", "\u00ff"):
        assert (await fan.call("GET", "/", headers={"User-Agent": header})).status == 200


async def test_seat_changes_stream_through(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    async with shop.session.get(
        f"{shop.url}/api/events/{event}/seats/changes",
        headers={"Authorization": f"Bearer {fan.admission}"},
    ) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        await fan.held(event, "A-2")
        async with asyncio.timeout(10):
            while not (line := await answer.content.readline()).startswith(b"data:"):
                pass
    assert json.loads(line[5:])["changes"] == [[1, 1]]


async def test_what_the_shop_is_told_of_a_request(shop: Shop, door: list[Door]) -> None:
    seen: list[web.Request] = []

    async def echo(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"body": (await request.read()).decode()})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    async with served(app) as url, door_to(url) as there:
        door.append(there)
        fan = Fan.inside(shop)
        reply = await fan.call(
            "POST", "/api/bookings/reserve?a=%2F&b=%C3%BC", data=b"hello",
            headers={
                "Connection": "close, X-Hop", "X-Hop": "1", "X-Kept": "1", HEADER_NAME: "forged",
                "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher",
            },
        )  # fmt: skip
    assert reply.json == {"body": "hello"}
    [request] = seen
    assert request.raw_path == "/api/bookings/reserve?a=%2F&b=%C3%BC"
    assert request.headers.getall(HEADER_NAME) != ["forged"]
    assert len(request.headers.getall(HEADER_NAME)) == 1
    assert "X-Hop" not in request.headers
    assert request.headers["X-Kept"] == "1"
    assert request.headers.getall("X-Forwarded-For") == ["127.0.0.1"]
    assert request.headers.getall("X-Forwarded-Proto") == ["http"]


async def test_a_shop_that_is_down_is_asked_again_later(shop: Shop, door: list[Door]) -> None:
    async with door_to("http://127.0.0.1:1") as there:
        door.append(there)
        reply = await Fan.inside(shop).call("GET", "/")
        assert (reply.status, reply.code) == (503, "origin-unavailable")
        assert reply.headers["Retry-After"] == "2"
    # The waiting room needs no shop.
    assert (await Fan(shop).call("GET", "/sales/tour")).status in (200, 404)


async def test_half_an_answer_is_a_broken_connection(shop: Shop, door: list[Door]) -> None:
    async def dies(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"half":')
        assert request.transport is not None
        request.transport.abort()
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", dies)
    async with served(app) as url, door_to(url) as there:
        door.append(there)
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError)):
            await Fan.inside(shop).call("GET", "/")
