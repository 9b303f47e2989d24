"""The sales as PostgreSQL records them: what an operator has set, and what a line must survive."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
import psycopg

from gateway.draw.draw import DRAW, DRAW_COLUMN, Draw
from gateway.draw.orders import Orders
from gateway.draw.records import DrawPlan, insert_draw
from gateway.waiting_room.brands import BRAND_COLUMN, Brand, read_brand
from gateway.waiting_room.line_records import GENERAL, LineRecords
from gateway.waiting_room.sale_lanes import SaleLane, check_lanes
from groundwork.errors import RequestInvalid, SaleNotFound
from groundwork.postgres import Pool, connection

SaleState = Literal["open", "paused", "draining", "closed"]
Phase = Literal["before", "open", "paused", "draining", "sold_out", "closed"]

SALE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Messages are read on a phone at a glance.
MESSAGE_CHARACTERS_MAX = 500


class SaleEvent(msgspec.Struct, frozen=True, array_like=True):
    """One event that a sale puts on sale, as the waiting page names it.

    `time_zone` is the IANA name of the one in whose clock its beginning is told.
    """

    event_id: str
    name: str
    venue: str
    city: str
    starts_at: datetime
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One sale as set by its operator. Rates are fans per minute."""

    sale_id: str
    name: str
    opens_at: datetime
    state: SaleState
    pause_reason: str
    message: str
    rate_per_minute: int
    burst: int
    capacity: int
    # In order of precedence, without the general line, which comes last.
    lanes: tuple[SaleLane, ...] = ()
    stock_aware: bool = True
    tells_odds: bool = True
    events: tuple[SaleEvent, ...] = ()
    brand: Brand | None = None
    # None: nobody could enter before the opening, or the first to join is the first to be called.
    draw: Draw | None = None
    # When the asked rate was last changed; None: never.
    rate_changed_at: datetime | None = None
    # Whether each fan confirms an e-mail address, and has one place and one limit of seats by it.
    one_per_mailbox: bool = False
    # Whether fans without a device key pass one more check before they go in.
    step_up_unbound: bool = False
    # Not set by anybody: what the shop has left says so, see watch_stock.lua.
    is_sold_out: bool = False

    @property
    def lane_ids(self) -> list[str]:
        """All lanes in the order in which they are called, the general line last."""
        return [*(lane.lane for lane in self.lanes), GENERAL]

    @property
    def event_ids(self) -> list[str]:
        """The events' ids, the first to start first."""
        return [event.event_id for event in self.events]

    @property
    def opens_at_ms(self) -> int:
        """The opening in milliseconds since 1970."""
        return _ms_of(self.opens_at)

    def phase(self, now_ms: int) -> Phase:
        """Say where the sale stands at a moment."""
        if self.state == "closed":
            return "closed"
        is_drawn = self.draw is None or self.draw.state == "drawn"
        if not is_drawn or now_ms < self.opens_at_ms:
            return "before"
        # A pause is the operator's word, and may have to do with just that.
        return "sold_out" if self.is_sold_out and self.state != "paused" else self.state

    def rate_now(self, now_ms: int) -> int:
        """Return how many fans a minute may be called at a moment."""
        return self.rate_per_minute if self.phase(now_ms) in ("open", "draining") else 0


