"""Whatever becomes of Redis, a new epoch shows what PostgreSQL knows, and never that all is free."""

import asyncio
import signal
from pathlib import Path

import pytest
from shop_world import (
    AS_SEEN,
    SEATS,
    SEATS_MAX,
    STANDING,
    OpenShop,
    Shop,
    make_event,
    opened_shop,
    until,
)

import lua
from booking_core.seats.hold import SeatsTakenByIndex
from booking_core.seats.wishes import named_seats
from groundwork.clock import SystemClock
from groundwork.errors import HoldLost, RequestInProgress, ReservationNotFound, StoreUnavailable
from groundwork.postgres import Pool
from lua.keys import event_keys
from onsale.embedded.binaries import find_redis
from onsale.embedded.child_process import ChildProcess
from onsale.embedded.redis_server import RedisServer
from onsale.embedded.running import wait_until_ready


async def test_a_new_shop_begins_an_epoch_and_fills_its_event_when_asked(shop: Shop) -> None:
    assert shop.epochs.epoch == await shop.stored_epoch() >= 1
    assert not await shop.store.call("EXISTS", event_keys(shop.event_id)["meta"])

    assert await shop.status() == "0" * SEATS
    assert await shop.standing() == STANDING


async def test_a_second_process_joins_the_epoch(open_shop: OpenShop) -> None:
    one, other = await open_shop(), await open_shop()

    assert one.epochs.epoch == other.epochs.epoch == await one.stored_epoch()


async def test_forgotten_scripts_begin_an_epoch_and_no_hold_is_lost(shop: Shop) -> None:
    epoch = shop.epochs.epoch
    hold = await shop.hold_seats("ada", 1, 2)
    stock = await shop.hold_stock("ada", 2)
    await shop.store.call("SCRIPT", "FLUSH")

    assert await shop.holds.read(hold.reservation_id, "ada") == hold
    assert await shop.holds.read(stock.reservation_id, "ada") == stock
    assert shop.epochs.epoch == await shop.stored_epoch() == epoch + 1
    assert (await shop.status())[:4] == "0110"
    with pytest.raises(SeatsTakenByIndex):
        await shop.hold_seats("bob", 1)


async def test_what_was_swapped_offered_and_accepted_comes_back_as_it_was(shop: Shop) -> None:
    hold = await shop.swap(await shop.hold_seats("ada", 1, 2), 2, 3)
    await shop.hold_seats("bob", 14)
    event, layout = (
        await shop.catalog.get(shop.event_id),
        await shop.catalog.seat_layout(shop.event_id),
    )
    wish = named_seats(event, layout, [14, 15], wants_offer=True)
    offers = []
    for fan in ("cyd", "dan"):
        with pytest.raises(SeatsTakenByIndex) as refusal:
            await shop.holds.hold(shop.event_id, fan, wish, SEATS_MAX)
        assert refusal.value.offer
        offers.append(refusal.value.offer)
    accepted = await shop.holds.read(offers[0].reservation_id, "cyd")
    status = (await shop.holds.read_status(shop.event_id))[0]
    assert set(status) == set("014"), "accessible places are kept"
    await shop.store.call("SCRIPT", "FLUSH")

    assert await shop.holds.read(hold.reservation_id, "ada") == hold
    assert (await shop.holds.read_status(shop.event_id))[0] == status
    assert await shop.holds.read(accepted.reservation_id, "cyd") == accepted
    await shop.hold_stock("dan", 1)
    with pytest.raises(ReservationNotFound):
        await shop.holds.read(offers[1].reservation_id, "dan")  # was an offer, and is let go
    assert (await shop.hold_best("eve", 4)).seat_indexes


async def test_a_hold_that_was_repeated_over_an_epoch_is_the_same_hold(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1, operation="click")
    await shop.store.call("SCRIPT", "FLUSH")

    assert await shop.hold_seats("ada", 1, operation="click") == hold


