"""call_places tells until when room is kept for the called: just what admit_fan goes by."""

from test_call_places import crowd
from test_visits import called

from tests.simulation.line_in_redis import ANSWER_MS, SETTLED_MS, LineInRedis


async def test_room_is_kept_until_the_moment_from_which_a_fan_comes_late(line: LineInRedis) -> None:
    line.capacity = 5
    await called(line)
    kept = (await line.call_places())["kept"]
    assert kept == [[5, line.now + SETTLED_MS]]

    line.now = kept[0][1] - 1
    assert (await line.call_places())["kept"] == kept
    assert (await line.admit("fan-5", 5))[0] == "admitted"
    line.now += 1
    # The room goes to others, who are called at once.
    assert (await line.call_places())["kept"] == [[5, 0], [9, line.now + SETTLED_MS]]
    assert await line.admit("fan-4", 4) == ["full", 0]


async def test_who_is_called_later_has_room_for_longer(line: LineInRedis) -> None:
    await crowd(line)
    first, began = await line.call_places(), line.now
    line.now += 500  # the same cohort
    second = await line.call_places()
    line.now += 10_000
    third = await line.call_places()

    assert first["serving"] <= second["serving"] < third["serving"]
    assert first["kept"] == [[first["serving"], began + SETTLED_MS]]
    assert second["kept"] == [[second["serving"], began + SETTLED_MS]]
    assert third["kept"] == [*second["kept"], [third["serving"], line.now + SETTLED_MS]]


async def test_for_whom_none_called_no_room_is_kept(line: LineInRedis) -> None:
    """A Redis that was lost has no calls from before; who was told of one comes late."""
    line.capacity = 5
    await line.open(last_place=9_000, leased=20_000, ceiling=40_000, serving=5_000)
    line.serving_seen = 5_040

    stands = await line.call_places()

    assert stands["kept"] == [[5_040, 0], [5_045, line.now + SETTLED_MS]]
    line.capacity = 0
    assert (await line.admit("fan", 5_040))[0] == "full"
    assert (await line.admit("other", 5_041))[0] == "admitted"


async def test_a_row_without_its_cohort_keeps_no_room(line: LineInRedis) -> None:
    await crowd(line)
    for _ in range(3):
        line.now += 10_000
        stands = await line.call_places()
    first, second, third = stands["kept"]

    await line.call.store.call("HDEL", line.keys["cohorts"], 2)

    stands = await line.call_places(rate_per_minute=0)
    assert stands["kept"] == [first, [second[0], 0], third]
    line.capacity = 0
    assert (await line.admit("fan", second[0]))[0] == "full"
    assert (await line.admit("other", third[0]))[0] in ("soon", "admitted")


async def test_each_lane_has_its_own_places(line: LineInRedis) -> None:
    line.lanes, line.capacity = ("members",), 3
    await line.open()
    await line.call_places(rate_per_minute=0)
    await line.raise_ceiling(1_000, of="ceiling:members")
    for number in (1, 2):
        await line.join(f"member-{number}", lane="members")
    await line.join_many(3)
    by_lane = (await line.call_places())["by_lane"]
    ends_at = line.now + SETTLED_MS
    assert by_lane["members"]["kept"] == [[2, ends_at]]
    assert by_lane["general"]["kept"] == [[1, ends_at]]

    line.now += 2_000
    line.capacity = 5
    await line.join("member-3", lane="members")
    by_lane = (await line.call_places())["by_lane"]
    later = line.now + SETTLED_MS
    assert by_lane["members"]["kept"] == [[2, ends_at], [3, later]]
    assert by_lane["general"]["kept"] == [[1, ends_at], [2, later]]


async def test_an_outage_makes_it_last_longer(line: LineInRedis) -> None:
    await called(line)
    [[place, ends_at]] = (await line.call_places(rate_per_minute=0))["kept"]

    line.now += ANSWER_MS
    stands = await line.call_places(rate_per_minute=0, away_ms=ANSWER_MS)

    assert stands["kept"] == [[place, ends_at + ANSWER_MS]]


async def test_a_pause_keeps_the_room_of_who_was_called(line: LineInRedis) -> None:
    line.capacity = 5
    await called(line)
    line.now += ANSWER_MS // 2
    before = await line.call_places(rate_per_minute=0)
    [[place, ends_at]] = before["kept"]

    line.now += 10 * ANSWER_MS
    for _ in range(3):  # by whom and how often it is asked makes no difference
        stands = await line.call_places(rate_per_minute=0)
        assert stands["kept"] == [[place, ends_at + 10 * ANSWER_MS]]
    line.now += 250
    stands = await line.call_places()

    assert (stands["serving"], stands["calls_open"]) == (5, 5)
    assert stands["no_show"] == before["no_show"], "nobody stayed away who could not come"
    assert stands["kept"] == [[place, ends_at + 10 * ANSWER_MS + 250]]
    assert (await line.admit("fan-5", 5))[0] == "admitted"
    line.now = ends_at + 10 * ANSWER_MS + 250
    assert (await line.call_places())["serving"] == 9, "and from here on others have it"


async def test_an_outage_in_a_pause_counts_once(line: LineInRedis) -> None:
    await called(line)
    line.now += ANSWER_MS // 2
    [[place, ends_at]] = (await line.call_places(rate_per_minute=0))["kept"]

    line.now += ANSWER_MS
    stands = await line.call_places(rate_per_minute=0, away_ms=ANSWER_MS // 2)

    assert stands["frozen_ms"] == ANSWER_MS // 2
    assert stands["kept"] == [[place, ends_at + ANSWER_MS]]


async def test_who_comes_in_a_pause_has_their_room(line: LineInRedis) -> None:
    """Places came back, or the operator went on, and the line was not moved yet."""
    line.capacity = 5
    await called(line)
    await line.call_places(rate_per_minute=0)
    line.capacity = 0
    line.now += 10 * ANSWER_MS

    assert (await line.admit("fan-5", 5))[0] == "admitted"


async def test_who_comes_late_in_a_pause_takes_nobodys_room(line: LineInRedis) -> None:
    line.capacity = 1
    await called(line, 1)
    line.now += SETTLED_MS
    assert (await line.call_places())["serving"] == 2
    await line.call_places(rate_per_minute=0)
    line.now += 10 * ANSWER_MS

    assert await line.admit("fan-1", 1) == ["full", 0], "the room is the second's"


async def test_a_clock_that_steps_back_in_a_pause_keeps_a_call_as_it_was(
    line: LineInRedis,
) -> None:
    await called(line)
    line.now += 10_000
    kept = (await line.call_places(rate_per_minute=0))["kept"]

    line.now -= 5_000
    assert (await line.call_places(rate_per_minute=0))["kept"] == kept


async def test_what_is_told_stays_small(line: LineInRedis) -> None:
    line.capacity = 100_000
    await crowd(line, 100_000)
    rows = []
    for _ in range(150):
        line.now += 1_000
        rows.append(len((await line.call_places(rate_per_minute=60))["kept"]))

    # A row for each cohort that is open, and one for all who were called before.
    assert 100 < max(rows) <= SETTLED_MS // 1_000 + 2
