"""Asks the shop and the payment provider, after the run, what they know of the bookings."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from loadtest.history import Attempt, Booking, History
from loadtest.verdict import Evidence, Intent, Reread, bookings_lost, judge

# Enough for a minute's run of everybody; beyond, the newest are read, and the facts say how many.
REREADS_MAX = 5000
# A store may have been restarted in the last second of the run and be rebuilding.
HEAL_SECONDS = 30.0
# Money is captured by the outbox after the sale: a second, or some when the worker was restarted.
SETTLE_SECONDS = 20.0
ASK_AGAIN_SECONDS = 0.5
TIMEOUT_SECONDS = 10.0
# Reading again must not be a load test of its own.
READERS = 8


@dataclass(frozen=True)
class Places:
    """Where to ask; what is empty is not asked."""

    base_url: str
    operator_url: str = ""
    provider_url: str = ""
    provider_key: str = ""


def ask(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Return status and JSON body (or text) of a GET; status 0 when there was no answer."""
    request = Request(url, headers=dict(headers or {}))  # the addresses are the caller's own
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            status, content = response.status, response.read()
    except HTTPError as error:
        with error:
            status, content = error.code, error.read()
    except (URLError, OSError):
        return 0, None
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content.decode("utf-8", "replace")


def owned(contents: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the seats, and the pieces of stock by tier, that the tickets of a booking name."""
    seat_ids: list[str] = []
    stock: Counter[str] = Counter()
    for ticket in contents.get("tickets", ()):
        if ticket.get("seat_id"):
            seat_ids.append(ticket["seat_id"])
        else:
            stock[ticket["tier"]] += 1
    return tuple(seat_ids), dict(stock)


def read_booking(base_url: str, booking_id: str, ticket: str) -> tuple[Reread, Mapping[str, Any]]:
    """Read a booking as its owner."""
    status, body = ask(
        f"{base_url}/api/bookings/{booking_id}", {"Authorization": f"Bearer {ticket}"}
    )
    if status != 200 or not isinstance(body, dict):
        return Reread(status), {}
    seat_ids, stock = owned(body)
    return Reread(status, body.get("status", ""), seat_ids, stock), body


def read_intents(places: Places, known_before: frozenset[str]) -> list[Intent] | None:
    """Return the provider's payments that are not of an earlier run; None without an answer."""
    status, body = ask(
        f"{places.provider_url}/practice/ledger",
        {"Authorization": f"Bearer {places.provider_key}"},
    )
    if status != 200:
        return None
    return [
        Intent(
            intent["payment_id"],
            intent["metadata"].get("order_id", ""),
            intent["captured_cents"],
            intent["refunded_cents"],
        )
        for intent in body["intents"]
        if intent["payment_id"] not in known_before
    ]


def read_oversold(operator_url: str) -> float | None:
    """Return the ledger's own count of oversold seats; None when it is not exposed."""
    status, text = ask(f"{operator_url}/metrics")
    if status != 200:
        return None
    counts = [
        float(line.rpartition(" ")[2])
        for line in str(text).splitlines()
        if line.startswith("onsale_oversold_seats{")
    ]
    return sum(counts) if counts else None


def collect(history: History, places: Places, known_before: frozenset[str]) -> Evidence:
    """Return what the shop and the provider say, once it agrees or time is up."""
    settle_attempts(history, places)
    evidence = Evidence(rereads=reread(places.base_url, history.bookings[-REREADS_MAX:]))
    if places.provider_url:
        _until(SETTLE_SECONDS, lambda: _money_settles(history, evidence, places, known_before))
        if evidence.intents is None:
            evidence.silent.append(f"the payment provider at {places.provider_url}")
    if places.operator_url:
        evidence.oversold = read_oversold(places.operator_url)
        if evidence.oversold is None:
            evidence.silent.append(f"the operator listener at {places.operator_url}")
    return evidence


def reread(base_url: str, bookings: Iterable[Booking]) -> dict[str, Reread]:
    """Read the bookings again, and those that are not as promised until HEAL_SECONDS are over."""
    rereads: dict[str, Reread] = {}
    open_ones = list(bookings)

    def read_open_ones() -> bool:
        with ThreadPoolExecutor(READERS) as readers:
            answers = readers.map(
                lambda booking: read_booking(base_url, booking.booking_id, booking.ticket)[0],
                open_ones,
            )
            rereads.update(
                (booking.booking_id, answer)
                for booking, answer in zip(open_ones, answers, strict=True)
            )
        open_ones[:] = [booking for booking in open_ones if any(bookings_lost([booking], rereads))]
        return not open_ones

    _until(HEAL_SECONDS, read_open_ones)
    return rereads


def settle_attempts(history: History, places: Places) -> None:
    """Find out what became of the completions whose answer never came, where it is known which."""

    def settle() -> bool:
        still_pending = False
        for attempt in list(history.attempts.values()):
            if attempt.booking_id is None:
                continue
            again, body = read_booking(places.base_url, attempt.booking_id, attempt.ticket)
            if again.state == "confirmed":
                history.end(attempt.idempotency_key, _booking(attempt, body))
            elif again.state == "released":
                history.end(attempt.idempotency_key, None)
            else:
                still_pending = True
        return not still_pending

    _until(HEAL_SECONDS, settle)


def _money_settles(
    history: History, evidence: Evidence, places: Places, known_before: frozenset[str]
) -> bool:
    evidence.intents = read_intents(places, known_before)
    if evidence.intents is None:
        return False
    _claim_orphans(history, evidence, places)
    verdict = judge(history, evidence)
    return not any("paid" in broken.check or "captured" in broken.check
                   for broken in verdict.violations)  # fmt: skip


def _claim_orphans(history: History, evidence: Evidence, places: Places) -> None:
    """A captured payment nobody was told of: ask for its order with the tickets of the cut off."""
    confirmed = {booking.booking_id for booking in history.bookings}
    for intent in evidence.intents or ():
        if intent.captured <= intent.refunded or intent.order_id in confirmed:
            continue
        for attempt in list(history.attempts.values()):
            again, body = read_booking(places.base_url, intent.order_id, attempt.ticket)
            if again.state == "confirmed":
                booking = _booking(attempt, body)
                history.end(attempt.idempotency_key, booking)
                evidence.rereads[booking.booking_id] = again
                break


def _booking(attempt: Attempt, body: Mapping[str, Any]) -> Booking:
    seat_ids, stock = owned(body)
    return Booking(
        body["booking_id"], body["event_id"], seat_ids, stock, body["total"], attempt.ticket
    )


def _until(seconds: float, is_done: Callable[[], bool]) -> None:
    """Ask again and again until it is done or the time is over."""
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(ASK_AGAIN_SECONDS)
