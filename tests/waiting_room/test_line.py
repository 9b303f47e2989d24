"""Line: what a script answers becomes a value or a refusal; and no loss gives a place twice."""

import asyncio
from dataclasses import replace

import pytest
from room_world import OpenRoom, Room

from gateway.waiting_room import line as line_module
from gateway.waiting_room import line_records
from gateway.waiting_room.allowances import WAITING_JOINS, Allowances
from gateway.waiting_room.fan_in_line import FansSeen, SeenInside
from groundwork.errors import (
    BotCheckFailed,
    DeviceProofInvalid,
    NotYourTurn,
    SaleNotFound,
    StoreUnavailable,
    TooManyRequests,
)


async def test_a_fan_has_one_place(room: Room) -> None:
    joined = await room.join("ada")

    assert (joined.place, joined.is_new) == (1, True)
    again = await room.join("ada")
    assert (again.place, again.is_new) == (1, False)
    assert (await room.join("bob")).place == 2


async def test_a_fan_without_a_device_key_has_one_place_too(room: Room) -> None:
    joined = await room.line.join(room.sale_id, "ada", "work", None)

    assert (await room.line.join(room.sale_id, "ada", "work", None)).place == joined.place
    assert (await room.line.join(room.sale_id, "bob", "bobs", None)).place == 2


async def test_spent_proofs_are_refused_by_what_they_were(room: Room) -> None:
    await room.line.join(room.sale_id, "ada", "work", "jti")

    with pytest.raises(BotCheckFailed) as work:
        await room.line.join(room.sale_id, "bob", "work", "own")
    assert work.value.reason == "replayed"
    with pytest.raises(DeviceProofInvalid) as device:
        await room.line.join(room.sale_id, "bob", "own", "jti")
    assert device.value.reason == "replayed"


async def test_a_line_of_no_sale_is_not_opened(room: Room) -> None:
    with pytest.raises(SaleNotFound):
        await room.line.join("nowhere", "ada", "work", "jti")


async def test_places_run_out_and_more_are_leased_on_the_way(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_records, "PLACES_LEASED", 5)

    places = [(await room.join(f"fan-{number}")).place for number in range(17)]

    assert places == list(range(1, 18))
    lease = await room.records.lease_places(room.sale_id)
    assert lease.leased >= 17


async def test_hundreds_at_once_get_a_place_each(
    open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_records, "PLACES_LEASED", 100)
    one, other = await open_room(), await open_room()
    other.sale = one.sale
    await asyncio.gather(one.call_places(), other.call_places())

    async def join(number: int) -> int:
        room = one if number % 2 else other
        while True:
            try:
                return (await room.join(f"fan-{number}")).place
            except StoreUnavailable:  # others took the block that was leased for us
                await asyncio.sleep(0)

    places = await asyncio.gather(*(join(number) for number in range(400)))

    assert sorted(places) == list(range(1, 401))
    lease = await one.records.lease_places(one.sale_id)
    assert lease.leased <= 1_500, "each fan leased a block of their own"


async def test_a_called_fan_is_admitted_and_others_are_told_how_many_are_ahead(room: Room) -> None:
    for fan in ("ada", "bob", "cyd"):
        await room.join(fan)
    room.sale = replace(room.sale, rate_per_minute=1, burst=1)
    await room.call_places()

    with pytest.raises(NotYourTurn) as refusal:
        await room.line.admit(room.sale, "cyd", 3, "jti-1")
    assert (refusal.value.ahead, refusal.value.retry_after) == (1, 1)

    room.sale = replace(room.sale, rate_per_minute=60_000, burst=100)
    await room.call_up_to(3)
    visit = await room.line.admit(room.sale, "cyd", 3, "jti-2")
    assert await room.line.admit(room.sale, "cyd", 3, "jti-2") == visit
    assert await room.line.admit(room.sale, "cyd", 3, "jti-3") == visit
    assert (await room.call_places()).inside == 1


async def test_another_fans_device_proof_admits_nobody(room: Room) -> None:
    await room.join("ada")
    await room.join("bob")
    await room.call_up_to(2)
    await room.line.admit(room.sale, "ada", 1, "jti")

    with pytest.raises(DeviceProofInvalid):
        await room.line.admit(room.sale, "bob", 2, "jti")


async def test_who_comes_back_to_a_full_house_waits(room: Room) -> None:
    room.sale = replace(room.sale, capacity=1)
    for fan in ("ada", "bob"):
        await room.join(fan)
    await room.call_up_to(1)
    await room.line.admit(room.sale, "ada", 1, None)
    await room.line.visits.end(room.sale_id, "ada")
    await room.call_up_to(2)

    with pytest.raises(NotYourTurn) as refusal:
        await room.line.admit(room.sale, "ada", 1, None)
    assert (refusal.value.ahead, refusal.value.retry_after) == (0, line_module.FULL_RETRY_SECONDS)


async def test_visits_end_and_are_kept(room: Room) -> None:
    await room.join("ada")
    await room.call_up_to(1)
    await room.line.admit(room.sale, "ada", 1, None)

    ends_at_ms = (await room.call_places()).now_ms + 60_000
    fans = FansSeen(
        {
            SeenInside("ada", "visit", ends_at_ms),
            SeenInside("gone", "visit", ends_at_ms - 90_000),
        }
    )
    assert (await room.line.visits.touch(room.sale_id, fans)).inside == 1
    assert (await room.call_places()).inside == 1
    await room.line.visits.end(room.sale_id, "ada")
    await room.line.visits.end(room.sale_id, "ada")
    assert (await room.call_places()).inside == 0


