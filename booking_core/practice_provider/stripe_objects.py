"""Intents, charges, refunds and events as Stripe writes them."""

from collections.abc import Collection, Mapping
from typing import Final

from booking_core.practice_provider.intents import CardRefusal, Intent, Refund

Json = dict[str, object]

# The name of the API version whose shapes are spoken: charges are named, not embedded.
API_VERSION: Final = "2024-06-20"


def intent_json(intent: Intent, pages_url: str, expand: Collection[str] = ()) -> Json:
    """Return a PaymentIntent; `pages_url` is where the provider's own pages are."""
    is_expanded = "latest_charge" in expand and intent.charge_id
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "automatic_payment_methods": None,
        "canceled_at": _seconds(intent.canceled_at_ms),
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": "automatic",
        "created": _seconds(intent.created_at_ms),
        "currency": intent.currency,
        "customer": None,
        "description": intent.description,
        "last_payment_error": intent.last_refusal and refusal_json(intent.last_refusal),
        "latest_charge": charge_json(intent) if is_expanded else intent.charge_id,
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": _next_action(intent, pages_url),
        "payment_method": intent.payment_method,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": {"type": "card"} if intent.status == "processing" else None,
        "receipt_email": intent.receipt_email,
        "setup_future_usage": None,
        "status": intent.status,
    }


def charge_json(intent: Intent) -> Json:
    """Return the Charge of the intent's last attempt."""
    is_authorized = intent.authorized_at_ms is not None
    refunded = intent.amount_refunded
    status = "succeeded" if is_authorized else "failed" if intent.last_refusal else "pending"
    return {
        "id": intent.charge_id,
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": intent.amount_received,
        "amount_refunded": refunded,
        "captured": intent.captured_at_ms is not None,
        "created": _seconds(intent.authorized_at_ms or intent.created_at_ms),
        "currency": intent.currency,
        "failure_code": intent.last_refusal and intent.last_refusal.code,
        "failure_message": intent.last_refusal and intent.last_refusal.message,
        "livemode": False,
        "metadata": intent.metadata,
        "paid": is_authorized,
        "payment_intent": intent.id,
        "payment_method": intent.payment_method,
        "refunded": 0 < refunded == intent.amount_received,
        "status": status,
    }


def refund_json(intent: Intent, refund: Refund) -> Json:
    """Return a Refund."""
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "charge": intent.charge_id,
        "created": _seconds(refund.created_at_ms),
        "currency": intent.currency,
        "metadata": refund.metadata,
        "payment_intent": intent.id,
        "reason": refund.reason,
        "status": "succeeded",
    }


def refusal_json(refusal: CardRefusal) -> Json:
    """Return the error object that an intent keeps of its last failed attempt."""
    members = {
        "type": "card_error",
        "code": refusal.code,
        "decline_code": refusal.decline_code,
        "message": refusal.message,
    }
    return {name: value for name, value in members.items() if value is not None}


def list_json(url: str, items: list[Json], *, has_more: bool) -> Json:
    """Return a page of a list."""
    return {"object": "list", "data": items, "has_more": has_more, "url": url}


def event_json(event_id: str, kind: str, created_at_ms: int, about: Mapping[str, object]) -> Json:
    """Return an Event with the object it is about, as it was then."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": _seconds(created_at_ms),
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def page_path(intent: Intent) -> str:
    """Return the path of the page where the buyer is asked: for a card, or whether it is theirs."""
    assert intent.challenge_id
    kind = "card" if intent.challenge_id.startswith("card_") else "3ds"
    return f"/{kind}/{intent.challenge_id}"


def _next_action(intent: Intent, pages_url: str) -> Json | None:
    if intent.status != "requires_action":
        return None
    return {
        "type": "redirect_to_url",
        "redirect_to_url": {
            "url": f"{pages_url}{page_path(intent)}",
            "return_url": intent.return_url,
        },
    }


def _seconds(moment_ms: int | None) -> int | None:
    return None if moment_ms is None else moment_ms // 1000
