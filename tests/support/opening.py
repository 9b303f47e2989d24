"""Starts the whole system in this process, on the test stores: provider, gateway and shop, worker."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from booking_core.app import OPERATIONS as SHOP_OPERATIONS
from booking_core.app import make_app as make_core_app
from booking_core.checkout.app_keys import CHECKOUT
from booking_core.checkout.wire_payments import WirePayments
from booking_core.notifications.ticket_mails import ticket_mails
from booking_core.parts import open_parts
from booking_core.practice_provider.app import make_provider_app
from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from booking_core.worker import ShopWorker
from gateway.api_docs.published import PUBLISHED
from gateway.app import make_app as make_gateway_app
from gateway.app_keys import DOOR, PROOF_OF_WORK
from gateway.bot_checks.proof_of_work import ProofOfWork
from gateway.edge.shop_policy import OUR_SHOP, ShopPolicy
from gateway.origin.door import Door
from gateway.origin.in_process import InProcessDoor
from gateway.origin.opening import open_http_door
from gateway.origin.over_http import HttpDoor
from gateway.origin.settings import OriginSettings
from gateway.settings import GatewaySettings
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.front_runner import FrontRunner
from groundwork.keys import KeyRing
from groundwork.mail import make_mailer
from groundwork.mail_settings import MailSettings
from groundwork.postgres import open_pool
from groundwork.redis_address import client_of
from groundwork.redis_store import open_store
from lua.epochs import Epochs
from tests.support.documented import Documented
from tests.support.shop import Shop

SECRET_KEY = "sk_practice_of_the_tests"
WEBHOOK_SECRET = "whsec_practice_of_the_tests"
# Clients of the tests wait so long for the provider: "slow" is slower, everything else much faster.
CONFIRM_TIMEOUT_S = 0.4
# Far above what any step takes; only a hanging system gets here.
PATIENCE_S = 20.0


class NearCounters(random.Random):
    """Draws counters that are found at once: the work is a few tries, its form the real one."""

    def randint(self, a: int, b: int) -> int:
        return 2


@dataclass
class EarlierClock:
    """The machine's clock, set back: for tokens that have run out."""

    back_ms: int

    def now_ms(self) -> int:
        return SystemClock().now_ms() - self.back_ms

    def monotonic_ms(self) -> float:
        return SystemClock().monotonic_ms()

    async def sleep_ms(self, duration_ms: float) -> None:
        await asyncio.sleep(duration_ms / 1000)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(
    app: web.Application, port: int = 0, *, cancels_handlers: bool = False
) -> AsyncIterator[str]:
    """Serve an application on loopback; yields its address.

    With `cancels_handlers` a client that hangs up has its handler cancelled, as a stop does.
    """
    runner = FrontRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=1.0,
        auto_decompress=False,
        handler_cancellation=cancels_handlers,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def door_to(*urls: str, **settings: Any) -> AsyncIterator[HttpDoor]:
    """A door to shops at these addresses."""
    origin = OriginSettings(origin_urls=",".join(urls), **settings)
    async with open_http_door(origin, SystemClock(), random.Random()) as door:
        yield door


def hurry(payments: object, confirm_timeout_s: float = CONFIRM_TIMEOUT_S) -> None:
    """Make a client of the provider as impatient as the tests are."""
    assert isinstance(payments, WirePayments)
    payments._confirm_timeout_s = confirm_timeout_s


