"""The first answer to a key is every later answer to it, as with Stripe."""

import asyncio

from payments_world import World

INTENTS = "/v1/payment_intents"
WANTED = {"amount": 2500, "currency": "eur", "capture_method": "manual"}
DAY_MS = 24 * 60 * 60 * 1000


async def test_a_repeat_is_answered_as_the_first_request_was(world: World) -> None:
    first = await world.post(INTENTS, WANTED, "key-1")
    again = await world.post(INTENTS, WANTED, "key-1")
    assert again.json == first.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert len((await world.get(INTENTS)).json["data"]) == 1


async def test_the_order_of_the_parameters_does_not_matter(world: World) -> None:
    first = await world.post(INTENTS, WANTED, "key-1")
    again = await world.post(INTENTS, dict(reversed(WANTED.items())), "key-1")
    assert again.json == first.json


async def test_another_request_with_the_same_key_is_refused(world: World) -> None:
    first = await world.post(INTENTS, WANTED, "key-1")
    for path, params in [
        (INTENTS, WANTED | {"amount": 2600}),
        (f"{INTENTS}/{first.json['id']}/cancel", {}),
    ]:
        answer = await world.post(path, params, "key-1")
        assert (answer.status, answer.error["type"]) == (400, "idempotency_error")
    assert await world.status(first.json["id"]) == "requires_payment_method"


async def test_a_repeat_while_the_first_is_running_is_refused(world: World) -> None:
    intent_id = await world.new()
    path, params = f"{INTENTS}/{intent_id}/confirm", {"payment_method": "card_slow"}
    first = asyncio.create_task(world.post(path, params, "key-1"))
    await world.clock.wait_for_sleepers(1)

    second = await world.post(path, params, "key-1")
    assert (second.status, second.error["code"]) == (409, "idempotency_key_in_use")

    await world.clock.advance_ms(30_000)
    assert (await first).json["status"] == "requires_capture"
    assert (await world.post(path, params, "key-1")).json == (await first).json


async def test_many_at_once_have_one_effect(world: World) -> None:
    answers = await asyncio.gather(*(world.post(INTENTS, WANTED, "key-1") for _ in range(30)))
    made = {answer.json["id"] for answer in answers if answer.status == 200}
    assert len(made) == 1
    assert {answer.status for answer in answers} <= {200, 409}
    assert len((await world.get(INTENTS)).json["data"]) == 1


async def test_a_refusal_that_came_of_doing_it_is_remembered(world: World) -> None:
    intent_id = await world.new()
    capture = f"{INTENTS}/{intent_id}/capture"
    early = await world.post(capture, {}, "key-1")
    assert (early.status, early.error["code"]) == (400, "payment_intent_unexpected_state")
    await world.post(f"{INTENTS}/{intent_id}/confirm", {"payment_method": "card_ok"})
    assert (await world.post(capture, {}, "key-1")).json == early.json
    assert (await world.post(capture, {}, "key-2")).json["status"] == "succeeded"


async def test_a_decline_and_a_fault_are_remembered(world: World) -> None:
    for card, status in (("card_declined", 402), ("card_error_500", 500)):
        path = f"{INTENTS}/{await world.new()}/confirm"
        first = await world.post(path, {"payment_method": card}, card)
        again = await world.post(path, {"payment_method": card}, card)
        assert first.status == again.status == status
        assert again.json == first.json
        assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_request_that_was_wrong_in_itself_spends_no_key(world: World) -> None:
    assert (await world.post(INTENTS, {"amount": "many"}, "key-1")).status == 400
    assert (await world.post(INTENTS, WANTED, "key-1")).status == 200


async def test_a_key_is_forgotten_after_a_day(world: World) -> None:
    first = await world.post(INTENTS, WANTED, "key-1")
    await world.clock.advance_ms(DAY_MS + 1)
    later = await world.post(INTENTS, WANTED, "key-1")
    assert later.json["id"] != first.json["id"]


async def test_a_key_that_is_too_long_or_empty_is_refused(world: World) -> None:
    for key in ("k" * 256, ""):
        assert (await world.post(INTENTS, WANTED, key)).status == 400
    assert (await world.post(INTENTS, WANTED, "k" * 255)).status == 200
