"""Asking shop and provider after a run: patient with what heals, firm with what does not."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loadtest import evidence
from loadtest.evidence import Places, collect, read_intents, read_oversold
from loadtest.history import Attempt, Booking, History
from loadtest.verdict import judge

SEATED = Booking("b1", "arena", ("A-1",), {}, 4500, "ticket-1")


class Shop(ThreadingHTTPServer):
    """Answers each path and bearer with its next answer, and with the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"

    def will_answer(self, path: str, bearer: str, *answers: tuple[int, Any]) -> None:
        self.answers[path, bearer] = list(answers)

    def will_have_ledger(self, *captured: tuple[str, str, int]) -> None:
        entries = [
            {
                "payment_id": payment_id,
                "metadata": {"order_id": order_id},
                "captured_cents": cents,
                "refunded_cents": 0,
            }
            for payment_id, order_id, cents in captured
        ]
        self.will_answer("/practice/ledger", "key", (200, {"intents": entries}))


class Answering(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        answers = self.server.answers.get((self.path, bearer), [(404, {"code": "order-not-found"})])
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(evidence, "HEAL_SECONDS", 0.3)
    monkeypatch.setattr(evidence, "SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(evidence, "ASK_AGAIN_SECONDS", 0.01)
    with Shop() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def confirmed(booking: Booking) -> dict[str, Any]:
    return {
        "booking_id": booking.booking_id,
        "event_id": booking.event_id,
        "status": "confirmed",
        "total": booking.total,
        "tickets": [{"seat_id": seat_id, "tier": "gold"} for seat_id in booking.seat_ids],
    }


def places(shop: Shop) -> Places:
    return Places(shop.url, provider_url=shop.url, provider_key="key")


def test_a_store_that_heals_is_waited_for(shop: Shop) -> None:
    history = History(bookings=[SEATED])
    away = (503, {"code": "store-unavailable"})
    shop.will_answer("/api/bookings/b1", "ticket-1", away, away, (200, confirmed(SEATED)))
    shop.will_have_ledger(("pi_1", "b1", 4500))
    assert judge(history, collect(history, places(shop), frozenset())).is_clean


def test_a_booking_that_stays_lost_is_told(shop: Shop) -> None:
    history = History(bookings=[SEATED])
    shop.will_have_ledger(("pi_1", "b1", 4500))
    verdict = judge(history, collect(history, places(shop), frozenset()))
    assert [broken.check for broken in verdict.violations] == ["no confirmed booking lost"]


def test_money_that_comes_late_is_waited_for(shop: Shop) -> None:
    history = History(bookings=[SEATED])
    shop.will_answer("/api/bookings/b1", "ticket-1", (200, confirmed(SEATED)))
    shop.will_have_ledger(("pi_1", "b1", 4500))
    (late,) = shop.answers["/practice/ledger", "key"]
    early = {"intents": [{**late[1]["intents"][0], "captured_cents": 0}]}
    shop.will_answer("/practice/ledger", "key", (200, early), (200, early), late)
    assert judge(history, collect(history, places(shop), frozenset())).is_clean


def test_a_fan_cut_off_before_the_answer_may_still_have_bought(shop: Shop) -> None:
    history = History(bookings=[SEATED])
    history.begin(Attempt("r2", "key-2", "ticket-2"))
    late = Booking("b2", "arena", ("A-2",), {}, 4500, "ticket-2")
    shop.will_answer("/api/bookings/b1", "ticket-1", (200, confirmed(SEATED)))
    shop.will_answer("/api/bookings/b2", "ticket-2", (200, confirmed(late)))
    shop.will_have_ledger(("pi_1", "b1", 4500), ("pi_2", "b2", 4500))
    verdict = judge(history, collect(history, places(shop), frozenset()))
    assert verdict.is_clean, verdict.violations
    assert history.bookings == [SEATED, late]
    assert history.attempts == {}


@pytest.mark.parametrize(("state", "bookings"), [("confirmed", 1), ("released", 0)])
def test_a_pending_order_is_followed_to_its_end(shop: Shop, state: str, bookings: int) -> None:
    history = History()
    history.begin(Attempt("r1", "key-1", "ticket-1", "b1"))
    pending = {**confirmed(SEATED), "status": "pending", "tickets": []}
    decided = {**confirmed(SEATED), "status": state}
    shop.will_answer("/api/bookings/b1", "ticket-1", (200, pending), (200, decided))
    shop.will_have_ledger(*([("pi_1", "b1", 4500)] if bookings else []))
    collect(history, places(shop), frozenset())
    assert len(history.bookings) == bookings
    assert history.attempts == {}


def test_money_of_nobody_is_told_and_money_of_the_run_before_is_not(shop: Shop) -> None:
    history = History(bookings=[SEATED])
    shop.will_answer("/api/bookings/b1", "ticket-1", (200, confirmed(SEATED)))
    shop.will_have_ledger(("pi_0", "b0", 100), ("pi_1", "b1", 4500), ("pi_9", "b9", 100))
    verdict = judge(history, collect(history, places(shop), frozenset({"pi_0"})))
    assert [broken.what for broken in verdict.violations] == ["payment pi_9 of order b9"]


def test_a_provider_that_does_not_answer_keeps_no_promise(shop: Shop) -> None:
    history = History(bookings=[SEATED])
    shop.will_answer("/api/bookings/b1", "ticket-1", (200, confirmed(SEATED)))
    nobody = Places(shop.url, provider_url="http://127.0.0.1:1")
    assert read_intents(nobody, frozenset()) is None
    verdict = judge(history, collect(history, nobody, frozenset()))
    assert [broken.check for broken in verdict.violations] == ["everybody asked has answered"]


def test_the_shops_own_count_is_summed(shop: Shop) -> None:
    assert read_oversold(shop.url) is None
    shop.will_answer("/metrics", "", (200, "# HELP onsale_oversold_seats x\nonsale_up 5\n"))
    assert read_oversold(shop.url) is None
    text = 'onsale_oversold_seats{event="a"} 1.0\nonsale_oversold_seats{event="b"} 2.0\n'
    shop.will_answer("/metrics", "", (200, text))
    assert read_oversold(shop.url) == 3
