"""What the shop is told, how it is signed, and how often it is tried."""

import pytest
from payments_world import START_MS, WEBHOOK_SECRET, World, opened_world

from booking_core.checkout.webhook_signature import WebhookRefused, verify


async def test_every_step_is_told_and_every_telling_is_genuine(world: World) -> None:
    taken = await world.confirmed("card_ok")
    await world.payments.capture(taken.payment_id, "order-1")
    await world.payments.refund(taken.payment_id, 2500, "order-1")
    refused = await world.new()
    await world.post(f"/v1/payment_intents/{refused}/confirm", {"payment_method": "card_declined"})
    await world.payments.cancel(refused)

    await world.shop.wait_for(5)
    events = [
        verify(payload, header, WEBHOOK_SECRET, START_MS // 1000)
        for payload, header in world.shop.received
    ]
    assert {(event.type, event.payment_id) for event in events} == {
        ("payment_intent.amount_capturable_updated", taken.payment_id),
        ("payment_intent.succeeded", taken.payment_id),
        ("charge.refunded", taken.payment_id),
        ("payment_intent.payment_failed", refused),
        ("payment_intent.canceled", refused),
    }
    assert len({event.provider_event_id for event in events}) == 5


async def test_an_event_shows_the_object_as_it_was(world: World) -> None:
    payment = await world.confirmed("card_ok")
    (event,) = await world.shop.wait_for(1)
    assert (event["object"], event["livemode"]) == ("event", False)
    assert event["data"]["object"]["status"] == "requires_capture"
    assert event["data"]["object"]["metadata"] == {"order": "order-1"}
    assert event["data"]["object"]["id"] == payment.payment_id


async def test_a_shop_that_fails_is_told_again_with_a_fresh_signature(world: World) -> None:
    world.shop.answers += [500, 302, 404]
    await world.confirmed("card_ok")
    for count, wait_ms in ((1, 1_000), (2, 5_000), (3, 30_000)):
        await world.shop.wait_for(count)
        await world.clock.wait_for_sleepers(1)
        await world.clock.advance_ms(wait_ms)
    events = await world.shop.wait_for(4)
    assert len({event["id"] for event in events}) == 1
    payload, first_header = world.shop.received[0]
    assert payload == world.shop.received[3][0]
    later_s = START_MS // 1000 + 1_000
    with pytest.raises(WebhookRefused, match="too-old"):
        verify(payload, first_header, WEBHOOK_SECRET, later_s)


async def test_a_shop_that_never_answers_well_is_given_up(world: World) -> None:
    world.shop.answers += [500] * 5
    await world.confirmed("card_ok")
    for count, wait_ms in ((1, 1_000), (2, 5_000), (3, 30_000), (4, 120_000)):
        await world.shop.wait_for(count)
        await world.clock.wait_for_sleepers(1)
        await world.clock.advance_ms(wait_ms)
    await world.shop.wait_for(5)
    webhooks = {"waiting": 1}
    while webhooks["waiting"]:
        webhooks = (await world.get("/practice/ledger")).json["webhooks"]
    assert webhooks == {"delivered": 0, "given_up": 1, "not_told": 0, "waiting": 0}
    assert len(world.shop.received) == 5


async def test_events_can_come_more_than_once() -> None:
    async with opened_world(practice_webhook_copies=5) as world:
        await world.confirmed("card_ok")
        events = await world.shop.wait_for(5)
        assert len({event["id"] for event in events}) == 1


async def test_without_an_address_nobody_is_told() -> None:
    async with opened_world(webhooks=False) as world:
        await world.confirmed("card_ok")
        webhooks = (await world.get("/practice/ledger")).json["webhooks"]
        assert webhooks == {"delivered": 0, "given_up": 0, "not_told": 0, "waiting": 0}
