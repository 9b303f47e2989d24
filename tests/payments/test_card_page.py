"""The card form of the provider: the buyer types the card there, and may try another."""

import re

import pytest
from payments_world import RETURN_URL, World

from booking_core.checkout.payments import PaymentState
from booking_core.practice_provider.practice_cards import CARDS, has_check_digit

GOOD = {"number": "4242 4242 4242 4242", "expiry": "04/30", "cvc": "123", "decision": "pay"}


async def opened(world: World) -> tuple[str, str]:
    """A payment that waits for a card, and the page where it is asked for."""
    payment = await world.confirmed("card_form")
    assert payment.state is PaymentState.NEEDS_ACTION
    assert payment.next_action_url
    return payment.payment_id, payment.next_action_url


async def typed(world: World, page: str, **changed: str) -> tuple[int, str, str]:
    """Status, address led to and text after typing a good card, but for what is changed."""
    async with world.session.post(page, data=GOOD | changed, allow_redirects=False) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


async def test_a_good_card_pays_and_leads_back(world: World) -> None:
    payment_id, page = await opened(world)
    status, location, _ = await typed(world, page)
    assert (status, location) == (
        303,
        f"{RETURN_URL}&payment_intent={payment_id}&redirect_status=succeeded",
    )
    assert (await world.payments.get(payment_id)).state is PaymentState.AUTHORIZED
    again = await typed(world, page, number="4000000000000002")
    assert again[:2] == (status, location), "a second press, or another card, changes nothing"


@pytest.mark.parametrize(
    ("number", "words"),
    [("4000000000000002", "was declined"), ("4000 0000 0000 9995", "insufficient funds"),
     ("4000000000000069", "has expired"), ("4000-0000-0000-0127", "security code")],
)  # fmt: skip
async def test_a_refused_card_leaves_room_for_another(
    world: World, number: str, words: str
) -> None:
    payment_id, page = await opened(world)
    status, _, text = await typed(world, page, number=number)
    assert status == 200
    assert words in text
    assert (await world.payments.get(payment_id)).state is PaymentState.NEEDS_ACTION
    assert (await typed(world, page))[0] == 303
    assert (await world.payments.get(payment_id)).state is PaymentState.AUTHORIZED


async def test_a_card_whose_owner_is_asked_goes_on_to_the_bank(world: World) -> None:
    payment_id, page = await opened(world)
    status, location, _ = await typed(world, page, number="4000000000003220")
    assert status == 303
    assert location.startswith("/3ds/3ds_")
    async with world.session.post(
        world.url + location, data={"decision": "approve"}, allow_redirects=False
    ) as response:
        assert response.headers["Location"].startswith(RETURN_URL)
    assert (await world.payments.get(payment_id)).state is PaymentState.AUTHORIZED
    assert (await typed(world, page))[0] == 404, "the form has been replaced by the question"


async def test_a_slow_bank_sends_the_buyer_back_meanwhile(world: World) -> None:
    payment_id, page = await opened(world)
    _, location, _ = await typed(world, page, number="4000000000000077")
    assert location.endswith("redirect_status=pending")
    assert (await world.payments.get(payment_id)).state is PaymentState.PROCESSING
    await world.clock.wait_for_sleepers(1)
    await world.clock.advance_ms(30_000)
    await world.shop.wait_for(1)
    assert (await world.payments.get(payment_id)).state is PaymentState.AUTHORIZED


async def test_who_goes_back_without_paying_has_not_paid(world: World) -> None:
    payment_id, page = await opened(world)
    _, location, _ = await typed(world, page, decision="refuse", number="")
    assert location.endswith("redirect_status=failed")
    payment = await world.payments.get(payment_id)
    assert (payment.state, payment.decline_reason) == (PaymentState.NEW, "authentication-failed")


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", ""), ("number", "4242"), ("number", "4242 4242 4242 4241"),
     ("number", "5555555555554444"), ("number", "４２４２４２４２４２４２４２４２"),
     ("expiry", ""), ("expiry", "13/30"), ("expiry", "12/26"), ("expiry", "next year"),
     ("cvc", ""), ("cvc", "12"), ("cvc", "abc")],
)  # fmt: skip
async def test_what_is_typed_wrong_is_said_at_its_field_and_shown_to_nobody(
    world: World, field: str, value: str
) -> None:
    payment_id, page = await opened(world)
    status, _, text = await typed(world, page, **{field: value})
    assert status == 200
    assert re.findall(r'id="(\w+)-problem"', text) == [field]
    assert not re.search(r"<input[^>]* value=", text), "nothing typed comes back"
    assert (await world.payments.get(payment_id)).state is PaymentState.NEEDS_ACTION


async def test_this_month_is_still_good(world: World) -> None:
    _, page = await opened(world)  # the clock of these tests stands in January 2027
    assert (await typed(world, page, expiry="1/2027"))[0] == 303


async def test_the_form_runs_no_script_and_leads_nowhere_but_back(world: World) -> None:
    _, page = await opened(world)
    async with world.session.get(page) as response:
        text = await response.text()
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("form-action 'self' https://shop.example")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Pay €25.00" in text
    assert not re.search(r"<script|<style|style=|onclick", text)


async def test_a_form_that_was_never_given_out_is_not_there(world: World) -> None:
    assert (await typed(world, world.url + "/card/card_guess"))[0] == 404


async def test_no_card_number_is_kept(world: World) -> None:
    payment_id, page = await opened(world)
    await typed(world, page)
    shown = await world.get(f"/v1/payment_intents/{payment_id}")
    assert "4242" not in str(shown.json)


def test_every_card_to_practise_with_can_be_typed() -> None:
    assert all(has_check_digit(card.number) for card in CARDS)
    assert not has_check_digit("4242424242424241")
