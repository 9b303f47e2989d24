"""What else bounds the calls: the stock, the health of the shop; and lanes, which go in order."""

import pytest
from test_call_places import crowd

from tests.simulation.line_in_redis import LineInRedis

HEALTH_PERIOD_MS = 5_000


async def test_no_more_are_called_than_the_stock_can_serve(line: LineInRedis) -> None:
    await crowd(line)

    stands = await line.call_places(seats_left=21, seats_per_fan=2.0)
    assert (stands["serving"], stands["limit"]) == (10, "stock")
    line.now += 1_000
    assert (await line.call_places(seats_left=21, seats_per_fan=2.0))["called_now"] == 0
    for place in (1, 2):
        assert (await line.admit(f"fan-{place}", place))[0] == "admitted"
    stands = await line.call_places(seats_left=21, seats_per_fan=2.0)
    assert stands["called_now"] == 0, "those inside are counted, too"
    assert (await line.call_places(seats_left=0, seats_per_fan=2.0))["limit"] == "stock"
    assert (await line.call_places())["called_now"] > 0, "nobody knows of a stock: it binds nobody"


async def test_the_last_seat_is_somebodys(line: LineInRedis) -> None:
    await crowd(line)

    assert (await line.call_places(seats_left=0, seats_per_fan=1.5))["called_now"] == 0
    assert (await line.call_places(seats_left=1, seats_per_fan=1.5))["called_now"] == 1
    assert (await line.call_places(seats_left=1, seats_per_fan=1.5))["called_now"] == 0


async def test_a_seat_that_comes_back_is_for_the_next_fan(line: LineInRedis) -> None:
    await crowd(line)
    await line.call_places(seats_left=10)

    assert (await line.call_places(seats_left=11))["called_now"] == 1


async def judged(line: LineInRedis, good: int, bad: int) -> int:
    """The health after a period with such answers, told by two processes."""
    await line.call_places(good=good // 2, bad=bad // 2)
    line.now += HEALTH_PERIOD_MS
    health = (await line.call_places(good=good - good // 2, bad=bad - bad // 2))["health"]
    assert (await line.call_places())["health"] == health, "a period is judged once"
    return int(health)


async def test_bad_answers_lower_the_rate_by_a_factor_and_good_ones_raise_it_by_steps(
    line: LineInRedis,
) -> None:
    await crowd(line, 100_000)
    assert await judged(line, good=98, bad=2) == 1_000, "two in a hundred are borne"

    assert await judged(line, good=97, bad=3) == 700
    stands = await line.call_places()
    assert (stands["rate"], stands["limit"]) == (420, "health")
    assert await judged(line, good=90, bad=60) == 490
    assert await judged(line, good=50, bad=0) == 540
    assert await judged(line, good=3, bad=0) == 590, "few answers, all of them good"
    assert await judged(line, good=0, bad=0) == 640, "nobody asked: it may be well again"


async def test_few_answers_with_a_bad_one_are_kept_for_the_next_period(line: LineInRedis) -> None:
    await crowd(line)

    assert await judged(line, good=20, bad=2) == 1_000
    assert await judged(line, good=20, bad=0) == 1_000
    assert await judged(line, good=8, bad=0) == 700, "two of fifty, over three periods"


async def test_health_has_a_floor_and_a_ceiling(line: LineInRedis) -> None:
    await crowd(line)
    for _ in range(12):
        lowest = await judged(line, good=0, bad=100)
    assert lowest == 50
    assert (await line.call_places())["rate"] == 30
    for _ in range(25):
        highest = await judged(line, good=100, bad=0)
    assert highest == 1_000


async def test_a_clock_that_steps_back_begins_a_period_anew(line: LineInRedis) -> None:
    await crowd(line)
    await line.call_places(bad=100)
    line.now -= 3_600_000

    assert (await line.call_places())["health"] == 1_000
    line.now += HEALTH_PERIOD_MS
    assert (await line.call_places())["health"] == 700


@pytest.fixture
async def lanes(line: LineInRedis) -> LineInRedis:
    """Three in each of two lanes, six in the general line, and room for four."""
    line.lanes, line.capacity = ("members", "press"), 4
    await line.open(ceiling=1_000)
    for lane, fans in (("general", 6), ("press", 3), ("members", 3)):
        for number in range(1, fans + 1):
            answer = await line.join(f"{lane}-{number}", lane=lane)
            if answer[0] == "no_places":
                await line.raise_ceiling(1_000, f"ceiling:{lane}")
                answer = await line.join(f"{lane}-{number}", lane=lane)
            assert answer[:2] == ["joined", number]
    return line


async def serving(line: LineInRedis, **given: object) -> list[int]:
    stands = await line.call_places(**given)  # type: ignore[arg-type]
    return [stands["by_lane"][lane]["serving"] for lane in ("members", "press", "general")]


async def test_lanes_are_called_in_order_and_the_general_line_last(lanes: LineInRedis) -> None:
    assert await serving(lanes) == [3, 1, 0]
    lanes.capacity = 8
    assert await serving(lanes) == [3, 3, 2]
    await lanes.join("members-4", lane="members")
    lanes.capacity = 9
    assert await serving(lanes) == [4, 3, 2]

    stands = await lanes.call_places()
    assert (stands["called"], stands["calls_open"]) == (9, 9)
    assert [stands["by_lane"][lane]["lane_called"] for lane in ("members", "press", "general")] == [
        4, 3, 2,
    ]  # fmt: skip


async def test_order_is_the_operators_at_any_time(lanes: LineInRedis) -> None:
    lanes.lanes = ("press", "members")

    assert await serving(lanes) == [1, 3, 0]


async def test_a_fan_enters_by_the_place_of_their_lane(lanes: LineInRedis) -> None:
    await lanes.call_places()
    lanes.now += 1_000

    assert (await lanes.admit("general-1", 1))[0] == "not_called"
    assert (await lanes.admit("members-3", 3, lane="members"))[0] == "admitted"
    assert await lanes.admit("press-3", 3, lane="press") == ["not_called", 1]
    stands = await lanes.call_places()
    assert (stands["claimed"], stands["calls_open"], stands["inside"]) == (1, 3, 1)


async def test_a_lane_that_nobody_has_opened_calls_nobody(lanes: LineInRedis) -> None:
    assert await lanes.admit("guest", 1, lane="guests") == ["not_called", 0]
    lanes.lanes = ("guests", "members", "press")

    stands = await lanes.call_places()

    assert stands["by_lane"]["guests"] == {
        "lane": "guests", "serving": 0, "last_place": 0, "gaps": [], "lane_called": 0,
        "kept": [],
    }  # fmt: skip


async def test_lanes_survive_a_loss_as_the_general_line_does(lanes: LineInRedis) -> None:
    await lanes.call_places()
    await lanes.call.store.call("FLUSHDB")
    noted = {"lane": "members", "last_place": 2, "leased": 1_000, "ceiling": 2_000, "serving": 2}
    await lanes.open(last_place=6, leased=1_000, ceiling=2_000, lanes=[noted])

    stands = await lanes.call_places(rate_per_minute=0)
    assert stands["by_lane"]["members"] == {
        "lane": "members", "serving": 1_000, "last_place": 1_000, "gaps": [], "lane_called": 0,
        "kept": [],
    }  # fmt: skip
    assert stands["by_lane"]["general"]["gaps"] == [[7, 1_000]]
    assert await lanes.join("members-4", lane="members") == ["joined", 1_001, 999]
    assert (await lanes.join("members-4"))[:2] == ["joined", 1_001], "a lane's place is its own"
    assert await serving(lanes) == [1_001, 0, 3]
