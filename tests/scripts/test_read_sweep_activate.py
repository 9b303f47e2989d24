"""read_seats, sweep_holds, activate_event."""

from test_hold_seats import check, hold_of

from lua.keys import staged_keys
from tests.simulation.script_caller import EPOCH
from tests.simulation.seats_in_redis import HOLD_MS, SeatsInRedis


async def test_reading_gives_every_seat_and_stock_as_of_a_numbered_change(
    hall: SeatsInRedis,
) -> None:
    assert await hall.read_seats() == ["seats", 0, "0" * 30, "standing", "20"]
    await hall.hold_seats("ada", [1])
    await hall.hold_stock("bob", "standing", 2)

    assert await hall.read_seats() == ["seats", 2, "01" + "0" * 28, "standing", "18"]
    assert await hall.read_seats() == await hall.read_seats()


async def test_the_sweeper_frees_what_is_due_and_says_when_to_come_back(
    hall: SeatsInRedis,
) -> None:
    assert await hall.sweep() == ["swept", 0, -1]
    hold_of(await hall.hold_seats("ada", [1]))
    hall.now += 10
    hold_of(await hall.hold_stock("bob", "standing", 2))

    hall.now += HOLD_MS - 11
    assert await hall.sweep() == ["swept", 0, 1]
    hall.now += 1
    assert await hall.sweep() == ["swept", 1, 10]
    assert await hall.sweep() == ["swept", 0, 10]
    assert (await hall.status())[1] == "0"
    hall.now += 10
    assert await hall.sweep() == ["swept", 1, -1]
    await check(hall)


async def test_one_sweep_does_so_much_and_no_more(hall: SeatsInRedis) -> None:
    for seat in range(5):
        hold_of(await hall.hold_seats(f"fan-{seat}", [seat]))
    hall.now += HOLD_MS

    assert [await hall.sweep(2) for _ in range(3)] == [
        ["swept", 2, 0], ["swept", 2, 0], ["swept", 1, -1],
    ]  # fmt: skip
    await check(hall)


async def test_an_extended_hold_is_not_swept_at_its_old_end(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [1]))
    await hall.extend("ada", held.reservation_id, more_ms=500)
    hall.now += HOLD_MS

    assert await hall.sweep() == ["swept", 0, 500]


async def test_an_event_is_activated_once_in_an_epoch(hall: SeatsInRedis) -> None:
    hold_of(await hall.hold_seats("ada", [1]))

    assert await hall.activate("0" * 30) == ["active_before"]
    assert (await hall.status())[1] == "1"


async def test_a_half_written_state_is_not_put_in_place(event: SeatsInRedis) -> None:
    assert await event.activate("000", seats_count=4) == ["incomplete", 3]
    assert await event.read_seats() == ["not_loaded"]


async def test_what_a_store_lost_while_it_was_staged_is_not_put_in_place(
    event: SeatsInRedis,
) -> None:
    staged = staged_keys(event.event_id, EPOCH)
    # Emptied after the status, which is staged first: only what came later is there.
    await event.call.store.call("HSET", staged["staged_stock"], "standing", 5)

    assert await event.activate_staged(0) == ["lost"]
    assert await event.read_seats() == ["not_loaded"]


async def test_a_new_state_replaces_all_of_the_old_one(hall: SeatsInRedis) -> None:
    hold_of(await hall.hold_seats("ada", [1]))
    hold_of(await hall.hold_stock("ada", "standing", 2))
    await hall.call.store.call("HSET", hall.keys["meta"], "epoch", EPOCH - 1)
    await hall.call.store.call("DEL", hall.keys["log"])  # each epoch has a log of its own

    assert await hall.activate("02", {}, {"balcony": 3}) == ["activated"]
    assert await hall.read_seats() == ["seats", 0, "02", "balcony", "3"]
    assert await hall.sweep() == ["swept", 0, -1]
    exists = await hall.call.store.call("EXISTS", *staged_keys(hall.event_id, EPOCH).values())
    assert exists == 0
    hold_of(await hall.hold_seats("ada", [0]))


async def test_an_event_of_stock_alone_has_no_seats(event: SeatsInRedis) -> None:
    assert await event.activate(stock={"standing": 5}) == ["activated"]
    assert await event.read_seats() == ["seats", 0, "", "standing", "5"]
