"""Payments that come after their places had to be let go: the same places, others, or the money back.

A bank that is at it cannot be stopped, and others want the seats. What it says in the end decides, and
who pays gets places or all of the money, never neither. docs/checkout.md draws it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from booking_core import metrics
from booking_core.catalog.event import Event
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_layout import SeatLayout
from booking_core.checkout.payments import (
    Payment,
    PaymentRefused,
    Payments,
    PaymentState,
    PaymentUnknown,
)
from booking_core.ledger.late_orders import LATE_PAYMENT, LateOrders
from booking_core.ledger.order import Order, OrderLine, OrderState
from booking_core.ledger.orders import Orders
from booking_core.seats import wishes
from booking_core.seats.hold import (
    Hold,
    OrphanLeftByIndex,
    SeatsKeptByIndex,
    SeatsTakenByIndex,
)
from booking_core.seats.holds import SeatHolds
from groundwork.clock import Clock
from groundwork.errors import (
    HoldLost,
    OverSeatLimit,
    RequestInProgress,
    ReservationNotFound,
    SeatsTaken,
    SoldOut,
    StoreUnavailable,
)

# Time to read a mail and decide; nobody else can have the offered places meanwhile.
OFFER_MS: Final = 10 * 60_000
# The hold in Redis outlives the offer, so that the places do not seem free while the answer is told.
SETTLING_MS: Final = 60_000
# How long the places of an order that nothing ends yet stay held in Redis after each look at it: longer
# than a worker is away, or needs to look at thousands. PostgreSQL gives them back, not time.
KEPT_MS: Final = 10 * 60_000
PAID: Final = (PaymentState.AUTHORIZED, PaymentState.CAPTURED)
NOT_FREE: Final = (
    HoldLost, OrphanLeftByIndex, OverSeatLimit, SeatsKeptByIndex, SoldOut,
)  # fmt: skip

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LatePayments:
    """The steps of orders whose places were let go before their payment was decided."""

    late: LateOrders
    orders: Orders
    payments: Payments
    holds: SeatHolds
    catalog: Catalog
    clock: Clock
    patience_ms: int

    async def let_go(self, order: Order) -> None:
        """EXPIRING, and the bank cannot be stopped: after a while its places are for others."""
        if await self.late.let_go(order.order_id, self.patience_ms) == OrderState.AWAITED:
            log.warning("places were let go before their payment was decided", order=order.order_id)

    async def keep(self, order: Order) -> None:
        """EXPIRING, and nothing ends it yet: what PostgreSQL keeps for it is held in Redis as well.

        A hold that ran out is made again, unless somebody else has places of it by now.
        """
        # Not told, the next look tells it.
        with suppress(ReservationNotFound, StoreUnavailable):
            try:
                await self._keep_hold(order)
            except ReservationNotFound:
                if await self._hold_again(order):
                    await self._keep_hold(order)

    async def _keep_hold(self, order: Order) -> None:
        await self.holds.keep_for_payment(
            order.reservation_id, order.fan_id, KEPT_MS, order.order_id, is_new=False
        )

    async def _hold_again(self, order: Order) -> bool:
        event = await self.catalog.get(order.event_id)
        layout = await self.catalog.seat_layout(order.event_id)
        own = _own_places(event, layout, await self.orders.lines(order.order_id))
        # Of two workers at it one makes it; should it run out once more, a later one makes it anew.
        what = f"kept-{self.clock.now_ms() // KEPT_MS}"
        if await self._ask(order, event, own, what, order.reservation_id) is None:
            return False
        now = await self.orders.read(order.order_id)
        assert now is not None
        if now.state == OrderState.EXPIRING and not now.is_let_go:
            return True
        # It has ended meanwhile: what was told of that, before, did not find this hold.
        if await self.is_newest(order):
            await self.holds.release(order.reservation_id, order.fan_id)
        return False

    async def is_newest(self, order: Order) -> bool:
        """Say whether no later order, with another card, has the same hold."""
        newest = await self.orders.by_reservation(order.reservation_id, order.fan_id)
        return newest is None or newest.order_id == order.order_id

    async def look(self, order: Order) -> None:
        """AWAITED: ask what the bank has decided, and give a buyer who has paid what can be given."""
        assert order.payment_id is not None
        try:
            payment = await self.payments.get(order.payment_id)
            if payment.state in PAID and is_what_was_asked(payment, order):
                if not await self._give_places(order):
                    await self.late.begin_ending(order.order_id, LATE_PAYMENT)
            elif payment.state in PAID:
                await self.late.begin_ending(order.order_id, LATE_PAYMENT)
            elif payment.state == PaymentState.PROCESSING:
                await self.late.look_later(order.order_id)
            else:
                await self.late.begin_ending(order.order_id, order.release_reason)
        except PaymentRefused as refusal:
            log.error("an awaited payment is not there", order=order.order_id, code=refusal.code)
            await self.late.begin_ending(order.order_id, order.release_reason)
        except (PaymentUnknown, RequestInProgress, ReservationNotFound, StoreUnavailable):
            await self.late.look_later(order.order_id)

    async def _give_places(self, order: Order) -> bool:
        """Sell the order its own places, or offer others; False when neither can be had."""
        event = await self.catalog.get(order.event_id)
        if event.starts_at.timestamp() * 1000 <= self.clock.now_ms():
            return False
        layout = await self.catalog.seat_layout(order.event_id)
        lines = await self.orders.lines(order.order_id)
        hold, is_offer = await self._hold(order, event, layout, lines)
        if hold is None:
            return False
        seat_ids = [layout.seat_ids[index] for index in hold.seat_indexes]
        offer_ms = OFFER_MS if is_offer else None
        if is_offer:
            # Before they are claimed: the hold must not end while the buyer decides.
            more_ms = OFFER_MS + SETTLING_MS
            await self.holds.keep_for_payment(
                hold.reservation_id, hold.fan_id, more_ms, order.order_id
            )
        try:
            state = await self.late.retake(
                order.order_id, hold.reservation_id, seat_ids, event.seats_max, offer_ms
            )
        except (SeatsTaken, SoldOut, OverSeatLimit):
            await self.holds.release(hold.reservation_id, hold.fan_id)
            return False
        if state == OrderState.SOLD:
            metrics.ORDERS.labels(order.event_id, "sold").inc()
        return True

    async def _hold(
        self, order: Order, event: Event, layout: SeatLayout, lines: list[OrderLine]
    ) -> tuple[Hold | None, bool]:
        """Hold what the order was for, or else as many neighbours of the same price, as an offer."""
        seats = _seats_of(layout, lines)
        hold = await self._ask(order, event, _own_places(event, layout, lines), "own")
        if hold is not None and is_just(hold, seats, lines):
            return hold, False
        # Not free, or a hold the fan had made before us, and has swapped since: that one is left alone.
        tiers = [line.tier for line in lines]
        is_like = len({*tiers}) == 1 and not layout.accessible & {*seats}
        if not seats or not is_like:
            return None, False
        wish = wishes.named_seats(event, layout, seats, wants_offer=True)
        hold = await self._ask(order, event, wish, "offer")
        if hold is None or [layout.tier(index) for index in hold.seat_indexes] != tiers:
            return None, False
        return hold, not is_just(hold, seats, lines)

    async def _ask(
        self, order: Order, event: Event, wish: wishes.Wish, what: str, reservation_id: str = ""
    ) -> Hold | None:
        """Hold what is wished for, or take what is offered instead; None when there is neither."""
        # Of two workers at the same order both get the same hold.
        operation = f"late:{order.order_id}:{what}"
        try:
            return await self.holds.hold(
                order.event_id, order.fan_id, wish, event.seats_max, operation,
                is_shops_own=True, reservation_id=reservation_id,
            )  # fmt: skip
        except SeatsTakenByIndex as taken:
            if taken.offer is None:
                return None
            return await self.holds.read(taken.offer.reservation_id, taken.offer.fan_id)
        except NOT_FREE:
            return None

    async def end_offer(self, order: Order) -> None:
        """OFFERED: give the money back when the time to decide is over."""
        if order.is_past_deadline:
            await self.late.begin_ending(order.order_id, LATE_PAYMENT)

    async def answer(self, order: Order, *, is_taken: bool) -> None:
        """Do with an offer what its buyer wants; one that has ended stays as it ended.

        Raises PaymentUnknown, and the offer stands.
        """
        assert order.payment_id is not None
        if is_taken and (await self.payments.get(order.payment_id)).state in PAID:
            if await self.late.sell_offered(order.order_id) == OrderState.SOLD:
                metrics.ORDERS.labels(order.event_id, "sold").inc()
            return
        await self.late.begin_ending(order.order_id, LATE_PAYMENT)

    async def repay(self, order: Order, payment: Payment) -> None:
        """EXPIRING, the money was taken, and there is nothing to give for it: all of it goes back."""
        await self.late.repay(order.order_id, payment.amount_cents)
        log.warning("a late payment is given back", order=order.order_id)

    async def return_stray(self, payment_id: str) -> None:
        """Give back what came for an order that is released already, if anything has come.

        An order's end is final, and so nothing is sold for it any more. Raises PaymentUnknown and
        PaymentRefused, to be called again.
        """
        order_id = await self.late.released_with(payment_id)
        if order_id is None:
            return
        payment = await self.payments.get(payment_id)
        if payment.state == PaymentState.AUTHORIZED:
            payment = await self.payments.cancel(payment_id)
        if payment.state == PaymentState.CAPTURED:
            await self.late.repay(order_id, payment.amount_cents)
            log.warning("money came for a released order and is given back", order=order_id)


def _seats_of(layout: SeatLayout, lines: Sequence[OrderLine]) -> list[int]:
    return [layout.index_of[line.seat_id] for line in lines if line.seat_id is not None]


def _own_places(event: Event, layout: SeatLayout, lines: Sequence[OrderLine]) -> wishes.Wish:
    """Wish for what an order was for.

    They were theirs: neither the rule of single seats nor who a place is for is asked again.
    """
    if seats := _seats_of(layout, lines):
        return wishes.named_seats(event, layout, seats, is_theirs=True)
    return wishes.stock(lines[0].tier, lines[0].quantity)


def is_just(hold: Hold, seats: Sequence[int], lines: Sequence[OrderLine]) -> bool:
    """Say whether a hold has just the places of an order: its seats, or its stock."""
    stock = ("", 0) if seats else (lines[0].tier, lines[0].quantity)
    return sorted(hold.seat_indexes) == sorted(seats) and (hold.tier, hold.quantity) == stock


def is_what_was_asked(payment: Payment, order: Order) -> bool:
    """Say whether the provider has the order's amount, as PostgreSQL has it, in its currency."""
    return (payment.amount_cents, payment.currency) == (order.amount_cents, order.currency)
