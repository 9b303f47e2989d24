"""The live seat map: a snapshot, numbered changes on top of it, and a new start when one is missing."""

import asyncio
import base64
import gzip
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from shop_world import SEATS, STANDING, OpenShop, Shop, until

from booking_core.seats import seat_map as seat_map_module
from booking_core.seats.seat_map import BATCHES_KEPT, RELOAD, SeatMap, SeatMaps, packed
from groundwork.clock import SystemClock
from groundwork.errors import StoreUnavailable
from groundwork.event_streams import EventStreams
from groundwork.redis_store import connect
from lua.keys import event_keys, event_log_key


def unpacked(status: str, count: int) -> str:
    """Read a packed status as a browser does."""
    data = base64.b64decode(status)
    return "".join(str(data[seat // 4] >> 2 * (seat % 4) & 3) for seat in range(count))


def body_of(seat_map: SeatMap) -> dict[str, Any]:
    plain, compressed = seat_map.body()
    assert gzip.decompress(compressed) == plain
    body: dict[str, Any] = json.loads(plain)
    return body


def events_of(seat_map: SeatMap) -> list[dict[str, Any]]:
    return [json.loads(batch.event.split(b"data: ")[1]) for batch in seat_map.batches]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 1_001])
def test_two_bits_a_seat(count: int) -> None:
    codes = bytes(random.Random(count).choices(range(4), k=count))

    data = packed(codes)

    assert len(data) == (count + 3) // 4
    assert unpacked(base64.b64encode(data).decode(), count) == "".join(map(str, codes))


def test_a_stadium_fits_into_twenty_kilobytes() -> None:
    seat_map = SeatMap("stadium")
    status = "".join(random.Random(1).choices("0123", k=60_000))
    seat_map.begin(3, 99, status, {})

    plain, compressed = seat_map.body()

    assert len(plain) <= 20 * 1024
    assert len(compressed) <= 20 * 1024
    body = body_of(seat_map)
    assert (body["epoch"], body["seq"], body["count"]) == (3, 99, 60_000)
    assert unpacked(body["status"], 60_000) == status


def test_changes_are_told_in_one_numbered_batch() -> None:
    told: list[int] = []
    seat_map = SeatMap("hall", lambda: told.append(seat_map.seq))
    seat_map.begin(2, 10, "0000", {"standing": -3})
    seat_map.apply({2: 1, 0: 2}, 13)

    assert told == [10, 13]
    assert unpacked(body_of(seat_map)["status"], 4) == "2010"
    assert seat_map.batches[0].event.startswith(b"event: seats\nid: 2-13\ndata: ")
    assert events_of(seat_map) == [{
        "epoch": 2, "from": 10, "seq": 13, "changes": [[0, 2], [2, 1]],
        "stock": [{"tier": "standing", "available": 0}],
    }]  # fmt: skip
    assert seat_map.count(1) == 1


def test_a_new_state_leaves_no_old_changes_behind() -> None:
    seat_map = SeatMap("hall")
    seat_map.begin(2, 0, "0000", {})
    seat_map.apply({1: 1}, 1)
    seat_map.begin(3, 0, "0002", {})

    assert not seat_map.batches
    assert unpacked(body_of(seat_map)["status"], 4) == "0002"


def test_only_so_many_changes_are_kept_for_those_who_fell_behind() -> None:
    seat_map = SeatMap("hall")
    seat_map.begin(1, 0, "0000", {})
    for seq in range(1, BATCHES_KEPT + 10):
        seat_map.apply({0: seq % 2}, seq)

    assert len(seat_map.batches) == BATCHES_KEPT
    assert seat_map.batches[0].before == 9


def test_a_reader_gets_what_follows_or_is_told_to_load() -> None:
    seat_map = SeatMap("hall")
    seat_map.begin(2, 10, "0000", {})
    assert seat_map.after((2, 10)) == (b"", (2, 10))
    for seq in (11, 12):
        seat_map.apply({0: seq % 2}, seq)
    first, second = (batch.event for batch in seat_map.batches)
    assert seat_map.after((2, 10)) == (first + second, (2, 12))
    assert seat_map.after((2, 11)) == (second, (2, 12))
    for other in ((1, 12), (3, 12), (2, 9), (2, 13)):
        assert seat_map.after(other) == (RELOAD, (2, 12)), other


@pytest.fixture
async def maps(
    shop: Shop, clean_redis: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SeatMaps]:
    monkeypatch.setattr(seat_map_module, "BATCH_EVERY_MS", 5)
    monkeypatch.setattr(seat_map_module, "LOG_WAIT_MS", 50)
    reader = connect(clean_redis, blocking_reader=True)
    maps = SeatMaps(
        shop.epochs,
        reader,
        SystemClock(),
        EventStreams(SystemClock(), "seats", streams_max=9, owner_streams_max=9),
    )
    async with maps.running():
        yield maps
    await reader.aclose()


async def shows(maps: SeatMaps, shop: Shop) -> SeatMap:
    """Return the event's map once it shows what Redis has."""

    async def is_so() -> bool:
        seat_map = await maps.map_of(shop.event_id)
        status, stock = await shop.status(), {"standing": await shop.standing()}
        shown = "".join(map(str, seat_map.codes))
        return (shown, seat_map.stock) == (status, stock)

    await until(is_so)
    return await maps.map_of(shop.event_id)


async def test_a_map_follows_every_change(maps: SeatMaps, shop: Shop) -> None:
    seat_map = await maps.map_of(shop.event_id)
    assert seat_map.codes == bytes(SEATS)
    hold = await shop.hold_seats("ada", 1, 2)
    other = await shop.hold_seats("bob", 5)
    await shop.hold_stock("cyd", 3)
    await shop.holds.extend(hold.reservation_id, "ada")
    await shop.holds.settle(hold, "sold", "order")
    await shop.holds.release(other.reservation_id, "bob")

    await shows(maps, shop)

    assert seat_map is await maps.map_of(shop.event_id)
    assert seat_map.seq == 6
    assert seat_map.stock == {"standing": STANDING - 3}
    follower, seq = ["0"] * SEATS, 0
    for event in events_of(seat_map):
        assert event["from"] == seq
        seq = event["seq"]
        for seat, code in event["changes"]:
            follower[seat] = str(code)
    assert "".join(follower) == await shop.status()


async def test_a_rush_comes_in_few_batches(
    maps: SeatMaps, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_ms = 100
    monkeypatch.setattr(seat_map_module, "BATCH_EVERY_MS", every_ms)
    seat_map = await maps.map_of(shop.event_id)
    began = asyncio.get_running_loop().time()
    for _ in range(30):
        hold = await shop.hold_seats("ada", 1)
        await shop.holds.release(hold.reservation_id, "ada")
        await asyncio.sleep(0.01)

    async def has_all() -> bool:
        return seat_map.seq == 60

    await until(has_all)
    passed_ms = 1000 * (asyncio.get_running_loop().time() - began)
    assert 2 <= len(seat_map.batches) <= passed_ms / every_ms + 2


async def test_a_missing_number_makes_it_load_everything_anew(maps: SeatMaps, shop: Shop) -> None:
    seat_map = await maps.map_of(shop.event_id)
    await shop.hold_seats("ada", 1)
    await shows(maps, shop)
    meta = event_keys(shop.event_id)["meta"]
    await shop.store.call("HINCRBY", meta, "seq", 1)  # an entry that never reached the log
    await shop.store.call("SETRANGE", event_keys(shop.event_id)["status"], 9, "3")
    await shop.hold_seats("bob", 2)

    await shows(maps, shop)

    assert seat_map.seq == 3
    assert seat_map.codes[9] == 3
    assert not seat_map.batches, "readers have to load it, too"


async def test_a_new_epoch_makes_it_load_everything_anew(maps: SeatMaps, shop: Shop) -> None:
    seat_map = await maps.map_of(shop.event_id)
    await shop.hold_seats("ada", 1)
    await shop.reconcile()
    await shows(maps, shop)
    epoch = seat_map.epoch
    await shop.store.call("FLUSHALL")
    await shop.hold_seats("bob", 4)

    await shows(maps, shop)

    assert seat_map.epoch == epoch + 1
    assert "".join(map(str, seat_map.codes))[:6] == "010010"


async def test_a_wiped_server_is_noticed_without_any_request(maps: SeatMaps, shop: Shop) -> None:
    seat_map = await maps.map_of(shop.event_id)
    epoch = seat_map.epoch
    await shop.store.call("FLUSHALL")

    async def is_new() -> bool:
        return seat_map.epoch == epoch + 1

    await until(is_new)
    assert seat_map.codes == bytes(SEATS)


async def test_an_epoch_that_changes_while_it_loads_is_not_taken_for_the_old_one(
    maps: SeatMaps, shop: Shop, open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.hold_seats("ada", 1)
    run = shop.epochs.run
    raised: list[bool] = []

    async def run_and_raise(*asked: Any) -> Any:
        answer = await run(*asked)
        if not raised:
            raised.append(True)
            await shop.epochs._renew(shop.epochs.epoch, is_wiped=True)
        return answer

    monkeypatch.setattr(shop.epochs, "run", run_and_raise)
    seat_map = await maps.map_of(shop.event_id)

    assert seat_map.epoch == shop.epochs.epoch
    assert seat_map.seq == 0, "the new epoch's number, not the old one's"
    assert seat_map.codes[1] == 1


async def test_a_map_nobody_looks_at_is_given_up_and_read_anew(
    maps: SeatMaps, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat_map = await maps.map_of(shop.event_id)
    monkeypatch.setattr(seat_map_module, "IDLE_MS", -1)

    async def is_given_up() -> bool:
        return shop.event_id not in maps._maps

    await until(is_given_up)
    monkeypatch.setattr(seat_map_module, "IDLE_MS", 60_000)
    await shop.hold_seats("ada", 3)
    new = await maps.map_of(shop.event_id)
    assert new is not seat_map
    assert new.codes[3] == 1


async def test_no_more_maps_than_a_process_has_room_for(
    maps: SeatMaps, shop: Shop, open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seat_map_module, "MAPS_MAX", 1)
    await maps.map_of(shop.event_id)
    other = await open_shop()

    await maps.map_of(other.event_id)

    assert list(maps._maps) == [other.event_id]


async def test_a_map_that_cannot_be_loaded_is_an_unavailable_store(
    maps: SeatMaps, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> Any:
        raise StoreUnavailable(retry_after=1)

    real_wait = asyncio.wait_for

    async def wait_briefly(awaitable: Any, _: float) -> Any:
        return await real_wait(awaitable, 0.05)

    with monkeypatch.context() as patched:
        patched.setattr(shop.epochs, "run", broken)
        patched.setattr(asyncio, "wait_for", wait_briefly)
        with pytest.raises(StoreUnavailable):
            await maps.map_of(shop.event_id)
    await shows(maps, shop)


async def test_the_log_a_map_reads_is_that_of_its_epoch(maps: SeatMaps, shop: Shop) -> None:
    await maps.map_of(shop.event_id)
    old_log = event_log_key(shop.event_id, shop.epochs.epoch)
    await shop.store.call("SCRIPT", "FLUSH")
    await shop.hold_seats("ada", 1)
    await shows(maps, shop)

    assert event_log_key(shop.event_id, shop.epochs.epoch) != old_log
    assert not await shop.store.call("EXISTS", old_log)
