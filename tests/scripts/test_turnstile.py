"""The turnstile: a token for each who answers, room for who comes late, and who is inside after a loss."""

from test_open_and_join import begin_next_epoch
from test_visits import called

from tests.simulation.line_in_redis import SETTLED_MS, SILENT_MS, VISIT_MS, LineInRedis

TOKEN_MS = 100  # at 600 a minute
OVERDUE_MS = 5_000
TOKEN_UNITS = 60_000
ASKED_MS = 30_000


async def at_the_turnstile(line: LineInRedis, fans: int = 5) -> LineInRedis:
    """All called and answered at once: two are in, for the bucket had a token, and one is early."""
    line.burst = 1
    await line.open(ceiling=1_000)
    await line.join_many(fans)
    await line.call_places()
    for place in range(1, fans + 1):
        await line.admit(f"fan-{place}", place)
    return line


async def called_at_once(line: LineInRedis, fans: int = 30) -> LineInRedis:
    """A line of 600 a minute and a burst of 10, with so many called at this moment."""
    await line.open(ceiling=1_000)
    await line.join_many(fans)
    assert (await line.call_places())["serving"] == fans
    return line


async def come(line: LineInRedis, first: int, last: int) -> list[list[object]]:
    return [await line.admit(f"fan-{place}", place) for place in range(first, last + 1)]


async def test_the_burst_enters_at_once_and_the_others_as_tokens_flow(line: LineInRedis) -> None:
    await called_at_once(line)

    answers = await come(line, 1, 14)

    # The eleventh comes a tenth of a second early, for which nobody is sent away.
    assert [answer[0] for answer in answers] == 11 * ["admitted"] + 3 * ["soon"]
    assert [answer[1] for answer in answers[11:]] == [2 * TOKEN_MS, 3 * TOKEN_MS, 4 * TOKEN_MS]
    assert (await line.call_places())["at_turnstile"] == 3
    line.now += 2 * TOKEN_MS
    assert [answer[0] for answer in await come(line, 12, 14)] == ["admitted", "admitted", "soon"]


async def test_who_comes_before_their_token_is_told_when_it_flows_in(line: LineInRedis) -> None:
    await at_the_turnstile(line)
    assert (await line.call_places())["at_turnstile"] == 3

    assert await line.admit("fan-4", 4) == ["soon", 3 * TOKEN_MS]
    assert await line.admit("fan-4", 4) == ["soon", 3 * TOKEN_MS], "the same token at every repeat"
    line.now += 200
    assert (await line.admit("fan-4", 4))[0] == "admitted"
    assert (await line.call_places())["at_turnstile"] == 2


