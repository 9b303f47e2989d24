"""What becomes of a payment with each of the practice cards, as checkout sees it."""

import asyncio

import pytest
from payments_world import RETURN_URL, World, opened_world

from booking_core.checkout.payments import PaymentState, PaymentUnknown


async def test_a_good_card_reserves_the_money_and_takes_it_once(world: World) -> None:
    payment = await world.confirmed("card_ok")
    assert payment.state is PaymentState.AUTHORIZED
    assert (payment.amount_cents, payment.currency) == (2500, "EUR")

    for _ in range(2):
        captured = await world.payments.capture(payment.payment_id, "order-1")
        assert captured.state is PaymentState.CAPTURED

    shown = (await world.get(f"/v1/payment_intents/{payment.payment_id}")).json
    assert shown["amount_received"] == 2500
    assert shown["amount_capturable"] == 0
    assert shown["metadata"] == {"order": "order-1"}


@pytest.mark.parametrize(
    ("card", "reason"),
    [("card_declined", "declined"), ("card_insufficient_funds", "insufficient-funds")],
)
async def test_a_refused_card_is_an_answer_and_another_one_may_be_tried(
    world: World, card: str, reason: str
) -> None:
    payment = await world.confirmed(card)
    assert (payment.state, payment.decline_reason) == (PaymentState.NEW, reason)

    again = await world.payments.confirm(payment.payment_id, card, "order-1", 1, RETURN_URL)
    assert again == payment

    other = await world.payments.confirm(payment.payment_id, "card_ok", "order-1", 2, RETURN_URL)
    assert (other.state, other.decline_reason) == (PaymentState.AUTHORIZED, None)
    assert world.observed[1] == ("confirm", "declined")


async def test_a_card_that_does_not_exist_is_declined_without_being_tried(world: World) -> None:
    for name in ("card_from_mars", "x" * 3000, "ü\0\ud800"):
        payment = await world.confirmed(name)
        assert (payment.state, payment.decline_reason) == (PaymentState.NEW, "declined")
    assert not world.shop.received


async def test_a_slow_card_is_answered_when_the_bank_has_decided(world: World) -> None:
    waiting = asyncio.create_task(world.confirmed("card_slow"))
    await world.clock.wait_for_sleepers(1)
    (entry,) = (await world.get("/practice/ledger")).json["intents"]
    assert entry["status"] == "processing"
    cancelled = await world.payments.cancel(entry["payment_id"])
    assert cancelled.state is PaymentState.PROCESSING
    assert not waiting.done()

    await world.clock.advance_ms(29_999)
    assert world.clock.sleepers == 1
    await world.clock.advance_ms(1)
    assert (await waiting).state is PaymentState.AUTHORIZED


async def test_a_slow_card_outlives_the_patience_of_checkout(world: World) -> None:
    hasty = world.client(
        world.session, world.url, "sk_test_practice", world.clock, confirm_timeout_s=0.2
    )
    payment = await hasty.create("order-1", 1, 2500, "EUR", {})
    with pytest.raises(PaymentUnknown):
        await hasty.confirm(payment.payment_id, "card_slow", "order-1", 1, RETURN_URL)

    assert (await hasty.get(payment.payment_id)).state is PaymentState.PROCESSING
    # The same question again, while the first is being worked on, tells nothing either.
    with pytest.raises(PaymentUnknown, match="409"):
        await hasty.confirm(payment.payment_id, "card_slow", "order-1", 1, RETURN_URL)
    await world.clock.advance_ms(30_000)
    await world.shop.wait_for(1)
    assert (await hasty.get(payment.payment_id)).state is PaymentState.AUTHORIZED


@pytest.mark.parametrize(
    ("card", "state", "reason", "event"),
    [
        (
            "card_timeout_then_ok",
            PaymentState.AUTHORIZED,
            None,
            "payment_intent.amount_capturable_updated",
        ),
        (
            "card_timeout_then_declined",
            PaymentState.NEW,
            "declined",
            "payment_intent.payment_failed",
        ),
    ],
)
async def test_a_silent_bank_decides_long_before_it_answers(
    world: World, card: str, state: PaymentState, reason: str | None, event: str
) -> None:
    waiting = asyncio.create_task(world.confirmed(card))
    await world.clock.wait_for_sleepers(2)
    await world.clock.advance_ms(2_000)
    (told,) = await world.shop.wait_for(1)
    assert told["type"] == event
    payment = await world.payments.get(told["data"]["object"]["id"])
    assert (payment.state, payment.decline_reason) == (state, reason)
    assert not waiting.done()
    await world.clock.advance_ms(58_000)
    assert await waiting == payment


async def test_a_broken_provider_is_unknown_and_stays_broken_for_that_attempt(
    world: World,
) -> None:
    payment = await world.payments.create("order-1", 1, 2500, "EUR", {})
    for _ in range(2):
        with pytest.raises(PaymentUnknown, match="500"):
            await world.payments.confirm(
                payment.payment_id, "card_error_500", "order-1", 1, RETURN_URL
            )
    assert (await world.payments.get(payment.payment_id)).state is PaymentState.NEW
    assert world.observed == [
        ("create", "ok"),
        ("confirm", "unknown"),
        ("confirm", "unknown"),
        ("get", "ok"),
    ]


async def test_a_card_that_needs_its_owner_sends_them_to_the_bank() -> None:
    async with opened_world(practice_public_url="https://bank.example/") as world:
        payment = await world.confirmed("card_requires_action")
        assert payment.state is PaymentState.NEEDS_ACTION
        assert payment.next_action_url
        assert payment.next_action_url.startswith("https://bank.example/3ds/")
        assert (await world.payments.cancel(payment.payment_id)).state is PaymentState.CANCELLED
