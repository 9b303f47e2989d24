"""What every provider that speaks Stripe's language is asked, and how its answers are read.

How a question gets there is the subclass's business: our own HTTP calls or the official library.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

import aiohttp
import msgspec

from booking_core.checkout import stripe_wire
from booking_core.checkout.payments import (
    DeclineReason,
    Payment,
    PaymentRefused,
    PaymentState,
    PaymentUnknown,
)
from groundwork.clock import Clock

# The buyer waits for this answer; after it, checkout says "being confirmed" (202) and goes on
# asking in the background. Most banks answer within three seconds.
CONFIRM_TIMEOUT_S: Final = 8.0
# Calls that ask no bank: the provider answers in milliseconds or is in trouble.
CALL_TIMEOUT_S: Final = 5.0
# A payment is about 1 KB; with every charge and note that Stripe may add, still far below this.
ANSWER_BYTES_MAX: Final = 256 * 1024
CHUNK_BYTES: Final = 16 * 1024  # most answers are one chunk
# Busy (429), or the first call with the same key still runs (409): nothing is known of that one.
UNKNOWN_STATUSES: Final = (409, 429)

Observe = Callable[[str, str, float], None]
Verb = Literal["create", "confirm", "get", "cancel", "capture", "refund"]
Params = Mapping[str, object]
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. `params` are Stripe's, nested; no `key`: asking twice does no harm."""

    verb: Verb
    payment_id: str
    params: Params
    key: str | None
    timeout_s: float


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What came back, unread."""

    status: int
    body: bytes
    is_replayed: bool  # to an earlier call with the same key: it shows what was true then

    @property
    def is_success(self) -> bool:
        """Say whether the provider did what was asked."""
        return 200 <= self.status < 300


class WirePayments(ABC):
    """Payments in Stripe's language; see `Payments` for what each call does.

    After every call `observe(call, outcome, seconds)` is told how it went: "ok", "declined",
    "refused" or "unknown". The time limits are parameters for tests alone.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        secret_key: str,
        clock: Clock,
        *,
        observe: Observe | None = None,
        confirm_timeout_s: float = CONFIRM_TIMEOUT_S,
        call_timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._secret_key = secret_key
        self._clock = clock
        self._observe = observe
        self._confirm_timeout_s = confirm_timeout_s
        self._call_timeout_s = call_timeout_s

    @abstractmethod
    async def _ask(self, ask: Ask) -> WireAnswer:
        """Ask once. Raises aiohttp.ClientError or TimeoutError when there was no answer."""

    async def create(
        self,
        order_id: str,
        attempt: int,
        amount_cents: int,
        currency: str,
        metadata: Mapping[str, str],
    ) -> Payment:
        """Make an unconfirmed payment that is captured by hand.

        One that stays unknown may be given up for the next attempt: it was never confirmed.
        """
        params = {
            "amount": amount_cents,
            "currency": currency.lower(),
            "capture_method": "manual",
            # What the account offers for this currency, less what cannot be captured by hand.
            "automatic_payment_methods": {"enabled": True},
            "metadata": metadata,
        }
        answer = await self._call("create", "", params, f"{order_id}:{attempt}:create")
        payment = self._payment("create", answer)
        return await self.get(payment.payment_id) if answer.is_replayed else payment

    async def confirm(
        self, payment_id: str, payment_method: str, order_id: str, attempt: int, return_url: str
    ) -> Payment:
        """Try the payment method; waits no longer than CONFIRM_TIMEOUT_S."""
        # What no encoding can carry becomes a question mark: the provider will not know it either.
        method = payment_method.encode(errors="replace").decode()
        answer = await self._call(
            "confirm",
            payment_id,
            {"payment_method": method, "return_url": return_url},
            f"{order_id}:{attempt}:confirm",
            self._confirm_timeout_s,
        )
        error = self._error("confirm", answer)
        if error and error.param == "payment_method":
            # The fan named a payment method that does not exist; it was not even tried.
            payment = await self.get(payment_id)
            is_new = payment.state is PaymentState.NEW
            return replace(payment, decline_reason=DeclineReason.DECLINED) if is_new else payment
        if answer.is_replayed:
            return await self.get(payment_id)
        return await self._payment_after("confirm", answer, error, payment_id)

    async def get(self, payment_id: str) -> Payment:
        """Return the payment as it is now."""
        return self._payment("get", await self._call("get", payment_id))

    async def cancel(self, payment_id: str) -> Payment:
        """End the payment, or return what it is when that is not possible."""
        # Without a key: a second cancellation does nothing, and a remembered refusal would hide
        # that cancelling has become possible since.
        answer = await self._call("cancel", payment_id)
        error = self._error("cancel", answer)
        return await self._payment_after("cancel", answer, error, payment_id)

    async def capture(self, payment_id: str, order_id: str) -> Payment:
        """Take the reserved money."""
        answer = await self._call("capture", payment_id, {}, f"{order_id}:capture")
        if answer.is_replayed and not answer.is_success:
            # The key is spent on an error and answers it for a day. Without one, money is still
            # taken once at most: only a reserved payment can be captured, and then it is not.
            answer = await self._call("capture", payment_id)
        error = self._error("capture", answer)
        return await self._payment_after("capture", answer, error, payment_id)

    async def refund(self, payment_id: str, amount_cents: int, order_id: str) -> None:
        """Give money back; what was given back whole before counts as done."""
        params = {"payment_intent": payment_id, "amount": amount_cents}
        answer = await self._call("refund", "", params, f"{order_id}:refund:{amount_cents}")
        error = self._error("refund", answer)
        if error is None:
            self._read("refund", answer, stripe_wire.Named)
        elif error.code != "charge_already_refunded":
            raise PaymentRefused("refund", answer.status, error.code or error.type)

    async def _call(
        self,
        verb: Verb,
        payment_id: str,
        params: Params | None = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> WireAnswer:
        began_ms = self._clock.monotonic_ms()
        outcome = "unknown"
        try:
            answer = await self._ask(
                Ask(verb, payment_id, params or {}, key, timeout_s or self._call_timeout_s)
            )
            outcome = _outcome(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PaymentUnknown(verb, type(error).__name__) from error
        finally:
            if self._observe:
                seconds = (self._clock.monotonic_ms() - began_ms) / 1000
                self._observe(verb, outcome, seconds)
        return answer

    def _error(self, call: str, answer: WireAnswer) -> stripe_wire.Error | None:
        """Return what the provider refused with, None for a success; raise what tells nothing."""
        if answer.is_success:
            return None
        if _outcome(answer) == "unknown":
            raise PaymentUnknown(call, f"status {answer.status}")
        error = self._read(call, answer, stripe_wire.ErrorBody).error
        if error.type == "idempotency_error":
            # What the first call with this key did is not known from this answer.
            raise PaymentUnknown(call, "idempotency_error")
        return error

    def _payment(self, call: str, answer: WireAnswer) -> Payment:
        error = self._error(call, answer)
        if error:
            raise PaymentRefused(call, answer.status, error.code or error.type)
        return self._shown(call, self._read(call, answer, stripe_wire.Intent))

    async def _payment_after(
        self, call: str, answer: WireAnswer, error: stripe_wire.Error | None, payment_id: str
    ) -> Payment:
        """Return the payment after a call that may have been refused for the state it is in."""
        if error is None:
            return self._payment(call, answer)
        if answer.status != 402 and error.code != "payment_intent_unexpected_state":
            raise PaymentRefused(call, answer.status, error.code or error.type)
        if error.payment_intent is None:
            return await self.get(payment_id)
        return self._shown(call, error.payment_intent)

    def _shown(self, call: str, intent: stripe_wire.Intent) -> Payment:
        payment = intent.to_payment()
        if payment is None:
            raise PaymentUnknown(call, f"state {intent.status}")
        return payment

    def _read(self, call: str, answer: WireAnswer, kind: type[Body]) -> Body:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PaymentUnknown(call, "unreadable answer") from error


def _outcome(answer: WireAnswer) -> str:
    if answer.is_success:
        return "ok"
    if not 400 <= answer.status < 500 or answer.status in UNKNOWN_STATUSES:
        return "unknown"
    return "declined" if answer.status == 402 else "refused"


async def read_bounded(call: str, response: aiohttp.ClientResponse) -> bytes:
    """Return the body. Raises PaymentUnknown when it is larger than any answer can be."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise PaymentUnknown(call, "answer too large")
    return bytes(body)
