"""A provider that was restarted knows what it knew."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from payments_world import RETURN_URL, SteppedClock, opened_world

from booking_core.practice_provider.journal import JournalBroken

INTENTS = "/v1/payment_intents"
WANTED = {"amount": 2500, "currency": "eur", "capture_method": "manual"}


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "provider" / "journal.jsonl")


def read(journal: str) -> str:
    return Path(journal).read_text()


def write(journal: str, text: str) -> None:
    Path(journal).parent.mkdir(exist_ok=True)
    Path(journal).write_text(text)


async def test_payments_and_keys_survive_a_restart(journal: str) -> None:
    clock = SteppedClock()
    async with opened_world(clock, practice_journal_path=journal) as world:
        payment = await world.confirmed("card_ok")
        await world.payments.capture(payment.payment_id, "order-1")
        await world.payments.refund(payment.payment_id, 400, "order-1")
        first = await world.post(INTENTS, WANTED, "key-1")
        before = (await world.get("/practice/ledger")).json

    async with opened_world(clock, practice_journal_path=journal) as world:
        after = (await world.get("/practice/ledger")).json
        assert (after["intents"], after["sums"]) == (before["intents"], before["sums"])
        assert (await world.post(INTENTS, WANTED, "key-1")).json == first.json
        wrong = await world.post(INTENTS, WANTED | {"amount": 1}, "key-1")
        assert wrong.error["type"] == "idempotency_error"
        await world.payments.refund(payment.payment_id, 400, "order-1")
        listed = (await world.get(INTENTS)).json["data"]
        assert [intent["id"] for intent in listed] == [first.json["id"], payment.payment_id]
        (entry, _) = (await world.get("/practice/ledger")).json["intents"]
        assert entry["refunded_cents"] == 400


@pytest.mark.parametrize(
    ("card", "event"),
    [
        ("card_slow", "payment_intent.amount_capturable_updated"),
        ("card_timeout_then_declined", "payment_intent.payment_failed"),
    ],
)
async def test_what_the_bank_had_not_decided_is_decided_after_the_restart(
    journal: str, card: str, event: str
) -> None:
    clock = SteppedClock()
    async with opened_world(clock, practice_journal_path=journal) as world:
        payment = await world.payments.create("order-1", 1, 2500, "EUR", {})
        waiting = asyncio.create_task(
            world.post(f"{INTENTS}/{payment.payment_id}/confirm", {"payment_method": card})
        )
        await clock.wait_for_sleepers(1)
    with pytest.raises(aiohttp.ClientError):
        await waiting

    async with opened_world(clock, practice_journal_path=journal) as world:
        assert await world.status(payment.payment_id) == "processing"
        await clock.wait_for_sleepers(1)
        await clock.advance_ms(30_000)
        (told,) = await world.shop.wait_for(1)
        assert told["type"] == event


async def test_the_bank_s_page_survives_a_restart(journal: str) -> None:
    async with opened_world(practice_journal_path=journal) as world:
        payment = await world.confirmed("card_requires_action")
    path = str(payment.next_action_url).removeprefix(world.url)
    async with opened_world(practice_journal_path=journal) as world:
        async with world.session.post(
            world.url + path, data={"decision": "approve"}, allow_redirects=False
        ) as response:
            assert response.status == 303
        assert await world.status(payment.payment_id) == "requires_capture"


async def test_a_line_cut_short_was_never_answered_and_is_dropped(journal: str) -> None:
    async with opened_world(practice_journal_path=journal) as world:
        first = await world.new()
    write(journal, read(journal) + '{"type":"intent","intent":{"id":"pi_hal')
    async with opened_world(practice_journal_path=journal) as world:
        second = await world.new()
    async with opened_world(practice_journal_path=journal) as world:
        listed = (await world.get(INTENTS)).json["data"]
        assert [intent["id"] for intent in listed] == [second, first]


async def test_a_broken_line_in_the_middle_stops_the_start(journal: str) -> None:
    write(journal, "nonsense\n")
    with pytest.raises(JournalBroken, match="1"):
        async with opened_world(practice_journal_path=journal):
            pass


async def test_what_was_answered_is_in_the_file(journal: str) -> None:
    async with opened_world(practice_journal_path=journal) as world:
        made = await asyncio.gather(*(world.new() for _ in range(20)))
        text = read(journal)
        assert all(intent_id in text for intent_id in made)
        payment = await world.payments.confirm(made[0], "card_ok", "order-1", 1, RETURN_URL)
        assert "requires_capture" in read(journal)
        assert payment.state == "authorized"
