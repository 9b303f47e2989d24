"""Fills an event's seats in Redis for a new epoch, from what PostgreSQL knows, in one step for readers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import structlog
from psycopg import AsyncConnection

from booking_core.catalog.events import Catalog
from booking_core.ledger.reconciler import Reconciler
from booking_core.seats.allotment import Allotment, read_allotment
from booking_core.seats.hold import read_reservation
from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection
from groundwork.redis_store import RedisStore
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import event_keys, event_log_key, settled_key, staged_keys

# Fields written by one command while rebuilding: a few milliseconds of the server's time.
CHUNK = 2_000
# A claim past its deadline is kept this long; the ledger's own worker settles it well before.
CLAIM_KEPT_MS = 10 * 60_000
# Held or sold, as a status says it.
HAD = b"12"
# Outcomes shown once stay known for a week, as the outbox's own do.
SETTLED_MS = 7 * 24 * 60 * 60_000
# The log of an epoch that is over goes: long after the last who read it have noticed the new one.
OLD_LOG_MS = 24 * 60 * 60_000

log = structlog.get_logger()


@dataclass
class EventState:
    """What Redis is to know about an event. Seats are by seat_index."""

    allotment: Allotment
    plan: bytes
    status: bytearray
    holders: dict[str, str] = field(default_factory=dict)
    reservations: dict[str, str] = field(default_factory=dict)
    expiries: dict[str, int] = field(default_factory=dict)
    fan_counts: dict[str, int] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)
    offers: dict[str, str] = field(default_factory=dict)
    settled: list[tuple[str, str, str]] = field(default_factory=list)


class Recovery:
    """Rebuilds one event at a time; Epochs calls it under a lock."""

    def __init__(
        self, epochs: Epochs, pool: Pool, catalog: Catalog, clock: Clock, reconciler: Reconciler
    ) -> None:
        self._store: RedisStore = epochs.store
        self._pool = pool
        self._catalog = catalog
        self._clock = clock
        self._reconciler = reconciler
        self._activate_event = LuaScript("activate_event")
        epochs.register("event", self.fill)

    async def fill(self, event_id: str, epoch: int) -> None:
        """Make Redis show the event as PostgreSQL has it, then open it to the scripts.

        Raises StoreUnavailable when Redis was emptied meanwhile: whoever asks next begins anew.
        """
        meta = event_keys(event_id)["meta"]
        # Closed from here on: an outcome that is shown before is in the ledger that we read next,
        # one that comes later waits until the new state is in place.
        shown = await self._store.call("HGET", meta, "epoch")
        await self._store.call("HDEL", meta, "epoch")
        # A fill that was broken off has closed the event already, so PostgreSQL is asked, too.
        for old_epoch in {int(shown or 0), await self._last_filled(event_id, epoch)} - {0}:
            # Holds of the last moments that are in the log but not yet in PostgreSQL.
            while await self._reconciler.reconcile(event_id, old_epoch):
                pass
            # All of it is in PostgreSQL, and nothing is added any more.
            await self._store.call("PEXPIRE", event_log_key(event_id, old_epoch), OLD_LOG_MS)
        state = await self._read_state(event_id)
        await self._stage(event_id, epoch, state)
        answer = await self._activate_event.run(
            self._store,
            epoch,
            {**event_keys(event_id), **staged_keys(event_id, epoch)},
            {"seats_count": len(state.status), "version": state.allotment.version},
        )
        if answer[0] == "lost":
            raise StoreUnavailable(retry_after=1)
        assert answer[0] in ("activated", "active_before"), answer
        log.info(
            "an event was filled", event_id=event_id, epoch=epoch, seats=len(state.status),
            holds=len(state.reservations),
        )  # fmt: skip

    async def _last_filled(self, event_id: str, epoch: int) -> int:
        """Return the last epoch before this one in which the event was filled, 0 if none."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT coalesce(max(epoch), 0) FROM filled_scopes WHERE scope = %s AND epoch < %s",
                (f"event:{event_id}", epoch),
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(str(row[0]))

    async def _read_state(self, event_id: str) -> EventState:
        layout = await self._catalog.seat_layout(event_id)
        async with connection(self._pool) as open_connection, open_connection.transaction():
            # One moment for all reads.
            await open_connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            allotment = await read_allotment(open_connection, layout)
            digits = bytearray(allotment.digits.encode())
            state = EventState(allotment, layout.ranked.packed, digits)
            await self._read_sold(open_connection, event_id, layout.index_of, state)
            await self._read_stock(open_connection, event_id, state)
            await self._read_holds(open_connection, event_id, layout.index_of, state)
        return state

    async def _read_sold(
        self,
        open_connection: AsyncConnection[tuple[object, ...]],
        event_id: str,
        index_of: Mapping[str, int],
        state: EventState,
    ) -> None:
        """Sold seats, what each buyer has, and which outcomes need not be shown any more."""
        cursor = await open_connection.execute(
            """SELECT o.fan_id, l.seat_id, l.quantity FROM orders o JOIN order_lines l USING (order_id)
            WHERE o.event_id = %s AND o.state = 'SOLD'""",
            (event_id,),
        )
        async for fan_id, seat_id, quantity in cursor:
            if seat_id is not None:
                state.status[index_of[str(seat_id)]] = ord("2")
            fan = str(fan_id)
            state.fan_counts[fan] = state.fan_counts.get(fan, 0) + int(str(quantity))
        # Whoever shows that a sale was cancelled shows first that it was one.
        cursor = await open_connection.execute(
            """SELECT o.order_id::text, outcome, o.reservation_id
            FROM orders o JOIN outbox b USING (order_id),
                unnest(CASE b.kind WHEN 'project_sold' THEN ARRAY['sold']
                    WHEN 'project_cancelled' THEN ARRAY['sold', 'cancelled'] END) AS outcome
            WHERE o.event_id = %s AND b.done_at IS NULL""",
            (event_id,),
        )
        async for order_id, outcome, reservation_id in cursor:
            state.settled.append((str(order_id), str(outcome), str(reservation_id)))

    async def _read_stock(
        self,
        open_connection: AsyncConnection[tuple[object, ...]],
        event_id: str,
        state: EventState,
    ) -> None:
        """Free stock: what is claimed and not sold comes back as a hold below, and is taken there."""
        cursor = await open_connection.execute(
            """SELECT c.tier, c.capacity - coalesce((
                SELECT sum(l.quantity) FROM order_lines l JOIN orders o USING (order_id)
                WHERE o.event_id = c.event_id AND o.state = 'SOLD' AND l.tier = c.tier
                    AND l.seat_id IS NULL), 0)
            FROM stock_claims c WHERE c.event_id = %s""",
            (event_id,),
        )
        async for tier, free in cursor:
            state.stock[str(tier)] = int(str(free))

    async def _read_holds(
        self,
        open_connection: AsyncConnection[tuple[object, ...]],
        event_id: str,
        index_of: Mapping[str, int],
        state: EventState,
    ) -> None:
        """Orders under way first, for they have claims; then the holds the log knows as alive."""
        cursor = await open_connection.execute(
            """SELECT o.reservation_id, o.fan_id, o.order_id,
                (extract(epoch FROM o.deadline) * 1000)::bigint,
                array_agg(l.seat_id) FILTER (WHERE l.seat_id IS NOT NULL),
                coalesce(max(l.tier) FILTER (WHERE l.seat_id IS NULL), ''),
                coalesce(sum(l.quantity) FILTER (WHERE l.seat_id IS NULL), 0)::int
            FROM orders o JOIN order_lines l USING (order_id)
            WHERE o.event_id = %s AND o.state IN ('CLAIMED', 'AUTHORIZING', 'EXPIRING', 'OFFERED')
                AND NOT o.is_let_go
            GROUP BY o.order_id""",
            (event_id,),
        )
        async for reservation_id, fan_id, order_id, ends_at_ms, seat_ids, tier, quantity in cursor:
            assert seat_ids is None or isinstance(seat_ids, list)
            seats = [index_of[seat_id] for seat_id in seat_ids or []]
            # A deadline that has passed frees nothing: the ledger releases such an order, not time.
            ends_at = max(int(str(ends_at_ms)), self._clock.now_ms() + CLAIM_KEPT_MS)
            self._put(state, str(reservation_id), str(fan_id), seats, str(tier),
                      int(str(quantity)), ends_at, is_extended=True,
                      paying_for=str(order_id))  # fmt: skip
        cursor = await open_connection.execute(
            """SELECT reservation_id, what::text FROM (
                SELECT DISTINCT ON (reservation_id) reservation_id, kind, what FROM hold_log
                WHERE event_id = %s AND at > now() - interval '2 hours'
                ORDER BY reservation_id, epoch DESC, seq DESC) AS newest
            WHERE kind IN ('held', 'extended', 'swapped', 'accepted') AND NOT EXISTS (
                -- Sold, and not shown yet: it is among the sold ones above.
                SELECT FROM orders o
                WHERE o.reservation_id = newest.reservation_id AND o.state = 'SOLD')""",
            (event_id,),
        )
        async for reservation_id, what in cursor:
            hold = read_reservation(str(reservation_id), str(what))
            is_gone = hold.expires_at_ms <= self._clock.now_ms()
            is_taken = any(state.status[index] in HAD for index in hold.seat_indexes)
            is_out = hold.tier and state.stock.get(hold.tier, 0) < hold.quantity
            if is_gone or is_taken or is_out or hold.reservation_id in state.reservations:
                continue
            self._put(state, hold.reservation_id, hold.fan_id, list(hold.seat_indexes), hold.tier,
                      hold.quantity, hold.expires_at_ms, is_extended=hold.is_extended,
                      is_offer=hold.is_offer)  # fmt: skip

    def _put(
        self,
        state: EventState,
        reservation_id: str,
        fan_id: str,
        seats: list[int],
        tier: str,
        quantity: int,
        ends_at_ms: int,
        *,
        is_extended: bool,
        is_offer: bool = False,
        paying_for: str = "",
    ) -> None:
        stored: dict[str, object] = {
            "fan_id": fan_id, "seats": seats, "expires_at_ms": ends_at_ms, "extended": is_extended,
        }  # fmt: skip
        if tier:
            stored |= {"tier": tier, "quantity": quantity}
            state.stock[tier] -= quantity
        if paying_for:
            # As extend_hold.lua has it: what is paid for must not become something else meanwhile.
            stored |= {"paying_until_ms": ends_at_ms, "paying_for": paying_for}
        if is_offer:
            stored["offered"] = True
            state.offers[fan_id] = reservation_id
        for index in seats:
            state.status[index] = ord("1")
            state.holders[str(index)] = reservation_id
        state.reservations[reservation_id] = msgspec.json.encode(stored).decode()
        state.expiries[reservation_id] = ends_at_ms
        state.fan_counts[fan_id] = state.fan_counts.get(fan_id, 0) + (quantity or len(seats))

    async def _stage(self, event_id: str, epoch: int, state: EventState) -> None:
        keys = staged_keys(event_id, epoch)
        await self._store.call("DEL", *keys.values())
        # The status first: the script takes its absence for a store that was emptied meanwhile.
        await self._store.call("SET", keys["staged_status"], state.status.decode())
        await self._store.call("SET", keys["staged_allotment"], state.allotment.digits)
        await self._store.call("SET", keys["staged_plan"], state.plan)
        hashes: dict[str, Mapping[str, str | int]] = {
            "staged_holders": state.holders,
            "staged_reservations": state.reservations,
            "staged_fan_counts": state.fan_counts,
            "staged_stock": state.stock,
            "staged_offers": state.offers,
            "staged_channels": {str(i): name for i, name in state.allotment.channels.items()},
        }
        for name, values in hashes.items():
            pairs = [word for item in values.items() for word in item]
            for start in range(0, len(pairs), 2 * CHUNK):
                await self._store.call("HSET", keys[name], *pairs[start : start + 2 * CHUNK])
        scores = [word for name, end in state.expiries.items() for word in (end, name)]
        for start in range(0, len(scores), 2 * CHUNK):
            await self._store.call(
                "ZADD", keys["staged_expiries"], *scores[start : start + 2 * CHUNK]
            )
        # What this state already shows must not be shown once more on top of it.
        for order_id, outcome, reservation_id in state.settled:
            key = settled_key(event_id, epoch, order_id, outcome, reservation_id)
            await self._store.call("SET", key, outcome, "PX", SETTLED_MS)
