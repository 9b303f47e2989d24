"""hold_seats: who needs an accessible place and comes too late is offered another one."""

from typing import Any

from test_hold_seats import hold_of
from test_offers import offer_of

from tests.simulation.seats_in_redis import SeatsInRedis

# Three rows, the first two in one section; a place, its companion's, and two for anybody in each.
ROWS = {"front": [(0, 4), (4, 4), (8, 4)]}
STATUS = "4500" * 3
COMPANIONS = {1: 0, 5: 4, 9: 8}
NEED: dict[str, Any] = {"is_accessible": True, "companions": COMPANIONS, "offer": "front"}
PLACES: dict[str, Any] = {"offer_places": [[0], [0, 4], [0, 4, 8]], "places": 1}


async def test_another_place_is_held_with_the_companions_beside_it(event: SeatsInRedis) -> None:
    await event.activate(STATUS, ROWS)
    hold_of(await event.hold_seats("bob", [0, 1], **NEED))

    answer = await event.hold_seats("ada", [0, 1], **NEED, **PLACES)
    assert offer_of(answer).seats == [4, 5], "in the same section"
    assert answer[3:] == [0, 1], "what is taken"
    offer = offer_of(await event.hold_seats("cyd", [0, 1, 2], **NEED, **PLACES))
    assert offer.seats == [8, 9, 10], "in another one when nothing is left there"
    assert (await event.hold_seats("dee", [0], **NEED, **PLACES))[:3] == ["taken", "", ""]
    assert await event.status() == "1100" + "1100" + "1110"


async def test_a_place_that_is_free_stays_when_who_comes_along_sits_elsewhere(
    event: SeatsInRedis,
) -> None:
    await event.activate("0450" + "5450", {"front": [(0, 4), (4, 4)]})
    pairs: dict[str, Any] = {
        "is_accessible": True, "companions": {2: 1, 4: 5, 6: 5}, "offer": "front",
    }  # fmt: skip
    hold_of(await event.hold_seats("bob", [3]))

    wanted = await event.hold_seats("ada", [1, 2, 3], **pairs, offer_places=[[1], [1, 5]], places=1)

    assert offer_of(wanted).seats == [0, 1, 2]


async def test_as_many_places_are_offered_as_were_wanted(event: SeatsInRedis) -> None:
    await event.activate("4400" + "4000" + "0440", {"front": [(0, 4), (4, 4), (8, 4)]})
    need: dict[str, Any] = {"is_accessible": True, "offer": "front"}
    hold_of(await event.hold_seats("bob", [0], **need))

    answer = await event.hold_seats(
        "ada", [0, 1], **need, offer_places=[[0, 1, 4, 9, 10]], places=2
    )

    assert offer_of(answer).seats == [9, 10]


async def test_a_place_that_nobody_of_a_party_needs_is_left_even_if_it_is_nearer(
    event: SeatsInRedis,
) -> None:
    await event.activate("0440" + "1400", {"front": [(0, 4), (4, 4)]})
    need: dict[str, Any] = {"is_accessible": True, "offer": "front", "places": 1}
    hold_of(await event.hold_seats("bob", [0]))

    answer = await event.hold_seats("ada", [0, 1], **need, offer_places=[[1], [1, 2, 5]])

    assert offer_of(answer).seats == [5, 6], "not 1 and 2"


async def test_two_places_side_by_side_are_better_than_no_offer(event: SeatsInRedis) -> None:
    await event.activate("0441" + "0000", {"front": [(0, 4), (4, 4)]})
    need: dict[str, Any] = {"is_accessible": True, "offer": "front", "places": 1}
    hold_of(await event.hold_seats("bob", [0]))

    answer = await event.hold_seats("ada", [0, 1], **need, offer_places=[[1], [1, 2]])

    assert offer_of(answer).seats == [1, 2]


async def test_no_companions_place_of_somebody_else_is_offered(event: SeatsInRedis) -> None:
    await event.activate("4554" + "0045", {"front": [(0, 4), (4, 4)]})
    need: dict[str, Any] = {
        "is_accessible": True, "companions": {1: 0, 2: 3, 7: 6}, "offer": "front",
    }  # fmt: skip
    hold_of(await event.hold_seats("bob", [0], **need))

    answer = await event.hold_seats("ada", [0, 1, 2], **need, offer_places=[[0, 3, 6]], places=1)

    assert offer_of(answer).seats == [5, 6, 7]


async def test_without_room_beside_a_place_there_is_no_offer(event: SeatsInRedis) -> None:
    await event.activate("4100" + "4100", {"front": [(0, 4), (4, 4)]})
    need: dict[str, Any] = {"is_accessible": True, "offer": "front"}

    answer = await event.hold_seats("ada", [0, 1], **need, offer_places=[[0, 4]], places=1)

    assert answer == ["taken", "", "", 1]
    assert await event.status() == "4100" + "4100"


async def test_who_said_so_and_wants_ordinary_seats_is_offered_such(event: SeatsInRedis) -> None:
    await event.activate("4500" + "4500", {"front": [(0, 4), (4, 4)]})
    hold_of(await event.hold_seats("bob", [2]))

    answer = await event.hold_seats("ada", [2, 3], is_accessible=True, offer="front")

    assert offer_of(answer).seats == [6, 7]


async def test_a_repeat_is_refused_again_with_the_same_places(event: SeatsInRedis) -> None:
    await event.activate(STATUS, ROWS)
    hold_of(await event.hold_seats("bob", [0], **NEED))

    answer = await event.hold_seats("ada", [0, 1], "click-1", **NEED, **PLACES)

    assert await event.hold_seats("ada", [0, 1], "click-1", **NEED, **PLACES) == answer
    assert hold_of(await event.hold_seats("ada", offer_of(answer).seats, **NEED)).is_offer is False
