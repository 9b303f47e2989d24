"""Holds of one fan that follow each other end together, whichever script makes them."""

from typing import Any

import pytest
from test_hold_seats import check, hold_of

from lua.keys import holding_key
from tests.simulation.seats_in_redis import HOLD_MS, REST_MS, USEFUL_MS, SeatsInRedis

HOLDING_MS = 3 * HOLD_MS
SCRIPTS = ["hold_seats", "hold_best", "hold_stock"]


async def ask(hall: SeatsInRedis, script: str, fan: str = "ada", operation: str = "") -> list[Any]:
    wish = {
        "hold_seats": hall.named([0]),
        "hold_best": hall.best(1, ["front"]),
        "hold_stock": hall.stock("standing", 1),
    }[script]
    return await hall.hold(script, fan, wish, operation or None)


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
    assert await hall.call.store.call("GET", holding_key(hall.event_id, "ada")) == str(hall.now)


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
    assert await hall.call.store.call("GET", key) == str(hall.now)
    ttl_ms = await hall.call.store.call("PTTL", key)
    assert HOLDING_MS < ttl_ms <= HOLDING_MS + REST_MS
