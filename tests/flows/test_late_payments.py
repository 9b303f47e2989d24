"""A payment that succeeds when its places had to be let go: the same, others, or the money back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from booking_core.catalog.event import StockTier
from booking_core.checkout.late_payments import LatePayments
from booking_core.ledger.order import Order
from booking_core.practice_provider import intents
from booking_core.practice_provider.app_keys import BOOK
from booking_core.practice_provider.intents import Intent
from booking_core.worker import ShopWorker
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled

TELLS = "payment_intent.amount_capturable_updated"


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    """A shop that waits for no bank, and a bank that decides when a test says so."""
    async with open_shop(
        redis_url, database_dsn, open_dir, webhooks=True,
        core={"payment_patience_ms": 0}, provider={"practice_slow_ms": 600_000},
    ) as shop:  # fmt: skip
        yield shop


@dataclass
class Late:
    """A buyer whose bank is at it, and whose places are on sale again."""

    shop: Shop
    fan: Fan
    event: str
    order: str

    @property
    def intent(self) -> Intent:
        [intent] = self.shop.intents_of(self.order)
        return intent

    def bank_says_yes(self, *, tells: bool = False, is_taken: bool = False) -> None:
        book = self.shop.provider[BOOK]
        paid = intents.authorize(self.intent, self.shop.clock.now_ms())
        if is_taken:
            paid = intents.capture(paid, None, self.shop.clock.now_ms())
        book.put(paid, TELLS) if tells else book.put(paid)

    async def page(self) -> str:
        return (await self.fan.call("GET", f"/orders/{self.order}")).body.decode()

    async def look(self) -> str:
        """Let the worker ask the provider and do the rest; returns the order's state then."""
        await self.shop.rows("UPDATE orders SET look_after = now() WHERE look_after > now()")
        await self.shop.settle()
        await self.shop.parts.refunding.work()
        return await self.shop.state_of(self.order)

    async def seats(self) -> list[str]:
        rows = await self.shop.rows(
            "SELECT seat_id FROM tickets WHERE order_id = %s ORDER BY position", self.order
        )
        return [row[0] for row in rows]


async def late(shop: Shop, event: str, *seat_ids: str, **wanted: object) -> Late:
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, *seat_ids, **wanted), "card_slow")
    assert reply.status == 202, reply
    order = str(reply.json["booking_id"])
    await shop.let_deadline_pass(order)
    await shop.settle()
    assert await shop.state_of(order) == "AWAITED"
    return Late(shop, fan, event, order)


async def test_places_of_a_slow_bank_are_for_others_and_the_page_says_so(shop: Shop) -> None:
    event = await shop.new_event(3)
    buyer = await late(shop, event, "A-1", "A-2")
    assert await shop.seat_digits(event) == "000"
    assert (await buyer.fan.booking(buyer.order)).json["status"] == "awaited"
    page = await buyer.page()
    assert "Your bank is taking very long" in page
    assert "had to go back on sale" in page
    assert await buyer.look() == "AWAITED", "the bank has not decided"
    assert (await Fan.inside(shop).reserve(event, "A-1")).status == 201


async def test_the_same_places_are_sold_when_they_are_still_free(shop: Shop) -> None:
    event = await shop.new_event(3)
    buyer = await late(shop, event, "A-1", "A-2")
    buyer.bank_says_yes()
    assert await buyer.look() == "SOLD"
    assert await buyer.seats() == ["A-1", "A-2"]
    assert "They are yours" in await buyer.page()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "220"


async def test_a_late_webhook_alone_sells_them(shop: Shop) -> None:
    event = await shop.new_event(3)
    buyer = await late(shop, event, "A-2")
    buyer.bank_says_yes(tells=True)
    async with asyncio.timeout(5):
        while await shop.state_of(buyer.order) != "SOLD":
            await asyncio.sleep(0.02)
    await shop.settle()
    await assert_settled(shop, event)


async def test_stock_is_sold_late_or_the_money_let_go(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 3)])
    first = await late(shop, event, stock={"tier": "print", "quantity": 2})
    second = await late(shop, event, stock={"tier": "print", "quantity": 2})
    assert await shop.stock_left(event, "print") == 3
    first.bank_says_yes()
    assert await first.look() == "SOLD"
    second.bank_says_yes()
    assert await second.look() == "RELEASED"
    await assert_settled(shop, event)
    assert await shop.stock_left(event, "print") == 1


