"""The refusals of the practice provider, in Stripe's words and shape.

StripeError
├── InvalidRequest     the request itself is wrong; nothing began, so no key remembers it
├── InvalidState       what was asked for cannot be done to this object now
├── CardDeclined       the bank said no
└── ProviderFailure    the provider is at fault; nobody knows what it did
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(eq=False)
class StripeError(Exception):
    """A refusal with the fields of Stripe's error object; `None` fields are left out."""

    message: str
    code: str | None = None
    param: str | None = None
    decline_code: str | None = None
    payment_intent: dict[str, object] | None = None
    status: int = 400
    type: ClassVar[str] = "invalid_request_error"

    def to_json(self) -> dict[str, object]:
        """Return the body of the answer."""
        members = {
            "type": self.type,
            "code": self.code,
            "decline_code": self.decline_code,
            "message": self.message,
            "param": self.param,
            "payment_intent": self.payment_intent,
        }
        return {"error": {name: value for name, value in members.items() if value is not None}}


class InvalidRequest(StripeError):
    """The request is malformed, names nothing we have, or may not be made."""


class InvalidState(StripeError):
    """The object is not in a state in which this can be done."""


class CardDeclined(StripeError):
    """The bank said no to the payment method; `payment_intent` shows where that leaves it."""

    type = "card_error"


class ProviderFailure(StripeError):
    """A fault of the provider's own."""

    type = "api_error"


class KeyMisused(InvalidRequest):
    """An idempotency key was used in a way that says nothing about what its first use did."""

    type = "idempotency_error"


def missing(param: str) -> InvalidRequest:
    """Return the refusal of a request without a parameter it needs."""
    return InvalidRequest(f"Missing required param: {param}.", "parameter_missing", param)


def no_such(kind: str, object_id: str, param: str, status: int = 404) -> InvalidRequest:
    """Return the refusal of a name that nothing has."""
    return InvalidRequest(
        f"No such {kind}: '{object_id}'", "resource_missing", param, status=status
    )
