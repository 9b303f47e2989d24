"""What the provider tells the shop: duplicated, forged, shuffled, late or never, the end is the same."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_core.checkout.api import finish_told
from booking_core.checkout.app_keys import WEBHOOK_EVENTS
from booking_core.ledger.webhook_events import ProviderWord
from booking_core.practice_provider.webhooks import sign
from tests.support.fan import Fan, Reply
from tests.support.opening import WEBHOOK_SECRET, open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled

PATH = "/webhooks/payments/practice"


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    """Here the provider tells, everything three times."""
    async with open_shop(
        redis_url, database_dsn, open_dir, webhooks=True,
        provider={"practice_webhook_copies": 3},
    ) as shop:  # fmt: skip
        yield shop


def event_about(payment_id: str, kind: str, number: int = 1) -> bytes:
    return json.dumps(
        {"id": f"evt_{payment_id}_{kind}_{number}", "object": "event", "type": kind,
         "data": {"object": {"id": payment_id, "object": "payment_intent"}}}
    ).encode()  # fmt: skip


async def tell(shop: Shop, payload: bytes, signature: str | None = None) -> Reply:
    if signature is None:
        signature = sign(payload, WEBHOOK_SECRET, shop.clock.now_ms() // 1000)
    return await Fan(shop).call("POST", PATH, data=payload, headers={"Stripe-Signature": signature})


async def until_sold(fan: Fan, booking_id: str) -> None:
    async with asyncio.timeout(10):
        while (await fan.booking(booking_id)).json["status"] != "confirmed":
            await asyncio.sleep(0.02)


async def test_a_webhook_alone_makes_the_sale(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"), "card_requires_action")
    await shop.answer_bank(reply.json["next_action_url"])
    await until_sold(fan, reply.json["booking_id"])
    await shop.settle()
    await assert_settled(shop, event)
    [intent] = shop.intents_of(reply.json["booking_id"])
    stored = await shop.value(
        "SELECT count(*) FROM webhook_events WHERE payment_id = %s", intent.id
    )
    assert stored >= 1
    # Three copies of each event were sent; each is kept once.
    assert stored == len(
        {
            row[0]
            for row in await shop.rows(
                "SELECT payload FROM webhook_events WHERE payment_id = %s", intent.id
            )
        }
    )


async def test_of_many_told_at_once_each_is_kept_and_is_about_its_own_order(shop: Shop) -> None:
    event = await shop.new_event(4)
    booked = {}
    for number in range(1, 4):
        fan = Fan.inside(shop)
        reply = await fan.complete(await fan.held(event, f"A-{number}"))
        [intent] = shop.intents_of(reply.json["booking_id"])
        booked[intent.id] = reply.json["booking_id"]
    await shop.settle()
    payments = [*booked, "", "pi_of_nobody", next(iter(booked))]
    words = [
        ProviderWord("practice", f"evt_at_once_{number % 5}", b"{}", payment_id)
        for number, payment_id in enumerate(payments)
    ]
    told = await asyncio.gather(*map(shop.core[WEBHOOK_EVENTS].note, words))
    assert [order and order.order_id for order in told] == [
        *booked.values(), None, None, booked[payments[0]]
    ]  # fmt: skip
    assert {(order.state, order.is_carried) for order in told if order} == {("SOLD", False)}
    kept = "SELECT count(*) FROM webhook_events WHERE provider_event_id LIKE 'evt_at_once_%%'"
    assert await shop.value(kept) == 5
    await assert_settled(shop, event)


KINDS = ("payment_intent.amount_capturable_updated", "payment_intent.payment_failed",
         "payment_intent.succeeded", "payment_intent.canceled")  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(KINDS))[::5])
async def test_what_an_event_claims_changes_nothing(shop: Shop, order: tuple[str, ...]) -> None:
    """Only what the provider answers when asked counts; events in any order are a hint to ask."""
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"), "card_requires_action")
    [intent] = shop.intents_of(reply.json["booking_id"])
    for kind in order:
        told = await tell(shop, event_about(intent.id, kind))
        assert told.status == 200
    assert (await fan.booking(reply.json["booking_id"])).json["status"] == "pending"
    await shop.answer_bank(reply.json["next_action_url"])
    for kind, number in itertools.product(reversed(order), range(3)):
        assert (await tell(shop, event_about(intent.id, kind, number))).status == 200
    # What comes while the order is being looked at is not looked at again: that is the worker's.
    await finish_told(shop.core)
    await shop.settle()
    assert (await fan.booking(reply.json["booking_id"])).json["status"] == "confirmed"
    await assert_settled(shop, event)


async def test_forged_old_and_broken_events_are_refused_and_not_kept(shop: Shop) -> None:
    now_s = shop.clock.now_ms() // 1000
    payload = event_about("pi_forged", KINDS[0])
    for body, signature in [
        (payload, sign(payload, "whsec_somebody_elses_secret", now_s)),
        (payload, sign(payload, WEBHOOK_SECRET, now_s - 3_600)),
        (payload, sign(payload, WEBHOOK_SECRET, now_s + 3_600)),
        (payload + b" ", sign(payload, WEBHOOK_SECRET, now_s)),
        (payload, ""),
        (payload, "t=1,v1="),
        (payload, f"t={now_s}"),
        (payload, "t=\u0661,v1=" + "0" * 64),
        (b"{}", sign(b"{}", WEBHOOK_SECRET, now_s)),
        (b"\xff\xfe", sign(b"\xff\xfe", WEBHOOK_SECRET, now_s)),
        (b"", sign(b"", WEBHOOK_SECRET, now_s)),
    ]:
        reply = await tell(shop, body, signature)
        assert (reply.status, reply.code) == (400, "request-invalid"), (body, signature)
    assert (
        await shop.value("SELECT count(*) FROM webhook_events WHERE payment_id = 'pi_forged'") == 0
    )


async def test_events_about_nothing_of_ours_are_taken_and_forgotten(shop: Shop) -> None:
    unknown = await tell(shop, event_about("pi_of_another_shop", KINDS[0]))
    assert unknown.status == 200
    payload = (
        b'{"id":"evt_x","type":"payout.paid","data":{"object":{"id":"po_1","object":"payout"}}}'
    )
    assert (await tell(shop, payload)).status == 200


async def test_a_signed_event_with_unstorable_text_is_no_bug(shop: Shop) -> None:
    """Nobody but the provider can send one; still it must not become a 500."""
    for payment_id in ("pi_\x00", "pi_" + "x" * 5_000, "pi_\u2603"):
        reply = await tell(shop, event_about(payment_id, KINDS[0]))
        assert reply.status < 500, (payment_id, reply)


async def test_another_providers_address_is_unknown(shop: Shop) -> None:
    payload = event_about("pi_x", KINDS[0])
    signature = sign(payload, WEBHOOK_SECRET, shop.clock.now_ms() // 1000)
    reply = await Fan(shop).call(
        "POST", "/webhooks/payments/other", data=payload, headers={"Stripe-Signature": signature}
    )
    assert (reply.status, reply.code) == (404, "not-found")


async def test_a_webhook_before_the_answer_of_the_call_changes_nothing(shop: Shop) -> None:
    """The provider's events race the very request that pays, thirty times."""
    event = await shop.new_event(30)
    fans = [Fan.inside(shop) for _ in range(30)]
    held = [await fan.held(event, f"A-{n}") for n, fan in enumerate(fans, 1)]
    replies = await asyncio.gather(
        *(fan.complete(name) for fan, name in zip(fans, held, strict=True))
    )
    assert {reply.status for reply in replies} == {201}
    await shop.settle()
    await assert_settled(shop, event)