# A sale's opening is asked for with every request, and most installations have fewer sales.
@lru_cache(1024)
def _ms_of(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


EVENTS_COLUMN = """coalesce((
        SELECT json_agg(json_build_array(event_id, name, venue, city, starts_at, time_zone)
                        ORDER BY starts_at, event_id)
        FROM events WHERE events.sale_id = sales.sale_id), '[]')::text AS events"""
SALE_COLUMNS = ", ".join(
    (
        "sale_id, name, opens_at, state, pause_reason, message, rate_per_minute, burst, capacity",
        "lanes::text AS lanes, stock_aware, tells_odds, one_per_mailbox, step_up_unbound",
        "rate_changed_at",
        EVENTS_COLUMN,
        BRAND_COLUMN,
        DRAW_COLUMN,
    )
)

_EVENTS = msgspec.json.Decoder(tuple[SaleEvent, ...])
_LANES = msgspec.json.Decoder(tuple[SaleLane, ...])


# All sales are read each second, and their events hardly ever change.
@lru_cache(1024)
def _read_events(text: str) -> tuple[SaleEvent, ...]:
    return _EVENTS.decode(text)


def _lanes_text(sale: Sale) -> str:
    return msgspec.json.encode(sale.lanes).decode()


def _sale_row(cursor: psycopg.AsyncCursor[Any]) -> Callable[[Sequence[Any]], Sale]:
    """Make sales of rows (a row factory of psycopg)."""
    names = [column.name for column in cursor.description or ()]

    def make(row: Sequence[Any]) -> Sale:
        values = dict(zip(names, row, strict=True))
        return Sale(
            **{
                **values,
                "events": _read_events(values["events"]),
                "lanes": _LANES.decode(values["lanes"]),
                "brand": read_brand(values["brand"]),
                "draw": DRAW.decode(values["draw"] or "null"),
            }
        )

    return make


Connection = psycopg.AsyncConnection[tuple[object, ...]]
# Given the connection of the transaction, the sale as it is, and as it will be.
BeforeChange = Callable[[Connection, Sale, Sale], Awaitable[None]]


class SaleRecords(LineRecords):
    """Reads and writes sales in PostgreSQL."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._orders = Orders(pool)

    async def create(self, sale: Sale, draw: DrawPlan | None = None) -> None:
        """Add a sale, with a draw among those who come before it opens, or none.

        Raises RequestInvalid when it exists or something in it is not allowed.
        """
        check(sale)
        try:
            async with connection(self._pool) as open_connection, open_connection.transaction():
                await open_connection.execute(
                    """INSERT INTO sales (sale_id, name, opens_at, state, pause_reason, message,
                        rate_per_minute, burst, capacity, lanes, stock_aware, tells_odds,
                        one_per_mailbox, step_up_unbound)
                    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                    (sale.sale_id, sale.name, sale.opens_at, sale.state, sale.pause_reason,
                     sale.message, sale.rate_per_minute, sale.burst, sale.capacity,
                     _lanes_text(sale), sale.stock_aware, sale.tells_odds, sale.one_per_mailbox,
                     sale.step_up_unbound),
                )  # fmt: skip
                if draw is not None:
                    await insert_draw(open_connection, sale.sale_id, draw)
        except psycopg.errors.UniqueViolation as error:
            raise RequestInvalid("sale_id", f"the sale {sale.sale_id} exists already") from error

    async def all(self) -> list[Sale]:
        """Return every sale, the next to open first."""
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=_sale_row)
            await cursor.execute(f"SELECT {SALE_COLUMNS} FROM sales ORDER BY opens_at, sale_id")  # noqa: S608 (our own text)
            sales = await cursor.fetchall()
        return [await self._ordered(sale) for sale in sales]

    async def get(self, sale_id: str) -> Sale:
        """Return one sale. Raises SaleNotFound."""
        async with connection(self._pool) as open_connection:
            sale = await _read(open_connection, sale_id)
        return await self._ordered(sale)

    async def _ordered(self, sale: Sale) -> Sale:
        draw = await self._orders.completed(sale.sale_id, sale.draw)
        return sale if draw is sale.draw else replace(sale, draw=draw)

    async def change(
        self, sale_id: str, before_it: BeforeChange | None = None, /, **changes: object
    ) -> Sale:
        """Set fields of a sale and return it. Every process follows within about a second.

        Of changes at once none is lost: each is made to what the one before has left. `before_it` is
        called within the transaction once the change is known to be allowed; what it raises undoes all.
        Raises SaleNotFound, or RequestInvalid when the sale would be one that is not allowed.
        """
        async with connection(self._pool) as open_connection, open_connection.transaction():
            # Read by a statement of its own, which sees what was written while this one waited.
            await open_connection.execute(
                "SELECT FROM sales WHERE sale_id = %s FOR NO KEY UPDATE", (sale_id,)
            )
            before = await _read(open_connection, sale_id)
            sale = replace(before, **changes)  # type: ignore[arg-type]
            check(sale)
            _check_change(before, sale)
            if before_it is not None:
                await before_it(open_connection, before, sale)
            await open_connection.execute(
                """UPDATE sales SET name = %s, opens_at = %s, state = %s, pause_reason = %s,
                    message = %s, rate_per_minute = %s, burst = %s, capacity = %s, lanes = %s,
                    stock_aware = %s, tells_odds = %s, step_up_unbound = %s,
                    rate_changed_at = CASE WHEN sales.rate_per_minute = %s THEN rate_changed_at
                        ELSE now() END,
                    version = version + 1 WHERE sale_id = %s""",
                (sale.name, sale.opens_at, sale.state, sale.pause_reason, sale.message,
                 sale.rate_per_minute, sale.burst, sale.capacity, _lanes_text(sale),
                 sale.stock_aware, sale.tells_odds, sale.step_up_unbound,
                 sale.rate_per_minute, sale.sale_id),
            )  # fmt: skip
        return await self._ordered(sale)


async def _read(open_connection: Connection, sale_id: str) -> Sale:
    """Return a sale without its draw's order. Raises SaleNotFound."""
    cursor = open_connection.cursor(row_factory=_sale_row)
    await cursor.execute(
        f"SELECT {SALE_COLUMNS} FROM sales WHERE sale_id = %s",  # noqa: S608 (our own text)
        (sale_id,),
    )
    sale = await cursor.fetchone()
    if sale is None:
        raise SaleNotFound
    return sale


def _check_change(before: Sale, sale: Sale) -> None:
    """Raise RequestInvalid for what may not become of a sale that fans may have a place in."""
    if set(before.lane_ids) - set(sale.lane_ids):
        raise RequestInvalid("lanes", "must keep the lanes there are: fans may wait in them")
    if sale.one_per_mailbox != before.one_per_mailbox:
        raise RequestInvalid("one_per_mailbox", "must stay as it is: fans may have a place")
    is_sealed = before.draw is not None and before.draw.state != "committed"
    if is_sealed and sale.opens_at != before.opens_at:
        raise RequestInvalid("opens_at", "must stay as it is: the draw's roster is sealed")


def check(sale: Sale) -> None:
    """Raise RequestInvalid, naming the field, unless the sale is one that can be held."""
    if not SALE_ID.fullmatch(sale.sale_id):
        raise RequestInvalid(
            "sale_id", "must be lower-case letters, digits and hyphens, at most 63"
        )
    if not 1 <= len(sale.name) <= 200:
        raise RequestInvalid("name", "must be 1 to 200 characters")
    if sale.opens_at.tzinfo is None:
        raise RequestInvalid("opens_at", "must name its time zone")
    for name, number, most in (
        ("rate_per_minute", sale.rate_per_minute, 1_000_000),
        ("burst", sale.burst, 1_000_000),
        ("capacity", sale.capacity, 10_000_000),
    ):
        if not 1 <= number <= most:
            raise RequestInvalid(name, f"must be 1 to {most}")
    check_lanes(sale.lanes)
    for name, text in (("message", sale.message), ("pause_reason", sale.pause_reason)):
        if len(text) > MESSAGE_CHARACTERS_MAX:
            raise RequestInvalid(name, f"must be at most {MESSAGE_CHARACTERS_MAX} characters")
