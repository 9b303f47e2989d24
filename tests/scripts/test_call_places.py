"""call_places: the serving number moves at the admission rate, into the room there is."""

import random

import pytest

from tests.simulation.line_in_redis import SETTLED_MS, VISIT_MS, LineInRedis


async def crowd(line: LineInRedis, fans: int = 3_000) -> LineInRedis:
    """A line with so many places given, and its clock started."""
    await line.open(ceiling=1_000_000)
    await line.call.store.call("HSET", line.keys["line"], "last_place", fans)
    await line.call_places()
    return line


async def test_nobody_is_called_before_time_has_passed(line: LineInRedis) -> None:
    await crowd(line)

    stands = await line.call_places()

    assert (stands["serving"], stands["called_now"], stands["last_place"]) == (0, 0, 3_000)


async def test_tokens_flow_at_the_rate_and_a_part_of_one_calls_nobody(line: LineInRedis) -> None:
    await crowd(line)  # 600 a minute: one in 100 ms

    line.now += 99
    assert (await line.call_places())["called_now"] == 0
    line.now += 1
    assert (await line.call_places())["called_now"] == 1
    line.now += 250
    assert (await line.call_places())["called_now"] == 2
    line.now += 50
    assert (await line.call_places())["called_now"] == 1, "the half token was kept"


async def test_asking_again_without_time_passing_calls_nobody(line: LineInRedis) -> None:
    await crowd(line)
    line.now += 500

    assert [(await line.call_places())["called_now"] for _ in range(4)] == [5, 0, 0, 0]


async def test_no_more_than_a_burst_waits_to_be_called(line: LineInRedis) -> None:
    await crowd(line)
    line.now += 3_600_000

    assert (await line.call_places())["called_now"] == line.burst


async def test_a_lowered_burst_holds_at_once(line: LineInRedis) -> None:
    await crowd(line)
    line.now += 60_000
    line.burst = 3

    assert (await line.call_places())["called_now"] == 3


async def test_several_callers_at_once_give_the_rate_and_not_a_multiple(line: LineInRedis) -> None:
    await crowd(line)
    for _ in range(40):
        line.now += 250
        for _ in range(5):
            await line.call_places()

    assert (await line.call_places())["serving"] == 100


