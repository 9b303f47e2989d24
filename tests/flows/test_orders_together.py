"""Orders claimed and sold by one commit: what is wrong with one of them is no business of the others."""

import asyncio
import uuid

import psycopg

from booking_core.ledger.order import Claim
from booking_core.seats.hold import Hold
from groundwork.errors import OverSeatLimit, SeatsTaken
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def claimed(shop: Shop, hold: Hold, *seats: str) -> Claim:
    """Claim seats for who has the hold, whether or not they are in it."""
    return await shop.parts.orders.claim(
        str(uuid.uuid4()), hold, seats, idempotency_key="key", body_hash=b"", email="",
        language="", payment_method="card_ok", epoch=1, payment_ms=60_000, seats_max=2,
    )  # fmt: skip


async def holds_of(shop: Shop, event: str, count: int) -> list[Hold]:
    """Return the holds of so many fans, each of a seat."""
    fans = [Fan.inside(shop) for _ in range(count)]
    held = [await fan.held(event, f"A-{number}") for number, fan in enumerate(fans, 1)]
    keep = shop.parts.holds.keep_for_payment
    return [await keep(one, fan.fan_id, 60_000, "") for one, fan in zip(held, fans, strict=True)]


async def test_of_claims_in_one_commit_the_refused_leave_nothing(shop: Shop) -> None:
    event = await shop.new_event(8, seats_max=2)
    holds = await holds_of(shop, event, 5)
    # One of the second and third comes too late for A-2, whoever it is; the fourth wants too much.
    wanted = [["A-1"], ["A-2"], ["A-3", "A-2"], ["A-6", "A-7", "A-8"], ["A-5"]]
    before = await shop.value("SELECT count(*) FROM orders")
    answers = await asyncio.gather(
        *(claimed(shop, hold, *seats) for hold, seats in zip(holds, wanted, strict=True)),
        return_exceptions=True,
    )
    made = [answer for answer in answers if isinstance(answer, Claim)]
    [taken] = [answer for answer in answers if isinstance(answer, SeatsTaken)]
    assert [type(answer) for answer in answers[3:]] == [OverSeatLimit, Claim]
    assert taken.seat_ids == ("A-2",)
    assert {(claim.outcome, claim.order.state) for claim in made} == {("claimed", "CLAIMED")}
    # What the ledger has is what was answered.
    assert await shop.value("SELECT count(*) FROM orders") == before + len(made) == before + 3
    rows = await shop.rows(
        """SELECT c.order_id::text, c.seat_id
        FROM seat_claims c WHERE c.event_id = %s""", event,
    )  # fmt: skip
    assert {row[0] for row in rows} == {claim.order.order_id for claim in made}
    assert {row[1] for row in rows} <= {"A-1", "A-2", "A-3", "A-5"}


async def test_sales_of_one_moment_are_one_commit_and_one_that_fails_is_sold_alone(
    shop: Shop,
) -> None:
    event = await shop.new_event(4)
    orders = [
        (await claimed(shop, hold, f"A-{number}")).order.order_id
        for number, hold in enumerate(await holds_of(shop, event, 4), 1)
    ]
    first = await asyncio.gather(*map(shop.parts.orders.sell, orders[:2]))
    assert [order.state for order in first] == ["SOLD", "SOLD"]
    commits = await shop.value(
        "SELECT count(DISTINCT xmin::text) FROM orders WHERE order_id = ANY (%s::uuid[])",
        orders[:2],
    )
    assert commits == 1
    await shop.rows(
        """CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = 'integrity_constraint_violation'; END $$"""
    )
    await shop.rows(
        "CREATE TRIGGER refuse_one BEFORE INSERT ON tickets FOR EACH ROW"
        f" WHEN (NEW.order_id = '{orders[2]}') EXECUTE FUNCTION refuse_one()"
    )
    try:
        refused, sold = await asyncio.gather(
            *map(shop.parts.orders.sell, orders[2:]), return_exceptions=True
        )
    finally:
        await shop.rows("DROP FUNCTION refuse_one CASCADE")
    assert isinstance(refused, psycopg.errors.IntegrityConstraintViolation)
    assert not isinstance(sold, BaseException) and sold.state == "SOLD"
    assert await shop.state_of(orders[2]) == "CLAIMED"


async def test_what_many_ask_at_once_is_what_each_would_be_told_alone(shop: Shop) -> None:
    event = await shop.new_event(8)
    fans = [Fan.inside(shop) for _ in range(4)]
    replies = [
        await fan.complete(await fan.held(event, f"A-{2 * n + 1}", f"A-{2 * n + 2}"))
        for n, fan in enumerate(fans)
    ]
    orders = [str(reply.json["booking_id"]) for reply in replies]
    asked = [*orders, str(uuid.uuid4()), orders[0]]
    found = await asyncio.gather(*map(shop.parts.orders.read, asked))
    assert [order and order.order_id for order in found] == [*orders, None, orders[0]]
    lines = await asyncio.gather(*map(shop.parts.orders.lines, asked))
    tickets = await asyncio.gather(*map(shop.parts.orders.tickets, asked))
    for number in range(len(fans)):
        seats = [f"A-{2 * number + 1}", f"A-{2 * number + 2}"]
        assert [line.seat_id for line in lines[number]] == seats
        assert [ticket.seat_id for ticket in tickets[number]] == seats
        assert [each["seat_id"] for each in replies[number].json["tickets"]] == seats
    assert lines[4] == tickets[4] == [] and lines[5] == lines[0]
    keys = [(order.fan_id, order.idempotency_key) for order in found[:4] if order]
    by_key = await asyncio.gather(
        *(shop.parts.orders.by_key(*key) for key in [*keys, ("nobody", "no key")])
    )
    assert [order and order.order_id for order in by_key] == [*orders, None]
    await shop.settle()
    await assert_settled(shop, event)
