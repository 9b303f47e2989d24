"""Everything a fan can run into that is not a bug.

BookingError
├── RequestInvalid, IdempotencyKeyMissing    the request does not say what it must
├── BodyTooLarge, NotFound, MethodNotAllowed, NotSignedIn, NotAllowed, CrossSite    what is asked, and by whom
├── SaleNotFound, EventNotFound
├── ReservationNotFound, OrderNotFound    also: not yours
├── TicketInvalid             no ticket for the line, or not one of ours
├── DeviceProofInvalid        the device key was not proven
├── TicketMoved               the place was moved to another device
├── MoveRefused               the place cannot be moved (any more)
├── MoveLinkInvalid           the link that moves a place does not count
├── AccessCodeInvalid         not an access code of this sale that can be used
├── BotCheckFailed            the proof of work does not count
├── NotAdmitted, PassExpired  no admission pass that counts
├── NotYours                  acting for somebody else
├── NotYourTurn               the place was not called yet
├── SaleNotOpen / SalePaused / SaleClosed
├── RosterNotSealed           the draw's roster is still growing
├── SeatsTaken                someone else holds or bought a wanted seat
├── SeatsKept, LeavesOrphan   the wanted seats are free, and not for this wish
├── SoldOut                   not enough left of what was asked for
├── OverSeatLimit             more seats than one fan may have
├── HeldLongEnough, HoldLost  others have their turn; the hold ran out before the sale
├── ExtensionRefused          the one extension was used
├── PaymentDeclined, CancelRefused    a bank says no; a sale is not cancelled
├── RequestInProgress         the same idempotency key is still being worked on
├── IdempotencyKeyReused      the same key with another body
├── TooManyRequests
├── StoreUnavailable          Redis or PostgreSQL did not answer in time; try again
├── OriginUnavailable         no server of the shop can be asked; nothing was done, try again
└── AnswerLost                the shop was asked and did not answer: it may have done it
"""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(eq=False)
class BookingError(Exception):
    """An expected refusal. Its fields go to the fan as they are: put no secrets in them."""

    code: ClassVar[str]


@dataclass(eq=False)  # none is frozen: contextlib must be able to set __traceback__
class RequestInvalid(BookingError):
    """A field of the request breaks a rule."""

    code = "request-invalid"
    field: str
    rule: str


@dataclass(eq=False)
class IdempotencyKeyMissing(BookingError):
    """Paying needs a key, so that a repeat cannot pay twice."""

    code = "idempotency-key-missing"


@dataclass(eq=False)
class BodyTooLarge(BookingError):
    """The body is over the limit of the call."""

    code = "body-too-large"
    bytes_max: int


@dataclass(eq=False)
class NotFound(BookingError):
    """No such page or call."""

    code = "not-found"


@dataclass(eq=False)
class SaleNotFound(BookingError):
    """No such sale."""

    code = "sale-not-found"


@dataclass(eq=False)
class EventNotFound(BookingError):
    """No such event."""

    code = "event-not-found"


@dataclass(eq=False)
class ReservationNotFound(BookingError):
    """No such reservation, or not the caller's."""

    code = "reservation-not-found"


@dataclass(eq=False)
class OrderNotFound(BookingError):
    """No such order, or not the caller's: which of the two is nobody's business."""

    code = "order-not-found"


@dataclass(eq=False)
class MethodNotAllowed(BookingError):
    """The address exists, the method does not."""

    code = "method-not-allowed"
    allowed: tuple[str, ...]


@dataclass(eq=False)
class TicketInvalid(BookingError):
    """There is no ticket with the request, or it is not one we signed for this sale."""

    code = "ticket-invalid"


@dataclass(eq=False)
class DeviceProofInvalid(BookingError):
    """The DPoP proof is missing, wrong, stale or replayed."""

    code = "device-proof-invalid"
    reason: str


@dataclass(eq=False)
class TicketMoved(BookingError):
    """The place was moved to another device, and counts only there."""

    code = "ticket-moved"


