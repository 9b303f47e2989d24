"""admit_fan, touch_visits, end_visit: one visit for a called fan, for as long as it lasts."""

from tests.simulation.line_in_redis import SETTLED_MS, SPENT_MS, VISIT_MS, LineInRedis


async def called(line: LineInRedis, count: int = 5) -> LineInRedis:
    """A line of 100 with so many places called just now."""
    await line.open(ceiling=1_000)
    await line.join_many(100)
    capacity, line.capacity = line.capacity, count
    assert (await line.call_places())["serving"] == count
    line.capacity = capacity
    return line


async def test_a_called_fan_is_let_in_and_the_next_one_is_not(line: LineInRedis) -> None:
    await called(line)

    assert await line.admit("fan-5", 5, "v5") == ["admitted", "v5", line.now + VISIT_MS]
    assert await line.admit("fan-6", 6, "v6") == ["not_called", 0]
    assert await line.admit("fan-9", 9, "v9") == ["not_called", 3]


async def test_asking_again_gives_the_same_visit_to_its_last_millisecond(line: LineInRedis) -> None:
    await called(line)
    first = await line.admit("fan-1", 1, "v1")

    line.now += VISIT_MS - 1
    assert await line.admit("fan-1", 1, "other") == ["admitted_before", "v1", first[2]]
    line.now += 1
    assert await line.admit("fan-1", 1, "v2") == ["admitted", "v2", line.now + VISIT_MS]
    assert (await line.call_places(rate_per_minute=0))["claimed"] == 1


async def test_a_visit_that_ended_is_not_given_again_behind_a_thousand_others(
    line: LineInRedis,
) -> None:
    await called(line)
    await line.admit("fan-1", 1, "v1")
    line.now += VISIT_MS
    visits = [part for number in range(1_000) for part in (line.now - 1, f"old-{number}")]
    await line.call.store.call("ZADD", line.keys["visits"], *visits)

    assert await line.admit("fan-1", 1, "v2") == ["admitted", "v2", line.now + VISIT_MS]


async def test_who_comes_late_waits_while_the_house_is_full(line: LineInRedis) -> None:
    line.capacity = 5
    await called(line)
    await line.admit("fan-1", 1)
    line.now += SETTLED_MS
    assert (await line.call_places())["serving"] == 9, "four did not come, four others were called"

    assert await line.admit("fan-2", 2) == ["full", 0]
    assert (await line.admit("fan-7", 7))[0] == "admitted", "who comes in time has room"
    await line.end_visit("fan-1")
    assert (await line.admit("fan-2", 2))[0] == "admitted"


async def test_room_is_kept_for_one_visit_and_not_for_coming_back(line: LineInRedis) -> None:
    line.capacity = 5
    await called(line)
    await line.admit("fan-1", 1)
    await line.end_visit("fan-1")
    assert (await line.call_places())["serving"] == 6, "the room went to the next one"

    assert await line.admit("fan-1", 1) == ["full", 0]
    for place in (2, 3, 4, 5, 6):
        assert (await line.admit(f"fan-{place}", place))[0] == "admitted"


async def come_and_go(line: LineInRedis, times: int) -> None:
    """The first fan has so many visits, each over at once."""
    for _ in range(times):
        assert (await line.admit("fan-1", 1))[0] == "admitted"
        await line.end_visit("fan-1")


async def test_who_comes_back_from_visit_after_visit_is_held_up(line: LineInRedis) -> None:
    await called(line)
    await come_and_go(line, 3)

    assert await line.admit("fan-1", 1) == ["used_up", VISIT_MS, "again"]
    assert (await line.call_places())["late"] == 0, "no room is kept for them meanwhile"
    assert (await line.admit("fan-2", 2))[0] == "admitted", "nor is anybody else held up"
    line.now += VISIT_MS
    await come_and_go(line, 1)
    assert (await line.admit("fan-1", 1))[0] == "used_up"


