"""swap_hold: other seats for the same hold, and the old ones are not lost before the new are won."""

from typing import Any

from test_hold_seats import check, hold_of
from test_settle_hold import check_sold

from tests.simulation.seats_in_redis import HOLD_MS, Held, SeatsInRedis, read_hold


def swapped(answer: list[Any]) -> Held:
    """Return what the hold has now."""
    assert answer[0] == "swapped", answer
    return read_hold(answer[1], answer[2])


async def held_by_ada(hall: SeatsInRedis) -> Held:
    return hold_of(await hall.hold_seats("ada", [4, 5]))


async def test_seats_are_changed_and_name_and_clock_stay(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    hall.now += 5_000

    new = swapped(await hall.swap("ada", held.reservation_id, hall.named([5, 6, 7])))

    assert new.seats == [5, 6, 7]
    assert (new.reservation_id, new.expires_at_ms) == (held.reservation_id, held.expires_at_ms)
    assert (await hall.status())[3:9] == "001110"
    await check(hall)


async def test_what_cannot_be_won_leaves_everything_as_it_was(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    await hall.hold_seats("bob", [7])
    log = await hall.log()

    name = held.reservation_id
    assert await hall.swap("ada", name, hall.named([6, 7])) == ["taken", 7]
    assert await hall.swap("ada", name, hall.stock("standing", 21)) == ["over_limit", 2, 0]
    assert await hall.swap("ada", name, hall.stock("balcony", 1)) == ["sold_out", 0]
    assert await hall.swap("ada", name, hall.best(1, ["balcony"])) == ["sold_out", 0]
    assert (await hall.read("ada", name))[1:2] == [log[0]["reservation"]]
    assert await hall.log() == log
    await check(hall)


async def test_seats_become_stock_and_stock_becomes_the_best_seats(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)

    stock = swapped(await hall.swap("ada", held.reservation_id, hall.stock("standing", 3)))
    assert (stock.tier, stock.quantity, stock.seats) == ("standing", 3, [])
    assert await hall.free_stock("standing") == 17
    assert (await hall.status())[4:6] == "00"
    await check(hall)

    more = swapped(await hall.swap("ada", held.reservation_id, hall.stock("standing", 4)))
    assert more.quantity == 4
    await check(hall)

    seats = swapped(await hall.swap("ada", held.reservation_id, hall.best(2, ["back"])))
    assert seats.seats == [20, 21]
    assert await hall.free_stock("standing") == 20
    await check(hall)


async def test_the_last_of_the_stock_can_be_kept_in_part(hall: SeatsInRedis) -> None:
    hall.seats_max = 20
    held = hold_of(await hall.hold_stock("ada", "standing", 20))

    assert swapped(await hall.swap("ada", held.reservation_id, hall.stock("standing", 19)))
    assert await hall.free_stock("standing") == 1
    await check(hall)


async def test_own_seats_count_as_free_for_the_best(event: SeatsInRedis) -> None:
    await event.activate("0000", {"front": [(0, 4)]})
    held = hold_of(await event.hold_seats("ada", [1, 2]))

    assert swapped(await event.swap("ada", held.reservation_id, event.best(4, ["front"]))).seats == [
        0, 1, 2, 3,
    ]  # fmt: skip


async def test_the_limit_counts_what_is_given_back(hall: SeatsInRedis) -> None:
    hall.seats_max = 3
    held = await held_by_ada(hall)
    hold_of(await hall.hold_seats("ada", [20]))

    assert await hall.swap("ada", held.reservation_id, hall.named([6, 7, 8])) == [
        "over_limit", 3, 0,
    ]  # fmt: skip
    swapped(await hall.swap("ada", held.reservation_id, hall.named([6, 7])))
    await check(hall)


async def test_a_swap_keeps_to_who_seats_are_for(event: SeatsInRedis) -> None:
    await event.activate("00040", {"front": [(0, 5)]})
    held = hold_of(await event.hold_seats("ada", [0, 1]))

    assert await event.swap("ada", held.reservation_id, event.named([2, 3])) == ["kept", 3]
    wish = event.named([3], is_accessible=True)
    assert swapped(await event.swap("ada", held.reservation_id, wish)).seats == [3]
    swapped(await event.swap("ada", held.reservation_id, event.named([0, 1])))
    assert await event.status() == "11040"


async def test_a_swap_leaves_nobody_alone_and_counts_own_seats_as_free(
    event: SeatsInRedis,
) -> None:
    await event.activate("00000", {"front": [(0, 5)]})
    held = hold_of(await event.hold_seats("ada", [0, 1]))

    wish = event.named([1, 2], rows=[(0, 5)])
    assert await event.swap("ada", held.reservation_id, wish) == ["orphan", 0, 1]
    wish = event.named([0, 1, 2], rows=[(0, 5)])
    assert swapped(await event.swap("ada", held.reservation_id, wish)).seats == [0, 1, 2]


async def test_nobody_swaps_a_dead_hold_or_one_of_somebody_else(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)

    assert await hall.swap("bob", held.reservation_id, hall.named([8])) == ["lost"]
    assert await hall.swap("ada", "tour-berlin.nothing", hall.named([8])) == ["lost"]
    hall.now += HOLD_MS
    assert await hall.swap("ada", held.reservation_id, hall.named([8])) == ["lost"]
    assert (await hall.status())[8] == "0"


async def test_what_is_being_paid_for_stays_as_it_is(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    await hall.extend("ada", held.reservation_id, "payment", 20_000)
    hall.now += 5_000

    assert await hall.swap("ada", held.reservation_id, hall.named([8])) == ["paying", 15_000]
    hall.now += 15_000
    swapped(await hall.swap("ada", held.reservation_id, hall.named([8])))
    await check(hall)


async def test_what_a_payment_keeps_stays_as_it_is(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    await hall.extend("ada", held.reservation_id, "payment", 30_000)
    await hall.extend("ada", held.reservation_id, "payment", 1_000)

    assert await hall.swap("ada", held.reservation_id, hall.named([8])) == ["paying", 30_000]
    await check(hall)


async def test_what_was_to_be_paid_for_may_be_changed_when_it_was_declined(
    hall: SeatsInRedis,
) -> None:
    held = await held_by_ada(hall)
    name = held.reservation_id
    for payment in ("first", "second"):
        await hall.extend("ada", name, "payment", 20_000, payment=payment)

    assert (await hall.extend("ada", name, "declined", payment="first"))[0] == "kept"
    assert await hall.swap("ada", name, hall.named([8])) == ["paying", 20_000], "the second is on"
    assert await hall.extend("bob", name, "declined", payment="second") == ["lost"]
    for _ in range(2):
        _, text = await hall.extend("ada", name, "declined", payment="second")
        assert read_hold("x", text).expires_at_ms == held.expires_at_ms
    swapped(await hall.swap("ada", name, hall.named([8])))
    assert await hall.extend("ada", "tour-berlin.x", "declined", payment="second") == ["lost"]
    await check(hall)


async def test_a_payment_that_cannot_end_leaves_a_newer_one_its_hold(hall: SeatsInRedis) -> None:
    name = (await held_by_ada(hall)).reservation_id
    await hall.extend("ada", name, "payment", 20_000, payment="second")
    await hall.extend("ada", name, "kept", 30_000, payment="first")

    assert (await hall.extend("ada", name, "declined", payment="first"))[0] == "kept"
    assert await hall.swap("ada", name, hall.named([8])) == ["paying", 30_000], "the second is on"
    hall.now += 30_000
    await hall.extend("ada", name, "kept", 10_000, payment="first")
    assert await hall.swap("ada", name, hall.named([8])) == ["paying", 10_000]
    await hall.extend("ada", name, "declined", payment="first")
    swapped(await hall.swap("ada", name, hall.named([8])))
    await check(hall)


async def test_a_swap_asked_again_gets_its_first_answer(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    first = await hall.swap("ada", held.reservation_id, hall.named([6, 7]), "click-1")
    swapped(await hall.swap("ada", held.reservation_id, hall.named([8]), "click-2"))

    again = await hall.swap("ada", held.reservation_id, hall.named([6, 7]), "click-1")
    assert swapped(again).seats == [8], "what became of the first, which is over"
    assert again[1] == first[1]
    hall.now += HOLD_MS
    assert await hall.swap("ada", held.reservation_id, hall.named([6, 7]), "click-1") == [
        "gone", held.reservation_id,
    ]  # fmt: skip
    await check(hall)


async def test_a_swap_lets_the_offer_go_and_may_be_of_the_offer(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    await hall.hold_seats("bob", [12])
    name = (await hall.hold_seats("ada", [12, 13], offer="front"))[1]

    swapped(await hall.swap("ada", name, hall.named([20, 21])))
    assert not await hall.call.store.call("EXISTS", hall.keys["offers"])
    name = (await hall.hold_seats("ada", [12, 13], offer="front"))[1]
    swapped(await hall.swap("ada", held.reservation_id, hall.named([0, 1])))
    assert await hall.read("ada", name) == ["lost"]
    await check(hall)


async def test_dead_holds_in_the_way_are_no_obstacle(hall: SeatsInRedis) -> None:
    hold_of(await hall.hold_seats("bob", [7]))
    hall.now += 10
    held = await held_by_ada(hall)
    hall.now += HOLD_MS - 10

    assert swapped(await hall.swap("ada", held.reservation_id, hall.named([7]))).seats == [7]
    await check(hall)


async def test_a_sale_of_a_hold_that_was_swapped_gives_the_rest_back(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    swapped(await hall.swap("ada", held.reservation_id, hall.named([5, 6])))

    # The ledger claimed what the hold had before: it has the last word.
    assert await hall.settle(held, "sold", "order-1") == ["settled", 0]
    assert (await hall.status())[3:8] == "02200"
    await check_sold(hall, {4: "ada", 5: "ada"})
