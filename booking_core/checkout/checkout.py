"""Paying for a reservation: claim, authorise, sell, one resumable step at a time.

The protocol is drawn in docs/architecture.md. Every outside call is safe to repeat, and every move of
the order is a statement that wins or loses, so that whoever finds an order can carry it on: the
request that began it, a webhook, or the worker after a crash.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from booking_core import metrics
from booking_core.checkout.late_payments import LatePayments, is_what_was_asked
from booking_core.checkout.payments import (
    DeclineReason,
    Payment,
    PaymentRefused,
    Payments,
    PaymentState,
    PaymentUnknown,
)
from booking_core.ledger.cancellations import Cancellations
from booking_core.ledger.late_orders import LATE_PAYMENT
from booking_core.ledger.order import FINAL, Order, OrderState
from booking_core.ledger.orders import Orders
from booking_core.seats.holds import SeatHolds
from groundwork.errors import StoreUnavailable

# Moves a run makes at most: claim, authorise, expire, let go, expire, release, and a race lost or two.
MOVES_MAX: Final = 8
# One payment for one order; another card is another order.
ATTEMPT: Final = 1

log = structlog.get_logger()

# A step returns the order as it is after it, or None to have it read.
Step = Callable[["Checkout", Order], Awaitable[Order | None]]


@dataclass(frozen=True, slots=True)
class Checkout:
    """Carries orders from CLAIMED to SOLD or RELEASED."""

    orders: Orders
    payments: Payments
    holds: SeatHolds
    return_url: Callable[[str], str]
    late: LatePayments
    cancellations: Cancellations

    async def run(self, order_id: str, known: Order | None = None) -> Order:
        """Carry the order as far as it goes now, and return it. Safe to call twice, or at once.

        An order that is not final afterwards waits for the buyer, the bank or the provider. Who has just
        read it hands it in as `known`.
        """
        order = known or await self._read(order_id)
        for _ in range(MOVES_MAX):
            if order.state in FINAL:
                break
            moved = await STEPS[order.state](self, order) or await self._read(order_id)
            if moved.state == order.state:
                return moved
            order = moved
        return order

    async def _read(self, order_id: str) -> Order:
        order = await self.orders.read(order_id)
        assert order is not None, f"there is no order {order_id}"
        return order

    async def _begin(self, order: Order) -> Order | None:
        """CLAIMED: make the payment and store it, and only then try the buyer's payment method."""
        if order.is_past_deadline:
            await self.orders.begin_expiring(order.order_id, "deadline")
            return None
        if order.is_free:
            return await self._sell(order)  # no provider makes a payment of nothing
        try:
            payment_id = order.payment_id or await self._create(order)
            if await self.orders.begin_authorizing(order.order_id, payment_id):
                return await self._attempt(order, payment_id)
        except PaymentUnknown as unknown:
            self._note_unknown(order, unknown)
            if unknown.call == "create" and unknown.is_failure:
                await self._end_failed(order)
        except PaymentRefused as refusal:
            await self._give_up(order, "provider-error", refusal)
        return None

    async def _authorize(self, order: Order) -> Order | None:
        """AUTHORIZING, found by somebody else than who began: ask before trying anything."""
        assert order.payment_id is not None
        try:
            payment = await self.payments.get(order.payment_id)
            if is_untried(payment) and not order.is_past_deadline:
                # Never sent, or still on its way: the same attempt again is not a second one.
                return await self._attempt(order, order.payment_id)
        except PaymentUnknown as unknown:
            self._note_unknown(order, unknown)
            if order.is_past_deadline:
                await self.orders.begin_expiring(order.order_id, "deadline")
        except PaymentRefused as refusal:
            await self._give_up(order, "provider-error", refusal)
        else:
            return await self._follow(order, payment)
        return None

    async def _attempt(self, order: Order, payment_id: str) -> Order | None:
        """Try the buyer's payment method once, and do what came of it."""
        try:
            payment = await self.payments.confirm(
                payment_id,
                order.payment_method,
                order.order_id,
                ATTEMPT,
                self.return_url(order.order_id),
            )
        except PaymentUnknown as unknown:
            payment = await self.payments.get(payment_id)
            if is_untried(payment):
                if unknown.is_failure:
                    await self._end_failed(order)
                    return None
                raise
        return await self._follow(order, payment)

    async def _follow(self, order: Order, payment: Payment) -> Order | None:
        """Move the order to where its payment stands."""
        if not is_what_was_asked(payment, order):
            await self._give_up(order, "provider-error", payment)
            return None
        match payment.state:
            case PaymentState.AUTHORIZED | PaymentState.CAPTURED:
                return await self._sell(order)
            case PaymentState.NEW if payment.decline_reason is not None:
                await self.orders.begin_expiring(
                    order.order_id, "payment-declined", payment.decline_reason
                )
                return None
            case PaymentState.CANCELLED:
                await self.orders.begin_expiring(order.order_id, "provider-error")
                return None
            case PaymentState.NEEDS_ACTION if payment.next_action_url:
                await self.orders.note_next_action(order.order_id, payment.next_action_url)
            case _:
                pass
        if order.is_past_deadline:
            await self.orders.begin_expiring(order.order_id, "deadline")
        return None

    async def _sell(self, order: Order) -> Order:
        settled = await self.orders.sell(order.order_id)
        if settled.state == OrderState.SOLD:
            metrics.ORDERS.labels(order.event_id, "sold").inc()
        return settled

    async def _expire(self, order: Order) -> Order:
        """EXPIRING: end it if it can be ended; while it cannot, its places do not seem free."""
        await self._end(order)
        after = await self._read(order.order_id)
        if after.state == OrderState.EXPIRING and not after.is_let_go:
            await self.late.keep(after)
        return after

    async def _end(self, order: Order) -> None:
        """Release only once the payment is provably dead. Nobody else decides from here."""
        payment = None
        try:
            payment_id = order.payment_id
            if payment_id is None and not order.is_free:
                # It may have been made just before a crash; making it again finds it.
                payment_id = await self._create(order)
                await self.orders.note_payment(order.order_id, payment_id)
            if payment_id is not None:
                payment = await self.payments.cancel(payment_id)
        except PaymentUnknown as unknown:
            if order.payment_id is not None or not unknown.is_failure:
                return  # the seats stay blocked and the money safe; the worker asks again
            # Making it fails, and will for a day. If it was made after all, nobody can try it: only a
            # stored payment is tried, and from EXPIRING none is stored but to be cancelled.
        except PaymentRefused as refusal:
            # One that was never stored was never tried, and if it cannot even be made (a total the
            # provider does not take) there is nothing to cancel.
            if order.payment_id is not None and refusal.code != "resource_missing":
                log.error("a payment cannot be cancelled", order=order.order_id, code=refusal.code)
                return
        if payment is None or payment.state == PaymentState.CANCELLED:
            if await self.orders.release(order.order_id) == OrderState.RELEASED:
                is_declined = order.release_reason == "payment-declined"
                outcome = "declined" if is_declined else "released"
                metrics.ORDERS.labels(order.event_id, outcome).inc()
                if is_declined:
                    await self._let_change(order)
        elif payment.state == PaymentState.PROCESSING and not order.is_let_go:
            await self.late.let_go(order)
        elif payment.state == PaymentState.CAPTURED:
            await self._end_paid(order, payment)

    async def _let_change(self, order: Order) -> None:
        """Let a buyer who still holds the seats have others: nothing is paid for any more.

        A buyer whose time was over before is not there, and what was held on for us goes to others.
        """
        # Not told, it may be changed when the time of a payment is over.
        with suppress(StoreUnavailable):
            if order.is_past_deadline and await self.late.is_newest(order):
                await self.holds.release(order.reservation_id, order.fan_id)
            else:
                await self.holds.end_payment(order.reservation_id, order.fan_id, order.order_id)

    async def _end_paid(self, order: Order, payment: Payment) -> None:
        """EXPIRING, and the money was taken before we could stop it."""
        has_places = not order.is_let_go and order.release_reason != LATE_PAYMENT
        if not has_places or not is_what_was_asked(payment, order):
            await self.late.repay(order, payment)
        elif (await self.orders.sell_late(order.order_id)).state == OrderState.SOLD:
            # The seats are still theirs.
            metrics.ORDERS.labels(order.event_id, "sold").inc()

    async def _await(self, order: Order) -> None:
        """AWAITED: what the bank decides in the end is worth what can still be given for it."""
        await self.late.look(order)

    async def _offer(self, order: Order) -> None:
        """OFFERED: the buyer decides, until the deadline."""
        await self.late.end_offer(order)

    async def _create(self, order: Order) -> str:
        """Return the order's payment at the provider: made by the first call, found by every other."""
        payment = await self.payments.create(
            order.order_id,
            ATTEMPT,
            order.amount_cents,
            order.currency,
            {
                "order_id": order.order_id,
                "event_id": order.event_id,
                "reservation_id": order.reservation_id,
            },
        )
        return payment.payment_id

    async def capture(self, order_id: str) -> None:
        """Take the money of a sold order (the outbox's handler for kind capture).

        One that was cancelled first is let go instead. Raises PaymentUnknown or PaymentRefused, and is
        then called again.
        """
        order = await self._read(order_id)
        if order.is_free:
            await self.orders.note_captured(order_id)  # all of it, which is nothing
            return
        assert order.payment_id is not None
        if order.state == OrderState.CANCELLED:
            payment = await self.payments.cancel(order.payment_id)
            if payment.state == PaymentState.CANCELLED:
                await self.cancellations.note_voided(order_id)
                return
        else:
            assert order.state == OrderState.SOLD, f"{order_id} is {order.state}: too early"
            payment = await self.payments.capture(order.payment_id, order_id)
        if payment.state != PaymentState.CAPTURED:
            raise PaymentRefused("capture", 0, f"the payment is {payment.state}")
        await self.orders.note_captured(order_id)

    async def _end_failed(self, order: Order) -> None:
        """End an order whose provider failed, and says the same to every repeat of the call.

        Only another order with another payment can succeed. Cancelling makes sure this one cannot.
        """
        await self.orders.begin_expiring(
            order.order_id, "payment-declined", DeclineReason.TRY_AGAIN
        )

    async def _give_up(self, order: Order, reason: str, why: object) -> None:
        log.error("a payment went wrong", order=order.order_id, why=repr(why))
        await self.orders.begin_expiring(order.order_id, reason)

    def _note_unknown(self, order: Order, unknown: PaymentUnknown) -> None:
        log.info(
            "a payment's outcome is not known yet", order=order.order_id, call=unknown.call,
            why=unknown.why,
        )  # fmt: skip


def is_untried(payment: Payment) -> bool:
    """Say whether no payment method was tried yet, as far as the provider knows."""
    return payment.state == PaymentState.NEW and payment.decline_reason is None


STEPS: Final[Mapping[OrderState, Step]] = {
    OrderState.CLAIMED: Checkout._begin,  # noqa: SLF001 (its own methods)
    OrderState.AUTHORIZING: Checkout._authorize,  # noqa: SLF001
    OrderState.EXPIRING: Checkout._expire,  # noqa: SLF001
    OrderState.AWAITED: Checkout._await,  # noqa: SLF001
    OrderState.OFFERED: Checkout._offer,  # noqa: SLF001
}
