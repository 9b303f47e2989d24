"""The composition roots: the only places where parts are joined and real resources opened."""

import asyncio
import random
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from aiohttp import web

from booking_core.app import OPERATIONS as SHOP_OPERATIONS
from booking_core.app import make_app as make_core_app
from booking_core.notifications.ticket_mails import ticket_mails
from booking_core.parts import open_parts
from booking_core.practice_provider.app import make_provider_app
from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from booking_core.worker import ShopWorker
from gateway.app import make_app as make_gateway_app
from gateway.app_keys import CLIENT_ADDRESSES
from gateway.edge.shop_policy import OUR_SHOP, ShopPolicy
from gateway.edge.to_https import make_redirect_app
from gateway.origin.door import Door
from gateway.origin.in_process import InProcessDoor
from gateway.origin.opening import open_http_door
from gateway.origin.settings import OriginSettings
from gateway.settings import GatewaySettings
from gateway.worker import RoomWorker
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.connection_watch import ConnectionLimits
from groundwork.front_runner import FrontRunner, nobody
from groundwork.front_site import FrontSite
from groundwork.keys import KeyRing
from groundwork.mail import make_mailer
from groundwork.mail_settings import MailSettings
from groundwork.metrics import process_metrics
from groundwork.postgres import open_pool
from groundwork.redis_store import open_store, prove_safe
from groundwork.tls import Certificate
from lua.epochs import Epochs
from onsale.settings import Settings

log = structlog.get_logger()