async def test_who_stays_away_loses_the_token_and_takes_the_next(line: LineInRedis) -> None:
    await at_the_turnstile(line)
    for _ in range(OVERDUE_MS // 1_000 + 1):
        line.now += 1_000
        await line.call_places()
    stored = await line.call.store.call("ZRANGE", line.keys["turnstile"], 0, -1, "WITHSCORES")
    assert {float(token) for _, token in stored} == {0}, "their tokens came back"
    await line.call_places()
    before = int(await line.call.store.call("HGET", line.keys["line"], "spent"))

    assert (await line.admit("fan-3", 3))[0] == "admitted"
    spent = int(await line.call.store.call("HGET", line.keys["line"], "spent"))
    assert spent - before == TOKEN_UNITS


async def test_of_what_a_crash_took_nothing_is_counted_twice(line: LineInRedis) -> None:
    async def spent_after(silence_ms: int, step_ms: int, lost_up_to: int) -> int:
        await line.call.store.call("FLUSHDB")
        await at_the_turnstile(line)
        line.burst = 100  # a full bucket would hide what comes back
        await line.call.store.call("HSET", line.keys["line"], "lost_up_to", lost_up_to)
        for _ in range(silence_ms // step_ms):
            line.now += step_ms
            await line.call_places()
        return int(await line.call.store.call("HGET", line.keys["line"], "spent"))

    every_token = 10**12
    for silence_ms, step_ms in ((OVERDUE_MS + 1_000, 1_000), (ASKED_MS, ASKED_MS)):
        lost = await spent_after(silence_ms, step_ms, every_token)
        kept = await spent_after(silence_ms, step_ms, 0)
        assert lost - kept == 3 * TOKEN_UNITS


async def test_who_asks_no_more_has_left_and_comes_late(line: LineInRedis) -> None:
    await at_the_turnstile(line)
    line.now += ASKED_MS

    stands = await line.call_places()
    assert (stands["at_turnstile"], stands["inside"]) == (0, 2)
    line.capacity = 2
    assert await line.admit("fan-3", 3) == ["full", 0]


async def test_nobody_has_left_who_was_not_let_ask(line: LineInRedis) -> None:
    await at_the_turnstile(line)
    await line.call_places(rate_per_minute=0)
    line.now += 10 * ASKED_MS

    assert (await line.call_places(rate_per_minute=0))["at_turnstile"] == 3
    await line.call_places()
    assert (await line.call_places())["at_turnstile"] == 3


async def test_who_came_late_first_gets_the_first_room(line: LineInRedis) -> None:
    line.capacity = 2
    await called(line, 2)
    await line.admit("fan-1", 1)
    line.now += SETTLED_MS
    await line.call_places()
    await line.admit("fan-3", 3)
    assert await line.admit("fan-2", 2) == ["full", 0]
    line.now += 1
    await line.end_visit("fan-3")
    await line.end_visit("fan-1")
    # Two come back to room for one: the other is behind who is late already.
    line.capacity = 1
    assert await line.admit("fan-1", 1) == ["full", 1]

    line.now += 1_000
    assert (await line.admit("fan-2", 2))[0] == "admitted"


async def test_who_came_late_goes_before_new_calls(line: LineInRedis) -> None:
    line.capacity = 2
    await called(line, 2)
    await line.admit("fan-1", 1)
    line.now += SETTLED_MS
    assert (await line.call_places())["serving"] == 3
    await line.admit("fan-3", 3)
    assert await line.admit("fan-2", 2) == ["full", 0]
    await line.end_visit("fan-1")

    stands = await line.call_places()
    assert (stands["serving"], stands["late"]) == (3, 1), "the room is for who came late"
    line.now += 1_000
    assert (await line.admit("fan-2", 2))[0] == "admitted"


async def test_tokens_from_before_a_crash_do_not_come_back(line: LineInRedis) -> None:
    await at_the_turnstile(line)
    line.burst = 100
    await line.call_places()
    before = await line.call.store.call("HGET", line.keys["line"], "spent")
    await begin_next_epoch(line)
    await line.open(last_place=5, leased=5, ceiling=1_000)
    for _ in range(OVERDUE_MS // 1_000 + 1):
        line.now += 1_000
        await line.call_places()

    assert await line.call.store.call("HGET", line.keys["line"], "spent") == before


async def lost_all(line: LineInRedis, inside: int) -> LineInRedis:
    """A line that Redis lost altogether, while so many were inside."""
    await line.open(last_place=50, leased=50, ceiling=1_000, serving=50, inside=inside)
    return line


async def test_after_a_loss_those_inside_are_counted_until_they_were_seen_or_must_have_ended(
    line: LineInRedis,
) -> None:
    await lost_all(line, inside=3)
    assert (await line.call_places(rate_per_minute=0))["inside"] == 3

    assert await line.touch(["fan-1"]) == ["touched", 1, 0, 0]
    assert (await line.call_places(rate_per_minute=0))["inside"] == 3, "one seen, two still unseen"
    line.now += SILENT_MS - 1
    await line.touch(["fan-1"])
    assert (await line.call_places(rate_per_minute=0))["inside"] == 3
    line.now += 1
    assert (await line.call_places(rate_per_minute=0))["inside"] == 1


async def test_a_line_that_lost_nothing_counts_nobody_twice(line: LineInRedis) -> None:
    await called(line)
    await line.admit("fan-1", 1)
    await begin_next_epoch(line)
    await line.open(last_place=100, leased=100, ceiling=1_000, inside=1)

    assert (await line.call_places(rate_per_minute=0))["inside"] == 1


async def test_a_pass_that_has_ended_brings_nobody_back(line: LineInRedis) -> None:
    await lost_all(line, inside=1)

    assert await line.touch(["fan-1"], pass_ends_at=line.now) == ["touched", 0, 0, 0]
    assert await line.touch(["fan-1"], pass_ends_at=line.now + 1) == ["touched", 1, 0, 0]


async def test_who_left_after_a_loss_is_not_taken_for_inside(line: LineInRedis) -> None:
    await lost_all(line, inside=2)

    await line.end_visit("fan-1")
    assert (await line.call_places(rate_per_minute=0))["inside"] == 1
    await line.end_visit("fan-1")
    assert (await line.call_places(rate_per_minute=0))["inside"] == 1, "once"
    assert await line.touch(["fan-1"]) == ["touched", 0, 0, 0]


async def test_a_visit_from_before_the_loss_is_the_fans_visit(line: LineInRedis) -> None:
    await lost_all(line, inside=1)
    await line.touch(["fan-1"])

    answer = await line.admit("fan-1", 1, "another")
    assert answer == ["admitted_before", "visit of fan-1", line.now + VISIT_MS]
