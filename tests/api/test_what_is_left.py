"""What the shop has left: shown to all who wait, a bound for the calls, and sold out for all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from booking_core.catalog.event import StockTier
from gateway.app_keys import DOOR, IDENTITIES, ROOMS
from gateway.origin.in_process import InProcessDoor
from gateway.settings import GatewaySettings
from gateway.waiting_room import stock_watch
from gateway.waiting_room.sales import Sale
from gateway.waiting_room.senses import SaleSenses
from gateway.waiting_room.stock_watch import StockWatch
from gateway.worker import RoomWorker
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop

TIERS = (StockTier("vip", "VIP", 9_000, 3), StockTier("floor", "Floor", 4_500, 20))


@pytest.fixture(scope="module", params=["in one process", "apart"])
async def shop(
    request: pytest.FixtureRequest, redis_url: str, database_dsn: str, open_dir: Path
) -> AsyncIterator[Shop]:
    is_apart = request.param == "apart"
    async with open_shop(redis_url, database_dsn, open_dir, is_core_apart=is_apart) as shop:
        yield shop


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown as sold out may change its mind within a test."""
    monkeypatch.setattr(stock_watch, "SETTLE_MS", 100)
    monkeypatch.setattr(stock_watch, "STAY_MS", 400)


@pytest.fixture
async def alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks but the test: the gateway's own watch asks about each sale, too."""
    watch = shop.gateway[ROOMS]._senses._watch
    assert watch is not None
    monkeypatch.setattr(watch, "_can_ask", lambda _: False)
    async with asyncio.timeout(10):
        for pace in (watch._crowded, watch._quiet):
            while pace._turns.locked() or pace._turns._value < stock_watch.QUIET_ASKED_AT_ONCE:
                await asyncio.sleep(0.01)


async def board(shop: Shop, sale: str) -> dict[str, Any]:
    reply = await Fan(shop).call("GET", f"/api/sales/{sale}/status")
    return reply.json if reply.status == 200 else {"phase": "", "stock": None}


async def board_where(
    shop: Shop, sale: str, fits: Callable[[dict[str, Any]], bool], seconds: float = 20
) -> dict[str, Any]:
    """The first board that fits, as a page would see it that looks often."""
    async with asyncio.timeout(seconds):
        while not fits(seen := await board(shop, sale)):
            await asyncio.sleep(0.05)
    return seen


async def buy(shop: Shop, sale: str, event: str, tier: str, quantity: int) -> tuple[Fan, str]:
    fan = Fan.inside(shop, sale)
    held = await fan.call(
        "POST", "/api/bookings/reserve",
        json={"event_id": event, "stock": {"tier": tier, "quantity": quantity}},
    )  # fmt: skip
    assert held.status == 201, held
    order = await fan.complete(held.json["reservation_id"])
    assert order.status == 201
    return fan, str(order.json["booking_id"])


def available(seen: dict[str, Any]) -> dict[str, int]:
    return {
        tier["tier"]: tier["available"]
        for event in seen["stock"] or ()
        for tier in event["tiers"]
    }  # fmt: skip


async def test_tiers_and_prices_are_told_and_a_tier_that_sells_out_is_seen_soon(
    shop: Shop,
) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(stock=TIERS, sale_id=sale, name="Night")
    seen = await board_where(shop, sale, lambda now: bool(now["stock"]))
    [told] = seen["stock"]
    assert (told["event"], told["name"], told["currency"]) == (event, "Night", "EUR")
    assert told["available"] == 23
    assert told["tiers"][0] == {
        "tier": "vip", "name": "VIP", "price_cents": 9_000, "available": 3,
    }  # fmt: skip
    assert seen["odds"]["likely"] > 0

    await buy(shop, sale, event, "vip", 3)
    # The shop's count is a second old at most, and so is the board. Machines of tests are slow.
    seen = await board_where(shop, sale, lambda now: available(now).get("vip") == 0)
    assert available(seen)["floor"] == 20
    assert seen["phase"] == "open"


