"""The system of a test: what it may look at, push and make; opening.py starts it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web
from redis.asyncio import Redis

from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_plan import PlanTier, Seat, make_seat_plan
from booking_core.checkout.wire_payments import WirePayments
from booking_core.ledger.outbox import Outbox
from booking_core.parts import Parts
from booking_core.practice_provider.app_keys import BOOK
from booking_core.practice_provider.intent_book import IntentBook
from booking_core.practice_provider.intents import Intent
from booking_core.settings import CoreSettings
from booking_core.worker import ShopWorker
from gateway.app_keys import DOOR, ROOMS
from gateway.origin.door import Door
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import Clock
from groundwork.keys import KeyRing
from groundwork.postgres import Pool
from groundwork.tokens import Tokens
from lua.epochs import Epochs
from tests.support.documented import Documented

# Events and sales of all tests have names of their own.
_numbers = count(1)


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
    documented: Documented
    # The door the document tells of; a test may put another in its place.
    door: Door

    def hold_to_document(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Raise Undocumented for an answer that the published document does not have."""
        if self.gateway[DOOR] is self.door:
            kind = headers.get("Content-Type", "")
            self.documented.check(method, path, status, kind, body)

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.ring, self.clock)

    @property
    def outbox(self) -> Outbox:
        return self.worker._outbox

    @property
    def payments(self) -> WirePayments:
        payments = self.parts.checkout.payments
        assert isinstance(payments, WirePayments)
        return payments

    def intents(self) -> list[Intent]:
        """Every payment the provider knows."""
        book: IntentBook = self.provider[BOOK]
        return list(book)

    def intents_of(self, order_id: str) -> list[Intent]:
        return [each for each in self.intents() if each.metadata.get("order_id") == order_id]

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(statement, values)
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
        for room in rooms._rooms.values():
            rooms._render(room)

    async def new_event(
        self,
        seats: int = 0,
        stock: Sequence[StockTier] = (),
        *,
        sale_id: str = "",
        seats_max: int = 8,
        price: int = 4_500,
        accessible: int = 0,
        **draft: Any,
    ) -> str:
        """An event on sale; its seats are A-1, A-2, ... of tier "floor", the last ones accessible."""
        sale_id = sale_id or await self.default_sale()
        event_id = str(draft.pop("event_id", f"event-{next(_numbers)}"))
        made = EventDraft(
            event_id=event_id, sale_id=sale_id, name=draft.pop("name", f"Event {event_id}"),
            starts_at=draft.pop("starts_at", datetime(2030, 5, 1, 19, tzinfo=UTC)),
            currency="EUR", seats_max=seats_max, stock=tuple(stock), **draft,
        )  # fmt: skip
        catalog = Catalog(self.pool, self.clock)
        if not seats:
            await catalog.create_event(made)
        else:
            rows = [
                Seat(f"A-{n}", "floor", "Hall", "A", str(n), 10.0 * n, 10.0, n > seats - accessible)
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
        await self.rows(
            """UPDATE orders SET carried_until = NULL, look_after = CASE
                WHEN state IN ('AWAITED', 'OFFERED') THEN look_after END
            WHERE carried_until IS NOT NULL OR state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING')"""
        )
        await self.worker._read_events()
        await self.worker._rescue()
        await self.rows("UPDATE outbox SET not_before = now() WHERE done_at IS NULL")
        await self.worker._capture()
        await self.worker._project()
        await self.rows("UPDATE ticket_mails SET not_before = now() WHERE done_at IS NULL")
        await self.worker._send_mails()
        await self.worker._reconcile()

    async def state_of(self, order_id: str) -> str:
        return str(await self.value("SELECT state FROM orders WHERE order_id = %s", order_id))

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
        """Redis's own word on every seat: 0 free, 1 held, 2 sold, 4 free for who needs it."""
        return (await self.parts.holds.read_status(event_id))[0]

    async def stock_left(self, event_id: str, tier: str) -> int:
        return (await self.parts.holds.read_status(event_id))[1][tier]
