"""Whoever carries an order dies just before or just after any effect; two others finish it at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from booking_core.catalog.event import StockTier
from booking_core.checkout.booking import Bookings, CompleteRequest
from booking_core.ledger.order import FINAL
from booking_core.ledger.outbox import Outbox
from booking_core.ledger.projection import Projection
from booking_core.practice_provider import intents
from booking_core.practice_provider.app_keys import BOOK
from groundwork.clock import SystemTokenSource
from groundwork.errors import BookingError
from tests.support.fan import Fan
from tests.support.opening import hurry
from tests.support.shop import Shop
from tests.support.truth import assert_settled

# Effects of the longest story and some to spare; a story that never ends is a bug of its own.
EFFECTS_MAX = 60
# Longer than any bank here takes to answer, but for the one that is silent.
SILENCE_S = 0.15


class Died(BaseException):
    """The process is gone: nothing may catch this and go on."""


@dataclass
class Fate:
    """Counts effects, and lets the process die before or after one of them."""

    dies_at: int = -1
    is_before: bool = True
    count: int = 0
    where: str = ""

    async def around(self, name: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        number, self.count = self.count, self.count + 1
        if number == self.dies_at:
            self.where = f"{'before' if self.is_before else 'after'} effect {number}, {name}"
            if not self.is_before:
                await effect()
            raise Died(self.where)
        return await effect()


class Fated:
    """Anything whose named methods are effects that the process may not survive."""

    def __init__(self, whole: Any, names: frozenset[str], fate: Fate) -> None:
        self._whole, self._names, self._fate = whole, names, fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._whole, name)
        if name not in self._names:
            return method
        label = f"{type(self._whole).__name__}.{name}"

        async def fated(*args: Any, **kwargs: Any) -> Any:
            return await self._fate.around(label, lambda: method(*args, **kwargs))

        return fated


ORDER_EFFECTS = frozenset(
    {"claim", "note_payment", "note_next_action", "begin_authorizing", "begin_expiring", "sell",
     "sell_late", "release", "carry", "put_down", "note_answer", "note_captured"}
)  # fmt: skip
PAYMENT_EFFECTS = frozenset({"create", "confirm", "cancel", "capture"})
HOLD_EFFECTS = frozenset({"keep_for_payment", "end_payment", "release", "settle"})


class MortalShop:
    """The checkout and the outbox of one process, on the real stores and the real provider."""

    def __init__(self, shop: Shop, fate: Fate) -> None:
        parts = shop.parts
        orders: Any = Fated(parts.orders, ORDER_EFFECTS, fate)
        holds: Any = Fated(parts.holds, HOLD_EFFECTS, fate)
        payments: Any = Fated(parts.checkout.payments, PAYMENT_EFFECTS, fate)
        self.checkout = replace(parts.checkout, orders=orders, payments=payments, holds=holds)
        self.bookings = Bookings(
            holds, orders, parts.catalog, self.checkout, parts.issuer, SystemTokenSource(),
            shop.core_settings,
        )  # fmt: skip
        projection = Projection(orders, holds, parts.catalog)
        self.outbox = Outbox(
            shop.pool,
            {
                "capture": self.checkout.capture,
                "project_sold": projection.show_sold,
                "project_released": projection.show_released,
            },
        )


@dataclass(frozen=True)
class Story:
    """A payment method, and what happens to the order after the buyer's call."""

    card: str
    is_stock: bool = False
    is_left_alone: bool = False  # the deadline passes
    is_captured_late: bool = False  # and the money was taken meanwhile
    is_free: bool = False

    def __str__(self) -> str:
        marks = ("stock" * self.is_stock, "deadline" * self.is_left_alone,
                 "late" * self.is_captured_late, "free" * self.is_free)  # fmt: skip
        return "-".join([self.card, *filter(None, marks)])


STORIES = [
    Story("card_ok"),
    Story("card_ok", is_stock=True),
    Story("card_ok", is_free=True),
    Story("card_ok", is_stock=True, is_free=True),
    Story("card_declined"),
    Story("card_declined", is_stock=True),
    Story("card_error_500"),
    Story("card_timeout_then_ok"),
    Story("card_requires_action", is_left_alone=True),
    Story("card_requires_action", is_stock=True, is_left_alone=True),
    Story("card_requires_action", is_left_alone=True, is_captured_late=True),
]


