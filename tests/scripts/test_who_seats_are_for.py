"""hold_seats: accessible places, companions' places, channels, and seats left alone."""

import pytest
from test_hold_seats import hold_of

from tests.simulation.seats_in_redis import HOLD_MS, SeatsInRedis

ROW = "0000000000"


async def one_row(event: SeatsInRedis, row: str) -> SeatsInRedis:
    await event.activate(row, {"front": [(0, len(row))]})
    return event


async def test_an_accessible_place_is_for_fans_who_need_one(event: SeatsInRedis) -> None:
    await one_row(event, "0450")

    assert await event.hold_seats("ada", [0, 1]) == ["kept", 1]
    assert await event.status() == "0450"
    assert hold_of(await event.hold_seats("bob", [0, 1], is_accessible=True)).seats == [0, 1]


async def test_a_companions_place_is_sold_beside_an_accessible_one(event: SeatsInRedis) -> None:
    await one_row(event, "45555")

    assert await event.hold_seats("ada", [1]) == ["kept", 1]
    assert await event.hold_seats("ada", [1, 2], is_accessible=True) == ["kept", 1, 2]
    # Up to three with each.
    assert await event.hold_seats("ada", [0, 1, 2, 3, 4], is_accessible=True) == [
        "kept", 1, 2, 3, 4,
    ]  # fmt: skip
    held = hold_of(await event.hold_seats("ada", [0, 1, 2, 3], is_accessible=True))
    assert await event.status() == "11115"
    await event.release("ada", held.reservation_id)
    assert await event.status() == "45555", "they are kept again"


async def test_an_accessible_place_that_somebody_has_is_taken(event: SeatsInRedis) -> None:
    await one_row(event, "04")
    hold_of(await event.hold_seats("ada", [1], is_accessible=True))

    assert await event.hold_seats("bob", [0, 1]) == ["taken", "", "", 1]
    event.now += HOLD_MS
    assert await event.hold_seats("bob", [0, 1]) == ["kept", 1]
    assert await event.status() == "04"


async def test_a_channels_seats_are_taken_for_everybody_else(event: SeatsInRedis) -> None:
    await event.activate("0330", {"front": [(0, 4)]}, channels={1: "press", 2: "house"})

    assert await event.hold_seats("ada", [0, 1]) == ["taken", "", "", 1]
    assert await event.hold_seats("ada", [1, 2], channel="press") == ["taken", "", "", 2]
    held = hold_of(await event.hold_seats("ada", [0, 1], channel="press"))
    await event.release("ada", held.reservation_id)

    assert await event.status() == "0330"
    assert [entry["kind"] for entry in await event.log()] == ["held", "released", "blocked"]


async def test_a_seat_nobody_may_sell_is_taken_whoever_asks(event: SeatsInRedis) -> None:
    await one_row(event, "030")

    assert await event.hold_seats("ada", [1], channel="house") == ["taken", "", "", 1]


@pytest.mark.parametrize(
    ("row", "wanted", "instead"),
    [
        ("0000000000", [1, 2], [0, 1]),  # would leave the first seat alone
        ("0000000000", [0, 1], None),
        ("0000000000", [4, 5], None),
        ("1000000001", [2, 3], [1, 2]),  # alone between two that are held
        ("0001", [1], [0]),
        ("000", [1], [0]),  # one at the end leaves two together
        ("0000", [0, 2], [0, 1]),  # two single ones with a hole between
        ("1010", [1], None),  # one that is alone already goes
        ("00000", [0, 1, 3], [0, 1, 2]),
    ],
)
async def test_nobody_leaves_a_single_seat_alone(
    event: SeatsInRedis, row: str, wanted: list[int], instead: list[int] | None
) -> None:
    await one_row(event, row)

    answer = await event.hold_seats("ada", wanted, rows=[(0, len(row))])

    if instead is None:
        assert hold_of(answer).seats == wanted
    else:
        assert answer == ["orphan", *instead]
        assert await event.status() == row
        assert hold_of(await event.hold_seats("ada", instead, rows=[(0, len(row))]))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ("000", [0, 1]),  # whichever two: one is left
        ("000", [0, 2]),
        ("1001", [1]),
        ("10001", [1, 2]),
        ("1000001", [1, 2, 3, 4]),
    ],
)
async def test_a_single_seat_is_left_when_no_other_choice_avoids_it(
    event: SeatsInRedis, row: str, wanted: list[int]
) -> None:
    await one_row(event, row)

    assert hold_of(await event.hold_seats("ada", wanted, rows=[(0, len(row))])).seats == wanted


async def test_a_wish_in_two_rows_is_mended_where_it_must_be(event: SeatsInRedis) -> None:
    await event.activate("00000" + "00000", {"front": [(0, 5), (5, 5)]})
    rows = [(0, 5), (5, 5)]

    assert await event.hold_seats("ada", [0, 1, 6, 7], rows=rows) == ["orphan", 0, 1, 5, 6]
    assert hold_of(await event.hold_seats("ada", [0, 1, 5, 6], rows=rows))


async def test_without_the_rule_anything_goes(event: SeatsInRedis) -> None:
    await one_row(event, ROW)

    assert hold_of(await event.hold_seats("ada", [1, 3])).seats == [1, 3]