@asynccontextmanager
async def open_shop(
    redis_url: str,
    database_dsn: str,
    folder: Path,
    *,
    gateway: GatewaySettings | None = None,
    provider: dict[str, Any] | None = None,
    core: dict[str, Any] | None = None,
    webhooks: bool = False,
    flush: bool = True,
    is_core_apart: bool = False,
    origin: OriginSettings | None = None,
    policy: ShopPolicy = OUR_SHOP,
    cancels_handlers: bool = False,
    mail: MailSettings | None = None,
) -> AsyncIterator[Shop]:
    """Yield the system. It has the stores for itself: Redis is emptied first.

    With `is_core_apart` the shop is a server of its own, which the gateway reaches over HTTP; with
    `origin` another shop stands behind the gate, and ours beside it.
    """
    gateway = gateway or GatewaySettings(pacing_every_ms=50)
    core = core or {}
    clock = SystemClock()
    ring = KeyRing.generate(folder / f"keys-{random.randrange(10**9)}.json")
    port = free_port()
    told = core.get("payment_provider", "practice")
    provider_settings = ProviderSettings(
        payments_secret_key=SECRET_KEY,
        payments_webhook_secret=WEBHOOK_SECRET,
        practice_webhook_url=f"http://127.0.0.1:{port}/webhooks/payments/{told}" * webhooks,
        **{
            "practice_slow_ms": 1_200,
            "practice_settles_ms": 100,
            "practice_silence_ms": 3_000,
            **(provider or {}),
        },
    )
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        redis = client_of(redis_url, {"decode_responses": True})
        stack.push_async_callback(redis.aclose)
        if flush:
            await redis.flushall()
        provider_app = make_provider_app(provider_settings, clock, SystemTokenSource())
        provider_url = await enter(served(provider_app))
        settings = CoreSettings(
            payment_provider_url=provider_url,
            payments_secret_key=SECRET_KEY,
            payments_webhook_secret=WEBHOOK_SECRET,
            **core,
        )
        epochs = await enter(open_epochs(redis_url, database_dsn))

        @asynccontextmanager
        async def shared_epochs() -> AsyncIterator[Epochs]:
            yield epochs

        core_app = make_core_app(
            settings, ring, redis_url, shared_epochs, clock, mails_tickets=mail is not None
        )

        @asynccontextmanager
        async def open_door() -> AsyncIterator[Door]:
            if is_core_apart:
                async with served(core_app) as origin_url, door_to(origin_url) as door:
                    yield door
                return
            if origin is not None:
                async with (
                    served(core_app),
                    open_http_door(origin, clock, random.Random(), gateway.public_url) as door,
                ):
                    yield door
                return
            runner = web.AppRunner(core_app, access_log=None)
            await runner.setup()
            try:
                yield InProcessDoor(core_app)
            finally:
                await runner.cleanup()

        operations = SHOP_OPERATIONS if policy is OUR_SHOP else ()
        gateway_app = make_gateway_app(
            gateway, ring, shared_epochs, open_door, clock, policy,
            make_mailer(mail or MailSettings(), clock), operations,
        )  # fmt: skip
        gateway_app[PROOF_OF_WORK] = ProofOfWork(
            ring, clock, SystemTokenSource(), NearCounters(), riddles_max=128
        )
        url = await enter(served(gateway_app, port, cancels_handlers=cancels_handlers))
        await epochs.start()
        worker_epochs = await enter(open_epochs(redis_url, database_dsn))
        parts = await enter(open_parts(settings, ring, worker_epochs, clock))
        await worker_epochs.start()
        for payments in (core_app[CHECKOUT].payments, parts.checkout.payments):
            hurry(payments)
        yield Shop(
            url=url, provider_url=provider_url, ring=ring, clock=clock, pool=epochs.pool,
            redis=redis, epochs=epochs, gateway=gateway_app, core=core_app, provider=provider_app,
            parts=parts, worker=ShopWorker(
                parts, worker_epochs, clock,
                ticket_mails(parts, worker_epochs, settings, make_mailer(mail or MailSettings(), clock)),
            ),
            session=await enter(
                aiohttp.ClientSession(
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(limit=0),
                    timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
                )
            ),
            core_settings=settings,
            documented=Documented(gateway_app[PUBLISHED].plain),
            door=gateway_app[DOOR],
        )  # fmt: skip


@asynccontextmanager
async def open_epochs(redis_url: str, database_dsn: str) -> AsyncIterator[Epochs]:
    """One process's own view of the stores."""
    async with open_store(redis_url) as store, open_pool(database_dsn) as pool:
        epochs = Epochs(store, pool)
        try:
            yield epochs
        finally:
            await epochs.close()