@pytest.mark.parametrize("state", ["paused", "closed"])
async def test_a_sale_that_does_not_run_calls_nobody(room: Room, state: str) -> None:
    await room.join("ada")
    room.sale = replace(room.sale, state=state)  # type: ignore[arg-type]
    for _ in range(5):
        line = await room.call_places()
        await asyncio.sleep(0.002)

    assert (line.serving, line.waiting) == (0, 1)


async def test_an_address_has_so_many_joins_without_proof_of_work(room: Room) -> None:
    allowances = Allowances(room.epochs)
    for _ in range(WAITING_JOINS.burst):
        await allowances.spend(WAITING_JOINS, room.sale_id, "198.51.100.7")

    with pytest.raises(TooManyRequests) as refusal:
        await allowances.spend(WAITING_JOINS, room.sale_id, "198.51.100.7")
    assert 1 <= refusal.value.retry_after <= 10
    await allowances.spend(WAITING_JOINS, room.sale_id, "198.51.100.8")


async def test_forgotten_scripts_change_no_place(room: Room) -> None:
    for number in range(1, 6):
        await room.join(f"fan-{number}")
    line = await room.call_up_to(3)
    epoch = room.epochs.epoch
    await room.wipe("SCRIPT", "FLUSH")

    assert (await room.join("fan-2")).place == 2
    assert room.epochs.epoch == epoch + 1
    after = await room.call_places()
    assert after.serving >= line.serving
    new = await room.join("new")
    assert new.place > 5


async def test_after_a_total_loss_no_place_is_given_twice_and_all_are_called(room: Room) -> None:
    places = {(await room.join(f"fan-{number}")).place for number in range(50)}
    await room.note(await room.call_up_to(10))
    told = (await room.call_up_to(20)).serving  # not durable yet
    await room.wipe("FLUSHALL")

    line = await room.call_places()
    assert line.serving >= told, "the serving number went back"
    new = {(await room.join(f"late-{number}")).place for number in range(20)}
    assert not places & new
    assert min(new) > max(places)
    after = await room.call_up_to(max(new))
    assert after.general.gaps == ()
    assert after.waiting == 0
    visit = await room.line.admit(room.sale, "fan-49", 50, None)
    assert visit.visit_id


async def test_the_waiting_are_counted_without_places_that_were_never_given(room: Room) -> None:
    for number in range(10):
        await room.join(f"fan-{number}")
    room.sale = replace(room.sale, state="paused")
    await room.note(await room.call_places())
    await room.wipe("FLUSHALL")

    line = await room.call_places()
    assert line.general.gaps == ((11, 20_000),)
    assert (line.last_place, line.waiting) == (20_000, 10)
    new = await room.join("new")
    line = await room.call_places()
    assert (new.place, line.waiting) == (20_001, 11)
    assert line.general.ahead_of(new.place) == 10, "a lost block is told as a crowd"


async def test_two_processes_see_one_loss_and_one_line(open_room: OpenRoom) -> None:
    one, other = await open_room(), await open_room()
    other.sale = one.sale
    places = [(await one.join(f"fan-{number}")).place for number in range(30)]
    for wipe in (("SCRIPT", "FLUSH"), ("FLUSHALL",), ("DEL", one.keys["line"])):
        told = [(await room.call_up_to(min(10, len(places)))).serving for room in (one, other)]
        epoch = one.epochs.epoch
        await one.wipe(*wipe)

        asked = [room.join(f"after {wipe} {n}") for n in range(20) for room in (one, other)]
        joined = await asyncio.gather(*asked)
        fresh = {answer.place for answer in joined}
        assert len(fresh) == 20, "two processes, one fan, one place"
        assert not fresh & set(places)
        places += sorted(fresh)
        assert one.epochs.epoch == other.epochs.epoch == epoch + 1
        for room, serving in zip((one, other), told, strict=True):
            assert (await room.call_places()).serving >= serving


async def test_several_processes_let_in_at_the_rate_and_not_a_multiple(open_room: OpenRoom) -> None:
    rooms = [await open_room() for _ in range(3)]
    sale = replace(rooms[0].sale, rate_per_minute=6_000, burst=1)
    for room in rooms:
        room.sale = sale
    await asyncio.gather(*(rooms[0].join(f"fan-{number}") for number in range(200)))
    began = (await rooms[0].call_places()).now_ms
    places = {(await rooms[0].join(f"fan-{number}")).place: number for number in range(200)}
    waiting, inside = sorted(place for place in places if place), 0

    async def come(place: int) -> bool:
        try:
            await rooms[place % 3].line.admit(sale, f"fan-{places[place]}", place, None)
        except NotYourTurn:
            return False
        return True

    async with asyncio.timeout(20):
        while True:
            lines = await asyncio.gather(*(room.call_places() for room in rooms))
            entered = await asyncio.gather(*(come(place) for place in waiting[:60]))
            waiting = [
                place for place, is_in in zip(waiting[:60], entered, strict=True) if not is_in
            ] + (waiting[60:])
            inside += sum(entered)
            newest = max(lines, key=lambda line: line.now_ms)
            if newest.now_ms - began >= 500:
                break

    # One in ten milliseconds, the burst, and those who come a tenth of a second early.
    flowed = (newest.now_ms - began) / 10
    assert flowed - 40 <= inside <= flowed + 1 + 10 + 40
    assert max(line.admitted for line in lines) <= flowed + 1 + 10
