"""Tells the shop what happened: signed, sent more than once if need be, in no promised order."""

import asyncio
import hashlib
import hmac
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import structlog

from booking_core.practice_provider.fault_plan import FaultPlan
from booking_core.practice_provider.stripe_objects import Json, event_json
from groundwork.clock import Clock, TokenSource
from groundwork.tls import CertificateError, trusting

# How long to wait before each try. Stripe goes on for three days; a rehearsal has minutes, and the
# shop must come to the right end without us anyway.
TRY_AFTER_MS: Final = (0, 1_000, 5_000, 30_000, 120_000)
# A shop that stores first and works later answers in milliseconds; Stripe gives it some seconds.
ANSWER_TIMEOUT_S: Final = 10
# Enough to keep up with 1,000 orders a second over loopback, not enough to flood the shop.
SENDING_MAX: Final = 16
# Some 2 KB each. What comes when so many wait already is not told at all.
WAITING_MAX: Final = 20_000

log = structlog.get_logger()


def sign(payload: bytes, secret: str, at_s: int) -> str:
    """Return Stripe's signature header for a payload sent at that second."""
    mac = hmac.new(secret.encode(), b"%d." % at_s + payload, hashlib.sha256)
    return f"t={at_s},v1={mac.hexdigest()}"


@dataclass
class WebhookCounts:
    """What became of the events so far."""

    delivered: int = 0
    given_up: int = 0
    not_told: int = 0


class Webhooks:
    """Sends events in the background; without an address it sends none."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        tokens: TokenSource,
        *,
        url: str,
        certificate: str,
        secret: str,
        copies: int,
        faults: FaultPlan,
    ) -> None:
        self._session = session
        self._certificate = certificate
        self._clock = clock
        self._tokens = tokens
        self._url = url
        self._secret = secret
        self._copies = copies
        self._faults = faults
        self._tasks: set[asyncio.Task[object]] = set()
        self._sending = asyncio.Semaphore(SENDING_MAX)
        self.counts = WebhookCounts()

    @property
    def waiting(self) -> int:
        """How many deliveries are still under way."""
        return len(self._tasks)

    def tell(self, kind: str, about: Json) -> None:
        """Tell the shop of an event about the object as it is now."""
        if not self._url:
            return
        event_id = f"evt_{self._tokens.token()}"
        payload = msgspec.json.encode(event_json(event_id, kind, self._clock.now_ms(), about))
        if self._faults.take("webhook_dropped"):
            self.counts.not_told += 1
            return
        late = self._faults.take("webhook_late")
        late_ms = late.delay_ms if late else 0
        copies = self._copies + (1 if self._faults.take("webhook_twice") else 0)
        for _ in range(copies):
            if len(self._tasks) >= WAITING_MAX:
                self.counts.not_told += 1
                continue
            self._background(self._deliver(event_id, payload, late_ms))
        if self._faults.take("webhook_forged"):
            # Whoever believed it would sell without money.
            forged = event_json(
                f"evt_{self._tokens.token()}",
                "payment_intent.succeeded",
                self._clock.now_ms(),
                about,
            )
            secret = self._tokens.token()
            self._background(self._send(msgspec.json.encode(forged), secret))

    def _background(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is under way; a shop must not depend on being told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, event_id: str, payload: bytes, late_ms: int) -> None:
        if late_ms:
            await self._clock.sleep_ms(late_ms)
        for wait_ms in TRY_AFTER_MS:
            if wait_ms:
                await self._clock.sleep_ms(wait_ms)
            async with self._sending:
                if await self._send(payload, self._secret):
                    self.counts.delivered += 1
                    return
        self.counts.given_up += 1
        log.warning("webhook given up", event_id=event_id)

    async def _send(self, payload: bytes, secret: str) -> bool:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(payload, secret, self._clock.now_ms() // 1000),
        }
        try:
            async with self._session.post(
                self._url,
                data=payload,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
                # Read for each event: the shop may show another one by now.
                ssl=trusting(Path(self._certificate)) if self._certificate else True,
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, CertificateError, TimeoutError):
            return False
