"""The same checkout through Stripe's official library, against a provider that speaks its language."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_core.checkout.stripe_payments import StripePayments
from booking_core.settings import CoreSettings
from tests.support.fan import Fan
from tests.support.opening import PATIENCE_S, open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    core = {"payment_provider": "stripe"}
    async with open_shop(redis_url, database_dsn, open_dir, core=core, webhooks=True) as shop:
        assert isinstance(shop.payments, StripePayments)
        yield shop


@pytest.mark.parametrize("card", ["card_ok", "card_timeout_then_ok"])
async def test_money_is_reserved_sold_for_and_taken_once(shop: Shop, card: str) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1", "A-2"), card)
    assert reply.status == 201, reply
    await shop.settle()
    await assert_settled(shop, event)
    (intent,) = shop.intents_of(reply.json["booking_id"])
    assert (intent.status, intent.amount_received) == ("succeeded", 9_000)


async def test_a_decline_says_why_and_another_card_pays(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    refused = await fan.complete(held, "card_insufficient_funds")
    assert (refused.status, refused.json["decline_reason"]) == (402, "insufficient-funds")
    assert (await fan.complete(held, "card_ok")).status == 201
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_webhook_finishes_what_the_buyer_confirms_at_the_bank(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    pending = await fan.complete(await fan.held(event, "A-1"), "card_requires_action")
    assert pending.status == 202, pending
    await shop.answer_bank(pending.json["next_action_url"])
    # Nobody runs the worker here: only the webhook tells.
    order_id = pending.json["booking_id"]
    async with asyncio.timeout(PATIENCE_S):
        while await shop.state_of(order_id) != "SOLD":
            await asyncio.sleep(0.02)
    told = await shop.rows("SELECT DISTINCT provider FROM webhook_events")
    assert told == [("stripe",)]
    await shop.settle()
    await assert_settled(shop, event)


def test_stripe_answers_at_its_own_address_unless_told_otherwise() -> None:
    secrets = {"payments_secret_key": "s" * 16, "payments_webhook_secret": "w" * 16}
    assert CoreSettings(payment_provider="stripe", **secrets).provider_url.endswith("stripe.com")
    with pytest.raises(ValueError, match="PAYMENT_PROVIDER_URL"):
        CoreSettings(**secrets)
