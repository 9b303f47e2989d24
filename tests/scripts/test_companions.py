"""Companions' places are sold with the accessible place they are beside, and with no other."""

from test_hold_seats import hold_of
from test_swap_hold import swapped

from tests.simulation.seats_in_redis import SeatsInRedis

# Two rows in two sections, an accessible place first in each; the second has three companions' places.
ROWS = {"front": [(0, 6), (6, 6)]}
STATUS = "450000" + "455500"
COMPANIONS = {1: 0, 7: 6, 8: 6, 9: 6}


async def two_rows(event: SeatsInRedis) -> SeatsInRedis:
    await event.activate(STATUS, ROWS)
    return event


def wish(event: SeatsInRedis, *seats: int) -> str:
    return event.named(seats, is_accessible=True, companions=COMPANIONS)


async def ask(event: SeatsInRedis, fan_id: str, *seats: int) -> list[object]:
    return await event.hold("hold_seats", fan_id, wish(event, *seats))


async def test_a_companions_place_goes_with_the_one_it_is_beside(event: SeatsInRedis) -> None:
    await two_rows(event)

    assert await event.hold_seats("ada", [0, 1], companions=COMPANIONS) == ["kept", 0, 1]
    assert await ask(event, "ada", 0, 7, 8, 9) == ["kept", 7, 8, 9]
    assert await ask(event, "ada", 0, 1, 7) == ["kept", 7]
    assert await event.status() == STATUS
    assert hold_of(await ask(event, "ada", 0, 1)).seats == [0, 1]
    assert hold_of(await ask(event, "bob", 6, 7, 8, 9)).seats == [6, 7, 8, 9]


async def test_two_who_need_places_bring_the_companions_of_both(event: SeatsInRedis) -> None:
    await two_rows(event)

    assert hold_of(await ask(event, "ada", 0, 6, 1, 7)).seats == [0, 6, 1, 7]


async def test_a_fourth_companion_is_one_too_many(event: SeatsInRedis) -> None:
    await event.activate("455550", {"front": [(0, 6)]})
    companions = dict.fromkeys(range(1, 5), 0)
    more = {"is_accessible": True, "companions": companions}

    assert await event.hold_seats("ada", [0, 1, 2, 3, 4], **more) == ["kept", 1, 2, 3, 4]
    assert hold_of(await event.hold_seats("ada", [0, 1, 2, 3], **more))


async def test_a_companions_place_is_in_the_hold_of_the_one_it_is_beside(
    event: SeatsInRedis,
) -> None:
    """Else the place could be given back, and the companion's kept."""
    await two_rows(event)
    name = hold_of(await ask(event, "ada", 6)).reservation_id

    assert await ask(event, "bob", 7) == ["kept", 7]
    assert await ask(event, "ada", 7) == ["kept", 7]
    assert swapped(await event.swap("ada", name, wish(event, 6, 7))).seats == [6, 7]


async def test_a_swap_keeps_companions_beside_theirs(event: SeatsInRedis) -> None:
    await two_rows(event)
    name = hold_of(await ask(event, "ada", 6, 7)).reservation_id

    assert await event.swap("ada", name, wish(event, 7)) == ["kept", 7]
    assert await event.swap("ada", name, wish(event, 0, 7)) == ["kept", 7]
    assert swapped(await event.swap("ada", name, wish(event, 6, 8))).seats == [6, 8]
    other = hold_of(await event.hold_seats("ada", [3])).reservation_id
    assert await event.swap("ada", other, wish(event, 9)) == ["kept", 9]


async def test_what_was_theirs_they_have_back_whomever_it_is_for(event: SeatsInRedis) -> None:
    """A payment that came too late: nobody gives a paid companion's place away."""
    await two_rows(event)

    held = hold_of(await event.hold_seats("ada", [0, 7], is_theirs=True, companions=COMPANIONS))
    assert held.seats == [0, 7]


async def test_the_best_are_not_beside_somebody_elses_place(event: SeatsInRedis) -> None:
    await event.activate("004554", {"front": [(0, 6)]})
    more = {"accessible": [2, 5], "companions": {3: 2, 4: 5}}

    assert hold_of(await event.hold_best("ada", 3, ["front"], **more)).seats == [1, 2, 3]
    assert hold_of(await event.hold_best("bob", 2, ["front"], **more)).seats == [4, 5]


async def test_a_party_sits_apart_before_it_takes_somebody_elses_companions_place(
    event: SeatsInRedis,
) -> None:
    await event.activate("4554" + "00", {"front": [(0, 4), (4, 2)]})

    held = hold_of(
        await event.hold_best("ada", 3, ["front"], accessible=[0, 3], companions={1: 0, 2: 3})
    )

    assert held.seats == [0, 4, 5]
