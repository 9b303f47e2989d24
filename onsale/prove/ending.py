"""The end of a run: wait until it is quiet, then write down what the stores and the provider say."""

from typing import Any

import aiohttp
import msgspec
from redis.exceptions import RedisError

from groundwork.errors import StoreUnavailable
from groundwork.postgres import connection
from lua.keys import event_keys
from onsale.prove.history import Ending, EventRow, HoldRow, IntentRow, OrderRow
from onsale.prove.house import House

# Deadlines, leases of the dead, and entries of the outbox that failed often: all of it is over then.
QUIET_WITHIN_MS = 120_000
LOOK_EVERY_MS = 500

OPEN_WORK = """SELECT
    (SELECT count(*) FROM orders WHERE state NOT IN ('SOLD', 'RELEASED', 'CANCELLED'))
    + (SELECT count(*) FROM outbox WHERE done_at IS NULL)"""
NEWEST = """SELECT e.event_id, coalesce((SELECT max(seq) FROM hold_log h WHERE h.event_id = e.event_id
        AND h.epoch = (SELECT epoch FROM store_epoch)), 0) FROM events e"""
ORDERS = """SELECT o.order_id::text, o.event_id, o.fan_id, o.reservation_id, o.idempotency_key, o.state,
        o.release_reason, o.amount_cents, coalesce(o.payment_id, ''),
        coalesce(extract(epoch FROM o.sold_at) * 1000, 0)::bigint,
        coalesce(extract(epoch FROM o.captured_at) * 1000, 0)::bigint,
        coalesce((SELECT array_agg(l.seat_id ORDER BY l.line) FROM order_lines l
            WHERE l.order_id = o.order_id AND l.seat_id IS NOT NULL), '{}'),
        coalesce((SELECT jsonb_object_agg(l.tier, l.quantity) FROM order_lines l
            WHERE l.order_id = o.order_id AND l.seat_id IS NULL), '{}')::text
    FROM orders o ORDER BY o.created_at"""
TICKETS = "SELECT order_id::text, event_id, coalesce(seat_id, '') FROM tickets"
CLAIMS = "SELECT event_id, seat_id, order_id::text, sold FROM seat_claims"
HOLDS = """SELECT event_id, epoch, seq, kind, reservation_id, fan_id, what::text,
        (extract(epoch FROM at) * 1000)::bigint FROM hold_log ORDER BY event_id, epoch, seq"""
GAPS = "SELECT event_id, epoch, expected_seq, found_seq FROM reconcile_gaps"
FILLS = """SELECT scope, epoch, (extract(epoch FROM filled_at) * 1000)::bigint FROM filled_scopes
        ORDER BY epoch"""
EVENTS = """SELECT e.event_id,
        ARRAY(SELECT seat_id FROM seats s WHERE s.event_id = e.event_id ORDER BY seat_index),
        coalesce((SELECT jsonb_object_agg(tier, quantity) FROM price_tiers p
            WHERE p.event_id = e.event_id AND p.is_stock), '{}')::text
    FROM events e ORDER BY e.event_id"""


async def rows(house: House, statement: str) -> list[tuple[Any, ...]]:
    """Return what PostgreSQL answers, past every wire."""
    async with connection(house.pool) as open_connection:
        return await (await open_connection.execute(statement)).fetchall()


async def quiet(house: House) -> bool:
    """Return once nothing is under way and all is written down; False when that takes too long."""
    give_up_at = house.clock.monotonic_ms() + QUIET_WITHIN_MS
    while house.clock.monotonic_ms() < give_up_at:
        try:
            if (await rows(house, OPEN_WORK))[0][0] == 0 and await is_reconciled(house):
                return True
        except (StoreUnavailable, RedisError, OSError):
            pass
        await house.clock.sleep_ms(LOOK_EVERY_MS)
    return False


async def is_reconciled(house: House) -> bool:
    """Whether PostgreSQL has the whole hold log of every event that Redis has."""
    for event_id, newest in await rows(house, NEWEST):
        meta = await house.redis.hgetall(event_keys(event_id)["meta"])
        if meta and int(meta.get("seq", 0)) > newest:
            return False
    return True


async def read_ending(house: House, *, is_quiet: bool) -> Ending:
    """Return everything that can be known now."""
    epoch = (await rows(house, "SELECT epoch FROM store_epoch"))[0][0]
    return Ending(
        at_ms=house.clock.now_ms(),
        orders=[
            OrderRow(
                order=o, event=e, fan=f, reservation=r, key=k, state=s, reason=why, amount=a,
                payment=p, sold_ms=sold, captured_ms=captured, seats=tuple(seats),
                stock=msgspec.json.decode(stock),
            )
            for o, e, f, r, k, s, why, a, p, sold, captured, seats, stock in await rows(
                house, ORDERS
            )
        ],
        tickets=await rows(house, TICKETS),
        claims=await rows(house, CLAIMS),
        holds=[hold_row(*row) for row in await rows(house, HOLDS)],
        gaps=await rows(house, GAPS),
        fills=await rows(house, FILLS),
        intents=await read_intents(house),
        events=[await read_event(house, *row) for row in await rows(house, EVENTS)],
        outbox_open=(await rows(house, "SELECT count(*) FROM outbox WHERE done_at IS NULL"))[0][0],
        epoch=epoch,
        is_quiet=is_quiet,
    )  # fmt: skip


def hold_row(
    event: str, epoch: int, seq: int, kind: str, reservation: str, fan: str, what: str, at_ms: int
) -> HoldRow:
    """Return an entry of the hold log; an empty list of seats is an object in Lua's JSON."""
    seats = msgspec.json.decode(what).get("seats")
    return HoldRow(
        event=event, epoch=epoch, seq=seq, kind=kind, reservation=reservation, fan=fan,
        seats=tuple(seats) if isinstance(seats, list) else (), at_ms=at_ms,
    )  # fmt: skip


async def read_event(house: House, event: str, seat_ids: list[str], capacity: str) -> EventRow:
    """Return what there is of an event, and what Redis shows of it."""
    keys = event_keys(event)
    stock = await house.redis.hgetall(keys["stock"])
    return EventRow(
        event=event,
        seat_ids=tuple(seat_ids),
        capacity=msgspec.json.decode(capacity),
        shown=str(await house.redis.get(keys["status"]) or ""),
        stock_shown={str(tier): int(free) for tier, free in stock.items()},
    )


async def read_intents(house: House) -> list[IntentRow]:
    """Return what the provider has in its books."""
    headers = {"Authorization": f"Bearer {house.provider_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{house.provider_url}/practice/ledger") as answer,
    ):
        answer.raise_for_status()
        ledger = msgspec.json.decode(await answer.read())
    return [
        IntentRow(
            payment=intent["payment_id"],
            order=intent["metadata"].get("order_id", ""),
            status=intent["status"],
            amount=intent["amount_cents"],
            captured=intent["captured_cents"],
            refunded=intent["refunded_cents"],
            captured_ms=intent["captured_at_ms"] or 0,
        )
        for intent in ledger["intents"]
    ]
