"""The hold log in PostgreSQL equals what happened in Redis: each change once, in order, or a gap noted."""

import asyncio
from typing import Any

import pytest

from booking_core import worker as worker_module
from booking_core.ledger import reconciler as reconciler_module
from booking_core.ledger.reconciler import Reconciler
from groundwork.redis_store import open_store
from lua.keys import event_log_key
from tests.support.fan import Fan
from tests.support.shop import Shop


async def log_of(shop: Shop, event: str) -> list[tuple[Any, ...]]:
    return await shop.rows(
        "SELECT seq, kind, fan_id FROM hold_log WHERE event_id = %s ORDER BY epoch, seq", event
    )


async def lively(shop: Shop, event: str) -> list[tuple[int, str, str]]:
    """Something of everything; returns what the log must say."""
    first, second = Fan.inside(shop), Fan.inside(shop)
    held = await first.held(event, "A-1")
    await first.call("POST", f"/api/bookings/{held}/extend")
    await first.call("DELETE", f"/api/bookings/{held}")
    bought = await second.held(event, "A-2")
    assert (await second.complete(bought)).status == 201
    await shop.settle()
    one, two = first.fan_id, second.fan_id
    return [
        (1, "held", one), (2, "extended", one), (3, "released", one), (4, "held", two),
        (5, "extended", two), (6, "sold", two),
    ]  # fmt: skip


async def test_the_log_says_what_happened(shop: Shop) -> None:
    event = await shop.new_event(3)
    expected = await lively(shop, event)
    assert await log_of(shop, event) == expected
    assert await shop.value("SELECT seq FROM reconciled WHERE event_id = %s", event) == 6
    assert await shop.parts.reconciler.reconcile(event, shop.epochs.epoch) == 0
    assert await shop.rows("SELECT 1 FROM reconcile_gaps WHERE event_id = %s", event) == []


async def test_many_reconcilers_at_once_copy_each_entry_once(shop: Shop, redis_url: str) -> None:
    event = await shop.new_event(40)
    fans = [Fan.inside(shop) for _ in range(40)]
    async with open_store(redis_url) as store:
        reconcilers = [
            shop.parts.reconciler, *(Reconciler(store, shop.pool, shop.clock) for _ in range(3))
        ]  # fmt: skip

        async def copy_until(done: asyncio.Event, reconciler: Reconciler) -> None:
            while not done.is_set():
                await reconciler.reconcile(event, shop.epochs.epoch)
                await asyncio.sleep(0)

        done = asyncio.Event()
        copying = [asyncio.create_task(copy_until(done, each)) for each in reconcilers]
        await asyncio.gather(*(fan.held(event, f"A-{n}") for n, fan in enumerate(fans, 1)))
        done.set()
        await asyncio.gather(*copying)
    await shop.settle()
    rows = await log_of(shop, event)
    assert [row[0] for row in rows] == list(range(1, 41))
    assert {row[2] for row in rows} == {fan.fan_id for fan in fans}
    assert await shop.rows("SELECT 1 FROM reconcile_gaps WHERE event_id = %s", event) == []


async def test_an_event_that_is_far_behind_holds_up_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler_module, "ENTRIES_MAX", 2)
    monkeypatch.setattr(worker_module, "RECONCILE_EVERY_MS", 0)
    busy, quiet = await shop.new_event(12), await shop.new_event(2)
    for number in range(1, 13):
        await Fan.inside(shop).held(busy, f"A-{number}")
    late, copied = Fan.inside(shop), []
    reconcile = shop.parts.reconciler.reconcile

    async def noting(event: str, epoch: int) -> int:
        if event == busy and len(copied) == 1:
            await late.held(quiet, "A-1")
        count = await reconcile(event, epoch)
        if count and event in (busy, quiet):
            copied.append(event)
        return count

    monkeypatch.setattr(shop.parts.reconciler, "reconcile", noting)
    await shop.worker._read_events()
    await shop.worker._reconcile()
    assert copied.count(busy) == 6
    assert copied.index(quiet) < 4, copied
    assert [len(await log_of(shop, event)) for event in (busy, quiet)] == [12, 1]


@pytest.mark.parametrize("is_after_insert", [False, True])
async def test_a_crash_between_entries_and_offset_doubles_and_loses_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, is_after_insert: bool
) -> None:
    """Both are one commit: before it, neither is there."""
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    await fan.held(event, "A-1")
    reconciler = shop.parts.reconciler
    whole = reconciler._insert

    async def dies(*args: Any) -> None:
        if is_after_insert:
            await whole(*args)
        raise SystemError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(reconciler, "_insert", dies)
        with pytest.raises(SystemError):
            await reconciler.reconcile(event, shop.epochs.epoch)
    assert await log_of(shop, event) == []
    assert await shop.value("SELECT seq FROM reconciled WHERE event_id = %s", event) in (None, 0)
    await reconciler.reconcile(event, shop.epochs.epoch)
    assert await log_of(shop, event) == [(1, "held", fan.fan_id)]


async def test_a_missing_entry_is_noted_and_the_rest_is_copied(shop: Shop) -> None:
    event = await shop.new_event(5)
    fans = [Fan.inside(shop) for _ in range(5)]
    for number, fan in enumerate(fans, 1):
        await fan.held(event, f"A-{number}")
    await shop.redis.xdel(event_log_key(event, shop.epochs.epoch), "2-1", "3-1")
    await shop.settle()
    assert [row[0] for row in await log_of(shop, event)] == [1, 4, 5]
    gaps = await shop.rows(
        "SELECT expected_seq, found_seq FROM reconcile_gaps WHERE event_id = %s", event
    )
    assert gaps == [(2, 4)]


async def test_who_was_too_late_looks_again(
    shop: Shop, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fill reads the log to its end, also when the worker reads it at the same moment."""
    event = await shop.new_event(3)
    await Fan.inside(shop).held(event, "A-1")
    reconciler = shop.parts.reconciler
    whole = reconciler._apply

    async def too_late(*args: Any) -> bool:
        monkeypatch.setattr(reconciler, "_apply", whole)
        async with open_store(redis_url) as store:
            await Reconciler(store, shop.pool, shop.clock).reconcile(event, shop.epochs.epoch)
        await Fan.inside(shop).held(event, "A-2")
        return await whole(*args)

    monkeypatch.setattr(reconciler, "_apply", too_late)
    while await reconciler.reconcile(event, shop.epochs.epoch):
        pass
    assert [row[0] for row in await log_of(shop, event)] == [1, 2]
