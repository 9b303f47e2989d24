"""Tells the provider's webhooks from forged, old and broken ones."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

# Events are a few KB; what is larger is not one.
PAYLOAD_BYTES_MAX: Final = 256 * 1024
# While a secret is replaced, each of a few is signed with; more is somebody guessing.
SIGNATURES_MAX: Final = 8
HEADER_LENGTH_MAX: Final = 1024
# What Stripe makes ids of; anything else could not be stored or shown as it is.
NAME: Final = re.compile(r"[!-~]{1,255}")
# Ten digits last until the year 2286.
TIME: Final = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A genuine event. What it says may be overtaken: fetch the payment before acting on it.

    `provider_event_id` is the same for every delivery of it. `payment_id` is "" for an event that
    is not about a payment.
    """

    provider_event_id: str
    type: str
    payment_id: str


@dataclass(eq=False)
class WebhookRefused(Exception):
    """Not an event of the provider's, or not a fresh one; answer 400 and keep nothing of it."""

    reason: Literal["malformed", "forged", "too-old"]


class _About(msgspec.Struct):
    id: str
    object: str
    payment_intent: str | None = None


class _Data(msgspec.Struct):
    object: _About


class _Event(msgspec.Struct):
    id: str
    type: str
    data: _Data


EVENT: Final = msgspec.json.Decoder(_Event)


def verify(
    payload: bytes, header: str, secret: str, now_s: int, tolerance_s: int = 300
) -> WebhookEvent:
    """Return the event in the body of a webhook, if the provider sent it just now.

    `header` is `Stripe-Signature` as received, `payload` the body byte for byte. An event signed
    more than `tolerance_s` seconds ago (or ahead) could be a recording. Raises WebhookRefused.
    """
    assert secret, "an empty secret would let everybody sign"
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise WebhookRefused("malformed")
    at_s, signatures = _read_header(header)
    mac = hmac.new(secret.encode(), at_s.encode() + b"." + payload, hashlib.sha256)
    wanted = mac.hexdigest().encode()
    # Every one is compared, so that the time taken tells nothing.
    matches = [
        hmac.compare_digest(given.encode("utf-8", "replace"), wanted) for given in signatures
    ]
    if not any(matches):
        raise WebhookRefused("forged")
    if abs(now_s - int(at_s)) > tolerance_s:
        raise WebhookRefused("too-old")
    return _read_event(payload)


def _read_header(header: str) -> tuple[str, list[str]]:
    if len(header) > HEADER_LENGTH_MAX:
        raise WebhookRefused("malformed")
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not TIME.fullmatch(times[0]):
        raise WebhookRefused("malformed")
    if not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise WebhookRefused("malformed")
    return times[0], signatures


def _read_event(payload: bytes) -> WebhookEvent:
    try:
        event = EVENT.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WebhookRefused("malformed") from error
    about = event.data.object
    is_payment = about.object == "payment_intent"
    payment_id = about.id if is_payment else about.payment_intent or ""
    if not NAME.fullmatch(event.id) or (payment_id and not NAME.fullmatch(payment_id)):
        raise WebhookRefused("malformed")
    return WebhookEvent(event.id, event.type, payment_id)
