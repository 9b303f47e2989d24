"""Speaks to a payment provider in Stripe's wire format; the practice provider is one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

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
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class _Answer:
    call: str
    status: int
    body: bytes
    is_replayed: bool  # to an earlier call with the same key: it shows what was true then

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class PracticePayments:
    """Payments over HTTP with the session it is given; see `Payments` for what each call does.

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
        self._headers = {
            "Authorization": f"Bearer {secret_key}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._clock = clock
        self._observe = observe
        self._confirm_timeout_s = confirm_timeout_s
        self._call_timeout_s = call_timeout_s

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
            "amount": str(amount_cents),
            "currency": currency.lower(),
            "capture_method": "manual",
            "payment_method_types[0]": "card",
        } | {f"metadata[{name}]": value for name, value in metadata.items()}
        answer = await self._post("create", "", params, f"{order_id}:{attempt}:create")
        payment = self._payment(answer)
        return await self.get(payment.payment_id) if answer.is_replayed else payment

    async def confirm(
        self, payment_id: str, payment_method: str, order_id: str, attempt: int, return_url: str
    ) -> Payment:
        """Try the payment method; waits no longer than CONFIRM_TIMEOUT_S."""
        answer = await self._post(
            "confirm",
            f"/{quote(payment_id, safe='')}/confirm",
            {"payment_method": payment_method, "return_url": return_url},
            f"{order_id}:{attempt}:confirm",
            self._confirm_timeout_s,
        )
        error = self._error(answer)
        if error and error.param == "payment_method":
            # The fan named a payment method that does not exist; it was not even tried.
            payment = await self.get(payment_id)
            is_new = payment.state is PaymentState.NEW
            return replace(payment, decline_reason=DeclineReason.DECLINED) if is_new else payment
        if answer.is_replayed:
            return await self.get(payment_id)
        return await self._payment_after(answer, error, payment_id)

    async def get(self, payment_id: str) -> Payment:
        """Return the payment as it is now."""
        path = f"/{quote(payment_id, safe='')}"
        return self._payment(await self._call("get", "GET", "payment_intents" + path))

    async def cancel(self, payment_id: str) -> Payment:
        """End the payment, or return what it is when that is not possible."""
        # Without a key: a second cancellation does nothing, and a remembered refusal would hide
        # that cancelling has become possible since.
        answer = await self._post("cancel", f"/{quote(payment_id, safe='')}/cancel", {})
        return await self._payment_after(answer, self._error(answer), payment_id)

    async def capture(self, payment_id: str, order_id: str) -> Payment:
        """Take the reserved money."""
        path = f"/{quote(payment_id, safe='')}/capture"
        answer = await self._post("capture", path, {}, f"{order_id}:capture")
        if answer.is_replayed and not answer.is_success:
            # The key is spent on an error and answers it for a day. Without one, money is still
            # taken once at most: only a reserved payment can be captured, and then it is not.
            answer = await self._post("capture", path, {})
        return await self._payment_after(answer, self._error(answer), payment_id)

    async def refund(self, payment_id: str, amount_cents: int, order_id: str) -> None:
        """Give money back; what was given back whole before counts as done."""
        answer = await self._call(
            "refund",
            "POST",
            "refunds",
            {"payment_intent": payment_id, "amount": str(amount_cents)},
            f"{order_id}:refund:{amount_cents}",
        )
        error = self._error(answer)
        if error is None:
            self._read(answer, stripe_wire.Named)
        elif error.code != "charge_already_refunded":
            raise PaymentRefused(answer.call, answer.status, error.code or error.type)

    async def _post(
        self,
        call: str,
        path: str,
        params: Mapping[str, str],
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> _Answer:
        return await self._call(call, "POST", f"payment_intents{path}", params, key, timeout_s)

    async def _call(
        self,
        call: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> _Answer:
        began_ms = self._clock.monotonic_ms()
        outcome = "unknown"
        try:
            async with self._session.request(
                method,
                URL(f"{self._base_url}/v1/{path}", encoded=True),
                data=_form(params),
                headers=self._headers | ({"Idempotency-Key": key} if key else {}),
                timeout=aiohttp.ClientTimeout(total=timeout_s or self._call_timeout_s),
                allow_redirects=False,
            ) as response:
                body = await _read_bounded(call, response)
                is_replayed = response.headers.get("Idempotent-Replayed") == "true"
                answer = _Answer(call, response.status, body, is_replayed)
            outcome = self._outcome(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PaymentUnknown(call, type(error).__name__) from error
        finally:
            if self._observe:
                seconds = (self._clock.monotonic_ms() - began_ms) / 1000
                self._observe(call, outcome, seconds)
        return answer

    def _outcome(self, answer: _Answer) -> str:
        if answer.is_success:
            return "ok"
        if not 400 <= answer.status < 500 or answer.status in UNKNOWN_STATUSES:
            return "unknown"
        return "declined" if answer.status == 402 else "refused"

    def _error(self, answer: _Answer) -> stripe_wire.Error | None:
        """Return what the provider refused with, None for a success; raise what tells nothing."""
        if answer.is_success:
            return None
        if self._outcome(answer) == "unknown":
            raise PaymentUnknown(answer.call, f"status {answer.status}")
        error = self._read(answer, stripe_wire.ErrorBody).error
        if error.type == "idempotency_error":
            # What the first call with this key did is not known from this answer.
            raise PaymentUnknown(answer.call, "idempotency_error")
        return error

    def _payment(self, answer: _Answer) -> Payment:
        error = self._error(answer)
        if error:
            raise PaymentRefused(answer.call, answer.status, error.code or error.type)
        return self._shown(answer.call, self._read(answer, stripe_wire.Intent))

    async def _payment_after(
        self, answer: _Answer, error: stripe_wire.Error | None, payment_id: str
    ) -> Payment:
        """Return the payment after a call that may have been refused for the state it is in."""
        if error is None:
            return self._payment(answer)
        if answer.status != 402 and error.code != "payment_intent_unexpected_state":
            raise PaymentRefused(answer.call, answer.status, error.code or error.type)
        if error.payment_intent is None:
            return await self.get(payment_id)
        return self._shown(answer.call, error.payment_intent)

    def _shown(self, call: str, intent: stripe_wire.Intent) -> Payment:
        payment = intent.to_payment()
        if payment is None:
            raise PaymentUnknown(call, f"state {intent.status}")
        return payment

    def _read(self, answer: _Answer, kind: type[Body]) -> Body:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PaymentUnknown(answer.call, "unreadable answer") from error


def _form(params: Mapping[str, str] | None) -> bytes | None:
    # What no encoding can carry becomes a question mark: the provider will not know it either.
    return None if params is None else urlencode(params, errors="replace").encode()


async def _read_bounded(call: str, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise PaymentUnknown(call, "answer too large")
    return bytes(body)
