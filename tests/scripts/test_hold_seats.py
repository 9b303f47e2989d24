"""hold_seats: all of the named seats for one fan, or none of them."""

from typing import Any

from tests.simulation.seat_invariants import check_books, check_counts, read_books
from tests.simulation.seats_in_redis import HOLD_MS, OPERATION_MS, Held, SeatsInRedis, read_hold


def hold_of(answer: list[Any]) -> Held:
    """Return what was held."""
    assert answer[0] == "held", answer
    return read_hold(answer[1], answer[2])


async def check(event: SeatsInRedis) -> None:
    """Nothing sold: everything must add up."""
    books = await read_books(event)
    check_books(books, sold_seats={}, sold_stock={}, capacity={"standing": 20})
    check_counts(books, {})


async def test_free_seats_become_held_until_the_given_time(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [3, 4, 5]))

    assert held.seats == [3, 4, 5]
    assert held.fan_id == "ada"
    assert held.expires_at_ms == hall.now + HOLD_MS
    assert not held.is_extended
    assert (await hall.status())[:8] == "00011100"
    await check(hall)


async def test_a_taken_seat_takes_the_whole_wish_with_it(hall: SeatsInRedis) -> None:
    await hall.hold_seats("ada", [4, 5])

    assert await hall.hold_seats("bob", [3, 4, 5, 6]) == ["taken", "", "", 4, 5]
    assert (await hall.status())[:8] == "00001100"
    await check(hall)


async def test_sold_and_blocked_seats_and_seats_that_are_none_are_taken(
    event: SeatsInRedis,
) -> None:
    await event.activate("0230")

    assert await event.hold_seats("ada", [0, 1, 2, 9]) == ["taken", "", "", 1, 2, 9]
    assert await event.log() == []


async def test_a_fan_gets_no_more_than_the_limit_over_all_their_holds(hall: SeatsInRedis) -> None:
    hall.seats_max = 4
    await hall.hold_seats("ada", [0, 1, 2])

    assert await hall.hold_seats("ada", [8, 9]) == ["over_limit", 3, 0]
    hold_of(await hall.hold_seats("ada", [9]))
    hold_of(await hall.hold_seats("bob", [10, 11, 12, 13]))
    await check(hall)


async def test_a_hold_lives_to_its_last_millisecond_and_no_longer(hall: SeatsInRedis) -> None:
    hold_of(await hall.hold_seats("ada", [4]))

    hall.now += HOLD_MS - 1
    assert await hall.hold_seats("bob", [4]) == ["taken", "", "", 4]
    hall.now += 1
    hold_of(await hall.hold_seats("bob", [4]))
    assert [entry["kind"] for entry in await hall.log()] == ["held", "expired", "held"]
    await check(hall)


async def test_a_dead_hold_blocks_nobody_behind_hundreds_of_older_ones(event: SeatsInRedis) -> None:
    await event.activate("0" * 400, stock={"standing": 20})
    for seat in range(300):
        hold_of(await event.hold_seats(f"fan-{seat}", [seat]))
    event.now += 1
    hold_of(await event.hold_seats("last", [399]))

    event.now += HOLD_MS
    hold_of(await event.hold_seats("bob", [399]))
    await check(event)


async def test_seats_and_rows_far_apart_are_looked_at_like_neighbours(event: SeatsInRedis) -> None:
    await event.activate("0" * 2_100, stock={"standing": 20})
    ends = [(0, 4), (2_096, 4)]
    assert await event.hold_seats("ada", [2, 2_096], rows=ends) == ["orphan", 3, 2_096]
    assert hold_of(await event.hold_seats("ada", [3, 2_096], rows=ends)).seats == [3, 2_096]
    assert await event.hold_seats("bob", [0, 2_096]) == ["taken", "", "", 2_096]
    hold_of(await event.hold_seats("bob", [2_099, 0, 1, 2, 2_098]))
    assert await event.status() == "1111" + "0" * 2_092 + "1011"
    await check(event)


async def test_a_fans_own_dead_holds_count_against_them_only_until_they_are_swept(
    event: SeatsInRedis,
) -> None:
    await event.activate("0" * 600, stock={"standing": 20})
    for seat in range(500):
        hold_of(await event.hold_seats(f"fan-{seat}", [seat]))
    event.now += 1
    event.seats_max = 1
    hold_of(await event.hold_seats("ada", [599]))
    event.now += HOLD_MS

    answers = [await event.hold_seats("ada", [598]) for _ in range(3)]

    assert [answer[0] for answer in answers] == ["over_limit", "over_limit", "held"]
    assert [answer[2] for answer in answers[:2]] == [281, 61], "says that asking again is of use"
    await check(event)


async def test_an_operation_asked_again_gets_its_first_answer(hall: SeatsInRedis) -> None:
    first = await hall.hold_seats("ada", [1, 2], "click-1")
    hall.now += 5_000

    assert await hall.hold_seats("ada", [1, 2], "click-1") == first
    assert len(await hall.log()) == 1
    await check(hall)


async def test_an_operation_whose_hold_has_ended_is_told_so_and_holds_nothing_new(
    hall: SeatsInRedis,
) -> None:
    held = hold_of(await hall.hold_seats("ada", [1, 2], "click-1"))
    hall.now += HOLD_MS
    assert await hall.hold_seats("ada", [1, 2], "click-1") == ["gone", held.reservation_id]
    await hall.sweep()

    assert await hall.hold_seats("ada", [1, 2], "click-1") == ["gone", held.reservation_id]
    assert await hall.status() == "0" * 30


async def test_the_memory_of_an_operation_ends(hall: SeatsInRedis) -> None:
    await hall.hold_seats("ada", [1], "click-1")
    key = hall._with("click-1")["operation"]

    assert 0 < await hall.call.store.call("PTTL", key) <= OPERATION_MS


async def test_just_the_seats_of_an_own_hold_are_that_hold_with_its_old_end(
    hall: SeatsInRedis,
) -> None:
    first = await hall.hold_seats("ada", [1, 2])
    hall.now += 10_000

    assert await hall.hold_seats("ada", [2, 1]) == first
    await check(hall)


async def test_an_operation_that_was_told_of_an_own_hold_makes_no_other_one(
    hall: SeatsInRedis,
) -> None:
    held = hold_of(await hall.hold_seats("ada", [1, 2]))
    hold_of(await hall.hold_seats("ada", [1, 2], "click-1"))
    hall.now += HOLD_MS

    assert await hall.hold_seats("ada", [1, 2], "click-1") == ["gone", held.reservation_id]


async def test_other_seats_than_just_an_own_hold_are_taken(hall: SeatsInRedis) -> None:
    await hall.hold_seats("ada", [1, 2])

    assert await hall.hold_seats("ada", [1]) == ["taken", "", "", 1]
    assert await hall.hold_seats("ada", [1, 2, 3]) == ["taken", "", "", 1, 2]
    assert await hall.hold_seats("bob", [1, 2]) == ["taken", "", "", 1, 2]
    await hall.hold_seats("ada", [5])
    assert await hall.hold_seats("ada", [1, 2, 5]) == ["taken", "", "", 1, 2, 5]
    await check(hall)