# Connections the kernel keeps for us while the loop is busy: a second of an opening's crowd.
BACKLOG = 4096
# aiohttp keeps idle connections for an hour by default; a fan polls every few seconds or has left.
KEEPALIVE_SECONDS = 30.0
# Long enough to answer what is under way, short enough for a restart in the middle of a sale.
SHUTDOWN_SECONDS = 10.0
# Keys that another process rotated are seen within this.
KEYS_EVERY_MS = 10_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the connections of a listener may take, and whose they are; an address's are nobody's."""

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    owner_of: Callable[[str], str] = nobody


@asynccontextmanager
async def open_epochs(settings: Settings) -> AsyncIterator[Epochs]:
    """Yield the current epoch of the stores. Raises UnsafeStore for a store that would lose things."""
    async with (
        open_store(settings.redis_url) as store,
        open_pool(
            settings.database_url,
            size_max=settings.database_connections,
            prepares=settings.database_prepares,
        ) as pool,
    ):
        await prove_safe(store.client)
        epochs = Epochs(store, pool)
        try:
            yield epochs
        finally:
            await epochs.close()


async def run_gateway(
    settings: Settings,
    gateway: GatewaySettings,
    mail: MailSettings,
    origin: OriginSettings,
    policy: ShopPolicy,
    core: CoreSettings | None,
    host: str,
    port: int,
    redirect_port: int | None,
) -> None:
    """Serve fans until told to stop. Without ORIGIN_URLS the shop runs in this process, too."""
    ring = KeyRing.load(Path(settings.keys_file))
    clock = SystemClock()

    async with AsyncExitStack() as stack:
        epochs = await stack.enter_async_context(open_epochs(settings))

        @asynccontextmanager
        async def shared_epochs() -> AsyncIterator[Epochs]:
            yield epochs

        @asynccontextmanager
        async def open_door() -> AsyncIterator[Door]:
            if origin.is_apart:
                rng = random.Random()  # noqa: S311 (who gets the next request is no secret)
                async with open_http_door(origin, clock, rng, gateway.public_url) as door:
                    yield door
                return
            assert core is not None
            shop = make_core_app(
                core, ring, settings.redis_url, shared_epochs, clock, mails_tickets=mail.is_on
            )
            runner = web.AppRunner(shop, access_log=None)
            await runner.setup()
            try:
                yield InProcessDoor(shop)
            finally:
                await runner.cleanup()

        # With rules of its own it is somebody else's shop, and answers by a document of its own.
        operations = SHOP_OPERATIONS if policy is OUR_SHOP else ()
        mailer = make_mailer(mail, clock)
        app = make_gateway_app(
            gateway, ring, shared_epochs, open_door, clock, policy, mailer, operations
        )
        await stack.enter_async_context(process_metrics("gateway", clock))
        await stack.enter_async_context(
            serving_fans(app, gateway, host, port, redirect_port, epochs, clock)
        )
        await stack.enter_async_context(keys_fresh(ring, clock))
        await until_stopped()


@asynccontextmanager
async def serving_fans(
    app: web.Application,
    gateway: GatewaySettings,
    host: str,
    port: int,
    redirect_port: int | None,
    epochs: Epochs,
    clock: SystemClock,
) -> AsyncIterator[None]:
    """Serve the front tier, with TLS where there is a certificate. Raises CertificateError."""
    async with AsyncExitStack() as stack:
        tls = None
        if gateway.tls_certificate:
            certificate = Certificate(Path(gateway.tls_certificate), Path(gateway.tls_key))
            await stack.enter_async_context(certificate.fresh(clock))
            tls = certificate.context
        limits = ConnectionLimits(
            connections_max=gateway.connections_max,
            address_connections_max=gateway.address_connections_max,
        )
        bounds = Bounds(limits, app[CLIENT_ADDRESSES].of_connection)
        if redirect_port is not None:
            plain = make_redirect_app(gateway.public_url)
            await stack.enter_async_context(serving(plain, host, redirect_port, bounds=bounds))
        await stack.enter_async_context(
            serving(app, host, port, epochs=epochs, bounds=bounds, tls=tls)
        )
        yield


async def run_core(
    settings: Settings, core: CoreSettings, mail: MailSettings, host: str, port: int
) -> None:
    """Serve the shop alone, for a gateway elsewhere."""
    ring = KeyRing.load(Path(settings.keys_file))
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        epochs = await stack.enter_async_context(open_epochs(settings))

        @asynccontextmanager
        async def shared_epochs() -> AsyncIterator[Epochs]:
            yield epochs

        app = make_core_app(
            core, ring, settings.redis_url, shared_epochs, clock, mails_tickets=mail.is_on
        )
        await stack.enter_async_context(process_metrics("core", clock))
        await stack.enter_async_context(serving(app, host, port, epochs=epochs))
        await stack.enter_async_context(keys_fresh(ring, clock))
        await until_stopped()


async def run_worker(
    settings: Settings, gateway: GatewaySettings, core: CoreSettings, mail: MailSettings
) -> None:
    """Do the work no request waits for, until told to stop."""
    ring = KeyRing.load(Path(settings.keys_file))
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        epochs = await stack.enter_async_context(open_epochs(settings))
        parts = await stack.enter_async_context(open_parts(core, ring, epochs, clock))
        rooms = RoomWorker(epochs, gateway, clock)
        await epochs.start()
        await stack.enter_async_context(process_metrics("worker", clock))
        await stack.enter_async_context(rooms.running())
        mails = ticket_mails(parts, epochs, core, make_mailer(mail, clock))
        await stack.enter_async_context(ShopWorker(parts, epochs, clock, mails).running())
        await stack.enter_async_context(keys_fresh(ring, clock))
        await until_stopped()


async def run_provider(settings: ProviderSettings, host: str, port: int) -> None:
    """Serve the practice payment provider."""
    app = make_provider_app(settings, SystemClock(), SystemTokenSource())
    async with serving(app, host, port, shutdown_seconds=1.0):
        await until_stopped()


@asynccontextmanager
async def serving(
    app: web.Application,
    host: str,
    port: int,
    *,
    epochs: Epochs | None = None,
    bounds: Bounds = Bounds(),
    tls: ssl.SSLContext | None = None,
    shutdown_seconds: float = SHUTDOWN_SECONDS,
) -> AsyncIterator[None]:
    """Serve an application on its own socket of a shared port."""
    runner = FrontRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=KEEPALIVE_SECONDS,
        shutdown_timeout=shutdown_seconds,
        # A body is passed on, or refused, as it came: what grows a thousandfold grows elsewhere.
        auto_decompress=False,
        limits=bounds.limits,
        owner_of=bounds.owner_of,
    )
    await runner.setup()
    try:
        if epochs is not None:
            # After every part has named how it fills itself.
            await epochs.start()
        # One socket a process: the kernel spreads connections over them.
        await FrontSite(
            runner, host, port, backlog=BACKLOG, reuse_port=True, ssl_context=tls
        ).start()
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def keys_fresh(ring: KeyRing, clock: SystemClock) -> AsyncIterator[None]:
    """Notice rotated keys while the block runs."""

    async def watch() -> None:
        while True:
            await clock.sleep_ms(KEYS_EVERY_MS)
            try:
                await asyncio.to_thread(ring.refresh)
            except Exception:
                log.exception("the key file cannot be read; the keys in memory stay in use")

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_stopped() -> None:
    """Return when the process is told to stop, by Ctrl-C or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