async def offered(shop: Shop, event: str) -> Late:
    """A late buyer of A-1 and A-2 who is offered others, for somebody has A-1."""
    buyer = await late(shop, event, "A-1", "A-2")
    other = Fan.inside(shop)
    assert (await other.complete(await other.held(event, "A-1"))).status == 201
    buyer.bank_says_yes()
    assert await buyer.look() == "OFFERED"
    return buyer


async def test_others_like_them_are_offered_and_taken(shop: Shop) -> None:
    event = await shop.new_event(4)
    buyer = await offered(shop, event)
    page = await buyer.page()
    assert "others are kept for you" in page
    told = (await buyer.fan.booking(buyer.order)).json
    assert told["status"] == "offered"
    assert told["offer"]["instead_of"] == ["A-1", "A-2"]
    assert told["offer"]["seats"] == ["A-2", "A-3"]
    for seat in told["offer"]["seats"]:
        assert (await Fan.inside(shop).reserve(event, seat, offer=False)).status == 409
    taken = await buyer.fan.call("POST", f"/orders/{buyer.order}/offer", data={"answer": "take"})
    assert taken.status == 303
    assert await shop.state_of(buyer.order) == "SOLD"
    await shop.settle()
    assert await buyer.seats() == ["A-2", "A-3"]
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "2220"
    again = await buyer.fan.call(
        "POST", f"/api/bookings/{buyer.order}/offer", json={"accept": False}
    )
    assert again.json["status"] == "confirmed", "a decided offer stays decided"


async def test_an_offer_survives_the_loss_of_redis(shop: Shop) -> None:
    event = await shop.new_event(4)
    buyer = await offered(shop, event)
    await shop.redis.flushall()
    await shop.worker._epochs.start()
    assert await shop.seat_digits(event) == "2110"
    taken = await buyer.fan.call(
        "POST", f"/api/bookings/{buyer.order}/offer", json={"accept": True}
    )
    assert taken.json["status"] == "confirmed"
    await shop.settle()
    await assert_settled(shop, event)


@pytest.mark.parametrize("end", ["refused", "not answered"])
async def test_an_offer_that_is_not_taken_moves_no_money(shop: Shop, end: str) -> None:
    event = await shop.new_event(4)
    buyer = await offered(shop, event)
    if end == "refused":
        path = f"/orders/{buyer.order}/offer"
        assert (await buyer.fan.call("POST", path, data={"answer": "leave"})).status == 303
    else:
        await shop.let_deadline_pass(buyer.order)
    assert await buyer.look() == "RELEASED"
    assert buyer.intent.status == "canceled"
    assert "<h1>Your payment came too late</h1>" in await buyer.page()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "2000"


async def test_only_its_buyer_answers_an_offer_and_only_yes_or_no(shop: Shop) -> None:
    event = await shop.new_event(4)
    buyer = await offered(shop, event)
    stranger = Fan.inside(shop)
    for path, body in (("/orders/", {"data": {"answer": "take"}}),
                       ("/api/bookings/", {"json": {"accept": True}})):  # fmt: skip
        refused = await stranger.call("POST", f"{path}{buyer.order}/offer", **body)
        assert refused.status == 404
    odd = await buyer.fan.call("POST", f"/orders/{buyer.order}/offer", data={"answer": "maybe"})
    assert odd.status == 400
    assert await shop.state_of(buyer.order) == "OFFERED"


@pytest.mark.parametrize("is_taken", [False, True])
async def test_without_places_the_money_goes_back(shop: Shop, is_taken: bool) -> None:
    event = await shop.new_event(2)
    buyer = await late(shop, event, "A-1", "A-2")
    other = Fan.inside(shop)
    assert (await other.complete(await other.held(event, "A-1"))).status == 201
    buyer.bank_says_yes(is_taken=is_taken)
    assert await buyer.look() == "RELEASED"
    page = await buyer.page()
    assert "Your payment came too late" in page
    assert ("Given back: €90<" in page) == is_taken
    assert buyer.intent.status == ("succeeded" if is_taken else "canceled")
    assert buyer.intent.amount_refunded == (9_000 if is_taken else 0)
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "20"


async def test_a_bank_that_says_no_in_the_end_ends_the_order(shop: Shop) -> None:
    event = await shop.new_event(2)
    buyer = await late(shop, event, "A-1")
    refusal = intents.CardRefusal("card_declined", "No.", "card_slow")
    shop.provider[BOOK].put(intents.decline(buyer.intent, refusal))
    assert await buyer.look() == "RELEASED"
    assert "not finished in time" in await buyer.page()
    await assert_settled(shop, event)


