"""Judges a run: what fans were promised against what shop and provider say afterwards."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtest.history import Booking, History

# Enough to find the cause; the count says how often.
VIOLATIONS_SHOWN_MAX = 20


@dataclass(frozen=True)
class Reread:
    """What the shop says of a booking when asked again; status 0 is no answer."""

    status: int
    state: str = ""
    seat_ids: tuple[str, ...] = ()
    stock: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Intent:
    """One payment as the provider's own ledger has it; amounts in minor units."""

    intent_id: str
    order_id: str
    captured: int
    refunded: int = 0


@dataclass
class Evidence:
    """What was collected after the run. None: nobody was there to be asked."""

    rereads: dict[str, Reread] = field(default_factory=dict)
    intents: list[Intent] | None = None
    oversold: float | None = None
    # Who was to be asked and did not answer: a wrong key must not look like a promise kept.
    silent: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Violation:
    """A promise that was broken."""

    check: str
    what: str


@dataclass
class Verdict:
    """Every check with its violations, and the numbers that say how much was tested."""

    checks: dict[str, str]
    violations: list[Violation]
    facts: dict[str, int]

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations

    def to_json(self) -> dict[str, Any]:
        """Return plain data for --verdict-file."""
        return {
            "clean": self.is_clean,
            "facts": self.facts,
            "checks": self.checks,
            "violations": [asdict(violation) for violation in self.violations],
        }


def judge(history: History, evidence: Evidence, *, strict: bool = False) -> Verdict:
    """Return the verdict on one run. With strict, a store that was away for a moment counts too."""
    found = {
        "no seat confirmed twice": list(seats_confirmed_twice(history.bookings)),
        "no confirmed booking lost": list(bookings_lost(history.bookings, evidence.rereads)),
        "no stock sold beyond its quantity": list(stock_oversold(history)),
        "every confirmed booking paid once": _if_asked(evidence, history, bookings_not_paid_once),
        "nothing captured without a booking": _if_asked(evidence, history, captured_for_nothing),
        "the ledger counts nothing oversold": _server_oversold(evidence),
        "everybody asked has answered": evidence.silent,
        "no failing answers": list(failing_answers(history, strict=strict)),
        "no surprising answers": [f"{times} x {what}" for what, times in history.surprises.items()],
        "something was sold": [] if history.bookings else ["no booking: the run proves nothing"],
    }
    checks = {
        name: "not asked" if broken is None else f"{len(broken)} broken" if broken else "kept"
        for name, broken in found.items()
    }
    violations = [Violation(name, what) for name, broken in found.items() for what in broken or ()]
    return Verdict(checks, violations, _facts(history, evidence))


def seats_confirmed_twice(bookings: Iterable[Booking]) -> Iterator[str]:
    """Yield every seat of an event that more than one acknowledgement names."""
    owners = defaultdict(list)
    for booking in bookings:
        for seat_id in booking.seat_ids:
            owners[booking.event_id, seat_id].append(booking.booking_id)
    for (event_id, seat_id), booking_ids in owners.items():
        if len(booking_ids) > 1:
            yield f"{event_id} seat {seat_id}: bookings {', '.join(booking_ids)}"


def bookings_lost(bookings: Iterable[Booking], rereads: dict[str, Reread]) -> Iterator[str]:
    """Yield every booking that was read again and is not what was acknowledged."""
    for booking in bookings:
        again = rereads.get(booking.booking_id)
        if again is None:  # beyond the bound of re-reading; the facts say how many were read
            continue
        if again.status != 200:
            yield f"booking {booking.booking_id}: reading it again answers {again.status}"
        elif again.state != "confirmed":
            yield f"booking {booking.booking_id}: was confirmed, is {again.state!r}"
        elif set(again.seat_ids) != set(booking.seat_ids) or again.stock != booking.stock:
            yield f"booking {booking.booking_id}: holds other seats than were confirmed"


