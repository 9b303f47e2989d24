"""Redis dies, or forgets everything, in the middle of a sale: no seat sold twice, no sale lost."""

import asyncio
import random
import tempfile
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from booking_core.catalog.event import StockTier
from tests.support.fan import Fan, Reply
from tests.support.opening import open_shop
from tests.support.private_redis import PrivateRedis
from tests.support.shop import Shop
from tests.support.truth import assert_settled, held_by

SEATS = 60
STOCK = 40
FANS = 16
# After a loss the store is believed in again within seconds; a fan asks on for longer than that.
PATIENCE_S = 30.0
# What a fan may be told in all of this; a 5xx other than "ask again" is a bug.
EXPECTED = {201, 202, 402, 403, 409, 410, 503}


@dataclass
class Sale:
    """What the fans were told."""

    shop: Shop
    seated: str
    stocked: str
    told: Counter[int] = field(default_factory=Counter)
    confirmed: dict[str, tuple[Fan, bytes]] = field(default_factory=dict)
    unfinished: list[tuple[Fan, str, str]] = field(default_factory=list)
    is_over: bool = False

    async def buy_on(self, rng: random.Random) -> None:
        """One fan after another holds and pays, until the sale is over."""
        while not self.is_over:
            fan = Fan.inside(self.shop)
            with suppress(aiohttp.ClientError):
                await self._buy(fan, rng)

    async def _buy(self, fan: Fan, rng: random.Random) -> None:
        reply = await self._reserve(fan, rng)
        if reply.status != 201:
            await asyncio.sleep(0.02)
            return
        held, key = reply.json["reservation_id"], uuid.uuid4().hex
        if rng.random() < 0.2:
            return  # left without paying
        card = rng.choice(["card_ok"] * 6 + ["card_declined", "card_error_500"])
        reply = await fan.complete(held, card, key)
        self._note(reply)
        if reply.status == 201:
            self.confirmed[reply.json["booking_id"]] = (fan, reply.body)
        elif reply.status in (202, 409, 503):
            self.unfinished.append((fan, held, key))

    async def _reserve(self, fan: Fan, rng: random.Random) -> Reply:
        if rng.random() < 0.3:
            wanted = {"stock": {"tier": "print", "quantity": rng.randint(1, 2)}}
            reply = await fan.reserve(self.stocked, **wanted)
        elif rng.random() < 0.5:
            seats = {f"A-{rng.randint(1, SEATS)}" for _ in range(2)}
            reply = await fan.reserve(self.seated, *seats)
        else:
            reply = await fan.reserve(self.seated, best_available={"quantity": 1})
        self._note(reply)
        return reply

    def _note(self, reply: Reply) -> None:
        self.told[reply.status] += 1
        assert reply.status in EXPECTED, reply

    async def assert_kept(self) -> None:
        """Every booking that was confirmed is there, as it was told."""
        for booking_id, (fan, body) in self.confirmed.items():
            reply = await fan.booking(booking_id)
            assert (reply.status, reply.body) == (200, body)
        for event in (self.seated, self.stocked):
            await assert_settled(self.shop, event)