async def test_who_has_bought_others_meanwhile_does_not_get_too_many(shop: Shop) -> None:
    event = await shop.new_event(6, seats_max=2)
    buyer = await late(shop, event, "A-1", "A-2")
    assert (await buyer.fan.complete(await buyer.fan.held(event, "A-3", "A-4"))).status == 201
    buyer.bank_says_yes()
    assert await buyer.look() == "RELEASED"
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "002200"


async def test_one_order_that_cannot_be_carried_on_holds_up_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(4)
    broken, other = await late(shop, event, "A-1"), await late(shop, event, "A-3")
    other.bank_says_yes()
    look = LatePayments.look

    async def fail(late_payments: LatePayments, order: Order) -> None:
        if order.order_id == broken.order:
            raise RuntimeError("it is broken")
        await look(late_payments, order)

    monkeypatch.setattr(LatePayments, "look", fail)
    await shop.rows(
        "UPDATE orders SET look_after = now() - interval '1 hour' WHERE order_id = %s", broken.order
    )
    assert await other.look() == "SOLD"
    assert await shop.state_of(broken.order) == "AWAITED"


async def test_two_workers_give_one_order_one_end(shop: Shop) -> None:
    event = await shop.new_event(12)
    buyers = [await late(shop, event, f"A-{n}") for n in range(1, 7)]
    for buyer in buyers:
        buyer.bank_says_yes()
    other = ShopWorker(shop.parts, shop.worker._epochs, shop.clock)
    await asyncio.gather(
        *(worker._parts.checkout.run(b.order) for b in buyers for worker in (shop.worker, other))
    )
    assert [await buyer.look() for buyer in buyers] == ["SOLD"] * 6
    await assert_settled(shop, event)


@pytest.mark.parametrize("how", ["webhook", "audit"])
async def test_money_for_an_order_that_has_ended_is_given_back(shop: Shop, how: str) -> None:
    """An order released by hand, say: what comes for it then is not ours to keep."""
    event = await shop.new_event(2)
    buyer = await late(shop, event, "A-1")
    await shop.rows("UPDATE orders SET state = 'EXPIRING' WHERE order_id = %s", buyer.order)
    await shop.rows("SELECT release_order_v2(%s)", buyer.order)
    buyer.bank_says_yes(is_taken=True, tells=how == "webhook")
    if how == "audit":
        await shop.worker._read_events()
        await shop.worker._audit()
    async with asyncio.timeout(5):
        while not buyer.intent.amount_refunded:
            await asyncio.sleep(0.02)
            await shop.parts.refunding.work()
    assert await shop.state_of(buyer.order) == "RELEASED"
    assert "Given back: €45<" in await buyer.page()
    await assert_settled(shop, event)


@pytest.mark.parametrize("state", ["CLAIMED", "EXPIRING", "RELEASED", "CANCELLED"])
async def test_a_sale_is_not_ended_by_a_step(shop: Shop, state: str) -> None:
    event = await shop.new_event(2)
    buyer = await late(shop, event, "A-1")
    buyer.bank_says_yes()
    assert await buyer.look() == "SOLD"
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="its end"):
        await shop.rows("UPDATE orders SET state = %s WHERE order_id = %s", state, buyer.order)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="stays as it is"):
        await shop.rows("UPDATE order_lines SET seat_id = 'A-2' WHERE order_id = %s", buyer.order)


async def test_what_was_let_go_is_not_sold_by_who_knows_it_from_before(shop: Shop) -> None:
    event = await shop.new_event(2)
    buyer = await late(shop, event, "A-1")
    assert (await shop.parts.orders.sell(buyer.order)).state == "AWAITED"
    await shop.parts.checkout.late.late.begin_ending(buyer.order, "deadline")
    assert (await shop.parts.orders.sell_late(buyer.order)).state == "EXPIRING"
    await shop.rows("UPDATE orders SET is_let_go = false, release_reason = 'late-payment' "
                    "WHERE order_id = %s", buyer.order)  # fmt: skip
    assert (await shop.parts.orders.sell_late(buyer.order)).state == "EXPIRING"
    await shop.rows("UPDATE orders SET is_let_go = true WHERE order_id = %s", buyer.order)
