"""Holds that follow each other end together: nobody keeps places for ever without buying them."""

import pytest

from booking_core.seats.holding_time import REST_MS, USEFUL_MS
from booking_core.settings import CoreSettings
from lua.keys import holding_key
from tests.support.fan import Fan
from tests.support.shop import Shop

MINUTE_MS = 60_000
HOLD_MS, HOLDING_MS = 8 * MINUTE_MS, 30 * MINUTE_MS
# What a slow machine takes between two calls.
SOON_MS = 10_000


async def let_pass_until(shop: Shop, fan: Fan, event: str, left_ms: int) -> None:
    """Let the fan's time go by until so much of it is left, less than nothing in the rest after it."""
    seconds, microseconds = await shop.redis.time()
    ends_ms = seconds * 1_000 + microseconds // 1_000 + left_ms
    value = f"{ends_ms} {ends_ms}"
    assert await shop.redis.set(holding_key(event, fan.fan_id), value, xx=True, keepttl=True)


async def again(fan: Fan, event: str, held: str) -> int:
    """Let a hold go, take the same places anew, and return for how long."""
    assert (await fan.call("DELETE", f"/api/bookings/{held}")).status == 204
    reply = await fan.reserve(event, "A-1", "A-2")
    assert reply.status == 201, reply
    return int(reply.json["expires_in_ms"])


async def test_letting_go_and_taking_again_wins_no_time(shop: Shop) -> None:
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1", "A-2")
    kept_ms = await shop.redis.pttl(holding_key(event, fan.fan_id))
    assert HOLDING_MS - SOON_MS < kept_ms - REST_MS <= HOLDING_MS
    await let_pass_until(shop, fan, event, 20 * MINUTE_MS)
    assert HOLD_MS - SOON_MS < await again(fan, event, held) <= HOLD_MS + 50
    held = (await fan.reserve(event, "A-1", "A-2")).json["reservation_id"]
    await let_pass_until(shop, fan, event, 3 * MINUTE_MS)
    assert 3 * MINUTE_MS - SOON_MS < await again(fan, event, held) <= 3 * MINUTE_MS + 50


async def test_who_has_held_long_enough_lets_others_have_their_turn(shop: Shop) -> None:
    event, other_event = await shop.new_event(4), await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1", "A-2")
    await let_pass_until(shop, fan, event, USEFUL_MS - 1)
    swapped = await fan.call("POST", f"/api/bookings/{held}/swap", json={"seat_ids": ["A-3"]})
    assert swapped.status == 200, "what is held lasts to its own end"
    await fan.call("DELETE", f"/api/bookings/{held}")
    refused = await fan.reserve(event, "A-1", "A-2")
    assert (refused.status, refused.code) == (429, "held-long-enough")
    rest_seconds = (REST_MS + USEFUL_MS) // 1000
    assert rest_seconds - SOON_MS // 1000 < int(refused.headers["Retry-After"]) <= rest_seconds
    assert await shop.seat_digits(event) == "0000"
    page = await fan.call("POST", f"/events/{event}/reserve", data={"quantity": "1"})
    assert page.status == 409
    assert b"Now others have their turn" in page.body
    await Fan.inside(shop).held(event, "A-1", "A-2")
    await fan.held(other_event, "A-1")
    await shop.redis.delete(holding_key(event, fan.fan_id))  # the rest is over
    assert (await fan.reserve(event, "A-3")).json["expires_in_ms"] > HOLD_MS - SOON_MS


async def test_offers_are_holds_and_refusals_are_none(shop: Shop) -> None:
    event = await shop.new_event(6)
    await Fan.inside(shop).held(event, "A-1")
    fan, choosy = Fan.inside(shop), Fan.inside(shop)
    offered = await fan.reserve(event, "A-1")
    assert (offered.code, bool(offered.json["offer"])) == ("seats-taken", True)
    assert await shop.redis.pttl(holding_key(event, fan.fan_id)) > 0
    assert (await choosy.reserve(event, "A-1", offer=False)).code == "seats-taken"
    assert await shop.redis.exists(holding_key(event, choosy.fan_id)) == 0
    await let_pass_until(shop, fan, event, 0)
    assert (await fan.reserve(event, "A-1")).code == "held-long-enough", "and no offer either"


def test_a_time_that_no_hold_fits_into_stops_the_start() -> None:
    with pytest.raises(ValueError, match="HOLDING_MS"):
        CoreSettings(
            payments_secret_key="s" * 16, payments_webhook_secret="w" * 16,
            payment_provider_url="http://provider", hold_ms=8 * MINUTE_MS, holding_ms=9 * MINUTE_MS,
        )  # fmt: skip
