"""What the fans saw with their own eyes: the only witness the verdict trusts."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

# Enough to find the cause; the count says how often.
EXAMPLES_MAX = 20


@dataclass(frozen=True)
class Booking:
    """An order that the shop acknowledged as confirmed, and the ticket that lets us ask again."""

    booking_id: str
    event_id: str
    seat_ids: tuple[str, ...]
    stock: dict[str, int]
    total: int
    ticket: str


@dataclass(frozen=True)
class Attempt:
    """A completion that was asked for and not answered for good: it may have become a booking."""

    reservation_id: str
    idempotency_key: str
    ticket: str
    booking_id: str | None = None


@dataclass
class History:
    """Everything the fans of one run were told, in a form that travels between processes."""

    bookings: list[Booking] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    # (what was asked, status, problem code) -> how often
    answers: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    surprises: Counter[str] = field(default_factory=Counter)
    stock_quantities: dict[str, int] = field(default_factory=dict)

    def note_answer(self, name: str, status: int, code: str) -> None:
        """Count an answer; status 0 is none at all."""
        self.answers[name, status, code] += 1

    def note_surprise(self, what: str) -> None:
        """Count an answer that the interface does not allow there."""
        if what in self.surprises or len(self.surprises) < EXAMPLES_MAX:
            self.surprises[what] += 1
        else:
            self.surprises["others"] += 1

    def note_stock(self, event_id: str, tier: str, quantity: int) -> None:
        """Remember how much stock without seats there is to sell at all."""
        self.stock_quantities[f"{event_id} {tier}"] = quantity

    def begin(self, attempt: Attempt) -> None:
        """Note a completion before it is sent: a fan may be cut off before the answer."""
        self.attempts[attempt.idempotency_key] = attempt

    def end(self, idempotency_key: str, booking: Booking | None) -> None:
        """Note the final answer: a confirmed booking, or a refusal."""
        self.attempts.pop(idempotency_key, None)
        if booking is not None:
            self.bookings.append(booking)

    def count(self, status_from: int, status_to: int) -> int:
        """Return how many answers had a status within the two, both included."""
        return sum(
            times
            for (_, status, _), times in self.answers.items()
            if status_from <= status <= status_to
        )

    def take(self) -> dict[str, Any]:
        """Return what is new since the last call, as plain data, and forget it here.

        Attempts stay: only their process knows how they end. They are sent whole every time.
        """
        wire = {
            "bookings": [asdict(booking) for booking in self.bookings],
            "attempts": [asdict(attempt) for attempt in self.attempts.values()],
            "answers": [[*what, times] for what, times in self.answers.items()],
            "surprises": dict(self.surprises),
            "stock_quantities": dict(self.stock_quantities),
        }
        self.bookings.clear()
        self.answers.clear()
        self.surprises.clear()
        return wire

    def merge(self, wire: dict[str, Any], attempts_before: set[str]) -> set[str]:
        """Add what another process saw; returns the keys of its open attempts for the next time."""
        for booking in wire["bookings"]:
            self.bookings.append(Booking(**{**booking, "seat_ids": tuple(booking["seat_ids"])}))
        for name, status, code, times in wire["answers"]:
            self.answers[name, status, code] += times
        self.surprises.update(wire["surprises"])
        self.stock_quantities.update(wire["stock_quantities"])
        for key in attempts_before:
            self.attempts.pop(key, None)
        open_now = {attempt["idempotency_key"]: Attempt(**attempt) for attempt in wire["attempts"]}
        self.attempts.update(open_now)
        return set(open_now)
