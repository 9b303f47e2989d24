"""The whole system in this process, on the test stores: provider, gateway with the shop, worker."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from redis.asyncio import Redis

from booking_core.app import make_app as make_core_app
from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_plan import PlanTier, Seat, make_seat_plan
from booking_core.checkout.app_keys import CHECKOUT
from booking_core.checkout.practice_payments import PracticePayments
from booking_core.ledger.outbox import Outbox
from booking_core.parts import Parts, open_parts
from booking_core.practice_provider.app import make_provider_app
from booking_core.practice_provider.app_keys import BOOK
from booking_core.practice_provider.intents import Intent
from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from booking_core.worker import ShopWorker
from gateway.app import make_app as make_gateway_app
from gateway.app_keys import PROOF_OF_WORK, ROOMS
from gateway.bot_checks.proof_of_work import ProofOfWork
from gateway.origin.door import Door
from gateway.origin.in_process import InProcessDoor
from gateway.origin.over_http import HttpDoor, door_session
from gateway.settings import GatewaySettings
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import Clock, SystemClock, SystemTokenSource
from groundwork.keys import KeyRing
from groundwork.postgres import Pool, open_pool
from groundwork.redis_store import open_store
from groundwork.tokens import Tokens
from lua.epochs import Epochs

SECRET_KEY = "sk_practice_of_the_tests"
WEBHOOK_SECRET = "whsec_practice_of_the_tests"
# Clients of the tests wait so long for the provider: "slow" is slower, everything else much faster.
CONFIRM_TIMEOUT_S = 0.4
# Far above what any step takes; only a hanging system gets here.
PATIENCE_S = 20.0
# Events and sales of all tests have names of their own.
_numbers = count(1)


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
async def served(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on loopback; yields its address."""
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=1.0, auto_decompress=False
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass
class Shop:
    """Everything a test may look at or push; times and faults are the test's own business."""

    url: str
    provider_url: str
    ring: KeyRing
    clock: Clock
    pool: Pool
    redis: Redis
    epochs: Epochs
    gateway: web.Application
    core: web.Application
    provider: web.Application
    parts: Parts
    worker: ShopWorker
    session: aiohttp.ClientSession
    core_settings: CoreSettings

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.ring, self.clock)

    @property
    def outbox(self) -> Outbox:
        return self.worker._outbox

    @property
    def payments(self) -> PracticePayments:
        payments = self.parts.checkout.payments
        assert isinstance(payments, PracticePayments)
        return payments

    def intents(self) -> list[Intent]:
        """Every payment the provider knows."""
        return list(self.provider[BOOK])

    def intents_of(self, order_id: str) -> list[Intent]:
        return [each for each in self.intents() if each.metadata.get("order_id") == order_id]

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(statement, values)  # type: ignore[call-overload]
            return list(await cursor.fetchall()) if cursor.description else []

    async def value(self, statement: str, *values: object) -> Any:
        rows = await self.rows(statement, *values)
        return rows[0][0] if rows else None

    async def new_sale(self, sale_id: str = "", **changes: Any) -> str:
        """An open sale that lets everybody in at once, or as changed; ready to be joined."""
        sale_id = sale_id or f"sale-{next(_numbers)}"
        sale = Sale(
            sale_id=sale_id, name="Test sale", opens_at=datetime.now(UTC) - timedelta(minutes=1),
            state="open", pause_reason="", message="", rate_per_minute=600_000, burst=1_000,
            capacity=10_000,
        )  # fmt: skip
        await SaleRecords(self.pool).create(replace(sale, **changes))
        await self.refresh_rooms()
        return sale_id

    async def change_sale(self, sale_id: str, **changes: Any) -> None:
        await SaleRecords(self.pool).change(sale_id, **changes)
        await self.refresh_rooms()

    async def refresh_rooms(self) -> None:
        """What the gateway does on its own every second, now."""
        rooms = self.gateway[ROOMS]
        await rooms._read_sales()
        await rooms._call_places()
        await rooms._render_boards()

    async def new_event(
        self,
        seats: int = 0,
        stock: Sequence[StockTier] = (),
        *,
        sale_id: str = "",
        seats_max: int = 8,
        price: int = 4_500,
        **draft: Any,
    ) -> str:
        """An event on sale; its seats are A-1, A-2, ... of tier "floor", the last one accessible."""
        sale_id = sale_id or await self.default_sale()
        event_id = str(draft.pop("event_id", f"event-{next(_numbers)}"))
        made = EventDraft(
            event_id=event_id, sale_id=sale_id, name=draft.pop("name", f"Event {event_id}"),
            starts_at=datetime(2030, 5, 1, 19, tzinfo=UTC), currency="EUR", seats_max=seats_max,
            stock=tuple(stock), **draft,
        )  # fmt: skip
        catalog = Catalog(self.pool, self.clock)
        if not seats:
            await catalog.create_event(made)
        else:
            rows = [
                Seat(f"A-{n}", "floor", "Hall", "A", str(n), 10.0 * n, 10.0, n == seats)
                for n in range(1, seats + 1)
            ]
            plan = make_seat_plan(
                name="Hall", width=1000, height=500, tiers=[PlanTier("floor", "Floor", "#112233")],
                sections=["Hall"], rows=[rows],
            )  # fmt: skip
            await catalog.create_seated_event(made, plan, {"floor": price})
        await self.refresh_rooms()
        return event_id

    async def default_sale(self) -> str:
        """The sale of events that do not name one."""
        found = await self.value("SELECT 1 FROM sales WHERE sale_id = 'tour'")
        return "tour" if found else await self.new_sale("tour")

    async def settle(self) -> None:
        """Let the worker do all it has to do: rescue, tell the outbox, copy the hold log."""
        await self.rows("UPDATE orders SET carried_until = NULL WHERE carried_until IS NOT NULL")
        await self.worker._read_events()
        await self.worker._rescue()
        await self.rows("UPDATE outbox SET not_before = now() WHERE done_at IS NULL")
        await self.worker._work_outbox()
        await self.worker._reconcile()

    async def let_deadline_pass(self, order_id: str) -> None:
        await self.rows(
            "UPDATE orders SET deadline = now() - interval '1 second' WHERE order_id = %s", order_id
        )

    async def answer_bank(self, page_url: str, decision: str = "approve") -> str:
        """Answer on the bank's page as the buyer; returns where the bank sends them back to."""
        async with self.session.post(
            page_url, data={"decision": decision}, allow_redirects=False
        ) as answer:
            assert answer.status == 303, await answer.text()
            return answer.headers["Location"]

    async def seat_digits(self, event_id: str) -> str:
        """Redis's own word on every seat: 0 free, 1 held, 2 sold."""
        return (await self.parts.holds.read_status(event_id))[0]

    async def stock_left(self, event_id: str, tier: str) -> int:
        return (await self.parts.holds.read_status(event_id))[1][tier]