@pytest.mark.parametrize("rate", [37, 600, 4_800])
async def test_the_delivered_rate_is_right_within_two_percent(line: LineInRedis, rate: int) -> None:
    line.rate_per_minute, line.burst, line.capacity = rate, max(1, rate // 60), 100_000
    await crowd(line, 10_000)
    rng = random.Random(rate)
    called, until = 0, line.now + 60_000
    while line.now < until:
        line.now = min(until, line.now + rng.randint(1, 450))
        called += (await line.call_places())["called_now"]

    assert called == pytest.approx(rate, rel=0.02, abs=1)


async def test_a_paused_line_calls_nobody_and_saves_nothing_up(line: LineInRedis) -> None:
    await crowd(line)
    line.now += 500
    line.capacity = 0
    assert (await line.call_places())["called_now"] == 0, "five tokens, and no room"
    line.capacity = 1_000
    assert (await line.call_places(rate_per_minute=0))["called_now"] == 0
    assert (await line.call_places())["called_now"] == 5
    await line.call_places(rate_per_minute=0)
    line.now += 60_000

    assert (await line.call_places(rate_per_minute=0))["called_now"] == 0
    assert (await line.call_places())["called_now"] == 0
    line.now += 100
    assert (await line.call_places())["called_now"] == 1


async def test_nobody_is_called_who_is_not_there(line: LineInRedis) -> None:
    await crowd(line, 3)
    line.now += 10_000

    stands = await line.call_places()

    assert (stands["serving"], stands["called_now"]) == (3, 3)


async def test_calls_and_visits_together_stay_within_the_capacity(line: LineInRedis) -> None:
    line.capacity = 5
    await crowd(line)
    line.now += 1_000
    assert (await line.call_places())["serving"] == 5
    line.now += 1_000
    assert (await line.call_places())["serving"] == 5, "five are expected"
    for place in (1, 2, 3):
        assert (await line.admit(f"fan-{place}", place))[0] == "admitted"
    stands = await line.call_places()
    assert (stands["serving"], stands["inside"], stands["calls_open"]) == (5, 3, 2)
    assert stands["claimed"] == 3

    await line.end_visit("fan-2")
    stands = await line.call_places()
    assert (stands["serving"], stands["inside"], stands["calls_open"]) == (6, 2, 3)


async def test_the_room_of_who_does_not_come_is_given_away_to_the_millisecond(
    line: LineInRedis,
) -> None:
    line.capacity = 5
    await crowd(line)
    line.now += 1_000
    await line.call_places()

    line.now += SETTLED_MS - 1
    assert (await line.call_places())["serving"] == 5
    line.now += 1
    assert (await line.call_places())["serving"] == 10


async def test_no_shows_of_long_ago_take_no_room_after_a_quiet_time(line: LineInRedis) -> None:
    line.capacity = 20
    await crowd(line, 15)
    line.burst = 15
    line.now += 10_000
    assert (await line.call_places())["serving"] == 15
    line.now += 3 * SETTLED_MS  # nobody came, and nobody joined
    await line.call.store.call("HSET", line.keys["line"], "last_place", 100)

    assert (await line.call_places())["called_now"] == 15
    assert (await line.call_places())["calls_open"] == 15
    line.now += 1_000
    assert (await line.call_places())["called_now"] == 5, "room for 20, and 15 are expected"


async def test_a_visit_takes_room_until_its_end_to_the_millisecond(line: LineInRedis) -> None:
    line.capacity = 1
    await crowd(line)
    line.now += 100
    await line.call_places()
    await line.admit("fan-1", 1)

    line.now += VISIT_MS - 1
    assert (await line.call_places())["inside"] == 1
    line.now += 1
    stands = await line.call_places()
    assert (stands["inside"], stands["called_now"]) == (0, 1)


async def test_more_visits_than_are_cleared_at_once_take_no_room_once_they_have_ended(
    line: LineInRedis,
) -> None:
    await crowd(line)
    visits = [part for number in range(1_500) for part in (line.now, f"old-{number}")]
    await line.call.store.call("ZADD", line.keys["visits"], *visits)

    assert (await line.call_places())["inside"] == 0
    assert await line.call.store.call("ZCARD", line.keys["visits"]) == 500
    assert (await line.call_places())["inside"] == 0
    assert await line.call.store.call("ZCARD", line.keys["visits"]) == 0


async def test_a_gap_is_passed_over_free_of_charge(line: LineInRedis) -> None:
    await line.open(last_place=2, leased=20_000, ceiling=40_000)
    await line.join_many(100)  # places 20,001 to 20,100
    await line.call_places()
    line.now += 500

    stands = await line.call_places()

    assert (stands["serving"], stands["called_now"], stands["gap"]) == (20_003, 5, 0)


async def test_a_gap_that_was_passed_takes_no_room(line: LineInRedis) -> None:
    line.capacity = 50
    await line.open(last_place=2, leased=20_000, ceiling=40_000)
    await line.join_many(200)
    await line.call_places()
    line.now += 500
    await line.call_places()
    line.now += 500

    stands = await line.call_places()

    assert (stands["called_now"], stands["calls_open"]) == (5, 10)


async def test_gaps_behind_one_another_are_all_passed(line: LineInRedis) -> None:
    await line.open(last_place=0, leased=100, ceiling=1_000)
    await line.call.store.call("ZADD", line.keys["gaps"], 101, 200, 203, 300)
    await line.call.store.call("HSET", line.keys["line"], "last_place", 310)
    await line.call_places(rate_per_minute=0)
    line.now += 400

    assert (await line.call_places())["serving"] == 302  # 201, 202, 301, 302


async def test_a_gap_at_the_front_is_passed_even_while_paused(line: LineInRedis) -> None:
    await line.open(last_place=0, leased=20_000, ceiling=40_000)

    stands = await line.call_places(rate_per_minute=0)

    assert (stands["serving"], stands["gap"], stands["called_now"]) == (20_000, 0, 0)


async def test_a_crowd_that_was_called_before_a_total_loss_does_not_stop_the_line(
    line: LineInRedis,
) -> None:
    line.capacity = 1_000
    await line.open(last_place=9_000, leased=20_000, ceiling=40_000, serving=5_000)
    await line.call_places()
    line.now += 1_000

    stands = await line.call_places()

    assert (stands["serving"], stands["called_now"]) == (5_010, 10)


async def test_after_a_loss_the_serving_number_is_not_below_what_a_caller_has_told(
    line: LineInRedis,
) -> None:
    await line.open(last_place=9_000, leased=20_000, ceiling=40_000, serving=5_000)
    line.serving_seen = 5_040

    assert (await line.call_places(rate_per_minute=0))["serving"] == 5_040
    line.serving_seen = 0
    assert (await line.call_places(rate_per_minute=0))["serving"] == 5_040
    line.serving_seen = 10**9
    assert (await line.call_places(rate_per_minute=0))["serving"] == 20_000, "and never beyond all"


async def test_a_clock_that_steps_back_gives_nothing_and_does_not_stop_the_line(
    line: LineInRedis,
) -> None:
    line.capacity = 5
    await crowd(line)
    line.now += 1_000
    assert (await line.call_places())["serving"] == 5

    line.now -= 3_600_000
    assert (await line.call_places())["called_now"] == 0
    line.now += SETTLED_MS
    assert (await line.call_places())["called_now"] == 5, "those called are waited for no longer"
    line.now += 1_000
    assert (await line.call_places())["called_now"] == 0


async def test_what_is_kept_about_calls_stays_small(line: LineInRedis) -> None:
    await crowd(line)
    for _ in range(400):
        line.now += 1_000
        await line.call_places()

    entries = await line.call.store.call("ZCARD", line.keys["calls"])
    assert entries <= SETTLED_MS // 1_000 + 2
    assert await line.call.store.call("HLEN", line.keys["cohorts"]) <= SETTLED_MS // 1_000 + 2
