"""Completing a booking: what the one call does around the checkout, and the answers it gives."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from booking_core import metrics
from booking_core.catalog.charges import ChargeLine
from booking_core.catalog.events import Catalog
from booking_core.checkout.checkout import Checkout
from booking_core.ledger.order import FINAL, Claim, Order, OrderState
from booking_core.ledger.orders import Orders
from booking_core.seats.hold import Hold
from booking_core.seats.holds import SeatHolds
from booking_core.seats.reserving import ChargeDocument, describe_charges, moment_text
from booking_core.settings import CoreSettings
from booking_core.tickets.issuing import SeatTicketDocument, TicketIssuer
from groundwork.clock import TokenSource
from groundwork.errors import (
    BookingError,
    HoldLost,
    IdempotencyKeyReused,
    OverSeatLimit,
    PaymentDeclined,
    RequestInProgress,
    ReservationNotFound,
    SeatsTaken,
    SoldOut,
    TooManyRequests,
)

Status = Literal["pending", "awaited", "offered", "confirmed", "released", "cancelled"]
# An order's state in the words of the API and the pages; what is not in here is "pending".
STATUS_WORDS: Final[Mapping[OrderState, Status]] = {
    OrderState.AWAITED: "awaited",
    OrderState.OFFERED: "offered",
    OrderState.SOLD: "confirmed",
    OrderState.RELEASED: "released",
    OrderState.CANCELLED: "cancelled",
}
# Payments answer in a second or two; asking more often gains nothing.
RETRY_SECONDS = 2
# The hold outlives the payment by this, so that the seats do not seem free while the outcome is told.
SETTLING_MS = 60_000


class PendingDocument(msgspec.Struct, frozen=True):
    """A booking that is under way; `next_action_url` is a page of the bank that its buyer has to see."""

    booking_id: str
    status: Literal["pending"]
    order_url: str
    next_action_url: str | msgspec.UnsetType = msgspec.UNSET


class PlacesOffered(msgspec.Struct, frozen=True):
    """Places that may be had for those that were gone when the payment came, until then."""

    seats: list[str]
    instead_of: list[str]
    until: str


class BookingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as its owner sees it. The total, with all charges, is in minor units."""

    booking_id: str
    event_id: str
    status: Status
    charges: list[ChargeDocument]
    total: int
    currency: str
    tickets: list[SeatTicketDocument]
    release_reason: str | msgspec.UnsetType = msgspec.UNSET
    offer: PlacesOffered | msgspec.UnsetType = msgspec.UNSET
    next_action_url: str | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """What a buyer asked for. The hash covers everything that may not differ in a repeat."""

    fan_id: str
    reservation_id: str
    payment_method: str
    idempotency_key: str
    email: str
    # In which the tickets are mailed; a repeat may come in another one.
    language: str = ""

    def body_hash(self) -> bytes:
        """Return the fingerprint of the request."""
        parts = (self.reservation_id, self.payment_method, self.email)
        return hashlib.sha256("\x00".join(parts).encode()).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON that goes with it."""

    status: int
    body: bytes
    is_sold: bool


class Bookings:
    """Turns reservations into bookings."""

    def __init__(
        self,
        holds: SeatHolds,
        orders: Orders,
        catalog: Catalog,
        checkout: Checkout,
        issuer: TicketIssuer,
        tokens: TokenSource,
        settings: CoreSettings,
    ) -> None:
        self._holds = holds
        self._orders = orders
        self._catalog = catalog
        self._checkout = checkout
        self._issuer = issuer
        self._tokens = tokens
        self._settings = settings

    async def complete(self, request: CompleteRequest) -> Answer:
        """Pay for a reservation, or say how far an earlier request with the same key has come.

        Raises HoldLost, SeatsTaken, SoldOut, PaymentDeclined, RequestInProgress,
        IdempotencyKeyReused, OverSeatLimit, TooManyRequests, StoreUnavailable.
        """
        with metrics.CHECKOUT_SECONDS.time():
            order = await self._orders.by_key(request.fan_id, request.idempotency_key)
            if order is None:
                claim = await self._claim(request)
                order = claim.order
                if claim.outcome == "claimed":
                    return await self._carry(order.order_id, order)
            return await self._repeat(order, request)

    async def _claim(self, request: CompleteRequest) -> Claim:
        """Return the order and how it came about; from here on PostgreSQL keeps the seats.

        The hold is given the time of a payment first: it must not end before Redis is told of the
        outcome, or others are promised what is claimed already.
        """
        order_id = self._tokens.uuid()
        try:
            hold = await self._holds.keep_for_payment(
                request.reservation_id,
                request.fan_id,
                self._settings.payment_ms + SETTLING_MS,
                order_id,
            )
        except ReservationNotFound as error:
            # Gone from Redis; an order that has it would have been found by its key or is another's.
            earlier = await self._orders.by_reservation(request.reservation_id, request.fan_id)
            if earlier is not None and earlier.state != OrderState.RELEASED:
                return Claim("busy", earlier)
            raise HoldLost from error
        event = await self._catalog.get(hold.event_id)
        try:
            return await self._orders.claim(
                order_id,
                hold,
                await self._seat_ids(hold),
                idempotency_key=request.idempotency_key,
                body_hash=request.body_hash(),
                email=request.email,
                language=request.language,
                payment_method=request.payment_method,
                epoch=self._holds.epochs.epoch,
                payment_ms=self._settings.payment_ms,
                seats_max=event.seats_max,
            )
        except (SeatsTaken, SoldOut, OverSeatLimit, TooManyRequests):
            # What cannot be bought is not kept from others: somebody else's claim came first, after a
            # fail-over lost a hold, or the buyer may have no more, or has tried enough cards for it.
            await self._holds.release(hold.reservation_id, hold.fan_id)
            raise

    async def _seat_ids(self, hold: Hold) -> list[str]:
        if not hold.seat_indexes:
            return []
        layout = await self._catalog.seat_layout(hold.event_id)
        return [layout.seat_ids[index] for index in hold.seat_indexes]

    async def _repeat(self, order: Order, request: CompleteRequest) -> Answer:
        if order.idempotency_key != request.idempotency_key:
            # A second key for a reservation that is being paid for, or sold: it must not pay again.
            raise RequestInProgress(RETRY_SECONDS) if order.state not in FINAL else HoldLost
        if order.body_hash != request.body_hash():
            raise IdempotencyKeyReused
        if order.answer_body is not None and order.answer_status is not None:
            is_sold = order.state == OrderState.SOLD
            return self._answer(order.answer_status, order.answer_body, is_sold=is_sold)
        if order.is_carried or not await self._orders.carry(order.order_id):
            raise RequestInProgress(RETRY_SECONDS)
        return await self._carry(order.order_id)

    async def _carry(self, order_id: str, known: Order | None = None) -> Answer:
        """Carry an order that is ours now, and answer how far it came."""
        order = await self._checkout.run(order_id, known)
        if order.state not in FINAL:
            await self._orders.put_down(order_id)
            metrics.ORDERS.labels(order.event_id, "pending").inc()
            return Answer(202, msgspec.json.encode(self._pending(order)), is_sold=False)
        if order.state == OrderState.SOLD:
            status, body = 201, msgspec.json.encode(await self.describe(order))
        else:
            status, body = 409, refusal_body(order)
        await self._orders.note_answer(order_id, status, body)
        return self._answer(status, body, is_sold=status == 201)

    def _answer(self, status: int, body: bytes, *, is_sold: bool) -> Answer:
        """Return the answer, or raise the refusal it stands for."""
        if status == 201:
            return Answer(status, body, is_sold)
        raise refusal_of(body)

    def _pending(self, order: Order) -> PendingDocument:
        return PendingDocument(
            booking_id=order.order_id,
            status="pending",
            order_url=f"/orders/{order.order_id}",
            next_action_url=order.next_action_url or msgspec.UNSET,
        )

    async def describe(self, order: Order) -> BookingDocument:
        """Return the order as the API shows it to its owner."""
        is_sold = order.state == OrderState.SOLD
        is_over = order.state in (OrderState.RELEASED, OrderState.CANCELLED)
        is_offered = order.state == OrderState.OFFERED
        is_settled = is_sold or is_over or is_offered or order.state == OrderState.AWAITED
        next_action_url = None if is_settled else order.next_action_url
        return BookingDocument(
            booking_id=order.order_id,
            event_id=order.event_id,
            status=STATUS_WORDS.get(order.state, "pending"),
            charges=describe_charges(await self._charges(order)),
            total=order.amount_cents,
            currency=order.currency,
            tickets=await self._issuer.describe(order) if is_sold else [],
            release_reason=order.release_reason if is_over else msgspec.UNSET,
            offer=await self._describe_offer(order) if is_offered else msgspec.UNSET,
            next_action_url=next_action_url or msgspec.UNSET,
        )

    async def _charges(self, order: Order) -> list[ChargeLine]:
        # An event without any has sold without any, and most have none: nothing is asked then.
        event = await self._catalog.get(order.event_id)
        return await self._orders.charges(order.order_id) if event.charges else []

    async def _describe_offer(self, order: Order) -> PlacesOffered:
        lines = await self._orders.lines(order.order_id)
        return PlacesOffered(
            seats=[line.seat_id for line in lines if line.seat_id is not None],
            instead_of=order.lost_seats,
            until=moment_text(round(order.deadline.timestamp() * 1000)),
        )


def refusal_body(order: Order) -> bytes:
    """Return what to keep of a refusal, so that a repeat is refused alike."""
    return msgspec.json.encode(
        {"reason": order.release_reason, "decline_reason": order.decline_reason}
    )


def refusal_of(body: bytes) -> BookingError:
    """Return the refusal that was kept."""
    kept = msgspec.json.decode(body, type=dict[str, str])
    if kept["reason"] == "payment-declined":
        return PaymentDeclined(kept["decline_reason"])
    if kept["reason"] == "provider-error":
        return PaymentDeclined("try-again")
    return HoldLost()
