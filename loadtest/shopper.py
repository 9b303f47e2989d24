"""What an admitted fan does: choose, reserve, pay or think better of it, and fetch the tickets."""

import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from loadtest.asking import Answer, Asking, FanError, GivenUp, Surprised
from loadtest.evidence import owned
from loadtest.history import Attempt, Booking, History
from loadtest.seat_choice import free_indexes, pick_neighbours

# Named seats against best available; the design's mix for a rehearsal.
NAMED_SHARE = 0.7
RELEASE_SHARE = 0.08
ABANDON_SHARE = 0.04
EXTEND_SHARE = 0.1
DECLINED_FIRST_SHARE = 0.1
# A ticket's PDF costs the shop forty milliseconds of a core; most fans look at the page first.
PDF_SHARE = 0.05
SEATS_WANTED = (1, 2, 2, 2, 3, 4)
# Who is offered others for seats that are gone mostly takes them: looking on costs time.
OFFER_TAKEN_SHARE = 0.7
# After so many lost races a fan gives the event up.
PICKS_MAX = 5
# A payment that is pending is decided when the slowest card is.
PENDING_SECONDS_MAX = 60.0
PENDING_AGAIN_SECONDS = 0.5


class VisitOver(FanError):
    """The shop sent the fan back to the waiting room."""


