"""Nobody's clock runs while the line cannot move: visits, calls and passes last longer by the outage."""

from test_open_and_join import begin_next_epoch
from test_turnstile import at_the_turnstile, lost_all
from test_visits import called

from tests.simulation.line_in_redis import ANSWER_MS, SILENT_MS, VISIT_MS, LineInRedis

OUTAGE_MS_MIN = 3_000
FROZEN_MS_MAX = 600_000
OUTAGE_MS = 120_000


async def one_inside(line: LineInRedis) -> int:
    """Five called, and one of them inside; returns when the visit ends."""
    line.capacity = 5
    await called(line)
    answer = await line.admit("fan-1", 1, "v1")
    return int(answer[2])


async def test_a_visit_ends_later_by_the_outage_to_the_millisecond(line: LineInRedis) -> None:
    ends_at = await one_inside(line)
    line.now += OUTAGE_MS
    assert (await line.call_places(away_ms=OUTAGE_MS))["frozen_ms"] == OUTAGE_MS

    line.now = ends_at + OUTAGE_MS - 1
    assert await line.admit("fan-1", 1, "x") == ["admitted_before", "v1", ends_at + OUTAGE_MS]
    assert await line.renew("fan-1", "v1", ends_at) == ["goes_on", ends_at + OUTAGE_MS]
    line.now += 1
    assert await line.renew("fan-1", "v1", ends_at) == ["ended"]


async def test_a_visit_that_would_have_ended_meanwhile_goes_on(line: LineInRedis) -> None:
    ends_at = await one_inside(line)
    line.now = ends_at - 1
    await line.call_places()
    line.now += OUTAGE_MS
    # Somebody may ask before the line is moved again: that ends nothing.
    await line.touch(["fan-1"])
    await line.admit("fan-2", 2)
    stands = await line.call_places(away_ms=OUTAGE_MS)

    assert stands["inside"] >= 1
    assert await line.renew("fan-1", "v1", ends_at) == ["goes_on", ends_at + OUTAGE_MS]


async def test_who_was_called_keeps_the_time_to_answer(line: LineInRedis) -> None:
    await one_inside(line)
    line.now += ANSWER_MS - 1_000
    await line.call_places()
    line.now += OUTAGE_MS
    stands = await line.call_places(away_ms=OUTAGE_MS)

    assert (stands["calls_open"], stands["called_now"]) == (4, 0), "their room was given away"
    assert [(await line.admit(f"fan-{place}", place))[0] for place in (2, 3, 4, 5)] == 4 * [
        "admitted"
    ]


async def test_who_stood_at_the_turnstile_has_not_left(line: LineInRedis) -> None:
    await at_the_turnstile(line)
    line.now += OUTAGE_MS
    assert (await line.call_places(away_ms=OUTAGE_MS))["at_turnstile"] == 3


async def test_an_outage_is_what_neither_the_caller_nor_others_could_do(line: LineInRedis) -> None:
    await one_inside(line)
    line.now += OUTAGE_MS
    assert (await line.call_places(away_ms=0))["frozen_ms"] == 0, "nobody says that they were away"
    line.now += 250
    assert (await line.call_places(away_ms=OUTAGE_MS))["frozen_ms"] == 0, "others moved the line"
    line.now += OUTAGE_MS_MIN - 1
    assert (await line.call_places(away_ms=OUTAGE_MS))["frozen_ms"] == 0, "no outage yet"
    line.now += OUTAGE_MS_MIN
    assert (await line.call_places(away_ms=OUTAGE_MS))["frozen_ms"] == OUTAGE_MS_MIN
    assert (await line.call_places(away_ms=OUTAGE_MS))["frozen_ms"] == 0, "it was made good before"


async def test_a_long_outage_is_made_good_within_bounds(line: LineInRedis) -> None:
    ends_at = await one_inside(line)
    await line.touch(["fan-1"], silent_ms=VISIT_MS)
    line.now += FROZEN_MS_MAX
    assert (await line.call_places(away_ms=10 * FROZEN_MS_MAX))["frozen_ms"] == FROZEN_MS_MAX
    line.now += FROZEN_MS_MAX + 60_000
    assert (await line.call_places(away_ms=10 * FROZEN_MS_MAX))["frozen_ms"] == FROZEN_MS_MAX

    assert await line.renew("fan-1", "v1", ends_at) == ["goes_on", ends_at + 2 * FROZEN_MS_MAX]


