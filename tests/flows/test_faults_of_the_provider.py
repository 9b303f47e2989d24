"""Whatever the payment provider does wrong, once, money and seats come to the same end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from booking_core.practice_provider.app_keys import FAULTS, WEBHOOKS
from booking_core.practice_provider.fault_plan import KINDS
from tests.support.fan import Fan
from tests.support.opening import PATIENCE_S, SECRET_KEY, open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled

# Later than the shop of these tests waits.
DELAY_MS = "600"


@pytest.fixture(scope="module", params=["practice", "stripe"])
async def shop(
    redis_url: str, database_dsn: str, open_dir: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    core = {"payment_provider": request.param}
    async with open_shop(redis_url, database_dsn, open_dir, core=core, webhooks=True) as shop:
        yield shop


async def ask(shop: Shop, method: str, key: str = SECRET_KEY, **form: str) -> tuple[int, Any]:
    async with shop.session.request(
        method,
        f"{shop.provider_url}/practice/faults",
        data=form or None,
        headers={"Authorization": f"Bearer {key}"},
    ) as answer:
        return answer.status, await answer.json()


async def until_told(shop: Shop) -> None:
    """Wait until no webhook is under way."""
    async with asyncio.timeout(PATIENCE_S):
        while shop.provider[WEBHOOKS].waiting:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_end_is_the_same(shop: Shop, kind: str) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    assert (await ask(shop, "POST", kind=kind, times="2", delay_ms=DELAY_MS))[0] == 200
    await fan.complete(held, "card_ok", "once")
    async with asyncio.timeout(PATIENCE_S):
        while shop.provider[FAULTS].planned:
            # What the order's own calls did not use up goes wrong for others.
            other = Fan.inside(shop)
            other_event = await shop.new_event(1)
            await other.complete(await other.held(other_event, "A-1"), "card_declined")
            await shop.settle()
    await until_told(shop)
    for _ in range(3):
        await shop.settle()
    await assert_settled(shop, event, kind)
    # The same key tells the outcome, and pays nothing twice.
    repeated = await fan.complete(held, "card_ok", "once")
    assert repeated.status in (201, 402), repeated
    if repeated.status == 402:
        assert (await fan.complete(held, "card_ok", "again")).status == 201
        await shop.settle()
    await until_told(shop)
    await assert_settled(shop, event, kind)


async def test_faults_are_planned_shown_and_taken_back(shop: Shop) -> None:
    status, shown = await ask(shop, "POST", kind="slow", times="7", delay_ms="5")
    assert (status, shown["planned"]) == (200, {"slow": {"times": 7, "delay_ms": 5}})
    assert set(shown["kinds"]) == set(KINDS)
    assert (await ask(shop, "GET"))[1]["planned"] == shown["planned"]
    assert (await ask(shop, "DELETE"))[1]["planned"] == {}


async def test_only_who_has_the_key_plans_faults(shop: Shop) -> None:
    assert (await ask(shop, "POST", "sk_of_somebody", kind="lost"))[0] == 401
    for wrong in ({"kind": "earthquake"}, {}, {"kind": "lost", "times": "0"}, {"when": "now"}):
        assert (await ask(shop, "POST", **wrong))[0] == 400
    assert not shop.provider[FAULTS].planned