async def test_what_we_failed_is_no_return(line: LineInRedis) -> None:
    await called(line)
    await come_and_go(line, 3)
    await line.call.store.call("HSET", line.keys["faults"], "fan-1", f"1:{line.now}:0")
    assert (await line.admit("fan-1", 1))[0] == "admitted"


async def test_who_was_never_inside_may_come_late_as_often_as_they_like(line: LineInRedis) -> None:
    line.capacity = 1
    await called(line)
    line.now += SETTLED_MS
    for _ in range(5):
        assert (await line.admit("fan-1", 1))[0] in ("full", "soon", "admitted")
        await line.call.store.call("ZREM", line.keys["visits"], "fan-1")
        await line.call.store.call("HDEL", line.keys["visit_ids"], "fan-1")


async def test_the_last_millisecond_of_coming_in_time(line: LineInRedis) -> None:
    line.capacity = 5
    await called(line)
    for place in (1, 2, 3):
        await line.admit(f"fan-{place}", place)
    line.now += SETTLED_MS - 1
    await line.call_places()
    assert (await line.admit("fan-4", 4))[0] == "admitted"
    line.now += 1
    assert (await line.call_places())["serving"] == 6

    assert await line.admit("fan-5", 5) == ["full", 0]


async def test_a_device_proof_is_of_no_use_to_another_request(line: LineInRedis) -> None:
    await called(line)
    await line.admit("fan-1", 1, "v1", device="jti", proof_id="fan-1")

    assert await line.admit("fan-2", 2, "v2", device="jti", proof_id="fan-2") == [
        "replayed", "device",
    ]  # fmt: skip
    assert (await line.admit("fan-1", 1, "x", device="jti", proof_id="fan-1"))[:2] == [
        "admitted_before", "v1",
    ]  # fmt: skip
    [key] = await line.call.store.call("KEYS", "*spent:device:jti")
    assert 0 < await line.call.store.call("PTTL", key) <= SPENT_MS


async def test_a_fan_who_is_not_called_spends_no_proof(line: LineInRedis) -> None:
    await called(line)
    await line.admit("fan-9", 9, device="jti")

    assert await line.call.store.call("KEYS", "*spent:device:jti") == []


async def test_a_visit_ends_once(line: LineInRedis) -> None:
    await called(line)
    await line.admit("fan-1", 1)

    assert await line.end_visit("fan-1") == ["ended", 1]
    assert await line.end_visit("fan-1") == ["ended", 0]
    assert (await line.call_places(rate_per_minute=0))["inside"] == 0


async def test_silence_ends_a_visit_and_being_seen_keeps_it(line: LineInRedis) -> None:
    await called(line)
    for place in (1, 2):
        await line.admit(f"fan-{place}", place)

    assert await line.touch(["fan-1", "fan-2"], silent_ms=1_000) == ["touched", 2, 0, 0]
    assert await line.touch(["stranger"], pass_ends_at=line.now) == ["touched", 0, 0, 0]
    line.now += 999
    assert await line.touch(["fan-1"], silent_ms=1_000) == ["touched", 1, 0, 0]
    assert (await line.call_places(rate_per_minute=0))["inside"] == 2
    line.now += 1
    assert (await line.call_places(rate_per_minute=0))["inside"] == 1
    assert (await line.admit("fan-1", 1, "x"))[0] == "admitted_before"


async def test_nothing_keeps_a_visit_beyond_its_pass(line: LineInRedis) -> None:
    await called(line)
    await line.admit("fan-1", 1)
    line.now += VISIT_MS - 1
    assert await line.touch(["fan-1"]) == ["touched", 1, 0, 0]

    line.now += 1
    assert (await line.call_places(rate_per_minute=0))["inside"] == 0


async def test_being_seen_does_not_bring_an_ended_visit_back(line: LineInRedis) -> None:
    await called(line)
    await line.admit("fan-1", 1)
    await line.touch(["fan-1"], silent_ms=1_000)
    line.now += 1_000

    assert await line.touch(["fan-1"]) == ["touched", 0, 0, 0]
    assert (await line.call_places(rate_per_minute=0))["inside"] == 0