@pytest.mark.usefixtures("hasty")
async def test_a_sale_is_sold_out_for_all_and_opens_again_when_seats_return(shop: Shop) -> None:
    sale = await shop.new_sale()
    stock = (StockTier("floor", "Floor", 4_500, 2),)
    event = await shop.new_event(stock=stock, sale_id=sale, cancel_minutes=60)
    await board_where(shop, sale, lambda now: available(now) == {"floor": 2})
    buyer, order = await buy(shop, sale, event, "floor", 2)
    await board_where(shop, sale, lambda now: now["phase"] == "sold_out")
    await shop.change_sale(sale, state="draining")
    assert (await Fan(shop).join(sale)).code == "sale-closed", "nobody new, sold out or not"
    await shop.change_sale(sale, state="open")

    late = Fan(shop)
    assert (await late.join(sale)).status == 201, "there is a line for returns"
    seen = await board_where(shop, sale, lambda now: now["waiting"] == 1)
    assert (seen["phase"], seen["serving"]) == ("sold_out", 0)
    assert seen["odds"] == {"likely": 0, "uncertain": 0}
    worker = SaleSenses()
    worker.stock = await StockWatch(shop.epochs, None, None).look(room_sale(shop, sale))
    assert worker.stock.is_sold_out, "a process that asks nobody knows"

    assert (await buyer.call("POST", f"/api/bookings/{order}/cancel")).status == 200
    seen = await board_where(shop, sale, lambda now: now["phase"] == "open")
    seen = await board_where(shop, sale, lambda now: now["serving"] == 1)


def room_sale(shop: Shop, sale: str) -> Any:
    return shop.gateway[ROOMS].room(sale).sale


@pytest.mark.usefixtures("hasty")
async def test_an_operator_may_have_neither_odds_nor_calls_by_stock(shop: Shop) -> None:
    sale = await shop.new_sale(stock_aware=False, tells_odds=False)
    await shop.new_event(stock=(StockTier("floor", "Floor", 4_500, 0),), sale_id=sale)
    await board_where(shop, sale, lambda now: available(now) == {"floor": 0})
    await Fan(shop).join(sale)
    seen = await board_where(shop, sale, lambda now: now["serving"] == 1)
    assert (seen["phase"], seen["odds"]) == ("open", None)


async def test_no_more_are_called_than_what_is_left_can_serve(shop: Shop) -> None:
    sale = await shop.new_sale()
    await shop.new_event(stock=(StockTier("floor", "Floor", 4_500, 6),), sale_id=sale)
    await board_where(shop, sale, lambda now: available(now) == {"floor": 6})
    await asyncio.sleep(0.6)
    for _ in range(8):
        await Fan(shop).join(sale)
    await board_where(shop, sale, lambda now: now["serving"] >= 3)
    await asyncio.sleep(1.2)
    seen = await board(shop, sale)
    assert seen["serving"] == 3, "six seats, two for each until more is known"


def strange_shop(answer: web.Response | None) -> web.Application:
    app = web.Application()
    if answer is not None:

        async def handler(request: web.Request) -> web.Response:
            return web.Response(status=answer.status, body=answer.body)

        app.router.add_get("/api/events/{event}", handler)
    return app


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    "answer",
    [
        None,
        web.Response(text="<html>"),
        web.Response(text='{"tiers": [{"tier": "a", "available": -1}]}'),
        web.Response(text='{"tiers": "many"}'),
        web.Response(status=403),
        web.Response(body=b"\xff"),
    ],
)
async def test_a_shop_that_does_not_know_the_question_has_no_stock(
    shop: Shop, answer: web.Response | None
) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(3, sale_id=sale)
    found = room_sale(shop, sale)
    await shop.redis.delete(f"{{s:{sale}}}:stock")
    watch = StockWatch(shop.epochs, InProcessDoor(strange_shop(answer)), shop.gateway[IDENTITIES])
    now = await watch.look(found)
    assert (now.reading, now.is_sold_out) == (None, False)
    assert float(await shop.redis.hget(f"{{s:{sale}}}:stock", "ask_at_ms")) > (
        shop.clock.now_ms() + 10_000
    ), "and is not asked again at once"
    assert event


