"""What checkout needs from a payment provider, whichever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PaymentState(StrEnum):
    """Where a payment stands at the provider."""

    NEW = "new"  # nothing is reserved; a payment method may be tried
    NEEDS_ACTION = "needs_action"  # the buyer must answer at `next_action_url`
    PROCESSING = "processing"  # the bank has not decided, and cannot be stopped
    AUTHORIZED = "authorized"  # the money is reserved, not taken
    CAPTURED = "captured"  # the money is taken; final, but for refunds
    CANCELLED = "cancelled"  # no money can be taken any more; final


class DeclineReason(StrEnum):
    """Why a bank said no, as far as a fan is told. Anything else is DECLINED.

    A lost or stolen card is DECLINED too: whoever holds it need not know.
    """

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient-funds"
    CARD_EXPIRED = "card-expired"
    CARD_DETAILS_WRONG = "card-details-wrong"
    CARD_NOT_SUPPORTED = "card-not-supported"
    AUTHENTICATION_FAILED = "authentication-failed"
    TRY_AGAIN = "try-again"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the provider showed it. Amounts are whole minor units of the currency.

    `currency` is the ISO 4217 code in capitals. `decline_reason` is a DeclineReason and says that
    the last attempt was refused; the state is NEW then. `next_action_url` comes with NEEDS_ACTION.
    """

    payment_id: str
    state: PaymentState
    amount_cents: int
    currency: str
    decline_reason: str | None = None
    next_action_url: str | None = None


@dataclass(eq=False)
class PaymentUnknown(Exception):
    """Nothing is known of what the call did: no answer, a broken one, a 5xx, a 409 or a 429.

    Ask again with `get`; never begin another attempt before the answer.
    """

    call: str
    why: str

    @property
    def is_failure(self) -> bool:
        """Whether the provider failed: it says the same to every repeat with the same key."""
        return self.why.startswith("status 5")


@dataclass(eq=False)
class PaymentRefused(Exception):
    """The provider will not do this, and nothing changed there.

    Not a decline: our account, our request or our bookkeeping is wrong. `code` is the provider's
    word ("resource_missing": it has no such payment); `status` is its HTTP status.
    """

    call: str
    status: int
    code: str


class Payments(Protocol):
    """A payment provider. Nothing in here tries twice: what to do next is the caller's decision.

    Every method raises PaymentUnknown and PaymentRefused as described there.
    """

    async def create(
        self,
        order_id: str,
        attempt: int,
        amount_cents: int,
        currency: str,
        metadata: Mapping[str, str],
    ) -> Payment:
        """Make a payment that moves no money yet. Repeated for the same attempt: the same one."""
        ...

    async def confirm(
        self, payment_id: str, payment_method: str, order_id: str, attempt: int, return_url: str
    ) -> Payment:
        """Try the payment method, and return where that left the payment.

        A decline is a payment in state NEW with a reason. Repeated for the same attempt, nothing
        is tried twice; each further payment method needs a new attempt.
        """
        ...

    async def get(self, payment_id: str) -> Payment:
        """Return the payment as it is now."""
        ...

    async def cancel(self, payment_id: str) -> Payment:
        """See to it that no money can be taken, and return the payment.

        Only state CANCELLED means that it worked, now or earlier. CAPTURED means it came too
        late; PROCESSING that the bank is at it: ask again. Safe to repeat.
        """
        ...

    async def capture(self, payment_id: str, order_id: str) -> Payment:
        """Take the reserved money, and return the payment: CAPTURED, now or earlier.

        Any other state means that there was nothing to take. Safe to repeat.
        """
        ...

    async def refund(self, payment_id: str, amount_cents: int, order_id: str) -> None:
        """Give captured money back. Repeated with the same order and amount, it is given once.

        For every amount there is thus one refund per order. PaymentRefused when less was captured.
        """
        ...
