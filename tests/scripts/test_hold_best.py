"""hold_best: what is chosen is held in the same step, and chosen well."""

import time

import pytest
from test_hold_seats import check, hold_of

from tests.simulation.seats_in_redis import HOLD_MS, SeatsInRedis


async def one_row(event: SeatsInRedis, status: str) -> SeatsInRedis:
    await event.activate(status, {"front": [(0, len(status))]})
    return event


async def test_neighbours_in_the_middle_of_the_best_block(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_best("ada", 4, ["front"]))

    assert held.seats == [3, 4, 5, 6]
    assert held.expires_at_ms == hall.now + HOLD_MS
    await check(hall)


async def test_the_wanted_tier_goes_first_and_the_next_one_when_it_has_no_run(
    hall: SeatsInRedis,
) -> None:
    assert hold_of(await hall.hold_best("ada", 5, ["back", "front"])).seats == [20, 21, 22, 23, 24]
    assert hold_of(await hall.hold_best("bob", 6, ["back", "front"])).seats == [2, 3, 4, 5, 6, 7]
    await check(hall)


@pytest.mark.parametrize(
    ("row", "quantity", "chosen"),
    [
        ("0000", 2, [0, 1]),  # in the middle it would leave two alone
        ("000", 2, None),  # unavoidable
        ("00000", 3, [1, 2, 3]),  # unavoidable either way: nearest to the middle
        ("1000100", 2, [5, 6]),  # the run it fills
        ("1001000", 2, [1, 2]),
        ("00100", 1, None),  # unavoidable
        ("0010000", 4, [3, 4, 5, 6]),
        ("01000001", 2, [2, 3]),  # one lone seat is there already; make none
    ],
)
async def test_no_seat_is_left_alone_if_that_can_be_helped(
    event: SeatsInRedis, row: str, quantity: int, chosen: list[int] | None
) -> None:
    await one_row(event, row)

    seats = hold_of(await event.hold_best("ada", quantity, ["front"])).seats

    assert seats == list(range(seats[0], seats[0] + quantity))
    if chosen and row != "00000" and row != "01000001":
        assert seats == chosen
    assert lone_seats(await event.status()) - lone_seats(row) == fewest_new(row, quantity)


def lone_seats(row: str) -> int:
    return sum(
        row[i] == "0" and row[i - 1 : i] != "0" and row[i + 1 : i + 2] != "0"
        for i in range(len(row))
    )


def fewest_new(row: str, quantity: int) -> int:
    """The fewest lone seats that any choice of neighbours would add."""
    return min(
        lone_seats(row[:at] + "1" * quantity + row[at + quantity :]) - lone_seats(row)
        for at in range(len(row))
        if row[at : at + quantity] == "0" * quantity
    )


async def test_a_tidy_block_is_preferred_to_a_better_one_that_would_leave_a_seat_alone(
    event: SeatsInRedis,
) -> None:
    await event.activate("000" + "1111" + "00", {"front": [(0, 3), (7, 2)]})

    assert hold_of(await event.hold_best("ada", 2, ["front"])).seats == [7, 8]


async def test_behind_very_many_rows_that_would_leave_a_seat_alone_one_that_does_not_is_found(
    event: SeatsInRedis,
) -> None:
    fives = [(5 * row, 5) for row in range(30)]
    await event.activate("0" * 156, {"front": [*fives, (150, 6)]})

    assert hold_of(await event.hold_best("ada", 4, ["front"])).seats[0] in (150, 152)


async def test_among_rows_that_are_as_near_chance_picks(event: SeatsInRedis) -> None:
    rows = {"front": [(4 * block, 4) for block in range(10)]}
    await event.activate("0" * 40, rows, grades={"front": [0] * 6 + [1] * 4})
    firsts = set()
    for chance in range(16):
        held = hold_of(await event.hold_best("ada", 4, ["front"], chance=chance))
        firsts.add(held.seats[0])
        await event.release("ada", held.reservation_id)

    assert firsts == {4 * block for block in range(6)}, "never a farther row"