async def test_an_emptied_server_gets_back_what_postgresql_knows(shop: Shop) -> None:
    epoch = shop.epochs.epoch
    kept, released = await shop.hold_seats("ada", 1), await shop.hold_seats("ada", 2)
    extended = await shop.holds.extend(kept.reservation_id, "ada")
    await shop.holds.release(released.reservation_id, "ada")
    stock = await shop.hold_stock("bob", 3)
    sold = await shop.sell(await shop.hold_seats("cyd", 5))
    paying = await shop.hold_seats("dan", 7)
    order_id = await shop.claim(paying)
    await shop.reconcile()
    lost = await shop.hold_seats("eve", 9)
    await shop.store.call("FLUSHALL")

    assert await shop.holds.read(kept.reservation_id, "ada") == extended
    assert await shop.holds.read(stock.reservation_id, "bob") == stock
    assert (await shop.holds.read(paying.reservation_id, "dan")).seat_indexes == (7,)
    with pytest.raises(RequestInProgress):  # as before: it is being paid for
        await shop.swap(paying, 8)
    await shop.holds.end_payment(paying.reservation_id, "dan", order_id)
    assert (await shop.swap(paying, 8)).seat_indexes == (8,)
    assert (await shop.swap(paying, 7)).seat_indexes == (7,)
    with pytest.raises(ReservationNotFound):
        await shop.holds.read(lost.reservation_id, "eve")
    assert await shop.status() == "0100020100".ljust(SEATS, "0")
    assert await shop.standing() == STANDING - 3
    assert shop.epochs.epoch == epoch + 1
    while await shop.outbox.work():
        pass
    assert sold
    assert await shop.status() == "0100020100".ljust(SEATS, "0")


async def test_a_new_epoch_has_numbers_of_its_own_and_the_log_keeps_both(shop: Shop) -> None:
    epoch = shop.epochs.epoch
    await shop.hold_seats("ada", 1)
    await shop.hold_seats("ada", 2)
    await shop.reconcile()
    await shop.store.call("FLUSHALL")
    await shop.hold_seats("bob", 3)
    await shop.reconcile()

    assert await shop.logged() == [(epoch, 1, "held"), (epoch, 2, "held"), (epoch + 1, 1, "held")]


async def test_sold_stock_that_was_not_shown_yet_is_counted_once(shop: Shop) -> None:
    await shop.sell(await shop.hold_stock("ada", 4))
    await shop.reconcile()
    await shop.store.call("FLUSHALL")

    assert await shop.standing() == STANDING - 4
    while await shop.outbox.work():
        pass
    assert await shop.standing() == STANDING - 4
    await shop.hold_stock("bob", 4)
    assert await shop.standing() == STANDING - 8


async def test_what_a_fan_bought_counts_after_a_loss(shop: Shop) -> None:
    await shop.sell(await shop.hold_seats("ada", 1, 2, 3))
    while await shop.outbox.work():
        pass
    await shop.store.call("FLUSHALL")

    counts = await fan_counts(shop)
    assert counts == {"ada": "3"}


async def fan_counts(shop: Shop) -> dict[str, str]:
    await shop.status()
    found = await shop.store.call("HGETALL", event_keys(shop.event_id)["fan_counts"])
    return found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))


async def test_a_sale_shown_after_the_loss_ends_the_hold_of_somebody_else(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)
    order = await shop.claim(hold)
    await shop.store.call("FLUSHALL")
    await shop.status()  # filled with the claim as a hold
    await shop.orders.sell(order)
    while await shop.outbox.work():
        pass

    assert (await shop.status())[1] == "2"
    with pytest.raises(ReservationNotFound):
        await shop.holds.read(hold.reservation_id, "ada")


async def test_one_wiped_event_begins_an_epoch_of_its_own(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)
    await shop.reconcile()
    epoch = shop.epochs.epoch
    await shop.store.call("DEL", *event_keys(shop.event_id).values())

    assert await shop.holds.read(hold.reservation_id, "ada") == hold
    assert shop.epochs.epoch == epoch + 1