class Shopper:
    """An admitted fan inside the shop."""

    # Seat plans never change during a sale, so a browser keeps them a day, and all fans here share.
    _plans: dict[str, Mapping[str, Any]] = {}  # noqa: RUF012

    def __init__(
        self,
        asking: Asking,
        history: History,
        rng: random.Random,
        *,
        ticket: str,
        admission_pass: str,
        prove: Callable[[str, str], str],
        think: Callable[[], None],
    ) -> None:
        self._asking = asking
        self._history = history
        self._rng = rng
        self._ticket = ticket
        self._pass = admission_pass
        self._prove = prove
        self._think = think

    def shop(self, event_id: str) -> None:
        """Try to buy into one event. Raises VisitOver, GivenUp, Surprised."""
        event = self._inside("/api/events/[event]", f"/api/events/{event_id}").body
        reservation = self._reserve(event)
        if reservation is None:
            return
        self._think()
        url = f"/api/bookings/{reservation['reservation_id']}"
        roll = self._rng.random()
        if roll < ABANDON_SHARE:
            return
        if roll < ABANDON_SHARE + RELEASE_SHARE:
            self._inside("/api/bookings/[reservation]", url, method="DELETE", refusals=(404, 410))
            return
        if reservation["extendable"] and self._rng.random() < EXTEND_SHARE:
            self._inside(
                "/api/bookings/[reservation]/extend",
                f"{url}/extend",
                method="POST",
                refusals=(404, 409, 410),
            )
        booking = self._buy(reservation)
        if booking:
            self._enjoy(booking)

    def _reserve(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        wants = self._stock if not event["seated"] else self._seats
        for _ in range(PICKS_MAX):
            wanted = wants(event)
            if wanted is None:
                return None
            key = secrets.token_urlsafe(16)
            answer = self._inside(
                "/api/bookings/reserve",
                "/api/bookings/reserve",
                method="POST",
                body={"event_id": event["event_id"], **wanted},
                refusals=(409, 410),
                headers={"Idempotency-Key": key},
            )
            if answer.is_good:
                return dict(answer.body)
            if answer.status == 410:
                return None
            self._think()
            offer = answer.body.get("offer")
            if offer and self._rng.random() < OFFER_TAKEN_SHARE:
                return dict(offer)
        return None

    def _seats(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return what to ask for: seats seen free, or the shop's own choice."""
        wanted = min(self._rng.choice(SEATS_WANTED), event["seats_max"])
        snapshot = self._inside(
            "/api/events/[event]/seats", f"/api/events/{event['event_id']}/seats"
        ).body
        free = free_indexes(snapshot)
        if not free:
            return None
        if self._rng.random() >= NAMED_SHARE:
            return {"best_available": {"quantity": wanted}}
        seats = self._plan(event)["seats"]
        kept = set(seats["accessible"])
        ordinary = [index for index in free if index not in kept]
        chosen = pick_neighbours(ordinary or free, wanted, self._rng)
        return {"seat_ids": [seats["seat_id"][index] for index in chosen]}

    def _stock(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        for tier in event["tiers"]:
            self._history.note_stock(event["event_id"], tier["tier"], tier["quantity"])
        tiers = [tier for tier in event["tiers"] if tier["available"] > 0]
        if not tiers:
            return None
        wanted = min(self._rng.choice(SEATS_WANTED), event["seats_max"])
        return {"stock": {"tier": self._rng.choice(tiers)["tier"], "quantity": wanted}}

    def _plan(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        event_id = event["event_id"]
        if event_id not in self._plans:
            self._plans[event_id] = self._inside(
                "/api/events/[event]/plan", f"/api/events/{event_id}/plan"
            ).body
        return self._plans[event_id]

    def _buy(self, reservation: Mapping[str, Any]) -> Booking | None:
        cards = ["card_ok"]
        if self._rng.random() < DECLINED_FIRST_SHARE:
            cards.insert(0, "card_declined")
        for card in cards:
            attempt = Attempt(
                reservation["reservation_id"], secrets.token_urlsafe(16), self._ticket
            )
            self._history.begin(attempt)
            answer = self._complete(attempt, card)
            if answer.status == 402:
                self._history.end(attempt.idempotency_key, None)
                continue
            if not answer.is_good:
                self._history.end(attempt.idempotency_key, None)
                return None
            return self._outcome(attempt, reservation, answer)
        return None

    def _complete(self, attempt: Attempt, card: str) -> Answer:
        url = "/api/bookings/complete"
        return self._inside(
            url,
            url,
            method="POST",
            body={
                "reservation_id": attempt.reservation_id,
                "payment_method": card,
                "idempotency_key": attempt.idempotency_key,
                "email": f"fan-{attempt.idempotency_key.lower()}@example.com",
            },
            refusals=(402, 404, 409, 410),
            is_proven=True,
        )

    def _outcome(
        self, attempt: Attempt, reservation: Mapping[str, Any], answer: Answer
    ) -> Booking | None:
        """Return the booking once it is confirmed; a pending one is watched until it is decided."""
        attempt = replace(attempt, booking_id=answer.body["booking_id"])
        self._history.begin(attempt)
        body, deadline = answer.body, time.monotonic() + PENDING_SECONDS_MAX
        while body["status"] == "pending":
            if time.monotonic() > deadline:
                raise GivenUp("pending order")
            time.sleep(PENDING_AGAIN_SECONDS)
            body = self._read(attempt.booking_id or "")
        if body["status"] != "confirmed":
            self._history.end(attempt.idempotency_key, None)
            return None
        seat_ids, stock = owned(body)
        booking = Booking(
            body["booking_id"],
            reservation["event_id"],
            seat_ids,
            stock,
            body["total"],
            self._ticket,
        )
        self._history.end(attempt.idempotency_key, booking)
        self._compare(reservation, booking)
        return booking

    def _compare(self, reservation: Mapping[str, Any], booking: Booking) -> None:
        """Note a surprise when the tickets are not for what was reserved, at its price."""
        seat_ids = {seat["seat_id"] for seat in reservation["seats"]}
        stock = {line["tier"]: line["quantity"] for line in reservation.get("stock", ())}
        if seat_ids != set(booking.seat_ids) or stock != booking.stock:
            self._history.note_surprise("tickets for other seats than were reserved")
        if booking.total != reservation["total"]:
            self._history.note_surprise("another total than was reserved")

    def _enjoy(self, booking: Booking) -> None:
        body = self._read(booking.booking_id)
        if body["status"] != "confirmed":
            self._history.note_surprise("a confirmed booking reads as another state")
        if self._rng.random() < PDF_SHARE:
            self._asking.ask(
                "/orders/[booking]/tickets.pdf",
                f"/orders/{booking.booking_id}/tickets.pdf",
                headers=self._as_owner,
            )

    def _read(self, booking_id: str) -> Mapping[str, Any]:
        answer = self._asking.ask(
            "/api/bookings/[booking]", f"/api/bookings/{booking_id}", headers=self._as_owner
        )
        return dict(answer.body)

    def _as_owner(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._ticket}"}

    def _inside(
        self,
        name: str,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        refusals: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
        is_proven: bool = False,
    ) -> Answer:
        """Ask with the admission pass, and with a device proof where money is spent."""

        def all_headers() -> dict[str, str]:
            proof = {"DPoP": self._prove(method, path)} if is_proven else {}
            return {"Authorization": f"DPoP {self._pass}", **(headers or {}), **proof}

        answer = self._asking.ask(
            name,
            path,
            method=method,
            body=body,
            refusals=(*refusals, 403),
            headers=all_headers,
        )
        if answer.code in ("not-admitted", "pass-expired"):
            raise VisitOver
        if answer.status == 403:
            self._history.note_surprise(what := f"403 {answer.code} to {name}")
            raise Surprised(what)
        return answer