@pytest.fixture
async def event(shop: Shop, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    story = request.node.callspec.params["story"] if "story" in request.fixturenames else STORIES[0]
    stock = [StockTier("print", "Print", 0 if story.is_free else 1_000, 200)]
    yield await shop.new_event(2 * EFFECTS_MAX, stock, price=0 if story.is_free else 4_500)


@pytest.mark.parametrize("story", STORIES, ids=str)
async def test_the_end_is_good_wherever_it_died(shop: Shop, event: str, story: Story) -> None:
    hurry(shop.payments, SILENCE_S)
    await shop.settle()
    effects = await _count_effects(shop, event, story)
    assert 3 <= effects <= EFFECTS_MAX, effects
    for number in range(effects):
        for is_before in (True, False):
            fate = Fate(number, is_before)
            await _live_and_die(shop, event, story, fate)
            assert fate.where, f"{story}: effect {number} of {effects} was not reached"
            await assert_settled(shop, event, f"{story}: died {fate.where}")


async def _count_effects(shop: Shop, event: str, story: Story) -> int:
    fate = Fate()
    await _live_and_die(shop, event, story, fate)
    await assert_settled(shop, event, f"{story}: nobody died")
    return fate.count


async def _live_and_die(shop: Shop, event: str, story: Story, fate: Fate) -> None:
    fan = Fan.inside(shop)
    wanted: dict[str, Any] = (
        {"stock": {"tier": "print", "quantity": 2}}
        if story.is_stock
        else {"best_available": {"quantity": 1}}
    )
    held = await fan.held(event, **wanted)
    request = CompleteRequest(fan.fan_id, held, story.card, "key", "")
    mortal = MortalShop(shop, fate)
    try:
        try:
            await mortal.bookings.complete(request)
        except BookingError:
            pass
        await _time_passes(shop, held, story)
        if story.is_left_alone:
            for order_id in await _orders_of(shop, held):
                await mortal.checkout.run(order_id)
        await mortal.outbox.work()
    except Died:
        # What it had in its hands is free for others once its leases run out.
        await _time_passes(shop, held, story)
    await _finish(shop, held, fate)
    if not story.is_left_alone:
        await _ask_again(shop, fan, held, story, fate)


async def _time_passes(shop: Shop, held: str, story: Story) -> None:
    await shop.rows("UPDATE orders SET carried_until = NULL WHERE reservation_id = %s", held)
    if not story.is_left_alone:
        return
    for order_id in await _orders_of(shop, held):
        if story.is_captured_late:
            for intent in shop.intents_of(order_id):
                if intent.status == "requires_action":
                    book = shop.provider[BOOK]
                    book.put(intents.authorize(intent, shop.clock.now_ms()))
                    book.capture(intent.id, None)
        await shop.let_deadline_pass(order_id)


async def _orders_of(shop: Shop, held: str) -> list[str]:
    rows = await shop.rows("SELECT order_id::text FROM orders WHERE reservation_id = %s", held)
    return [str(row[0]) for row in rows]


async def _finish(shop: Shop, held: str, fate: Fate) -> None:
    """Two rescuers carry every order at once, then two workers tell the outbox at once."""
    whole = MortalShop(shop, Fate())
    for order_id in await _orders_of(shop, held):
        async with asyncio.timeout(10):
            while not await _is_carried_to_its_end(whole, shop, order_id):
                await asyncio.sleep(0.02)  # the bank is at it
    for _ in range(3):
        await shop.rows("UPDATE outbox SET not_before = now() WHERE done_at IS NULL")
        await asyncio.gather(whole.outbox.work(), shop.outbox.work())


async def _is_carried_to_its_end(whole: MortalShop, shop: Shop, order_id: str) -> bool:
    ends = await asyncio.gather(whole.checkout.run(order_id), shop.parts.checkout.run(order_id))
    return all(order.state in FINAL for order in ends)


async def _ask_again(shop: Shop, fan: Fan, held: str, story: Story, fate: Fate) -> None:
    """The buyer repeats the call, with the same key, and is told how it ended; then all is done."""
    reply = await fan.complete(held, story.card, "key")
    orders = await _orders_of(shop, held)
    assert len(orders) == 1, f"died {fate.where}: {orders}"
    good = story.card in ("card_ok", "card_timeout_then_ok")
    assert reply.status == (201 if good else 402), f"died {fate.where}: {reply}"
    if good:
        assert reply.json["booking_id"] == orders[0]
    again = await fan.complete(held, story.card, "key")
    assert again.status == reply.status, f"died {fate.where}: {again}"
    await _finish(shop, held, fate)


async def test_the_checker_sees_a_capture_for_a_released_order(shop: Shop, event: str) -> None:
    """The test of the test: money taken for nothing must be noticed."""
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"), "card_requires_action")
    [intent] = shop.intents_of(reply.json["booking_id"])
    await shop.let_deadline_pass(reply.json["booking_id"])
    await shop.settle()
    await assert_settled(shop, event)
    book = shop.provider[BOOK]
    book.put(intents.authorize(intent, shop.clock.now_ms()))
    book.capture(intent.id, None)
    with pytest.raises(AssertionError, match="succeeded"):
        await assert_settled(shop, event)


async def test_the_checker_sees_a_sold_seat_that_redis_offers(shop: Shop, event: str) -> None:
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1"))).status == 201
    await shop.settle()
    await shop.redis.setrange(f"{{e:{event}}}:status", 0, "0")
    with pytest.raises(AssertionError, match="Redis shows"):
        await assert_settled(shop, event)