@pytest.mark.usefixtures("alone")
async def test_a_shop_that_only_counts_down_is_understood(shop: Shop) -> None:
    sale = await shop.new_sale()
    await shop.new_event(3, sale_id=sale)
    left = [7]

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"tiers": [{"tier": "a", "available": left[0]}], "more": 1})

    app = web.Application()
    app.router.add_get("/api/events/{event}", handler)
    await shop.redis.delete(f"{{s:{sale}}}:stock")
    watch = StockWatch(shop.epochs, InProcessDoor(app), shop.gateway[IDENTITIES])
    first = await watch.look(room_sale(shop, sale))
    left[0] = 4
    await shop.redis.hset(f"{{s:{sale}}}:stock", "at_ms", 0)
    second = await watch.look(room_sale(shop, sale))
    assert first.reading is not None
    assert second.reading is not None
    assert (first.reading.left, first.taken, second.reading.left, second.taken) == (7, 0, 4, 3)


@pytest.mark.parametrize("shop", ["in one process"], indirect=True)
@pytest.mark.usefixtures("alone")
async def test_of_a_large_catalogue_each_event_is_asked_about_less_often(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of events asked about twice a second left a gateway no time for its fans."""
    monkeypatch.setattr(stock_watch, "ASKED_A_SECOND_MAX", 2)
    monkeypatch.setattr(stock_watch, "QUIET_ASKED_A_SECOND", 1)
    sales = [await shop.new_sale() for _ in range(3)]
    for sale, events in zip(sales, (1, 3, 6), strict=True):
        for _ in range(events):
            await shop.new_event(3, sale_id=sale)
    under_way, most, asked = 0, 0, 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal under_way, most, asked
        asked += 1
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.json_response({"tiers": [{"tier": "a", "available": 3}]})

    app = web.Application()
    app.router.add_get("/api/events/{event}", handler)
    watch = StockWatch(shop.epochs, InProcessDoor(app), shop.gateway[IDENTITIES])

    async def is_asked(number: int, age_s: int, *, is_quiet: bool = False) -> bool:
        """Whether the shop is asked about a sale of which it told so many seconds ago."""
        key, before = f"{{s:{sales[number]}}}:stock", asked
        told = {"at_ms": shop.clock.now_ms() - age_s * 1_000, "ask_at_ms": 0, "reading": "null"}
        await shop.redis.hset(key, mapping=told)
        await watch.look(room_sale(shop, sales[number]), is_quiet=is_quiet)
        return asked > before

    async def look_at_all(*, is_quiet: bool = False) -> None:
        await asyncio.gather(
            *(watch.look(room_sale(shop, sale), is_quiet=is_quiet) for sale in sales)
        )

    await shop.redis.delete(*(f"{{s:{sale}}}:stock" for sale in sales))
    await look_at_all()
    assert most <= stock_watch.ASKED_AT_ONCE, "however many sales there are"
    assert asked == 1 + 3 + 6
    assert not await is_asked(0, 4), "ten events, two a second"
    assert await is_asked(0, 5)
    most = 0
    await look_at_all(is_quiet=True)
    assert not await is_asked(0, 9, is_quiet=True), "half as often where nobody waits or shops"
    assert await is_asked(0, 10, is_quiet=True)
    assert most <= stock_watch.QUIET_ASKED_AT_ONCE
    assert await is_asked(0, 5), "and as soon as before once somebody does"
    monkeypatch.setattr(stock_watch, "EVERY_MS_MAX", 3_000)
    watch = StockWatch(shop.epochs, InProcessDoor(app), shop.gateway[IDENTITIES])
    await look_at_all()
    assert await is_asked(1, 3), "and is never forgotten"


@pytest.mark.usefixtures("alone")
async def test_what_was_told_of_a_quiet_sale_counts_until_the_shop_has_told_its_crowd(
    shop: Shop,
) -> None:
    """Else all who come at once are called, however few seats there are."""
    sale = await shop.new_sale()
    await shop.new_event(3, sale_id=sale)
    key = f"{{s:{sale}}}:stock"
    await shop.redis.delete(key)
    told = StockWatch(shop.epochs, shop.gateway[DOOR], shop.gateway[IDENTITIES])
    await told.look(room_sale(shop, sale), is_quiet=True)
    told_at_ms = shop.clock.now_ms() - 300_000
    await shop.redis.hset(key, mapping={"at_ms": told_at_ms, "good_ms": 200_000})
    worker = StockWatch(shop.epochs, None, None)
    known = (await worker.look(room_sale(shop, sale))).reading
    assert known is not None
    assert known.left == 3
    await shop.redis.hset(key, "good_ms", 2_000)
    assert (await worker.look(room_sale(shop, sale))).reading is None


@pytest.mark.usefixtures("alone")
async def test_one_question_without_an_answer_ends_the_others(shop: Shop) -> None:
    sale = await shop.new_sale()
    for _ in range(12):
        await shop.new_event(3, sale_id=sale)
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=503)

    app = web.Application()
    app.router.add_get("/api/events/{event}", handler)
    await shop.redis.delete(f"{{s:{sale}}}:stock")
    watch = StockWatch(shop.epochs, InProcessDoor(app), shop.gateway[IDENTITIES])
    await watch.look(room_sale(shop, sale))
    await asyncio.sleep(10 * stock_watch.ASKED_AT_ONCE / stock_watch.ASKED_A_SECOND_MAX)
    assert asked <= stock_watch.ASKED_AT_ONCE


async def test_a_crowd_does_not_wait_for_the_slow_asking_of_a_quiet_sale(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, other = await shop.new_sale(), await shop.new_sale()
    rooms, looks = shop.gateway[ROOMS], []

    async def look(found: Sale, senses: SaleSenses, *, is_quiet: bool) -> None:
        if found.sale_id in (sale, other):
            looks.append((found.sale_id, is_quiet))
        if found.sale_id == sale and is_quiet:
            await asyncio.Event().wait()

    monkeypatch.setattr(rooms._senses, "look_at_stock", look)
    for room in rooms.rooms():
        if room.looking is not None:
            room.looking.cancel()
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await rooms._look_at_stock()
        while looks.count((other, True)) < 3:  # nobody waits for the slow one
            await asyncio.sleep(0.05)
        assert looks.count((sale, True)) == 1, "one look at a time"
        assert (await Fan(shop).join(sale)).status == 201
        while (sale, False) not in looks:
            await asyncio.sleep(0.05)
    slow = rooms.room(sale).looking
    assert slow is not None


async def test_a_shop_that_is_down_leaves_what_was_known(shop: Shop) -> None:
    sale = await shop.new_sale()
    await shop.new_event(3, sale_id=sale)
    await board_where(shop, sale, lambda now: available(now) == {"floor": 3})
    broken = strange_shop(web.Response(status=503))
    told_at_ms = shop.clock.now_ms() - 2 * stock_watch.LOOK_EVERY_MS
    await shop.redis.hset(f"{{s:{sale}}}:stock", mapping={"at_ms": told_at_ms, "ask_at_ms": 0})
    watch = StockWatch(shop.epochs, InProcessDoor(broken), shop.gateway[IDENTITIES])
    now = await watch.look(room_sale(shop, sale))
    assert now.reading is not None
    assert now.reading.left == 3


async def test_all_processes_tell_what_the_worker_has_measured(shop: Shop) -> None:
    sale = await shop.new_sale(rate_per_minute=60, burst=1)
    for _ in range(5):
        await Fan(shop).join(sale)
    worker = RoomWorker(shop.epochs, GatewaySettings(), shop.clock)
    async with worker.rooms.running():
        async with asyncio.timeout(10):
            while not await shop.redis.get(f"{{s:{sale}}}:waits"):
                await asyncio.sleep(0.05)
        senses = shop.gateway[ROOMS].room(sale).senses
        async with asyncio.timeout(10):
            while senses.shared is None or not senses.shared.eta:
                await asyncio.sleep(0.05)
        seen = await board_where(shop, sale, lambda now: bool(now["eta"]))
        assert seen["eta"][0]["distance"] == 1
    async with asyncio.timeout(15):
        while senses.shared is not None:
            await asyncio.sleep(0.2)
    assert (await board_where(shop, sale, lambda now: now["at_ms"] > seen["at_ms"]))["eta"], (
        "without it, each tells its own"
    )
