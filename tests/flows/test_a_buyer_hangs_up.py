"""The browser is gone in the middle of a call, whose handler is cancelled: nothing stays half done."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled, held_by

# From "before anything was done" to "after the answer was sent", as long as calls here take.
MOMENTS_MS = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50]


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir, cancels_handlers=True) as shop:
        yield shop


async def hang_up_after(call: "asyncio.Task[object]", wait_ms: int) -> None:
    await asyncio.sleep(wait_ms / 1000)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


@pytest.mark.parametrize("card", ["card_ok", "card_timeout_then_ok"])
async def test_a_repeat_finds_the_same_booking(shop: Shop, card: str) -> None:
    event = await shop.new_event(len(MOMENTS_MS))
    for number, wait_ms in enumerate(MOMENTS_MS, 1):
        fan = Fan.inside(shop)
        held = await fan.held(event, f"A-{number}")
        await hang_up_after(asyncio.create_task(fan.complete(held, card, "k")), wait_ms)
        async with asyncio.timeout(10):
            while (again := await fan.complete(held, card, "k")).status == 409:
                await asyncio.sleep(0.02)
        assert again.status == 201, (wait_ms, again)
    await shop.settle()
    await assert_settled(shop, event)
    assert await shop.seat_digits(event) == "2" * len(MOMENTS_MS)


async def test_a_payment_goes_on_without_its_buyer(shop: Shop) -> None:
    """Nobody asks again, and no worker comes: the call that was begun carries it to the end."""
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    call = asyncio.create_task(fan.complete(held, "card_timeout_then_ok"))
    while not [each for each in shop.intents() if each.metadata["reservation_id"] == held]:
        await asyncio.sleep(0.005)
    await hang_up_after(call, 20)
    async with asyncio.timeout(5):
        while (
            await shop.value(
                "SELECT state FROM orders WHERE reservation_id = %s AND answer_body IS NOT NULL",
                held,
            )
            != "SOLD"
        ):
            await asyncio.sleep(0.02)
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_hold_is_whole_or_not_there(shop: Shop) -> None:
    event = await shop.new_event(6)
    for wait_ms in MOMENTS_MS:
        fan = Fan.inside(shop)
        call = asyncio.create_task(
            fan.reserve(event, "A-1", "A-2", "A-3", headers={"Idempotency-Key": "k"})
        )
        await hang_up_after(call, wait_ms)
        again = await fan.reserve(event, "A-1", "A-2", "A-3", headers={"Idempotency-Key": "k"})
        assert again.status == 201, (wait_ms, again)
        assert await shop.seat_digits(event) == "111000"
        assert await held_by(shop, event, fan.fan_id) == [again.json["reservation_id"]]
        await fan.call("DELETE", f"/api/bookings/{again.json['reservation_id']}")
    assert await shop.seat_digits(event) == "000000"