async def test_of_two_places_in_a_row_that_are_as_good_chance_picks(event: SeatsInRedis) -> None:
    await event.activate("0" * 5, {"front": [(0, 5)]})
    firsts = set()
    for chance in range(4):
        held = hold_of(await event.hold_best("ada", 2, ["front"], chance=chance))
        firsts.add(held.seats[0])
        await event.release("ada", held.reservation_id)

    assert firsts == {0, 3}, "the two that leave nobody alone"


async def test_a_party_that_fits_into_no_row_sits_in_two_neighbouring_ones(
    event: SeatsInRedis,
) -> None:
    await event.activate("0110" + "1000" + "0001" + "0000", {"front": [(0, 4), (4, 4), (8, 4)]})

    held = hold_of(await event.hold_best("ada", 6, ["front"]))

    assert held.seats == [5, 6, 7, 8, 9, 10], "threes behind each other"
    assert (await event.hold_best("bob", 3, ["front"]))[0] == "sold_out"


async def test_the_parts_of_a_party_are_near_each_other(event: SeatsInRedis) -> None:
    row = "1" * 20
    front, behind = row[:14] + "00" + row[16:], row[:2] + "00" + row[4:13] + "00" + row[15:]
    await event.activate(front + behind, {"front": [(0, 20), (20, 20)]})

    assert hold_of(await event.hold_best("ada", 4, ["front"])).seats == [14, 15, 33, 34]


async def test_nobody_of_a_party_sits_alone_if_that_can_be_helped(event: SeatsInRedis) -> None:
    # Four and one would fit into the first two rows, three and two into the last two.
    rows = {"front": [(0, 4), (4, 4), (8, 4), (12, 4), (16, 4)]}
    await event.activate("0000" + "1011" + "1111" + "1000" + "1001", rows)

    assert hold_of(await event.hold_best("ada", 5, ["front"])).seats == [13, 14, 15, 17, 18]


async def test_an_accessible_place_comes_with_the_rest_of_the_party_beside_it(
    event: SeatsInRedis,
) -> None:
    await event.activate("0000000" + "0004500", {"front": [(0, 7), (7, 7)]})

    held = hold_of(await event.hold_best("ada", 2, ["front"], accessible=[10]))
    assert held.seats == [10, 11], "the companion's place goes first"
    assert (await event.hold_best("bob", 1, ["front"], accessible=[10]))[0] == "sold_out"
    await event.release("ada", held.reservation_id)
    assert (await event.status())[7:] == "0004500"
    held = hold_of(await event.hold_best("cyd", 4, ["front"], accessible=[10]))
    assert held.seats in ([9, 10, 11, 12], [8, 9, 10, 11])


async def test_other_accessible_places_are_left_to_others(event: SeatsInRedis) -> None:
    await event.activate("04400", {"front": [(0, 5)]})

    held = hold_of(await event.hold_best("ada", 2, ["front"], accessible=[1, 2]))

    assert held.seats in ([0, 1], [2, 3])


async def test_who_needs_an_accessible_place_gets_it_even_apart_from_the_party(
    event: SeatsInRedis,
) -> None:
    await event.activate("141" + "00", {"front": [(0, 3), (3, 2)]})

    assert hold_of(await event.hold_best("ada", 3, ["front"], accessible=[1])).seats == [1, 3, 4]
    assert (await event.hold_best("bob", 1, ["front"], accessible=[1]))[0] == "sold_out"


async def test_of_very_many_accessible_places_the_best_are_weighed(event: SeatsInRedis) -> None:
    rows = [(2 * row, 2) for row in range(129)]
    # Only the last row would leave the other accessible place to somebody else.
    await event.activate("44" * 128 + "45", {"front": rows})

    places = [2 * row for row in range(129)]
    held = hold_of(await event.hold_best("ada", 2, ["front"], accessible=places))

    assert held.seats[0] < 2 * 128


async def test_others_get_no_accessible_place_while_they_are_kept(event: SeatsInRedis) -> None:
    await event.activate("0450", {"front": [(0, 4)]})

    assert hold_of(await event.hold_best("ada", 2, ["front"])).seats == [0, 3]
    assert await event.hold_best("bob", 1, ["front"]) == ["sold_out", 0]


