"""call_places: the serving number moves as fans are wanted at the turnstile, into the room there is."""

from tests.simulation.line_in_redis import SETTLED_MS, VISIT_MS, LineInRedis


async def crowd(line: LineInRedis, fans: int = 3_000) -> LineInRedis:
    """A line with so many places given, of whom nobody is called yet."""
    await line.open(ceiling=1_000_000)
    await line.call.store.call("HSET", line.keys["line"], "last_place", fans)
    await line.call_places(rate_per_minute=0)
    return line


async def test_the_first_are_called_at_once_and_come_as_their_tokens_do(line: LineInRedis) -> None:
    await crowd(line)  # 600 a minute

    stands = await line.call_places()

    # The burst, as many as come in the two and a half seconds that fans are believed to take, some
    # more for the turnstile, and three in a hundred who are believed not to come.
    assert (stands["serving"], stands["no_show"]) == (56, 30)
    assert stands["limit"] == "rate"


async def test_asking_again_without_time_passing_calls_nobody(line: LineInRedis) -> None:
    await crowd(line)

    called = [(await line.call_places())["called_now"] for _ in range(4)]

    assert called[0] > 0
    assert called[1:] == [0, 0, 0]


async def test_several_callers_at_once_call_no_more_than_one(line: LineInRedis) -> None:
    served = []
    for callers in (1, 5):
        await line.call.store.call("FLUSHDB")
        await crowd(line, 100_000)
        for _ in range(40):
            line.now += 250
            for _ in range(callers):
                stands = await line.call_places()
        served.append(stands["serving"])

    assert served[0] == served[1]


async def test_who_is_not_expected_any_more_is_called_for_anew(line: LineInRedis) -> None:
    await crowd(line, 100_000)
    first = (await line.call_places())["called_now"]
    for _ in range(4 * 60):
        line.now += 250
        stands = await line.call_places()

    # Nobody came: as many as can be are called for each who shall come, and none twice.
    assert stands["called"] > 5 * first
    assert stands["no_show"] == 900


async def test_what_is_known_of_answers_fades_as_more_are_called(line: LineInRedis) -> None:
    line.rate_per_minute, line.burst, line.capacity = 60_000, 1_000, 1_000_000
    await crowd(line, 1_000_000)
    for _ in range(5 * 60):
        line.now += 1_000
        stands = await line.call_places()
    assert stands["called"] > 100_000
    known = str(await line.call.store.call("HGET", line.keys["line"], "answers")).split()
    assert {float(passed) for passed in known[0::2]} == {1_000}


async def test_what_the_turnstile_lacks_is_taken_up_while_the_rate_alone_holds_the_calls(
    line: LineInRedis,
) -> None:
    async def eased_ms() -> float:
        return float(await line.call.store.call("HGET", line.keys["line"], "ease_ms") or 0)

    await crowd(line, 100_000)

    async def tick(times: int) -> float:
        for _ in range(times):
            line.now += 250
            await line.call_places()
        return await eased_ms()

    assert 0 < await tick(4) < await tick(4), "nobody came, so more are called"
    line.capacity = 1
    at_first = await tick(1)  # of what has been until now
    assert await tick(8) == at_first, "the house is what holds them"


async def test_a_paused_line_calls_nobody_and_no_tokens_flow(line: LineInRedis) -> None:
    await crowd(line)
    line.now += 60_000

    stands = await line.call_places(rate_per_minute=0)

    assert (stands["called_now"], stands["limit"], stands["rate"]) == (0, "paused", 0)
    flow = await line.call.store.call("HMGET", line.keys["line"], "flow", "spent")
    assert flow == ["0", str(-60_000 * line.burst)], "the bucket is full, and stays so"


async def test_nobody_is_called_who_is_not_there(line: LineInRedis) -> None:
    await crowd(line, 3)

    stands = await line.call_places()

    assert (stands["serving"], stands["called_now"], stands["limit"]) == (3, 3, "demand")


