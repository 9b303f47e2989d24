"""The verdict on a rehearsal: every broken promise, planted by hand, is seen."""

from dataclasses import replace

import pytest

from loadtest.history import Attempt, Booking, History
from loadtest.verdict import Evidence, Intent, Reread, judge, table

SEATED = Booking("b1", "demo-arena", ("A-1", "A-2"), {}, 9000, "ticket-1")
STOCK = Booking("b2", "demo-drop", (), {"floor": 3}, 6000, "ticket-2")


def good_run() -> tuple[History, Evidence]:
    history = History()
    for booking in (SEATED, STOCK):
        attempt = Attempt("r", f"key-{booking.booking_id}", booking.ticket)
        history.begin(attempt)
        history.end(attempt.idempotency_key, booking)
    history.note_stock("demo-drop", "floor", 3)
    history.note_answer("/api/bookings/complete", 201, "")
    history.note_answer("/api/bookings/reserve", 409, "seats-taken")
    evidence = Evidence(
        rereads={
            "b1": Reread(200, "confirmed", ("A-2", "A-1")),
            "b2": Reread(200, "confirmed", (), {"floor": 3}),
        },
        intents=[Intent("pi_1", "b1", 9000), Intent("pi_2", "b2", 6000), Intent("pi_3", "x", 0)],
        oversold=0.0,
    )
    return history, evidence


def broken(history: History, evidence: Evidence, *, strict: bool = False) -> list[str]:
    return [violation.check for violation in judge(history, evidence, strict=strict).violations]


def test_a_good_run_is_clean() -> None:
    verdict = judge(*good_run())
    assert verdict.is_clean, verdict.violations
    assert set(verdict.checks.values()) == {"kept"}
    assert verdict.facts["confirmed seats"] == 2
    assert verdict.facts["confirmed pieces of stock"] == 3
    assert "VERDICT: clean" in table(verdict, [])


def test_a_seat_confirmed_twice_is_seen() -> None:
    history, evidence = good_run()
    history.bookings.append(replace(SEATED, booking_id="b3", seat_ids=("A-2",), total=4500))
    evidence.intents = [*(evidence.intents or ()), Intent("pi_4", "b3", 4500)]
    assert broken(history, evidence) == ["no seat confirmed twice"]


def test_the_same_seat_of_another_event_is_no_double_sale() -> None:
    history, evidence = good_run()
    history.bookings.append(replace(SEATED, booking_id="b3", event_id="other", total=4500))
    evidence.intents = [*(evidence.intents or ()), Intent("pi_4", "b3", 4500)]
    assert broken(history, evidence) == []


@pytest.mark.parametrize(
    "again",
    [
        Reread(404),
        Reread(0),
        Reread(503),
        Reread(200, "released", ("A-1", "A-2")),
        Reread(200, "confirmed", ("A-1",)),
        Reread(200, "confirmed", ("A-1", "A-3")),
        Reread(200, "confirmed", ("A-1", "A-2"), {"floor": 1}),
    ],
)
def test_a_lost_or_changed_booking_is_seen(again: Reread) -> None:
    history, evidence = good_run()
    evidence.rereads["b1"] = again
    assert broken(history, evidence) == ["no confirmed booking lost"]


def test_oversold_stock_is_seen() -> None:
    history, evidence = good_run()
    history.note_stock("demo-drop", "floor", 2)
    assert broken(history, evidence) == ["no stock sold beyond its quantity"]


@pytest.mark.parametrize(
    "intents",
    [
        [],
        [Intent("pi_1", "b1", 0)],
        [Intent("pi_1", "b1", 9000, refunded=9000)],
        [Intent("pi_1", "b1", 8999)],
        [Intent("pi_1", "b1", 9000), Intent("pi_9", "b1", 9000)],
    ],
)
def test_a_booking_not_paid_exactly_once_is_seen(intents: list[Intent]) -> None:
    history, evidence = good_run()
    evidence.intents = [*intents, Intent("pi_2", "b2", 6000)]
    assert broken(history, evidence) == ["every confirmed booking paid once"]


def test_money_taken_without_a_booking_is_seen() -> None:
    history, evidence = good_run()
    evidence.intents = [*(evidence.intents or ()), Intent("pi_9", "nobody", 100)]
    assert broken(history, evidence) == ["nothing captured without a booking"]


def test_money_given_back_is_fine() -> None:
    history, evidence = good_run()
    evidence.intents = [*(evidence.intents or ()), Intent("pi_9", "nobody", 100, refunded=100)]
    assert broken(history, evidence) == []


def test_the_shops_own_count_of_oversold_seats_is_heard() -> None:
    history, evidence = good_run()
    evidence.oversold = 1.0
    assert broken(history, evidence) == ["the ledger counts nothing oversold"]


@pytest.mark.parametrize("status", [500, 501, 502, 504])
def test_a_failing_answer_is_seen(status: int) -> None:
    history, evidence = good_run()
    history.note_answer("/api/bookings/reserve", status, "internal-error")
    assert broken(history, evidence) == ["no failing answers"]


def test_a_store_that_was_away_counts_only_when_strict() -> None:
    history, evidence = good_run()
    history.note_answer("/api/bookings/reserve", 503, "store-unavailable")
    assert broken(history, evidence) == []
    assert broken(history, evidence, strict=True) == ["no failing answers"]


def test_an_answer_that_the_interface_does_not_allow_is_seen() -> None:
    history, evidence = good_run()
    history.note_surprise("418 teapot to /api/bookings/reserve")
    assert broken(history, evidence) == ["no surprising answers"]


def test_a_run_without_a_sale_proves_nothing() -> None:
    assert broken(History(), Evidence(intents=[])) == ["something was sold"]


def test_what_was_not_asked_is_said_and_is_no_promise_kept() -> None:
    history, evidence = good_run()
    evidence.intents = evidence.oversold = None
    verdict = judge(history, evidence)
    assert verdict.is_clean
    assert list(verdict.checks.values()).count("not asked") == 3


def test_a_history_survives_the_way_from_worker_to_master() -> None:
    worker, _ = good_run()
    worker.begin(Attempt("r9", "open", "ticket-9"))
    worker.note_surprise("odd")
    whole = History()
    keys = whole.merge(worker.take(), set())
    assert keys == {"open"}
    assert whole.bookings == [SEATED, STOCK]
    assert whole.count(409, 409) == 1
    assert whole.surprises["odd"] == 1
    worker.end("open", replace(SEATED, booking_id="b9", seat_ids=("A-9",)))
    assert whole.merge(worker.take(), keys) == set()
    assert [booking.booking_id for booking in whole.bookings] == ["b1", "b2", "b9"]
    assert whole.attempts == {}
    assert whole.count(409, 409) == 1