def hurry(payments: object, confirm_timeout_s: float = CONFIRM_TIMEOUT_S) -> None:
    """Make a client of the provider as impatient as the tests are."""
    assert isinstance(payments, PracticePayments)
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
) -> AsyncIterator[Shop]:
    """Yield the system. It has the stores for itself: Redis is emptied first.

    With `is_core_apart` the shop is a server of its own, which the gateway reaches over HTTP.
    """
    gateway = gateway or GatewaySettings(pacing_every_ms=50)
    clock = SystemClock()
    ring = KeyRing.generate(folder / f"keys-{random.randrange(10**9)}.json")
    port = free_port()
    provider_settings = ProviderSettings(
        payments_secret_key=SECRET_KEY,
        payments_webhook_secret=WEBHOOK_SECRET,
        practice_webhook_url=f"http://127.0.0.1:{port}/webhooks/payments/practice" * webhooks,
        **{
            "practice_slow_ms": 1_200,
            "practice_settles_ms": 100,
            "practice_silence_ms": 3_000,
            **(provider or {}),
        },
    )
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        redis = Redis.from_url(redis_url, decode_responses=True)
        stack.push_async_callback(redis.aclose)
        if flush:
            await redis.flushall()
        provider_app = make_provider_app(provider_settings, clock, SystemTokenSource())
        provider_url = await enter(served(provider_app))
        settings = CoreSettings(
            payment_provider_url=provider_url,
            payments_secret_key=SECRET_KEY,
            payments_webhook_secret=WEBHOOK_SECRET,
            **(core or {}),
        )
        epochs = await enter(open_epochs(redis_url, database_dsn))

        @asynccontextmanager
        async def shared_epochs() -> AsyncIterator[Epochs]:
            yield epochs

        core_app = make_core_app(settings, ring, redis_url, shared_epochs, clock)

        @asynccontextmanager
        async def open_door() -> AsyncIterator[Door]:
            if is_core_apart:
                async with served(core_app) as origin_url, door_session() as session:
                    yield HttpDoor(origin_url, session)
                return
            runner = web.AppRunner(core_app, access_log=None)
            await runner.setup()
            try:
                yield InProcessDoor(core_app)
            finally:
                await runner.cleanup()

        gateway_app = make_gateway_app(gateway, ring, shared_epochs, open_door, clock)
        gateway_app[PROOF_OF_WORK] = ProofOfWork(
            ring, clock, SystemTokenSource(), NearCounters(), riddles_max=128
        )
        url = await enter(served(gateway_app, port))
        await epochs.start()
        worker_epochs = await enter(open_epochs(redis_url, database_dsn))
        parts = await enter(open_parts(settings, ring, worker_epochs, clock))
        await worker_epochs.start()
        for payments in (core_app[CHECKOUT].payments, parts.checkout.payments):
            hurry(payments)
        yield Shop(
            url=url, provider_url=provider_url, ring=ring, clock=clock, pool=epochs.pool,
            redis=redis, epochs=epochs, gateway=gateway_app, core=core_app, provider=provider_app,
            parts=parts, worker=ShopWorker(parts, worker_epochs, clock),
            session=await enter(
                aiohttp.ClientSession(
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(limit=0),
                    timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
                )
            ),
            core_settings=settings,
        )  # fmt: skip


@asynccontextmanager
async def open_epochs(redis_url: str, database_dsn: str) -> AsyncIterator[Epochs]:
    """One process's own view of the stores."""
    async with open_store(redis_url) as store, open_pool(database_dsn) as pool:
        yield Epochs(store, pool)