@asynccontextmanager
async def sale(shop: Shop, seed: int) -> AsyncIterator[Sale]:
    """Fans buy while the block runs; afterwards everything is settled and compared."""
    seated = await shop.new_event(SEATS)
    stocked = await shop.new_event(stock=[StockTier("print", "Print", 1_000, STOCK)])
    going_on = Sale(shop, seated, stocked)
    async with shop.worker.running():
        fans = [
            asyncio.create_task(going_on.buy_on(random.Random(f"{seed}-{n}"))) for n in range(FANS)
        ]
        try:
            yield going_on
        finally:
            going_on.is_over = True
            for outcome in await asyncio.gather(*fans, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
    await shop.settle()
    await shop.settle()


async def until(is_so: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = is_so()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise AssertionError(f"after {PATIENCE_S:g} s still not: {what}") from error


@pytest.fixture
async def redis() -> AsyncIterator[PrivateRedis]:
    with tempfile.TemporaryDirectory(prefix="onsale-redis-") as folder:
        redis = PrivateRedis(Path(folder))
        await redis.start()
        try:
            yield redis
        finally:
            await redis.stop()


@pytest.fixture
async def shop(redis: PrivateRedis, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(
            open_shop(redis.server.url, database_dsn, open_dir, webhooks=True)
        )


async def test_a_killed_redis_loses_no_sale(shop: Shop, redis: PrivateRedis) -> None:
    epoch = shop.epochs.epoch
    async with sale(shop, seed=1) as going_on:
        await until(lambda: len(going_on.confirmed) >= 5, "five bookings")
        await redis.kill()
        before = len(going_on.confirmed)
        await until(lambda: going_on.told[503] > 0, "fans are told to ask again")
        await redis.start()
        await until(lambda: len(going_on.confirmed) >= before + 5, "sales go on after the loss")
    assert shop.epochs.epoch > epoch
    await going_on.assert_kept()
    await _everybody_hears_how_it_ended(going_on)


async def test_an_emptied_redis_loses_no_sale(shop: Shop) -> None:
    async with sale(shop, seed=2) as going_on:
        for round_number in (1, 2):
            await until(lambda: len(going_on.confirmed) >= 5 * round_number, "bookings")  # noqa: B023
            await shop.redis.flushall()
    await going_on.assert_kept()
    await _everybody_hears_how_it_ended(going_on)


async def _everybody_hears_how_it_ended(going_on: Sale) -> None:
    """Whoever was told to ask again gets a final answer, and never a second sale."""
    tickets = await going_on.shop.value("SELECT count(*) FROM tickets")
    for fan, held, key in going_on.unfinished:
        order = await going_on.shop.rows(
            "SELECT payment_method FROM orders WHERE fan_id = %s AND idempotency_key = %s",
            fan.fan_id, key,
        )  # fmt: skip
        if order:
            reply = await fan.complete(held, order[0][0], key)
            assert reply.status in (201, 402, 410), reply
    assert await going_on.shop.value("SELECT count(*) FROM tickets") == tickets


async def test_a_hold_that_reached_the_ledger_survives_an_emptied_redis(shop: Shop) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1", "A-2")
    await shop.settle()
    await shop.redis.flushall()
    taken = await Fan.inside(shop).reserve(event, "A-2", offer=False)
    assert (taken.status, taken.code) == (409, "seats-taken"), taken
    assert await held_by(shop, event, fan.fan_id) == [held]
    assert (await fan.complete(held)).status == 201
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "2200"


async def test_an_order_under_way_keeps_its_seats_through_a_loss(shop: Shop) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"), "card_requires_action")
    await shop.redis.flushall()
    taken = await Fan.inside(shop).reserve(event, "A-1", offer=False)
    assert (taken.status, taken.code) == (409, "seats-taken"), taken
    await shop.answer_bank(reply.json["next_action_url"])

    async def is_sold() -> bool:
        # The bank's webhook may be at the order in this moment; whoever comes second leaves it.
        await shop.settle()
        return await shop.seat_digits(event) == "2000"

    await until(is_sold, "the seat is sold")
    await shop.settle()
    await assert_settled(shop, event)


async def test_nothing_is_offered_while_redis_is_down(shop: Shop, redis: PrivateRedis) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    await redis.kill()
    for reply in (
        await fan.reserve(event, "A-2"),
        await fan.complete(held),
        await fan.call("POST", f"/api/bookings/{held}/extend"),
    ):
        assert (reply.status, reply.code) == (503, "store-unavailable"), reply
        assert int(reply.headers["Retry-After"]) >= 1
    # The waiting room goes on telling how things stand.
    assert (await fan.call("GET", "/api/sales/tour/status")).status == 200
    assert (await fan.call("GET", "/api/events/search")).status == 200
    await redis.start()
    await until(lambda: _is_sold(fan, held), "the fan can pay after all")


async def _is_sold(fan: Fan, held: str) -> bool:
    return (await fan.complete(held, key="k")).status in (201, 410)