async def test_a_visit_that_was_over_before_the_outage_stays_over(line: LineInRedis) -> None:
    ends_at = await one_inside(line)
    line.now = ends_at
    await line.call_places()
    line.now += OUTAGE_MS
    await line.call_places(away_ms=OUTAGE_MS)

    assert await line.renew("fan-1", "v1", ends_at) == ["ended"]
    await line.end_visit("fan-2")
    assert await line.renew("fan-2", "ended", line.now) == ["ended"], "who left has left"


async def test_only_the_pass_of_the_visit_that_goes_on_is_renewed(line: LineInRedis) -> None:
    await one_inside(line)
    assert await line.renew("fan-1", "an earlier one", line.now) == ["ended"]


async def test_a_pass_from_before_a_loss_lasts_longer_by_the_outage(line: LineInRedis) -> None:
    began = line.now - OUTAGE_MS
    await line.open(last_place=9, leased=9, ceiling=99, serving=9, inside=2, away_ms=OUTAGE_MS)

    assert await line.renew("ada", "v1", began) == ["ended"], "it was over as the outage began"
    assert await line.renew("ada", "v1", began + 1) == ["goes_on", line.now + 1]
    assert (await line.touch(["bob"], pass_ends_at=began + 1))[1] == 1
    assert (await line.touch(["cyd"], pass_ends_at=began))[1] == 0
    assert (await line.call_places(rate_per_minute=0))["inside"] == 2, "both were among the unseen"


async def test_without_an_outage_a_loss_gives_no_time(line: LineInRedis) -> None:
    await line.open(last_place=9, leased=9, serving=9, inside=1, away_ms=OUTAGE_MS_MIN - 1)
    assert await line.renew("ada", "v1", line.now) == ["ended"]


async def test_an_outage_of_an_earlier_epoch_is_over(line: LineInRedis) -> None:
    await one_inside(line)
    line.now += OUTAGE_MS
    await line.call_places(away_ms=OUTAGE_MS)
    await begin_next_epoch(line)
    await line.open(last_place=100, leased=100, serving=5)

    assert await line.renew("ada", "v1", line.now) == ["ended"]


async def test_who_has_not_been_seen_again_has_their_room_kept_longer(line: LineInRedis) -> None:
    await lost_all(line, inside=3)
    await line.call_places(rate_per_minute=0)
    line.now += SILENT_MS - 1
    await line.call_places(rate_per_minute=0)
    line.now += OUTAGE_MS
    await line.call_places(rate_per_minute=0, away_ms=OUTAGE_MS)

    assert (await line.call_places(rate_per_minute=0))["inside"] == 3
    line.now += 1
    assert (await line.call_places(rate_per_minute=0))["inside"] == 0


async def test_an_outage_and_a_loss_of_the_last_moment_put_nobody_behind(line: LineInRedis) -> None:
    line.capacity = 5
    await called(line)
    for place in range(1, 5):
        await line.admit(f"fan-{place}", place, f"v{place}")
    ends_at = line.now + VISIT_MS
    # The store lost its last second: the second fan's visit, and that the fifth was called.
    keys, store = line.keys, line.call.store
    for key in ("visits", "claims"):
        await store.call("ZREM", keys[key], "fan-2")
    await store.call("HDEL", keys["visit_ids"], "fan-2")
    line.now += OUTAGE_MS
    await begin_next_epoch(line)
    await line.open(
        last_place=100, leased=100, ceiling=1_000, serving=4, inside=4, away_ms=OUTAGE_MS
    )
    line.serving_seen = 5
    await line.call_places(away_ms=OUTAGE_MS)

    line.now = ends_at + 1
    for place in (1, 2, 3, 4):
        answer = await line.renew(f"fan-{place}", f"v{place}", ends_at)
        assert answer == ["goes_on", ends_at + OUTAGE_MS]
    assert (await line.admit("fan-5", 5))[0] == "admitted"
