"""hold_seats: when seats are gone, as many near them are held instead, to accept or to let go."""

from typing import Any

from test_hold_seats import check, hold_of

from tests.simulation.seats_in_redis import HOLD_MS, Held, SeatsInRedis, read_hold


def offer_of(answer: list[Any]) -> Held:
    """Return what was offered."""
    assert answer[0] == "taken", answer
    assert answer[1], "no offer"
    offer = read_hold(answer[1], answer[2])
    assert offer.is_offer
    return offer


async def refused(hall: SeatsInRedis, operation: str | None = None) -> list[Any]:
    """Ada wants two seats in the front of which Bob has one."""
    await hall.hold_seats("bob", [4])
    return await hall.hold_seats("ada", [4, 5], operation, offer="front")


async def test_the_nearest_as_many_are_held_for_who_was_too_late(hall: SeatsInRedis) -> None:
    answer = await refused(hall)

    offer = offer_of(answer)
    assert answer[3:] == [4], "what is taken"
    assert offer.seats == [5, 6]
    assert offer.expires_at_ms == hall.now + HOLD_MS
    assert (await hall.status())[4:7] == "111"
    await check(hall)


async def test_an_offer_is_of_the_next_row_when_the_own_one_is_full(hall: SeatsInRedis) -> None:
    for first in (0, 5):
        hold_of(await hall.hold_seats(f"fan-{first}", list(range(first, first + 5))))

    offer = offer_of(await hall.hold_seats("ada", [2, 3], offer="front"))

    assert offer.seats == [12, 13], "right behind the wanted ones"


async def test_an_offer_that_leaves_nobody_alone_goes_before_a_nearer_one(
    event: SeatsInRedis,
) -> None:
    await event.activate("1" * 5 + "000" + "11" + "0" * 10, {"front": [(0, 10), (10, 10)]})

    assert offer_of(await event.hold_seats("ada", [3, 4], offer="front")).seats == [13, 14]


async def test_an_offer_near_by_goes_before_the_best_even_if_it_leaves_somebody_alone(
    event: SeatsInRedis,
) -> None:
    # Every row has room for two beside a third; the wanted ones are in the last.
    rows = [(3 * row, 3) for row in range(60)]
    await event.activate("000" * 59 + "100", {"front": [*rows[:59], (177, 3)]})
    await event.hold_seats("bob", [178])

    offer = offer_of(await event.hold_seats("ada", [178, 179], offer="front"))

    assert offer.seats[0] >= 3 * 30, "not the best row of the tier"


async def test_without_neighbours_there_is_no_offer(event: SeatsInRedis) -> None:
    await event.activate("1010101", {"front": [(0, 7)]})

    assert await event.hold_seats("ada", [0, 1], offer="front") == ["taken", "", "", 0]
    assert await event.status() == "1010101"


async def test_nothing_is_offered_to_who_may_have_no_more(hall: SeatsInRedis) -> None:
    hall.seats_max = 3
    await hall.hold_seats("ada", [20, 21])

    assert (await refused(hall))[:3] == ["taken", "", ""]


async def test_who_asks_for_what_is_offered_to_them_has_it(hall: SeatsInRedis) -> None:
    offer = offer_of(await refused(hall))
    hall.now += HOLD_MS // 2

    held = hold_of(await hall.hold_seats("ada", offer.seats))

    assert (held.reservation_id, held.expires_at_ms) == (offer.reservation_id, offer.expires_at_ms)
    assert not held.is_offer
    await check(hall)


async def test_an_offer_is_accepted_by_looking_at_it(hall: SeatsInRedis) -> None:
    offer = offer_of(await refused(hall))

    word, text, _ = await hall.read("ada", offer.reservation_id)
    assert word == "held"
    assert not read_hold(offer.reservation_id, text).is_offer
    assert (await hall.log())[-1]["kind"] == "accepted"
    hold_of(await hall.hold_seats("ada", [20]))
    assert (await hall.read("ada", offer.reservation_id))[0] == "held", (
        "it is a hold like any other"
    )
    await check(hall)


async def test_an_offer_is_accepted_by_asking_for_just_its_seats(hall: SeatsInRedis) -> None:
    offer = offer_of(await refused(hall))

    held = hold_of(await hall.hold_seats("ada", [6, 5]))

    assert held.reservation_id == offer.reservation_id
    assert not held.is_offer
    await check(hall)


async def test_an_offer_is_accepted_by_extending_it(hall: SeatsInRedis) -> None:
    offer = offer_of(await refused(hall))

    _, text = await hall.extend("ada", offer.reservation_id)

    assert not read_hold(offer.reservation_id, text).is_offer
    await check(hall)


async def test_asking_for_anything_else_lets_the_offer_go(hall: SeatsInRedis) -> None:
    offer = offer_of(await refused(hall))
    held = hold_of(await hall.hold_seats("ada", [5]))
    assert held.seats == [5]
    assert await hall.read("ada", offer.reservation_id) == ["lost"]
    assert (await hall.status())[6] == "0"

    for number, ask in enumerate((
        lambda: hall.hold_best("ada", 1, ["back"]), lambda: hall.hold_stock("ada", "standing", 1),
    )):  # fmt: skip
        offer = offer_of(await hall.hold_seats("ada", [4, 5], offer="front"))
        hold_of(await ask())
        assert await hall.read("ada", offer.reservation_id) == ["lost"], number
    await check(hall)


async def test_a_second_refusal_makes_a_new_offer_and_keeps_one(hall: SeatsInRedis) -> None:
    first = offer_of(await refused(hall))
    second = offer_of(await hall.hold_seats("ada", [4, 3], offer="front"))

    assert await hall.read("ada", first.reservation_id) == ["lost"]
    assert (await hall.status()).count("1") == 3
    assert second.reservation_id != first.reservation_id
    await check(hall)


async def test_an_offer_can_be_let_go_and_runs_out(hall: SeatsInRedis) -> None:
    offer = offer_of(await refused(hall))
    assert await hall.release("ada", offer.reservation_id) == ["released"]
    offer_of(await hall.hold_seats("ada", [4, 5], offer="front"))
    hall.now += HOLD_MS
    await hall.sweep()

    assert await hall.status() == "0" * 30
    assert not await hall.call.store.call("EXISTS", hall.keys["offers"])
    await check(hall)


async def test_a_repeat_is_refused_again_with_the_same_offer(hall: SeatsInRedis) -> None:
    answer = await refused(hall, "click-1")
    hall.now += 1_000

    assert await hall.hold_seats("ada", [4, 5], "click-1", offer="front") == answer
    assert len(await hall.log()) == 2
    hall.now += HOLD_MS
    assert await hall.hold_seats("ada", [4, 5], "click-1", offer="front") == ["taken", "", "", 4]


async def test_nobody_else_can_take_an_offer(hall: SeatsInRedis) -> None:
    offer = offer_of(await refused(hall))

    assert await hall.hold_seats("cyd", offer.seats) == ["taken", "", "", 5, 6]
    assert await hall.read("cyd", offer.reservation_id) == ["lost"]
    assert (await hall.read("ada", offer.reservation_id))[0] == "held"
