"""Holds of one fan that follow each other end together, whichever script makes them."""

from typing import Any

import pytest
from test_hold_seats import check, hold_of

from lua.keys import holding_key
from tests.simulation.seats_in_redis import HOLD_MS, REST_MS, USEFUL_MS, SeatsInRedis, read_hold

HOLDING_MS = 3 * HOLD_MS
SCRIPTS = ["hold_seats", "hold_best", "hold_stock"]


async def ask(hall: SeatsInRedis, script: str, fan: str = "ada", operation: str = "") -> list[Any]:
    wish = {
        "hold_seats": hall.named([0]),
        "hold_best": hall.best(1, ["front"]),
        "hold_stock": hall.stock("standing", 1),
    }[script]
    return await hall.hold(script, fan, wish, operation or None)


async def holding_of(hall: SeatsInRedis) -> tuple[int, int]:
    """Until when ada may hold, and from when on she rests."""
    value = await hall.call.store.call("GET", holding_key(hall.event_id, "ada"))
    assert value is not None, "nobody counts"
    ends, rest_from = str(value).split(" ")
    return int(ends), int(rest_from)


async def let_go(hall: SeatsInRedis, answer: list[Any]) -> None:
    assert await hall.release("ada", answer[1]) == ["released"]


@pytest.mark.parametrize("script", SCRIPTS)
async def test_holds_that_follow_each_other_end_together(hall: SeatsInRedis, script: str) -> None:
    hall.holding_ms = HOLDING_MS
    end = hall.now + HOLDING_MS
    answer = await ask(hall, script)
    assert hold_of(answer).expires_at_ms == hall.now + HOLD_MS
    await let_go(hall, answer)
    hall.now = end - USEFUL_MS
    answer = await ask(hall, script)
    assert hold_of(answer).expires_at_ms == end
    await let_go(hall, answer)
    hall.now += 1
    assert await ask(hall, script) == ["enough", USEFUL_MS - 1 + REST_MS]
    hold_of(await ask(hall, script, "bob"))
    await check(hall)


@pytest.mark.parametrize("script", SCRIPTS)
async def test_after_the_rest_a_fan_begins_anew(hall: SeatsInRedis, script: str) -> None:
    hall.holding_ms = HOLDING_MS
    await let_go(hall, await ask(hall, script))
    hall.now += HOLDING_MS + REST_MS - 1
    assert await ask(hall, script) == ["enough", 1]
    hall.now += 1
    assert hold_of(await ask(hall, script)).expires_at_ms == hall.now + HOLD_MS
    assert await holding_of(hall) == (hall.now + HOLDING_MS, hall.now + HOLDING_MS)


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_repeat_is_told_what_it_was_told_before(hall: SeatsInRedis, script: str) -> None:
    hall.holding_ms = HOLDING_MS
    answer = await ask(hall, script, operation="click")
    hall.holding_ms = 1
    hall.now += HOLD_MS - 1
    assert await ask(hall, script, operation="click") == answer


@pytest.mark.parametrize("script", SCRIPTS)
async def test_without_a_bound_nothing_is_counted(hall: SeatsInRedis, script: str) -> None:
    await let_go(hall, await ask(hall, script))
    assert await hall.call.store.call("EXISTS", holding_key(hall.event_id, "ada")) == 0


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_bound_that_is_none_binds_nobody(hall: SeatsInRedis, script: str) -> None:
    hall.holding_ms = HOLDING_MS
    await let_go(hall, await ask(hall, script))
    hall.now += HOLDING_MS
    hall.holding_ms = ""
    assert hold_of(await ask(hall, script)).expires_at_ms == hall.now + HOLD_MS


async def test_an_offer_counts_and_a_refusal_does_not(hall: SeatsInRedis) -> None:
    hold_of(await hall.hold_seats("bob", [0]))
    hall.holding_ms = HOLDING_MS
    key = holding_key(hall.event_id, "ada")
    assert (await hall.hold_seats("ada", [0]))[0] == "taken"
    assert await hall.call.store.call("EXISTS", key) == 0
    assert (await hall.hold_seats("ada", [0], offer="front"))[1] != ""
    assert await holding_of(hall) == (hall.now + HOLDING_MS, hall.now + HOLDING_MS)
    ttl_ms = await hall.call.store.call("PTTL", key)
    assert HOLDING_MS < ttl_ms <= HOLDING_MS + REST_MS


async def near_the_end(hall: SeatsInRedis, *seats: int) -> list[Any]:
    """Let ada's time go by until a useful hold just fits in, and hold these."""
    hall.holding_ms = HOLDING_MS
    end = hall.now + HOLDING_MS
    await let_go(hall, await hall.hold_seats("ada", [9]))
    hall.now = end - USEFUL_MS
    return await hall.hold_seats("ada", list(seats))


@pytest.mark.parametrize("why", ["wish", "payment"])
async def test_the_rest_begins_after_what_was_given_besides(hall: SeatsInRedis, why: str) -> None:
    held = hold_of(await near_the_end(hall, 0))
    end = held.expires_at_ms
    assert (await hall.extend("ada", held.reservation_id, why, REST_MS + USEFUL_MS))[
        0
    ] == "extended"
    given = end + REST_MS + (USEFUL_MS if why == "wish" else 0)
    assert await holding_of(hall) == (end, given)
    hall.now = given
    assert await ask(hall, "hold_best") == ["enough", REST_MS]
    hall.now = given + REST_MS
    hold_of(await ask(hall, "hold_best"))
    await check(hall)


async def test_nobody_rests_for_a_payment_that_we_cannot_end(hall: SeatsInRedis) -> None:
    held = hold_of(await near_the_end(hall, 0))
    before = await holding_of(hall)
    word, text = await hall.extend("ada", held.reservation_id, "kept", REST_MS + USEFUL_MS)
    assert (word, read_hold("x", text).expires_at_ms) == (
        "extended",
        hall.now + REST_MS + USEFUL_MS,
    )
    assert await holding_of(hall) == before
    await hall.release("ada", held.reservation_id)
    hall.now = held.expires_at_ms + REST_MS
    hold_of(await ask(hall, "hold_best"))
    await check(hall)


async def test_who_asks_again_for_a_hold_of_theirs_gets_it_at_any_time(hall: SeatsInRedis) -> None:
    answer = await near_the_end(hall, 1, 2)
    hall.now += 1
    assert await hall.hold_seats("ada", [1, 2]) == answer
    assert (await hall.hold_seats("ada", [1, 3]))[0] == "enough"
    await hall.extend("ada", answer[1])
    hall.now += USEFUL_MS
    assert (await hall.hold_seats("ada", [1, 2]))[:2] == answer[:2]
    await check(hall)