def stock_oversold(history: History) -> Iterator[str]:
    """Yield every tier of stock of which more was confirmed than there is."""
    sold: Counter[str] = Counter()
    for booking in history.bookings:
        for tier, quantity in booking.stock.items():
            sold[f"{booking.event_id} {tier}"] += quantity
    for what, quantity in sold.items():
        there_are = history.stock_quantities.get(what)
        if there_are is not None and quantity > there_are:
            yield f"{what}: {quantity} confirmed of {there_are}"


def bookings_not_paid_once(history: History, intents: list[Intent]) -> Iterator[str]:
    """Yield every confirmed booking whose money was not captured exactly once, in full."""
    captured = defaultdict(list)
    for intent in intents:
        if intent.captured > intent.refunded:
            captured[intent.order_id].append(intent)
    for booking in history.bookings:
        paid = captured[booking.booking_id]
        if len(paid) != 1:
            yield f"booking {booking.booking_id}: {len(paid)} captured payments"
        elif paid[0].captured - paid[0].refunded != booking.total:
            yield f"booking {booking.booking_id}: {paid[0].captured} captured of {booking.total}"


def captured_for_nothing(history: History, intents: list[Intent]) -> Iterator[str]:
    """Yield every captured payment that belongs to no confirmed booking and was not given back."""
    confirmed = {booking.booking_id for booking in history.bookings}
    for intent in intents:
        if intent.captured > intent.refunded and intent.order_id not in confirmed:
            yield f"payment {intent.intent_id} of order {intent.order_id or 'unknown'}"


def failing_answers(history: History, *, strict: bool) -> Iterator[str]:
    """Yield every kind of 5xx; 503 says "come back", which only strict takes amiss."""
    for (name, status, code), times in history.answers.items():
        if status > 503 or 500 <= status < 503 or (strict and status == 503):
            yield f"{times} x {status} {code} to {name}"


def table(verdict: Verdict, budgets: list[str]) -> str:
    """Return the verdict as text for a terminal."""
    width = max(len(name) for name in (*verdict.checks, *verdict.facts))
    lines = ["", "What the fans met", *(f"  {line}" for line in budgets)]
    lines += ["", "Counted"]
    lines += [f"  {name:<{width}}  {value:>8,}" for name, value in verdict.facts.items()]
    lines += ["", "Promises"]
    lines += [f"  {name:<{width}}  {result}" for name, result in verdict.checks.items()]
    for violation in verdict.violations[:VIOLATIONS_SHOWN_MAX]:
        lines.append(f"    BROKEN: {violation.check}: {violation.what}")
    if (hidden := len(verdict.violations) - VIOLATIONS_SHOWN_MAX) > 0:
        lines.append(f"    ... and {hidden} more")
    lines += ["", "VERDICT: clean" if verdict.is_clean else "VERDICT: PROMISES BROKEN", ""]
    return "\n".join(lines)


def _if_asked(
    evidence: Evidence,
    history: History,
    check: Callable[[History, list[Intent]], Iterator[str]],
) -> list[str] | None:
    return None if evidence.intents is None else list(check(history, evidence.intents))


def _server_oversold(evidence: Evidence) -> list[str] | None:
    if evidence.oversold is None:
        return None
    return [f"onsale_oversold_seats is {evidence.oversold:g}"] if evidence.oversold else []


def _facts(history: History, evidence: Evidence) -> dict[str, int]:
    bookings = history.bookings
    return {
        "confirmed bookings": len(bookings),
        "confirmed seats": sum(len(booking.seat_ids) for booking in bookings),
        "confirmed pieces of stock": sum(sum(booking.stock.values()) for booking in bookings),
        "bookings read again": len(evidence.rereads),
        "completions left open": len(history.attempts),
        "seats already taken (409)": history.count(409, 409),
        "cards declined (402)": history.count(402, 402),
        "told to wait (425)": history.count(425, 425),
        "told to slow down (429)": history.count(429, 429),
        "store away for a moment (503)": history.count(503, 503),
        "connections lost": history.count(0, 0),
    }