@dataclass(eq=False)
class MoveRefused(BookingError):
    """The place stays where it is, for a reason the fan may read.

    inside: a visit is going on; used: it was called and claimed; moved-before: once is all.
    """

    code = "move-refused"
    reason: str


@dataclass(eq=False)
class MoveLinkInvalid(BookingError):
    """The link that moves a place is invalid, expired, or was used by another device."""

    code = "move-link-invalid"
    reason: str


@dataclass(eq=False)
class AccessCodeInvalid(BookingError):
    """The access code is unknown here, used-up or revoked; nothing else has changed."""

    code = "access-code-invalid"
    reason: str


@dataclass(eq=False)
class BotCheckFailed(BookingError):
    """The proof of work does not count, for a reason the fan may read."""

    code = "bot-check-failed"
    reason: str


@dataclass(eq=False)
class NotAdmitted(BookingError):
    """What was asked for lies behind the waiting room."""

    code = "not-admitted"
    waiting_room_url: str


@dataclass(eq=False)
class PassExpired(BookingError):
    """The admission pass has run out."""

    code = "pass-expired"
    waiting_room_url: str


@dataclass(eq=False)
class NotYours(BookingError):
    """The request names somebody else as its fan."""

    code = "not-yours"


@dataclass(eq=False)
class NotYourTurn(BookingError):
    """The place was not called yet; or it was (`called`), and others enter before this fan."""

    code = "not-your-turn"
    retry_after: int
    ahead: int
    called: bool = False
    retry_after_ms: int | None = None  # the same as retry_after, for who can wait so exactly


@dataclass(eq=False)
class SaleNotOpen(BookingError):
    """The sale opens later."""

    code = "sale-not-open"
    opens_at: str


@dataclass(eq=False)
class RosterNotSealed(BookingError):
    """Fans still enter the draw: its roster is published when the sale opens."""

    code = "roster-not-sealed"
    retry_after: int


@dataclass(eq=False)
class SalePaused(BookingError):
    """The operator has paused the sale."""

    code = "sale-paused"
    reason: str


@dataclass(eq=False)
class SaleClosed(BookingError):
    """The sale is over."""

    code = "sale-closed"


@dataclass(eq=False)
class SeatsTaken(BookingError):
    """At least one of the wanted seats is gone; none was held. `offer` is held instead, if so."""

    code = "seats-taken"
    seat_ids: tuple[str, ...]
    offer: dict[str, Any] | None = None


@dataclass(eq=False)
class SoldOut(BookingError):
    """Not enough is left of what was asked for; nothing was held."""

    code = "sold-out"


@dataclass(eq=False)
class OverSeatLimit(BookingError):
    """More than one fan may have, held and bought together."""

    code = "over-seat-limit"
    seats_max: int


@dataclass(eq=False)
class HoldLost(BookingError):
    """The hold ran out, or was let go, before the sale."""

    code = "hold-lost"


@dataclass(eq=False)
class ExtensionRefused(BookingError):
    """A hold can be extended once."""

    code = "extension-refused"


@dataclass(eq=False)
class PaymentDeclined(BookingError):
    """The bank said no; the seats stay held until their clock runs out."""

    code = "payment-declined"
    decline_reason: str


@dataclass(eq=False)
class RequestInProgress(BookingError):
    """The first request with this idempotency key has not been answered yet."""

    code = "request-in-progress"
    retry_after: int


@dataclass(eq=False)
class IdempotencyKeyReused(BookingError):
    """The key came before with another body."""

    code = "idempotency-key-reused"


@dataclass(eq=False)
class TooManyRequests(BookingError):
    """Slow down. `policy` is what is allowed, as the RateLimit-Policy header writes it."""

    code = "too-many-requests"
    retry_after: int
    policy: str = ""


@dataclass(eq=False)
class StoreUnavailable(BookingError):
    """Redis or PostgreSQL did not answer in time; nothing is lost, ask again."""

    code = "store-unavailable"
    retry_after: int
