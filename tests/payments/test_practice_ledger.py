"""The provider's ledger shows all the money, and its limits hold."""

import asyncio

import pytest
from payments_world import START_MS, World, opened_world

from booking_core.practice_provider import idempotency, intent_book, ledger_view, middlewares
from booking_core.practice_provider.settings import ProviderSettings
from groundwork.settings import SettingsError, read_settings


async def test_the_ledger_shows_every_payment_and_the_sums(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_view, "PIECE", 2)
    payment = await world.confirmed("card_ok")
    await world.clock.advance_ms(500)
    await world.payments.capture(payment.payment_id, "order-1")
    await world.payments.refund(payment.payment_id, 500, "order-1")
    for _ in range(4):
        await world.new(currency="usd")
    await world.shop.wait_for(3)

    ledger = (await world.get("/practice/ledger")).json
    assert ledger["count"] == len(ledger["intents"]) == 5
    assert ledger["by_status"] == {"succeeded": 1, "requires_payment_method": 4}
    assert ledger["sums"]["eur"] == {
        "capturable_cents": 0,
        "captured_cents": 2500,
        "refunded_cents": 500,
    }
    assert ledger["intents"][0] == {
        "payment_id": payment.payment_id,
        "status": "succeeded",
        "currency": "eur",
        "amount_cents": 2500,
        "capturable_cents": 0,
        "captured_cents": 2500,
        "refunded_cents": 500,
        "metadata": {"order": "order-1"},
        "payment_method": "card_ok",
        "last_refusal": None,
        "created_at_ms": START_MS,
        "authorized_at_ms": START_MS,
        "captured_at_ms": START_MS + 500,
        "canceled_at_ms": None,
        "refunds": [{"amount_cents": 500, "created_at_ms": START_MS + 500}],
    }


async def test_an_empty_ledger_is_whole(world: World) -> None:
    ledger = (await world.get("/practice/ledger")).json
    assert (ledger["intents"], ledger["count"], ledger["sums"]) == ([], 0, {})


async def test_there_is_a_last_payment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intent_book, "INTENTS_MAX", 1)
    await world.new()
    answer = await world.post("/v1/payment_intents", {"amount": 1, "currency": "eur"}, "key-1")
    assert (answer.status, answer.error["code"]) == (429, "rate_limit")


async def test_the_oldest_key_makes_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "KEYS_MAX", 2)
    wanted = {"amount": 1, "currency": "eur"}
    made = [
        (await world.post("/v1/payment_intents", wanted, key)).json["id"] for key in ("a", "b", "c")
    ]
    again = [
        (await world.post("/v1/payment_intents", wanted, key)).json["id"] for key in ("c", "b", "a")
    ]
    assert again[:2] == [made[2], made[1]]
    assert again[2] not in made


async def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middlewares, "IN_FLIGHT_MAX", 1)
    async with opened_world() as world:
        intent_id = await world.new()
        waiting = asyncio.create_task(
            world.post(f"/v1/payment_intents/{intent_id}/confirm", {"payment_method": "card_slow"})
        )
        await world.clock.wait_for_sleepers(1)
        answer = await world.get("/v1/payment_intents")
        assert (answer.status, answer.error["code"]) == (429, "rate_limit")
        async with world.session.get(world.url + "/health/live") as response:
            assert response.status == 200
        await world.clock.advance_ms(30_000)
        assert (await waiting).status == 200
        assert (await world.get("/v1/payment_intents")).status == 200


def test_settings_come_from_the_environment_and_nonsense_is_refused() -> None:
    good = {"PAYMENTS_SECRET_KEY": "sk", "PAYMENTS_WEBHOOK_SECRET": "wh"}
    assert read_settings(ProviderSettings, good).practice_slow_ms == 30_000
    for name, value in (
        ("PRACTICE_SLOW_MS", "-1"),
        ("PRACTICE_SLOW_MS", "soon"),
        ("PRACTICE_WEBHOOK_COPIES", "6"),
        ("PRACTICE_WEBHOOK_URL", "ftp://x"),
        ("PAYMENTS_SECRET_KEY", ""),
    ):
        with pytest.raises(SettingsError, match=name):
            read_settings(ProviderSettings, good | {name: value})
