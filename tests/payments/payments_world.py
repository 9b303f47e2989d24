"""A practice provider on a real port, a shop that listens to it, and a clock that only we move."""

import asyncio
import heapq
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from booking_core.checkout.payments import Payment
from booking_core.checkout.practice_payments import PracticePayments
from booking_core.checkout.stripe_payments import StripePayments
from booking_core.checkout.wire_payments import WirePayments
from booking_core.practice_provider.app import make_provider_app
from booking_core.practice_provider.settings import ProviderSettings
from groundwork.clock import SystemTokenSource

SECRET_KEY = "sk_test_practice"
WEBHOOK_SECRET = "whsec_practice"
RETURN_URL = "https://shop.example/orders/1?from=bank"
# Both ways to speak Stripe's language: our own calls, and the official library.
CLIENTS = (PracticePayments, StripePayments)
START_MS = 1_800_000_000_000
# Far above what anything here takes, far below pytest's own limit.
PATIENCE_S = 10


class SteppedClock:
    """A clock that stands still until a test advances it."""

    def __init__(self) -> None:
        self._now_ms = START_MS
        self._serial = 0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._changed = asyncio.Condition()

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> float:
        return float(self._now_ms)

    async def sleep_ms(self, duration_ms: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._serial += 1
        entry = (self._now_ms + duration_ms, self._serial, future)
        async with self._changed:
            heapq.heappush(self._sleeping, entry)
            self._changed.notify_all()
        await future

    async def advance_ms(self, duration_ms: int) -> None:
        self._now_ms += duration_ms
        while self._sleeping and self._sleeping[0][0] <= self._now_ms:
            _, _, future = heapq.heappop(self._sleeping)
            if not future.done():
                future.set_result(None)

    async def wait_for_sleepers(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: self.sleepers >= count)

    @property
    def sleepers(self) -> int:
        return sum(not future.done() for _, _, future in self._sleeping)


@dataclass
class Shop:
    """Takes webhooks; answers them with the given statuses, then with 200."""

    answers: list[int] = field(default_factory=list)
    received: list[tuple[bytes, str]] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        payload = await request.read()
        async with self._changed:
            self.received.append((payload, request.headers["Stripe-Signature"]))
            self._changed.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return [json.loads(payload) for payload, _ in self.received]


@dataclass
class Answer:
    status: int
    json: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json["error"]
        return error


@dataclass
class World:
    url: str
    clock: SteppedClock
    session: aiohttp.ClientSession
    payments: WirePayments
    client: type[WirePayments]
    shop: Shop
    observed: list[tuple[str, str]]

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        key: str | None = None,
        secret_key: str = SECRET_KEY,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {secret_key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        text = urlencode(params or {})
        if method == "GET":
            url, data = f"{self.url}{path}?{text}", None
        else:
            url, data = f"{self.url}{path}", text
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self.session.request(method, url, data=data, headers=headers) as response:
            return Answer(response.status, await response.json(), response.headers)

    async def post(self, path: str, params: Any = None, key: str | None = None) -> Answer:
        return await self.call("POST", path, params, key)

    async def get(self, path: str, params: Any = None) -> Answer:
        return await self.call("GET", path, params)

    async def new(self, **params: object) -> str:
        """An intent of 25.00 euro, captured by hand; its id."""
        wanted = {"amount": 2500, "currency": "eur", "capture_method": "manual"} | params
        answer = await self.post("/v1/payment_intents", wanted)
        assert answer.status == 200, answer
        return str(answer.json["id"])

    async def confirmed(self, payment_method: str) -> Payment:
        """A fresh payment after one attempt, through the client."""
        payment = await self.payments.create("order-1", 1, 2500, "EUR", {"order": "order-1"})
        return await self.payments.confirm(
            payment.payment_id, payment_method, "order-1", 1, RETURN_URL
        )

    async def status(self, intent_id: str) -> str:
        return str((await self.get(f"/v1/payment_intents/{intent_id}")).json["status"])


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened_world(
    clock: SteppedClock | None = None,
    *,
    client: type[WirePayments] = PracticePayments,
    webhooks: bool = True,
    **settings: Any,
) -> AsyncIterator[World]:
    """A provider, its shop and a client; the same journal path makes it the same provider."""
    clock = clock or SteppedClock()
    shop = Shop()
    shop_app = web.Application()
    shop_app.router.add_post("/webhooks/payments/practice", shop.handle)
    observed: list[tuple[str, str]] = []
    async with served(shop_app) as shop_url, aiohttp.ClientSession() as session:
        if webhooks:
            settings["practice_webhook_url"] = f"{shop_url}/webhooks/payments/practice"
        provider = make_provider_app(
            ProviderSettings(
                payments_secret_key=SECRET_KEY,
                payments_webhook_secret=WEBHOOK_SECRET,
                **settings,
            ),
            clock,
            SystemTokenSource(),
        )
        async with served(provider) as url:
            payments = client(
                session,
                url,
                SECRET_KEY,
                clock,
                observe=lambda call, outcome, _seconds: observed.append((call, outcome)),
            )
            yield World(url, clock, session, payments, client, shop, observed)