async def test_calls_and_visits_together_stay_within_the_capacity(line: LineInRedis) -> None:
    line.capacity = 5
    await crowd(line)
    stands = await line.call_places()
    assert (stands["serving"], stands["limit"]) == (5, "capacity")
    line.now += 1_000
    assert (await line.call_places())["serving"] == 5, "five are expected"
    for place in (1, 2, 3):
        assert (await line.admit(f"fan-{place}", place))[0] == "admitted"
    stands = await line.call_places()
    assert (stands["serving"], stands["inside"], stands["calls_open"]) == (5, 3, 2)
    assert (stands["claimed"], stands["admitted"]) == (3, 3)

    await line.end_visit("fan-2")
    stands = await line.call_places()
    assert (stands["serving"], stands["inside"], stands["calls_open"]) == (6, 2, 3)


async def test_the_room_of_who_does_not_come_is_given_away_to_the_millisecond(
    line: LineInRedis,
) -> None:
    line.capacity = 5
    await crowd(line)
    await line.call_places()

    line.now += SETTLED_MS - 1
    assert (await line.call_places())["serving"] == 5
    line.now += 1
    assert (await line.call_places())["serving"] == 10


async def test_no_shows_of_long_ago_take_no_room_after_a_quiet_time(line: LineInRedis) -> None:
    line.capacity = 20
    await crowd(line, 15)
    assert (await line.call_places())["serving"] == 15
    line.now += 3 * SETTLED_MS  # nobody came, and nobody joined
    await line.call.store.call("HSET", line.keys["line"], "last_place", 100)

    stands = await line.call_places()

    assert (stands["called_now"], stands["calls_open"]) == (20, 20)


async def test_a_visit_takes_room_until_its_end_to_the_millisecond(line: LineInRedis) -> None:
    line.capacity = 1
    await crowd(line)
    await line.call_places()
    line.now += 1_000
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
    line.capacity = 5
    await line.open(last_place=2, leased=20_000, ceiling=40_000)
    await line.join_many(100)  # places 20,001 to 20,100

    stands = await line.call_places()

    assert (stands["serving"], stands["called_now"], stands["gaps"]) == (20_003, 5, [])
    assert stands["calls_open"] == 5, "nobody answers for a place that was never given"


async def test_gaps_behind_one_another_are_all_passed(line: LineInRedis) -> None:
    line.capacity = 4
    await line.open(last_place=0, leased=100, ceiling=1_000)
    await line.call.store.call("ZADD", line.keys["gaps"], 101, 200, 203, 300)
    await line.call.store.call("HSET", line.keys["line"], "last_place", 310)

    assert (await line.call_places())["serving"] == 302  # 201, 202, 301, 302


async def test_a_gap_at_the_front_is_passed_even_while_paused(line: LineInRedis) -> None:
    await line.open(last_place=0, leased=20_000, ceiling=40_000)

    stands = await line.call_places(rate_per_minute=0)

    assert (stands["serving"], stands["gaps"], stands["called_now"]) == (20_000, [], 0)


async def test_a_crowd_that_was_called_before_a_total_loss_does_not_stop_the_line(
    line: LineInRedis,
) -> None:
    line.capacity = 10
    await line.open(last_place=9_000, leased=20_000, ceiling=40_000, serving=5_000)

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
    assert (await line.call_places())["serving"] == 5
    flow = await line.call.store.call("HGET", line.keys["line"], "flow")

    line.now -= 3_600_000
    assert (await line.call_places())["called_now"] == 0
    assert await line.call.store.call("HGET", line.keys["line"], "flow") == flow
    line.now += SETTLED_MS
    assert (await line.call_places())["called_now"] == 5, "those called are waited for no longer"


async def test_what_is_kept_about_calls_stays_small(line: LineInRedis) -> None:
    await crowd(line)
    line.capacity = 100_000
    for _ in range(400):
        line.now += 1_000
        await line.call_places()

    entries = await line.call.store.call("ZCARD", line.keys["calls"])
    assert entries <= SETTLED_MS // 1_000 + 2
    assert await line.call.store.call("HLEN", line.keys["cohorts"]) <= SETTLED_MS // 1_000 + 2
