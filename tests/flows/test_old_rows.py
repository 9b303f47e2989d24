"""Memory of what is long over goes; what may still be asked for stays."""

import psycopg
import pytest

from booking_core.ledger import old_rows
from booking_core.ledger.old_rows import forget_old_rows
from lua.keys import event_log_key
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def sold_and_told(shop: Shop, event: str, seat: str) -> str:
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, seat))
    assert reply.status == 201
    await shop.settle()
    return str(reply.json["booking_id"])


async def kinds(shop: Shop, order: str) -> list[str]:
    rows = await shop.rows("SELECT kind FROM outbox WHERE order_id = %s ORDER BY kind", order)
    return [row[0] for row in rows]


async def test_told_entries_go_after_a_month_and_open_ones_never(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_rows, "ROWS_MAX", 6)
    # Of other tests: what is older by its number is older.
    await shop.rows(
        "UPDATE outbox SET done_at = created_at - interval '32 days',"
        " created_at = created_at - interval '32 days'"
    )
    event = await shop.new_event(4)
    old, newer, stuck = [await sold_and_told(shop, event, f"A-{n}") for n in (1, 2, 3)]
    for order, days in ((old, 31), (newer, 29), (stuck, 400)):
        await shop.rows(
            """UPDATE outbox SET created_at = now() - %s * interval '1 day',
                done_at = now() - %s * interval '1 day' WHERE order_id = %s""",
            days, days, order,
        )  # fmt: skip
    await shop.rows(
        "UPDATE outbox SET done_at = NULL WHERE order_id = %s AND kind = 'capture'", stuck
    )
    while await forget_old_rows(shop.pool):
        pass
    assert await kinds(shop, old) == []
    assert await kinds(shop, newer) == ["capture", "project_sold"]
    assert await kinds(shop, stuck) == ["capture"]
    await shop.settle()
    # Nothing of what is known of a sale stood there.
    await assert_settled(shop, event)
    await shop.worker._audit()
    await shop.rows("UPDATE events SET cancel_minutes = 0 WHERE event_id = %s", event)
    await shop.parts.checkout.cancellations.by_organiser(old, "the band is ill")
    await shop.settle()
    await shop.parts.refunding.work()
    assert await shop.seat_digits(event) == "0220"
    await shop.redis.flushall()
    assert await shop.seat_digits(event) == "0220"


async def test_what_a_provider_told_goes_after_half_a_year(shop: Shop) -> None:
    for name, days in (("evt_old", 181), ("evt_newer", 179)):
        await shop.rows(
            """INSERT INTO webhook_events (provider, provider_event_id, payload, received_at)
            VALUES ('practice', %s, 'x', now() - %s * interval '1 day')""",
            name, days,
        )  # fmt: skip
    while await forget_old_rows(shop.pool):
        pass
    found = await shop.rows("SELECT provider_event_id FROM webhook_events")
    assert ("evt_newer",) in found
    assert ("evt_old",) not in found


@pytest.mark.parametrize("table", ["outbox", "webhook_events"])
async def test_nothing_is_forgotten_early(shop: Shop, table: str) -> None:
    event = await shop.new_event(1)
    await sold_and_told(shop, event, "A-1")
    await shop.rows(
        """INSERT INTO webhook_events (provider, provider_event_id, payload)
        VALUES ('practice', 'evt_new', 'x')"""
        if table == "webhook_events" else "SELECT"
    )  # fmt: skip
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="not to be forgotten"):
        await shop.rows(f"DELETE FROM {table}")


async def test_what_is_only_said_to_be_told_long_ago_is_not_forgotten(shop: Shop) -> None:
    event = await shop.new_event(1)
    order = await sold_and_told(shop, event, "A-1")
    await shop.rows("UPDATE outbox SET done_at = '2000-01-01' WHERE order_id = %s", order)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="not to be forgotten"):
        await shop.rows("DELETE FROM outbox WHERE order_id = %s", order)
    while await forget_old_rows(shop.pool):
        pass
    assert await kinds(shop, order) == ["capture", "project_sold"]


async def test_the_log_of_an_epoch_that_is_over_goes(shop: Shop) -> None:
    event = await shop.new_event(2)
    await sold_and_told(shop, event, "A-1")
    # Each process learns of an epoch when it next asks; PostgreSQL knows it first.
    ((before,),) = await shop.rows("SELECT epoch FROM store_epoch")
    assert await shop.redis.ttl(event_log_key(event, before)) == -1
    await shop.redis.script_flush()
    assert await shop.seat_digits(event) == "20"
    ((after,),) = await shop.rows("SELECT epoch FROM store_epoch")
    assert after > before
    assert 0 < await shop.redis.ttl(event_log_key(event, before)) <= 24 * 60 * 60
    await Fan.inside(shop).held(event, "A-2")
    assert await shop.redis.ttl(event_log_key(event, after)) == -1
