"""Server-sent events: the board to everybody who waits, seat changes to everybody inside."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from booking_core.catalog.event import StockTier
from booking_core.seats import api as seats_api
from booking_core.seats.seat_map import SeatMap
from gateway.app_keys import ROOMS
from gateway.waiting_room.board import Board
from gateway.waiting_room.live import STREAMS
from tests.support.fan import Fan
from tests.support.shop import Shop


@dataclass(frozen=True)
class Event:
    kind: str
    id: str
    data: Any


class Stream:
    """Reads events one by one."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self, kind: str = "") -> Event:
        """Return the next event, or the next of a kind."""
        async with asyncio.timeout(10):
            while True:
                block = (await self.answer.content.readuntil(b"\n\n")).decode()
                lines = dict(line.split(": ", 1) for line in block.strip().split("\n"))
                if "data" in lines and kind in ("", lines["event"]):
                    return Event(lines["event"], lines.get("id", ""), json.loads(lines["data"]))


@asynccontextmanager
async def stream(fan: Fan, path: str, **headers: str) -> AsyncIterator[Stream]:
    if fan.admission:
        headers["Authorization"] = f"Bearer {fan.admission}"
    async with fan.shop.session.get(fan.shop.url + path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Security-Policy" in answer.headers
        yield Stream(answer)


async def test_the_board_is_pushed_as_it_is_polled(shop: Shop) -> None:
    sale = await shop.new_sale()
    async with stream(Fan(shop), f"/api/sales/{sale}/events") as boards:
        first = await boards.next("board")
        assert first.data["sale"] == sale
        assert first.id == str(first.data["seq"])
        polled = (await Fan(shop).call("GET", f"/api/sales/{sale}/status")).json
        assert set(polled) == set(first.data)
        await shop.change_sale(sale, message="Doors at seven")
        while (board := await boards.next("board")).data["message"] != "Doors at seven":
            assert int(board.id) > int(first.id)
        assert int(board.id) > int(first.id)


async def test_every_second_of_the_store_has_its_board(shop: Shop) -> None:
    sale, rooms = await shop.new_sale(), shop.gateway[ROOMS]
    shown: list[int] = []

    class Seen:
        def show(self, sale_id: str, board: Board) -> None:
            if sale_id == sale:
                shown.append(board.document.seq)

        def take_down(self, sale_id: str) -> None: ...

    seen = Seen()
    rooms.outlets.append(seen)
    try:
        while len(set(shown)) < 4:
            await rooms._call_places()
            await asyncio.sleep(0.05)
    finally:
        rooms.outlets.remove(seen)
    seconds = list(dict.fromkeys(shown))
    assert seconds == list(range(seconds[0], seconds[0] + 4))


async def test_who_waits_is_told_that_the_sale_is_closed(shop: Shop) -> None:
    sale = await shop.new_sale()
    async with stream(Fan(shop), f"/api/sales/{sale}/events") as boards:
        last = await boards.next("board")
        assert last.data["phase"] == "open"
        await shop.change_sale(sale, state="closed")
        while last.data["phase"] != "closed":
            before, last = last, await boards.next("board")
            assert int(last.id) > int(before.id)
        room = shop.gateway[ROOMS].room(sale)
        assert room.is_over
        # Whoever is still there is told as well when it goes on after all.
        await shop.change_sale(sale, state="open")
        while last.data["phase"] != "open":
            last = await boards.next("board")
        assert not room.is_over


async def test_seat_changes_follow_the_snapshot(shop: Shop) -> None:
    event = await shop.new_event(5, [StockTier("print", "Print", 1_000, 9)])
    fan = Fan.inside(shop)
    snapshot = (await fan.call("GET", f"/api/events/{event}/seats")).json
    assert (snapshot["event_id"], snapshot["count"]) == (event, 5)
    assert snapshot["stock"] == [{"tier": "print", "available": 9}]
    assert base64.b64decode(snapshot["status"]) == bytes(2)
    since = f"{snapshot['epoch']}-{snapshot['seq']}"
    path = f"/api/events/{event}/seats/changes"
    async with stream(fan, path, **{"Last-Event-ID": since}) as changes:
        buyer = Fan.inside(shop)
        held = await buyer.held(event, "A-2", "A-3")
        change = await changes.next("seats")
        assert change.data["from"] == snapshot["seq"]
        assert change.data["changes"] == [[1, 1], [2, 1]]
        assert change.id == f"{change.data['epoch']}-{change.data['seq']}"
        assert (await buyer.complete(held)).status == 201
        await shop.settle()
        while (sold := (await changes.next("seats")).data)["changes"] != [[1, 2], [2, 2]]:
            assert sold["changes"] == []
        await Fan.inside(shop).held(event, stock={"tier": "print", "quantity": 4})
        assert (await changes.next("seats")).data["stock"] == [{"tier": "print", "available": 5}]
    # Who comes back says what they had, and gets all that they missed.
    async with stream(fan, f"{path}?since={change.id}") as changes:
        missed = await changes.next("seats")
        assert missed.data["from"] == change.data["seq"]
    after = (await fan.call("GET", f"/api/events/{event}/seats")).json
    codes = base64.b64decode(after["status"])
    assert [codes[i // 4] >> 2 * (i % 4) & 3 for i in range(5)] == [0, 2, 2, 0, 0]


@pytest.mark.parametrize(
    "since",
    [
        "nonsense", "0-0", "99-1", "-", "1-\u00b2", "1--1", "1-1-1", "1-" + "9" * 17,
        "1-" + "9" * 4_400, "1-99999", "1-1.5", "1- 1", "\u0661-\u0661",
    ],
)  # fmt: skip
async def test_who_has_something_else_must_load_anew(shop: Shop, since: str) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    await fan.held(event, "A-1")
    path = f"/api/events/{event}/seats/changes"
    async with shop.session.get(
        shop.url + path, params={"since": since},
        headers={"Authorization": f"Bearer {fan.admission}"},
    ) as answer:  # fmt: skip
        assert answer.status == 200
        assert (await Stream(answer).next()).kind == "reload"
        # It goes on from here: what happens now is told.
        await Fan.inside(shop).held(event, "A-2")
        assert [1, 1] in (await Stream(answer).next("seats")).data["changes"]


async def test_who_missed_too_much_must_load_anew(shop: Shop) -> None:
    """A lost entry of the log: the map is read anew, and so must everybody."""
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    snapshot = (await fan.call("GET", f"/api/events/{event}/seats")).json
    await shop.redis.hincrby(f"{{e:{event}}}:meta", "seq", 5)
    path = f"/api/events/{event}/seats/changes?since={snapshot['epoch']}-{snapshot['seq']}"
    async with stream(fan, path) as changes:
        await Fan.inside(shop).held(event, "A-1")
        assert (await changes.next()).kind == "reload"
        fresh = (await fan.call("GET", f"/api/events/{event}/seats")).json
        assert base64.b64decode(fresh["status"]) == b"\x01"


async def test_a_stream_that_fails_breaks_off_and_sends_no_second_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(3)

    def breaks(*_: object) -> None:
        raise RuntimeError("a bug in the middle of a stream")

    fan = Fan.inside(shop)
    async with stream(fan, f"/api/events/{event}/seats/changes") as changes:
        assert await changes.answer.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
        monkeypatch.setattr(SeatMap, "after", breaks)
        await Fan.inside(shop).held(event, "A-1")
        with pytest.raises(aiohttp.ClientPayloadError):
            await changes.answer.content.read()


@pytest.mark.parametrize("path", ["/api/sales/{sale}/events", "/api/events/{event}/seats/changes"])
async def test_asking_for_the_head_of_a_stream_ends(shop: Shop, path: str) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    async with asyncio.timeout(5):
        reply = await fan.call("HEAD", path.format(sale="tour", event=event))
    assert reply.body == b""
    assert reply.status in (200, 405)
    again = await fan.call("GET", "/api/sales/tour/status")
    assert again.status == 200


async def test_streams_are_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    event = await shop.new_event(3)
    for app, key, path in (
        (shop.gateway, STREAMS, "/api/sales/tour/events"),
        (shop.core, seats_api.STREAMS, f"/api/events/{event}/seats/changes"),
    ):
        monkeypatch.setattr(app[key], "_streams_max", 0)
        reply = await Fan.inside(shop).call("GET", path)
        assert (reply.status, reply.code) == (429, "too-many-requests")
        assert int(reply.headers["Retry-After"]) > 0
        monkeypatch.undo()
