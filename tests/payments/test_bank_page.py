"""The bank's page asks the buyer and sends them back to the shop."""

import re

import aiohttp
import pytest
from payments_world import RETURN_URL, World

from booking_core.checkout.payments import PaymentState


async def asked(world: World, **answer: str) -> tuple[str, aiohttp.ClientResponse]:
    payment = await world.confirmed("card_requires_action")
    assert payment.next_action_url
    async with world.session.post(
        payment.next_action_url, data=answer, allow_redirects=False
    ) as response:
        await response.read()
    return payment.payment_id, response


@pytest.mark.parametrize(
    ("decision", "state", "reason", "told"),
    [
        ("approve", PaymentState.AUTHORIZED, None, "succeeded"),
        ("refuse", PaymentState.NEW, "authentication-failed", "failed"),
    ],
)
async def test_the_buyer_decides_and_goes_back_to_the_shop(
    world: World, decision: str, state: PaymentState, reason: str | None, told: str
) -> None:
    payment_id, response = await asked(world, decision=decision)
    assert response.status == 303
    assert response.headers["Location"] == (
        f"{RETURN_URL}&payment_intent={payment_id}&redirect_status={told}"
    )
    payment = await world.payments.get(payment_id)
    assert (payment.state, payment.decline_reason) == (state, reason)
    assert len(await world.shop.wait_for(1)) == 1


async def test_the_first_word_stands(world: World) -> None:
    payment_id, response = await asked(world, decision="approve")
    for decision in ("refuse", "approve"):
        async with world.session.post(
            response.url, data={"decision": decision}, allow_redirects=False
        ) as again:
            assert again.headers["Location"] == response.headers["Location"]
    assert (await world.payments.get(payment_id)).state is PaymentState.AUTHORIZED


async def test_a_buyer_who_comes_too_late_changes_nothing(world: World) -> None:
    payment = await world.confirmed("card_requires_action")
    await world.payments.cancel(payment.payment_id)
    async with world.session.post(
        str(payment.next_action_url), data={"decision": "approve"}
    ) as response:
        assert response.status == 404
    assert (await world.payments.get(payment.payment_id)).state is PaymentState.CANCELLED


@pytest.mark.parametrize("answer", [{}, {"decision": ""}])
async def test_no_word_is_no_decision(world: World, answer: dict[str, str]) -> None:
    payment_id, response = await asked(world, **answer)
    assert response.status == 200
    assert (await world.payments.get(payment_id)).state is PaymentState.NEEDS_ACTION


async def test_another_word_is_refused(world: World) -> None:
    _, response = await asked(world, decision="perhaps")
    assert response.status == 400


async def test_the_page_runs_no_script_and_lets_the_form_lead_back(world: World) -> None:
    payment = await world.confirmed("card_requires_action")
    async with world.session.get(str(payment.next_action_url)) as response:
        page = await response.text()
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("form-action 'self' https://shop.example")
    assert "unsafe" not in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert "€25.00" in page
    assert not re.search(r"<script|<style|style=|onclick", page)
    (sheet,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    async with world.session.get(world.url + sheet) as response:
        assert (response.status, response.content_type) == (200, "text/css")


async def test_what_the_shop_calls_itself_is_shown_as_text(world: World) -> None:
    intent_id = await world.new(description="<b>Shop</b>")
    payment = await world.payments.confirm(
        intent_id, "card_requires_action", "order-1", 1, RETURN_URL
    )
    async with world.session.get(str(payment.next_action_url)) as response:
        assert "&lt;b&gt;Shop&lt;/b&gt;" in await response.text()


async def test_a_page_that_was_never_given_out_is_not_there(world: World) -> None:
    async with world.session.get(world.url + "/3ds/3ds_guess") as response:
        assert response.status == 404
        assert "not open" in await response.text()


async def test_without_a_way_back_the_page_says_what_happened(world: World) -> None:
    intent_id = await world.new()
    confirmed = await world.post(
        f"/v1/payment_intents/{intent_id}/confirm", {"payment_method": "card_requires_action"}
    )
    page = confirmed.json["next_action"]["redirect_to_url"]["url"]
    async with world.session.post(page, data={"decision": "approve"}) as response:
        assert "You approved the payment." in await response.text()
