"""What can be done to a payment intent in each of its states, and what is refused."""

import asyncio

import pytest
from payments_world import World

STATES = {
    "requires_payment_method": None,
    "requires_confirmation": None,
    "requires_action": "card_requires_action",
    "processing": "card_slow",
    "requires_capture": "card_ok",
    "succeeded": "card_ok",
    "canceled": None,
}
ALLOWED = {
    "confirm": {"requires_payment_method", "requires_confirmation", "requires_action"},
    "capture": {"requires_capture"},
    "cancel": {
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "requires_capture",
    },
}


async def intent_in(world: World, status: str) -> str:
    chosen = {"payment_method": "card_ok"} if status == "requires_confirmation" else {}
    intent_id = await world.new(**chosen)
    path = f"/v1/payment_intents/{intent_id}"
    card = STATES[status]
    if status == "processing":
        world_task = asyncio.create_task(world.post(f"{path}/confirm", {"payment_method": card}))
        world_task.add_done_callback(lambda task: task.exception())
        await world.clock.wait_for_sleepers(1)
    elif card:
        await world.post(f"{path}/confirm", {"payment_method": card})
    if status in ("succeeded", "canceled"):
        await world.post(f"{path}/{'capture' if status == 'succeeded' else 'cancel'}")
    assert await world.status(intent_id) == status
    return intent_id


@pytest.mark.parametrize("verb", ["confirm", "capture", "cancel"])
@pytest.mark.parametrize("status", STATES)
async def test_a_step_is_taken_or_refused_for_the_state(
    world: World, status: str, verb: str
) -> None:
    intent_id = await intent_in(world, status)
    params = {"payment_method": "card_ok"} if verb == "confirm" else {}
    answer = await world.post(f"/v1/payment_intents/{intent_id}/{verb}", params)
    if status in ALLOWED[verb]:
        assert answer.status == 200
        return
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["code"] == "payment_intent_unexpected_state"
    assert answer.error["payment_intent"]["status"] == status
    assert await world.status(intent_id) == status
    if status == "processing":
        await world.clock.advance_ms(30_000)
        await world.shop.wait_for(1)


@pytest.mark.parametrize("status", sorted(set(STATES) - {"succeeded", "processing"}))
async def test_only_money_that_was_taken_is_given_back(world: World, status: str) -> None:
    intent_id = await intent_in(world, status)
    answer = await world.post("/v1/refunds", {"payment_intent": intent_id})
    assert (answer.status, answer.error["code"]) == (400, "payment_intent_unexpected_state")


async def test_money_is_given_back_in_parts_and_never_twice(world: World) -> None:
    payment = await world.confirmed("card_ok")
    await world.payments.capture(payment.payment_id, "order-1")
    for _ in range(2):
        await world.payments.refund(payment.payment_id, 1000, "order-1")
    refunds = {"payment_intent": payment.payment_id}
    too_much = await world.post("/v1/refunds", refunds | {"amount": 1501})
    assert (too_much.status, too_much.error["param"]) == (400, "amount")

    rest = await world.post("/v1/refunds", refunds)
    assert (rest.json["object"], rest.json["amount"], rest.json["status"]) == (
        "refund",
        1500,
        "succeeded",
    )
    again = await world.post("/v1/refunds", refunds)
    assert (again.status, again.error["code"]) == (400, "charge_already_refunded")
    await world.payments.refund(payment.payment_id, 2500, "order-1")
    (entry,) = (await world.get("/practice/ledger")).json["intents"]
    assert (entry["captured_cents"], entry["refunded_cents"]) == (2500, 2500)


async def test_a_part_is_captured_and_the_rest_let_go(world: World) -> None:
    intent_id = await intent_in(world, "requires_capture")
    path = f"/v1/payment_intents/{intent_id}/capture"
    assert (await world.post(path, {"amount_to_capture": 2501})).error["code"] == "amount_too_large"
    answer = await world.post(path, {"amount_to_capture": 2000, "expand[]": "latest_charge"})
    assert (answer.json["amount_received"], answer.json["amount_capturable"]) == (2000, 0)
    charge = answer.json["latest_charge"]
    assert (charge["object"], charge["captured"], charge["amount_captured"]) == (
        "charge",
        True,
        2000,
    )


async def test_a_cancellation_says_why_and_lets_the_money_go(world: World) -> None:
    intent_id = await intent_in(world, "requires_capture")
    answer = await world.post(
        f"/v1/payment_intents/{intent_id}/cancel", {"cancellation_reason": "abandoned"}
    )
    assert (answer.json["cancellation_reason"], answer.json["amount_capturable"]) == (
        "abandoned",
        0,
    )
    assert answer.json["canceled_at"] == 1_800_000_000


async def test_checkout_may_cancel_twice_and_learns_when_it_came_too_late(world: World) -> None:
    open_id = await intent_in(world, "requires_payment_method")
    for _ in range(2):
        assert (await world.payments.cancel(open_id)).state == "cancelled"
    taken_id = await intent_in(world, "succeeded")
    assert (await world.payments.cancel(taken_id)).state == "captured"
    assert (await world.payments.capture(open_id, "order-1")).state == "cancelled"


async def test_one_call_can_make_and_confirm(world: World) -> None:
    wanted = {"amount": 100, "currency": "EUR", "confirm": "true"}
    taken = await world.post("/v1/payment_intents", wanted | {"payment_method": "card_ok"})
    assert (taken.json["status"], taken.json["amount_received"]) == ("succeeded", 100)
    refused = await world.post("/v1/payment_intents", wanted | {"payment_method": "card_declined"})
    assert (refused.status, refused.error["decline_code"]) == (402, "generic_decline")
    assert refused.error["payment_intent"]["last_payment_error"]["code"] == "card_declined"


async def test_a_new_attempt_voids_the_question_of_the_one_before(world: World) -> None:
    payment = await world.confirmed("card_requires_action")
    page = str(payment.next_action_url)
    other = await world.payments.confirm(
        payment.payment_id, "card_requires_action", "order-1", 2, "https://shop.example/"
    )
    async with world.session.post(page, data={"decision": "approve"}) as response:
        assert response.status == 404
    assert other.next_action_url != page
    assert await world.status(payment.payment_id) == "requires_action"


async def test_the_list_goes_back_page_by_page(world: World) -> None:
    made = [await world.new() for _ in range(5)]
    seen: list[str] = []
    params: dict[str, object] = {"limit": 2}
    for more in (True, True, False):
        page = (await world.get("/v1/payment_intents", params)).json
        assert (page["object"], page["has_more"]) == ("list", more)
        seen += [intent["id"] for intent in page["data"]]
        params["starting_after"] = seen[-1]
    assert seen == made[::-1]
    unknown = await world.get("/v1/payment_intents", {"starting_after": "pi_x"})
    assert (unknown.status, unknown.error["code"]) == (400, "resource_missing")