async def test_a_channel_gets_its_own_seats_and_no_others(event: SeatsInRedis) -> None:
    await event.activate(
        "00333300", {"front": [(0, 8)]}, channels={2: "press", 3: "press", 4: "house", 5: "press"}
    )

    assert hold_of(await event.hold_best("ada", 2, ["front"], channel="press")).seats == [2, 3]
    assert (await event.hold_best("bob", 2, ["front"], channel="press"))[0] == "sold_out"
    assert hold_of(await event.hold_best("bob", 1, ["front"], channel="press")).seats == [5]
    held = hold_of(await event.hold_best("cyd", 1, ["front"], channel="house"))
    assert held.seats == [4]
    await event.release("cyd", held.reservation_id)
    assert await event.status() == "00113100", "it is the house's again"


async def test_single_seats_when_there_are_no_neighbours(event: SeatsInRedis) -> None:
    await event.activate("01010" + "00", {"front": [(0, 5)], "back": [(5, 2)]})

    assert hold_of(await event.hold_best("ada", 3, ["front", "back"])).seats == [0, 2, 4]


async def test_seats_of_several_tiers_before_sold_out(event: SeatsInRedis) -> None:
    await event.activate("01" + "01", {"front": [(0, 2)], "back": [(2, 2)]})

    assert await event.hold_best("ada", 2, ["front"]) == ["sold_out", 0]
    assert hold_of(await event.hold_best("ada", 2, ["front", "back"])).seats == [0, 2]


async def test_sold_out_says_how_many_dead_holds_may_hide_free_seats(event: SeatsInRedis) -> None:
    await event.activate("0" * 450, {"front": [(0, 450)]})
    for seat in range(450):
        hold_of(await event.hold_seats(f"fan-{seat}", [seat]))
    assert await event.hold_best("ada", 1, ["front"]) == ["sold_out", 0]
    event.now += HOLD_MS

    for number in range(450 // 8):
        hold_of(await event.hold_best(f"late-{number}", 8, ["front"]))
    assert await event.hold_best("too-late", 8, ["front"]) == ["sold_out", 0]
    assert (await event.status()).count("0") == 450 % 8


async def test_dead_holds_beyond_one_sweep_are_named_in_the_answer(event: SeatsInRedis) -> None:
    await event.activate("0" * 300, {"back": [(0, 299)], "front": [(299, 1)]})
    for seat in range(299):
        hold_of(await event.hold_seats(f"fan-{seat}", [seat]))
    event.now += 1
    hold_of(await event.hold_seats("last", [299]))
    event.now += HOLD_MS

    assert await event.hold_best("ada", 1, ["front"]) == ["sold_out", 100]
    assert hold_of(await event.hold_best("ada", 1, ["front"])).seats == [299]


async def test_the_limit_counts_all_holds_of_a_fan(hall: SeatsInRedis) -> None:
    hall.seats_max = 4
    hold_of(await hall.hold_best("ada", 3, ["front"]))

    assert await hall.hold_best("ada", 2, ["front"]) == ["over_limit", 3, 0]
    hall.now += HOLD_MS
    hold_of(await hall.hold_best("ada", 4, ["front"]))
    await check(hall)


async def test_an_operation_asked_again_gets_its_first_answer(hall: SeatsInRedis) -> None:
    first = await hall.hold_best("ada", 2, ["front"], "click-1")

    assert await hall.hold_best("ada", 2, ["front"], "click-1", chance=5) == first
    hall.now += HOLD_MS
    assert await hall.hold_best("ada", 2, ["front"], "click-1") == ["gone", first[1]]
    await check(hall)


async def test_a_nearly_sold_out_stadium_is_searched_in_milliseconds(event: SeatsInRedis) -> None:
    rows = [(25 * row, 25) for row in range(2_400)]
    await event.activate("10" * 30_000, {"front": rows})
    began = time.perf_counter()
    for number in range(10):
        hold_of(await event.hold_best(f"fan-{number}", 4, ["front"]))
    took = (time.perf_counter() - began) / 10

    # Some 4 ms on a slow core. Far more would be felt by everybody else.
    assert took < 0.05
