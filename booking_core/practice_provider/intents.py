"""A payment intent and the steps it can take; every step returns a new one and changes nothing."""

from collections.abc import Collection
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from booking_core.practice_provider.stripe_errors import InvalidRequest, InvalidState

Status = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
]
CaptureMethod = Literal["automatic", "automatic_async", "manual"]

CONFIRMABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
CAPTURABLE: Final = ("requires_capture",)
# Not `processing`: the bank is at it, and a cancellation could come too late. Ask again.
CANCELABLE: Final = (*CONFIRMABLE, *CAPTURABLE)
# More partial refunds than any order has seats.
REFUNDS_MAX: Final = 50


class CardRefusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the last attempt failed: `last_payment_error` of the intent."""

    code: str
    message: str
    payment_method: str
    decline_code: str | None = None


class Refund(msgspec.Struct, frozen=True, omit_defaults=True):
    """Money given back, in minor units."""

    id: str
    amount: int
    created_at_ms: int
    reason: str | None = None
    metadata: dict[str, str] = {}


class Intent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to be paid. Amounts are in minor units; times are milliseconds since 1970.

    `charge_id` names the last attempt at a payment method. `challenge_id` names the page on which
    the buyer must prove to be the card's owner; each confirmation makes a new one. While the bank
    takes its time, `settles_at_ms` is when it will have decided.
    """

    id: str
    created_at_ms: int
    amount: int
    currency: str
    capture_method: CaptureMethod
    client_secret: str
    status: Status = "requires_payment_method"
    metadata: dict[str, str] = {}
    description: str | None = None
    receipt_email: str | None = None
    payment_method: str | None = None
    return_url: str | None = None
    charge_id: str | None = None
    challenge_id: str | None = None
    last_refusal: CardRefusal | None = None
    settles_at_ms: int | None = None
    amount_capturable: int = 0
    amount_received: int = 0
    refunds: tuple[Refund, ...] = ()
    authorized_at_ms: int | None = None
    captured_at_ms: int | None = None
    canceled_at_ms: int | None = None
    cancellation_reason: str | None = None

    @property
    def amount_refunded(self) -> int:
        """What was given back so far."""
        return sum(refund.amount for refund in self.refunds)


def begin_attempt(
    intent: Intent, payment_method: str, charge_id: str, return_url: str | None
) -> Intent:
    """Return the intent with a new attempt begun; what an earlier one left is void."""
    _require(intent, "confirmed", CONFIRMABLE)
    return replace(
        intent,
        payment_method=payment_method,
        charge_id=charge_id,
        return_url=return_url or intent.return_url,
        challenge_id=None,
        last_refusal=None,
    )


def process_until(intent: Intent, settles_at_ms: int) -> Intent:
    """Return the intent while the bank takes its time."""
    return replace(intent, status="processing", settles_at_ms=settles_at_ms)


def challenge(intent: Intent, challenge_id: str) -> Intent:
    """Return the intent waiting for the buyer to answer on the bank's page."""
    return replace(intent, status="requires_action", challenge_id=challenge_id)


def authorize(intent: Intent, now_ms: int) -> Intent:
    """Return the intent with the money reserved, or taken if it is not captured by hand."""
    authorized = replace(
        intent,
        status="requires_capture",
        amount_capturable=intent.amount,
        authorized_at_ms=now_ms,
        settles_at_ms=None,
    )
    return authorized if intent.capture_method == "manual" else capture(authorized, None, now_ms)


def decline(intent: Intent, refusal: CardRefusal) -> Intent:
    """Return the intent ready for another payment method."""
    return replace(
        intent,
        status="requires_payment_method",
        payment_method=None,
        last_refusal=refusal,
        settles_at_ms=None,
    )


def capture(intent: Intent, amount: int | None, now_ms: int) -> Intent:
    """Return the intent with the money taken: all of it, or `amount` and the rest let go.

    Raises InvalidState when nothing is reserved, InvalidRequest when more is asked for than is.
    """
    _require(intent, "captured", CAPTURABLE)
    taken = intent.amount_capturable if amount is None else amount
    if taken > intent.amount_capturable:
        raise InvalidRequest(
            f"The amount to capture ({taken}) is greater than the amount that can be captured "
            f"({intent.amount_capturable}).",
            "amount_too_large",
            "amount_to_capture",
        )
    return replace(
        intent,
        status="succeeded",
        amount_capturable=0,
        amount_received=taken,
        captured_at_ms=now_ms,
    )


def cancel(intent: Intent, reason: str | None, now_ms: int) -> Intent:
    """Return the intent ended without payment; reserved money is let go. Raises InvalidState."""
    _require(intent, "canceled", CANCELABLE)
    return replace(
        intent,
        status="canceled",
        amount_capturable=0,
        challenge_id=None,
        canceled_at_ms=now_ms,
        cancellation_reason=reason,
    )


def refund(intent: Intent, given_back: Refund) -> Intent:
    """Return the intent with some of its money given back.

    Raises InvalidState when there is none to give, InvalidRequest when it is not enough.
    """
    if intent.status != "succeeded":
        raise InvalidState(
            f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
            "payment_intent_unexpected_state",
        )
    left = intent.amount_received - intent.amount_refunded
    if left == 0:
        raise InvalidState(
            f"Charge {intent.charge_id} has already been refunded.", "charge_already_refunded"
        )
    if given_back.amount > left or len(intent.refunds) >= REFUNDS_MAX:
        raise InvalidRequest(
            f"Refund amount ({given_back.amount}) is greater than unrefunded amount on charge "
            f"({left}), or there were {REFUNDS_MAX} refunds before.",
            param="amount",
        )
    return replace(intent, refunds=(*intent.refunds, given_back))


def _require(intent: Intent, what: str, statuses: Collection[str]) -> None:
    if intent.status not in statuses:
        raise InvalidState(
            f"This PaymentIntent could not be {what} because it has a status of {intent.status}. "
            f"Only a PaymentIntent with one of the following statuses may be {what}: "
            f"{', '.join(statuses)}.",
            "payment_intent_unexpected_state",
        )
