"""Whom we fail while they are inside is given time, and comes back before others: so often, and no more."""

from test_visits import called

from tests.simulation.line_in_redis import SILENT_MS, LineInRedis

BACK_MS = 120_000
CREDIT_MS = 600_000
FAULT_GAP_MS = 60_000
FAULTS_MAX = 3
FAULTS_MS_MAX = 600_000


async def inside(line: LineInRedis) -> int:
    """One fan inside a house for one; returns when the visit ends."""
    line.capacity = 1
    await called(line, 1)
    return int((await line.admit("fan-1", 1, "v1"))[2])


async def ends_at(line: LineInRedis) -> int:
    """When the visit of fan-1 ends by now."""
    return int((await line.admit("fan-1", 1, "x"))[2])


async def fail_for(line: LineInRedis, length_ms: int, every_ms: int = 5_000) -> None:
    """Fan-1 asks now and then, and is failed each time."""
    for _ in range(length_ms // every_ms):
        line.now += every_ms
        await line.touch(["fan-1"], failed=True)


async def test_from_the_first_failure_to_the_last_the_clock_stands_still(line: LineInRedis) -> None:
    end = await inside(line)

    assert await line.touch(["fan-1"], failed=True) == ["touched", 1, 1, 0]
    line.now += 5_000
    assert await line.touch(["fan-1"], failed=True) == ["touched", 1, 0, 5_000]
    assert await line.touch(["fan-1"], failed=True) == ["touched", 1, 0, 0], "a repeat adds nothing"
    line.now += 20_000
    assert await line.touch(["fan-1"]) == ["touched", 1, 0, 0], "all is well"
    assert await ends_at(line) == end + 5_000


async def test_whoever_was_failed_has_a_while_afterwards(line: LineInRedis) -> None:
    end = await inside(line)
    line.now = end - 1_000
    await line.call.store.call("ZADD", line.keys["visits"], end, "fan-1")

    assert await line.touch(["fan-1"], silent_ms=10_000, failed=True) == [
        "touched", 1, 1, BACK_MS - 1_000,
    ]  # fmt: skip
    assert await ends_at(line) == line.now + BACK_MS
    line.now += BACK_MS - 1
    assert (await line.call_places(rate_per_minute=0))["inside"] == 1, "they may have given up"
    assert await line.renew("fan-1", "v1", end) == ["goes_on", line.now + 1]


async def test_all_faults_together_give_so_much_time_and_no_more(line: LineInRedis) -> None:
    end = await inside(line)
    await line.touch(["fan-1"], failed=True)
    await fail_for(line, FAULTS_MS_MAX)
    assert await ends_at(line) == end + FAULTS_MS_MAX

    await fail_for(line, 60_000)
    assert await ends_at(line) == end + FAULTS_MS_MAX


async def test_a_fourth_fault_is_given_nothing(line: LineInRedis) -> None:
    end = await inside(line)
    given = 0
    for number in range(FAULTS_MAX):
        assert (await line.touch(["fan-1"], failed=True))[2] == 1
        line.now += 10_000
        assert await line.touch(["fan-1"], failed=True) == ["touched", 1, 0, 10_000]
        given += 10_000
        line.now += FAULT_GAP_MS + 1
        assert await ends_at(line) == end + given, number

    assert await line.touch(["fan-1"], failed=True) == ["touched", 1, 0, 0]
    line.now += 10_000
    assert await line.touch(["fan-1"], failed=True) == ["touched", 1, 0, 0]
    assert await ends_at(line) == end + given


async def test_who_gave_up_comes_back_before_all_others_who_are_late(line: LineInRedis) -> None:
    await inside(line)
    await line.touch(["fan-1"], failed=True)
    line.now += SILENT_MS
    assert (await line.call_places())["serving"] == 2, "the room of who is silent is another's"
    await line.admit("fan-2", 2)
    await line.end_visit("fan-2")
    assert (await line.call_places())["serving"] == 3
    assert await line.admit("fan-2", 2) == ["full", 0]

    assert await line.admit("fan-1", 1) == ["full", 0], "before who has come late already"
    assert await line.admit("fan-2", 2) == ["full", 1]
    await line.admit("fan-3", 3)
    await line.end_visit("fan-3")
    assert (await line.call_places())["serving"] == 3, "and before anybody is called"
    assert (await line.admit("fan-1", 1, "v2"))[:2] == ["admitted", "v2"]


async def test_what_is_made_good_is_good_once_and_not_for_ever(line: LineInRedis) -> None:
    await inside(line)
    await line.touch(["fan-1"], failed=True)
    line.now += SILENT_MS
    await line.call_places(rate_per_minute=0)
    assert (await line.admit("fan-1", 1, "v2"))[:2] == ["admitted", "v2"]
    await line.touch(["fan-1"], silent_ms=1_000)
    line.now += 1_000
    await line.call_places()
    await line.admit("fan-2", 2)
    await line.end_visit("fan-2")
    await line.call_places()
    await line.admit("fan-2", 2)
    line.now += 1
    assert await line.admit("fan-1", 1) == ["full", 1], "as everybody who comes late"


async def test_a_way_back_is_open_for_a_while(line: LineInRedis) -> None:
    await inside(line)
    await line.touch(["fan-1"], failed=True)
    line.now += CREDIT_MS
    await line.call_places()
    await line.admit("fan-2", 2)
    await line.end_visit("fan-2")
    await line.call_places()
    assert await line.admit("fan-2", 2) == ["full", 0]
    line.now += 1

    assert await line.admit("fan-1", 1) == ["full", 1]


async def test_who_leaves_needs_no_way_back(line: LineInRedis) -> None:
    await inside(line)
    await line.touch(["fan-1"], failed=True)
    await line.end_visit("fan-1")
    await line.call_places()
    await line.admit("fan-2", 2)
    await line.end_visit("fan-2")
    await line.call_places()
    assert await line.admit("fan-2", 2) == ["full", 0]
    line.now += 1

    assert await line.admit("fan-1", 1) == ["full", 1]


async def test_who_is_not_inside_is_given_nothing(line: LineInRedis) -> None:
    end = await inside(line)
    line.now = end
    assert await line.touch(["fan-1"], failed=True) == ["touched", 0, 0, 0]
    assert await line.call.store.call("EXISTS", line.keys["faults"]) == 0