async def test_many_at_once_in_two_processes_begin_one_epoch(open_shop: OpenShop) -> None:
    one, other = await open_shop(), await open_shop()
    other.event_id = one.event_id
    hold = await one.hold_seats("ada", 1)
    for wipe in (("SCRIPT", "FLUSH"), ("FLUSHALL",)):
        await one.reconcile()
        epoch = await one.stored_epoch()
        await one.store.call(*wipe)

        asked = [shop.holds.read(hold.reservation_id, "ada") for shop in (one, other) * 20]
        assert await asyncio.gather(*asked) == [hold] * 40
        assert one.epochs.epoch == other.epochs.epoch == await one.stored_epoch() == epoch + 1


async def test_many_events_at_once_are_filled_with_a_few_connections(shop: Shop) -> None:
    events = [await make_event(shop) for _ in range(24)]
    await shop.store.call("SCRIPT", "FLUSH")

    async with asyncio.timeout(15):
        answers = await asyncio.gather(*(shop.holds.read_status(event) for event in events))
    assert [status.translate(AS_SEEN) for status, _ in answers] == ["0" * SEATS] * 24


async def test_a_crowd_at_one_event_waits_for_one_fill(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.status()
    await shop.store.call("SCRIPT", "FLUSH")
    once = shop.epochs._load_once
    loads = []

    async def counted(scope: tuple[str, str]) -> None:
        loads.append(scope)
        await once(scope)

    monkeypatch.setattr(shop.epochs, "_load_once", counted)
    assert await asyncio.gather(*(shop.status() for _ in range(500))) == ["0" * SEATS] * 500
    assert loads == [("event", shop.event_id)]


async def test_a_fill_that_fails_fails_everybody_who_waits_for_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise StoreUnavailable(retry_after=7)

    with monkeypatch.context() as patched:
        patched.setitem(shop.epochs._loaders, "event", broken)
        answers = await asyncio.gather(*(shop.status() for _ in range(5)), return_exceptions=True)
    assert len({id(answer) for answer in answers}) == 5
    for answer in answers:
        assert isinstance(answer, StoreUnavailable)
        assert answer.retry_after == 7
    assert await shop.status() == "0" * SEATS


async def test_a_process_that_slept_through_an_epoch_is_fenced_and_follows(
    open_shop: OpenShop,
) -> None:
    one, sleeper = await open_shop(), await open_shop()
    sleeper.event_id = one.event_id
    await one.hold_seats("ada", 1)
    await sleeper.status()
    await one.store.call("FLUSHALL")
    await one.store.call("SCRIPT", "FLUSH")
    await one.status()

    with pytest.raises(SeatsTakenByIndex):
        await one.hold_seats("ada", 3)
        await sleeper.hold_seats("bob", 3)
    assert sleeper.epochs.epoch == one.epochs.epoch == await one.stored_epoch()


async def test_an_old_epoch_is_never_filled_over_a_new_one(open_shop: OpenShop) -> None:
    one, sleeper = await open_shop(), await open_shop()
    sleeper.event_id = await make_event(one)
    one.event_id = sleeper.event_id
    old = sleeper.epochs.epoch
    await one.store.call("FLUSHALL")
    await one.epochs._renew(old, is_wiped=True)
    await one.hold_seats("ada", 1)

    await sleeper.epochs._load(("event", sleeper.event_id))  # it still believes in the old one

    assert sleeper.epochs.epoch == one.epochs.epoch == old + 1
    assert (await one.status())[1] == "1"


async def test_another_release_on_the_same_server_is_no_new_server(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await open_shop()
    hold = await old.hold_seats("ada", 1)
    whole = lua.read_source
    with monkeypatch.context() as patched:
        patched.setattr(lua, "read_source", lambda name: whole(name) + "\n-- the next release\n")
        new = await open_shop()
    new.event_id = old.event_id

    for shop in (old, new, old, new):
        assert await shop.holds.read(hold.reservation_id, "ada") == hold
    assert new.epochs.epoch == old.epochs.epoch == await old.stored_epoch()
    assert new.holds._read_hold._call_of(1) != old.holds._read_hold._call_of(1)


async def test_a_fill_that_was_broken_off_loses_no_hold(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = await shop.hold_seats("ada", 1)  # in Redis' log alone
    await shop.store.call("SCRIPT", "FLUSH")

    async def broken(*_: object) -> None:
        raise StoreUnavailable(retry_after=1)

    with monkeypatch.context() as patched:
        patched.setattr(shop.reconciler, "reconcile", broken)
        with pytest.raises(StoreUnavailable):
            await shop.status()
    epoch = shop.epochs.epoch

    assert await shop.holds.read(hold.reservation_id, "ada") == hold
    assert shop.epochs.epoch == epoch, "trying again needs no new epoch"


async def test_a_process_that_stops_while_it_fills_leaves_no_loss_behind(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, next_one = await open_shop(), await open_shop()
    next_one.event_id = stopped.event_id
    epoch, load = stopped.epochs.epoch, stopped.epochs._loaders["event"]
    is_filling = asyncio.Event()

    async def slow(scope_id: str, epoch: int) -> None:
        is_filling.set()
        await asyncio.sleep(0.3)
        await load(scope_id, epoch)

    monkeypatch.setitem(stopped.epochs._loaders, "event", slow)
    asked = asyncio.create_task(stopped.status())
    await is_filling.wait()
    asked.cancel()
    await stopped.epochs.close()

    assert await next_one.store.call("EXISTS", event_keys(stopped.event_id)["meta"])
    assert await next_one.status() == "0" * SEATS
    assert next_one.epochs.epoch == await next_one.stored_epoch() == epoch


@pytest.fixture
async def own_server(open_dir: Path) -> RedisServer:
    """A server to be killed, with a log on disk."""
    folder = open_dir / "killed"
    server = RedisServer(
        binaries=find_redis(),
        data_dir=folder / "data",
        socket=folder / "redis.sock",
        log_path=folder / "redis.log",
    )
    await server.prepare()
    return server


async def start(server: RedisServer) -> ChildProcess:
    process = await ChildProcess.start(server.command())
    await wait_until_ready(process, server.is_ready, SystemClock())
    return process


async def test_a_killed_server_comes_back_in_a_new_epoch(
    own_server: RedisServer, pool: Pool
) -> None:
    process = await start(own_server)
    try:
        async with opened_shop(own_server.url, pool) as shop:
            hold = await shop.hold_seats("ada", 1)
            sold = await shop.hold_seats("bob", 2)
            order = await shop.claim(sold)
            await shop.reconcile()
            for _ in range(3):
                epoch = shop.epochs.epoch
                process.signal(signal.SIGKILL)
                await process.wait()
                with pytest.raises(StoreUnavailable):
                    await shop.status()
                await shop.orders.sell(order)
                process = await start(own_server)

                async def is_back() -> bool:
                    try:
                        await shop.status()
                    except StoreUnavailable:
                        return False
                    return True

                await until(is_back)
                assert shop.epochs.epoch == await shop.stored_epoch() == epoch + 1
                assert await shop.holds.read(hold.reservation_id, "ada") == hold
                assert (await shop.status())[:4] == "0120"
                with pytest.raises((SeatsTakenByIndex, HoldLost)):
                    await shop.hold_seats("eve", 2)
    finally:
        await process.stop()


async def test_every_seat_that_was_sold_stays_sold_over_any_loss(shop: Shop) -> None:
    sold = set()
    for round_number, wipe in enumerate((("SCRIPT", "FLUSH"), ("FLUSHALL",)) * 3):
        fan = f"fan-{round_number}"
        hold = await shop.hold_best(fan, 2, "front")
        await shop.sell(hold)
        sold |= set(hold.seat_indexes)
        if round_number % 3 == 0:
            while await shop.outbox.work():
                pass
        await shop.store.call(*wipe)

        status = await shop.status()
        assert {index for index, digit in enumerate(status) if digit == "2"} == sold
