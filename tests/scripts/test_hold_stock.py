"""hold_stock: a number of things without seats, never more than there are."""

from test_hold_seats import check, hold_of

from tests.simulation.seat_invariants import check_counts, read_books
from tests.simulation.seats_in_redis import HOLD_MS, SeatsInRedis


async def test_stock_is_held_and_no_seat_with_it(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_stock("ada", "standing", 3))

    assert (held.tier, held.quantity, held.seats) == ("standing", 3, [])
    assert held.expires_at_ms == hall.now + HOLD_MS
    assert await hall.free_stock("standing") == 17
    await check(hall)


async def test_there_is_never_less_than_nothing(hall: SeatsInRedis) -> None:
    for fan in ("ada", "bob"):
        hold_of(await hall.hold_stock(fan, "standing", 8))

    assert await hall.hold_stock("cyd", "standing", 5) == ["sold_out", 0]
    assert await hall.free_stock("standing") == 4
    hold_of(await hall.hold_stock("cyd", "standing", 4))
    assert await hall.hold_stock("dan", "standing", 1) == ["sold_out", 0]
    await check(hall)


async def test_a_tier_that_is_none_is_sold_out(hall: SeatsInRedis) -> None:
    assert await hall.hold_stock("ada", "balcony", 1) == ["sold_out", 0]


async def test_dead_stock_comes_back_to_the_millisecond(hall: SeatsInRedis) -> None:
    for fan in ("ada", "bob", "cyd"):
        hold_of(await hall.hold_stock(fan, "standing", 6))

    hall.now += HOLD_MS - 1
    assert await hall.hold_stock("dan", "standing", 8) == ["sold_out", 0]
    hall.now += 1
    hold_of(await hall.hold_stock("dan", "standing", 8))
    await check(hall)


async def test_dead_holds_beyond_one_sweep_are_named_in_the_answer(event: SeatsInRedis) -> None:
    await event.activate(stock={"standing": 250})
    for number in range(250):
        hold_of(await event.hold_stock(f"fan-{number}", "standing", 1))
    event.now += HOLD_MS
    event.seats_max = 250

    assert await event.hold_stock("ada", "standing", 250) == ["sold_out", 50]
    hold_of(await event.hold_stock("ada", "standing", 250))


async def test_the_limit_counts_seats_and_stock_together(hall: SeatsInRedis) -> None:
    hall.seats_max = 4
    hold_of(await hall.hold_seats("ada", [0, 1, 2]))

    assert await hall.hold_stock("ada", "standing", 2) == ["over_limit", 3, 0]
    hold_of(await hall.hold_stock("ada", "standing", 1))
    await check(hall)


async def test_an_operation_asked_again_gets_its_first_answer(hall: SeatsInRedis) -> None:
    first = await hall.hold_stock("ada", "standing", 2, "click-1")

    assert await hall.hold_stock("ada", "standing", 2, "click-1") == first
    assert await hall.free_stock("standing") == 18
    await hall.release("ada", first[1])
    assert await hall.hold_stock("ada", "standing", 2, "click-1") == ["gone", first[1]]
    await check(hall)


async def test_a_dead_hold_gives_back_before_its_name_is_used_again(event: SeatsInRedis) -> None:
    await event.activate(stock={"standing": 300})
    for number in range(250):
        hold_of(await event.hold_stock(f"fan-{number}", "standing", 1))
    held = hold_of(await event.hold_stock("ada", "standing", 4))
    event.now += HOLD_MS

    again = hold_of(await event.hold_stock("ada", "standing", 4, name=held.reservation_id))
    assert again.expires_at_ms == event.now + HOLD_MS
    await event.sweep()
    assert await event.free_stock("standing") == 296
    await event.release("ada", held.reservation_id)
    assert await event.free_stock("standing") == 300
    check_counts(await read_books(event), {})


async def test_a_live_hold_is_not_made_a_second_time_under_its_name(hall: SeatsInRedis) -> None:
    first = await hall.hold_stock("ada", "standing", 4)

    hall.now += HOLD_MS - 1
    for _ in range(2):
        assert await hall.hold_stock("ada", "standing", 4, "again", first[1]) == first
        assert await hall.free_stock("standing") == 16
    await check(hall)
    await hall.release("ada", first[1])
    assert await hall.hold_stock("ada", "standing", 4, "again", first[1]) == ["gone", first[1]]
