"""What a commit promised is told at least once, and settled once, whoever dies or comes twice."""

import asyncio
from collections import Counter

import pytest

from booking_core.checkout.payments import Payment, PaymentUnknown
from booking_core.ledger.outbox import LEASE_MS, Outbox, open_entries
from groundwork.errors import StoreUnavailable
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled


async def sold(shop: Shop, event: str, *seats: str) -> str:
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, *seats))
    assert reply.status == 201, reply
    return str(reply.json["booking_id"])


async def make_due(shop: Shop) -> None:
    await shop.rows("UPDATE outbox SET not_before = now() WHERE done_at IS NULL")


async def test_many_workers_tell_each_entry_once(shop: Shop) -> None:
    event = await shop.new_event(12)
    orders = [await sold(shop, event, f"A-{n}") for n in range(1, 13)]
    told: Counter[tuple[str, str]] = Counter()

    def note(kind: str, whole: object) -> object:
        async def tell(order_id: str) -> None:
            told[kind, order_id] += 1
            await whole(order_id)  # type: ignore[operator]

        return tell

    handlers = {kind: note(kind, whole) for kind, whole in shop.outbox._handlers.items()}
    workers = [Outbox(shop.pool, handlers) for _ in range(5)]  # type: ignore[arg-type]
    await asyncio.gather(*(worker.work() for worker in workers))
    expected = {(kind, order): 1 for kind in ("capture", "project_sold") for order in orders}
    assert {key: n for key, n in told.items() if key[1] in orders} == expected
    await assert_settled(shop, event)


async def test_an_entry_of_a_dead_worker_is_told_after_its_lease(shop: Shop) -> None:
    event = await shop.new_event(2)
    order = await sold(shop, event, "A-1")
    taken = await shop.outbox._take(("capture", "project_sold"))  # and then the process dies
    assert {entry.kind for entry in taken if entry.order_id == order} == {"capture", "project_sold"}
    assert await shop.outbox.work() == 0
    wait_ms = await shop.value(
        "SELECT max(extract(epoch FROM not_before - now()) * 1000)::int FROM outbox "
        "WHERE order_id = %s", order,
    )  # fmt: skip
    assert LEASE_MS - 5_000 < wait_ms <= LEASE_MS
    await make_due(shop)
    assert await shop.outbox.work() >= 2
    await assert_settled(shop, event)


async def test_an_entry_told_twice_changes_nothing(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await sold(shop, event, "A-1")
    await shop.settle()
    await shop.rows("UPDATE outbox SET done_at = NULL WHERE order_id = %s", order)
    fan_counts = await shop.redis.hgetall(f"{{e:{event}}}:fan_counts")
    await make_due(shop)
    assert await shop.outbox.work() == 2
    assert await shop.redis.hgetall(f"{{e:{event}}}:fan_counts") == fan_counts
    await assert_settled(shop, event)


async def test_a_slow_entry_holds_up_no_other(shop: Shop) -> None:
    event = await shop.new_event(3)
    slow, quick = await sold(shop, event, "A-1"), await sold(shop, event, "A-2")
    answers, told = asyncio.Event(), asyncio.Queue[str]()

    async def capture(order_id: str) -> None:
        if order_id == slow:
            await answers.wait()
        told.put_nowait(order_id)

    outbox = Outbox(shop.pool, {**shop.outbox._handlers, "capture": capture})
    round_ = asyncio.create_task(outbox.work())
    async with asyncio.timeout(20):
        assert await told.get() == quick
        answers.set()
        assert await told.get() == slow
        assert await round_ >= 4
    assert await shop.value("SELECT count(*) FROM outbox WHERE done_at IS NULL") == 0


async def test_a_provider_that_hangs_does_not_hide_what_is_sold(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told late enough, the holds of sold seats run out, and they seem free."""
    event = await shop.new_event(4)
    asked = asyncio.Event()

    async def hangs(*_: object) -> Payment:
        asked.set()
        await asyncio.sleep(30)
        raise PaymentUnknown("capture", "TimeoutError")

    async with asyncio.timeout(20):
        with monkeypatch.context() as patch:
            patch.setattr(shop.payments, "capture", hangs)
            async with shop.worker.running():
                await sold(shop, event, "A-1")
                await asked.wait()
                await sold(shop, event, "A-2")
                while await shop.seat_digits(event) != "2200":
                    await asyncio.sleep(0.05)
    await shop.settle()
    await assert_settled(shop, event)


@pytest.mark.parametrize("error", [StoreUnavailable(retry_after=1), RuntimeError("a bug")])
async def test_a_failing_entry_waits_longer_each_time_and_delays_no_other(
    shop: Shop, error: Exception
) -> None:
    event = await shop.new_event(3)
    order = await sold(shop, event, "A-1")

    async def fails(order_id: str) -> None:
        if order_id == order:
            raise error

    outbox = Outbox(shop.pool, {**shop.outbox._handlers, "capture": fails})
    waits = []
    for _ in range(4):
        await make_due(shop)
        await outbox.work()
        waits.append(
            await shop.value(
                "SELECT round(extract(epoch FROM not_before - now())) FROM outbox "
                "WHERE order_id = %s AND kind = 'capture'", order,
            )
        )  # fmt: skip
    assert [int(wait) for wait in waits] == [1, 2, 4, 8]
    assert await shop.value(
        "SELECT done_at IS NOT NULL FROM outbox WHERE order_id = %s AND kind = 'project_sold'",
        order,
    )
    count, oldest_seconds = await open_entries(shop.pool)
    assert count >= 1
    assert 0 <= oldest_seconds < 60
    await shop.settle()
    await assert_settled(shop, event)


async def test_entries_that_commit_out_of_order_are_not_passed_over(shop: Shop) -> None:
    """A long transaction with a low id commits after a short one with a higher id was told."""
    event = await shop.new_event(4)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    slow = (await fan.complete(await fan.held(event, "A-1"), "card_requires_action")).json
    async with shop.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT sell_order_v1(%s, '{AUTHORIZING}')", (slow["booking_id"],))
        quick = (await other.complete(await other.held(event, "A-2"))).json["booking_id"]
        await shop.outbox.work()
        assert await shop.value(
            "SELECT bool_and(done_at IS NOT NULL) FROM outbox WHERE order_id = %s", quick
        )
    shown = await shop.value(
        "SELECT count(*) FROM outbox WHERE order_id = %s AND done_at IS NULL", slow["booking_id"]
    )
    assert shown == 2
    await shop.answer_bank(slow["next_action_url"])
    await shop.settle()
    await assert_settled(shop, event)
