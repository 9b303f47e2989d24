"""Stripe's JSON, read into our own words."""

from collections.abc import Mapping
from typing import Final

import msgspec

from booking_core.checkout.payments import DeclineReason, Payment, PaymentState

STATES: Final[Mapping[str, PaymentState]] = {
    "requires_payment_method": PaymentState.NEW,
    "requires_confirmation": PaymentState.NEW,
    "requires_action": PaymentState.NEEDS_ACTION,
    "processing": PaymentState.PROCESSING,
    "requires_capture": PaymentState.AUTHORIZED,
    "succeeded": PaymentState.CAPTURED,
    "canceled": PaymentState.CANCELLED,
}
# Stripe's `decline_code`, or `code` where there is none; what is not here is just DECLINED.
DECLINE_REASONS: Final[Mapping[str, DeclineReason]] = {
    "insufficient_funds": DeclineReason.INSUFFICIENT_FUNDS,
    "withdrawal_count_limit_exceeded": DeclineReason.INSUFFICIENT_FUNDS,
    "card_velocity_exceeded": DeclineReason.INSUFFICIENT_FUNDS,
    "expired_card": DeclineReason.CARD_EXPIRED,
    "incorrect_cvc": DeclineReason.CARD_DETAILS_WRONG,
    "invalid_cvc": DeclineReason.CARD_DETAILS_WRONG,
    "incorrect_number": DeclineReason.CARD_DETAILS_WRONG,
    "invalid_number": DeclineReason.CARD_DETAILS_WRONG,
    "incorrect_zip": DeclineReason.CARD_DETAILS_WRONG,
    "invalid_expiry_month": DeclineReason.CARD_DETAILS_WRONG,
    "invalid_expiry_year": DeclineReason.CARD_DETAILS_WRONG,
    "card_not_supported": DeclineReason.CARD_NOT_SUPPORTED,
    "currency_not_supported": DeclineReason.CARD_NOT_SUPPORTED,
    "authentication_required": DeclineReason.AUTHENTICATION_FAILED,
    "payment_intent_authentication_failure": DeclineReason.AUTHENTICATION_FAILED,
    "processing_error": DeclineReason.TRY_AGAIN,
    "issuer_not_available": DeclineReason.TRY_AGAIN,
    "reenter_transaction": DeclineReason.TRY_AGAIN,
    "try_again_later": DeclineReason.TRY_AGAIN,
}


class Redirect(msgspec.Struct, frozen=True):
    """Where the buyer must go."""

    url: str


class NextAction(msgspec.Struct, frozen=True):
    """What the buyer must do."""

    redirect_to_url: Redirect | None = None


class CardError(msgspec.Struct, frozen=True):
    """Why the last attempt failed."""

    code: str | None = None
    decline_code: str | None = None


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent, as far as we need it."""

    id: str
    status: str
    amount: int
    currency: str
    last_payment_error: CardError | None = None
    next_action: NextAction | None = None

    def to_payment(self) -> Payment | None:
        """Return it as a payment, or None when it is in a state we do not know."""
        state = STATES.get(self.status)
        if state is None:
            return None
        error = self.last_payment_error if state is PaymentState.NEW else None
        redirect = self.next_action and self.next_action.redirect_to_url
        return Payment(
            payment_id=self.id,
            state=state,
            amount_cents=self.amount,
            currency=self.currency.upper(),
            decline_reason=decline_reason(error) if error else None,
            next_action_url=redirect.url if redirect else None,
        )


class Error(msgspec.Struct, frozen=True):
    """Stripe's error object."""

    type: str = ""
    code: str = ""
    param: str = ""
    payment_intent: Intent | None = None


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: Error


class Named(msgspec.Struct, frozen=True):
    """Any object of Stripe's; here, a refund."""

    id: str


def decline_reason(error: CardError) -> DeclineReason:
    """Return what a fan is told of a bank's refusal."""
    return DECLINE_REASONS.get(error.decline_code or error.code or "", DeclineReason.DECLINED)
