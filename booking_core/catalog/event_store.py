"""Writing events, their stock and their seats: each call one transaction, all of it or nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import psycopg
from psycopg import errors as sql_errors

from booking_core.catalog.charges import Charge
from booking_core.catalog.event import EventDraft, price_problem
from booking_core.catalog.refusals import EventRefused
from booking_core.catalog.seat_plan import SeatPlan
from groundwork.errors import EventNotFound

Connection = psycopg.AsyncConnection[Any]

# 60,000 seats with their keys take a second or two; a busy server may need much longer, and
# nobody waits for it but the operator.
IMPORT_TIMEOUT_MS: Final = 120_000

INSERT_EVENT: Final = """
INSERT INTO events (event_id, sale_id, name, venue, city, category, description, starts_at,
                    currency, seats_max, has_orphan_rule, cancel_minutes, time_zone)
VALUES (%(event_id)s, %(sale_id)s, %(name)s, %(venue)s, %(city)s, %(category)s, %(description)s,
        %(starts_at)s, %(currency)s, %(seats_max)s, %(has_orphan_rule)s, %(cancel_minutes)s,
        %(time_zone)s)
"""
INSERT_TIER: Final = """
INSERT INTO price_tiers (event_id, tier, position, name, price_cents, color, quantity, is_stock)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
INSERT_STOCK: Final = "INSERT INTO stock_claims (event_id, tier, capacity) VALUES (%s, %s, %s)"
# Locked, so that two imports for one event follow each other and the second finds the first.
READ_EVENT: Final = """
SELECT plan IS NOT NULL,
       (SELECT coalesce(array_agg(tier), '{}') FROM price_tiers t WHERE t.event_id = e.event_id)
FROM events e WHERE event_id = %s FOR UPDATE
"""
COPY_SEATS: Final = """
COPY seats (event_id, seat_index, seat_id, tier, section, row_name, seat_number, accessible, x, y,
            companion_of)
FROM STDIN
"""
COPY_CHANNELS: Final = "COPY seat_channels (event_id, seat_id, channel, reason) FROM STDIN"
# Without a key nobody can sell them yet; an operator makes one.
INSERT_CHANNELS: Final = """
INSERT INTO channels (event_id, channel) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING
"""
COPY_BLOCKS: Final = "COPY seat_blocks (event_id, tier, rank, first_index, length) FROM STDIN"


async def insert_event(connection: Connection, draft: EventDraft) -> None:
    """Write a checked draft with its stock; EventRefused when its id is taken, its sale unknown."""
    values = {
        name: getattr(draft, name)
        for name in EventDraft.__slots__
        if name not in ("stock", "charges")
    }
    await check_time_zone(connection, draft.time_zone)
    try:
        await connection.execute(INSERT_EVENT, values)
    except sql_errors.UniqueViolation as error:
        raise EventRefused(("event_id", f"the event {draft.event_id!r} exists")) from error
    except sql_errors.ForeignKeyViolation as error:
        raise EventRefused(("sale_id", f"there is no sale {draft.sale_id!r}")) from error
    await set_charges(connection, draft.event_id, draft.charges)
    await connection.execute("INSERT INTO availability (event_id) VALUES (%s)", (draft.event_id,))
    for position, tier in enumerate(draft.stock):
        await connection.execute(
            INSERT_TIER,
            (
                draft.event_id,
                tier.tier,
                position,
                tier.name,
                tier.price,
                tier.color,
                tier.quantity,
                True,
            ),
        )
        await connection.execute(INSERT_STOCK, (draft.event_id, tier.tier, tier.quantity))


async def check_time_zone(connection: Connection, time_zone: str) -> None:
    """Raise EventRefused for a zone that PostgreSQL does not know: every search would end there."""
    try:
        await connection.execute("SELECT now() AT TIME ZONE %s", (time_zone,))
    except sql_errors.InvalidParameterValue as error:
        problem = f"must be a time zone that PostgreSQL knows, too, is {time_zone!r}"
        raise EventRefused(("time_zone", problem)) from error


async def set_charges(connection: Connection, event_id: str, charges: Sequence[Charge]) -> None:
    """Write an event's fees and taxes in place of those it has.

    Raises EventNotFound, and EventRefused once somebody has ordered: they were told a price.
    """
    cursor = await connection.execute(
        "SELECT set_charges_v1(%s, %s::text[], %s::text[], %s::bigint[])",
        (
            event_id,
            [each.name for each in charges],
            [each.kind for each in charges],
            [each.value for each in charges],
        ),
    )
    match await cursor.fetchone():
        case ("no-event",):
            raise EventNotFound
        case ("ordered",):
            raise EventRefused(("charges", "stay as they are: there are orders already"))


def check_prices(plan: SeatPlan, prices: Mapping[str, int]) -> None:
    """Raise EventRefused unless there is a right price for each tier of the plan, and no other."""
    problems = [
        (f"prices[{tier!r}]", problem)
        for tier, price in prices.items()
        if (problem := price_problem(price))
    ]
    tiers = {tier.tier for tier in plan.tiers}
    problems += [
        (f"prices[{tier!r}]", "is missing: the plan has seats of this tier")
        for tier in sorted(tiers - prices.keys())
    ]
    problems += [
        (f"prices[{tier!r}]", "the plan has no seat of this tier")
        for tier in sorted(prices.keys() - tiers)
    ]
    if problems:
        raise EventRefused(*problems)


async def insert_plan(
    connection: Connection, event_id: str, plan: SeatPlan, prices: Mapping[str, int]
) -> None:
    """Write the seats, blocks, seated tiers and the drawing of a plan to an event that has none.

    Raises EventRefused when there is no such event, or it has a plan, or a stock tier of the same
    name. Belongs into a transaction.
    """
    cursor = await connection.execute(READ_EVENT, (event_id,))
    row = await cursor.fetchone()
    if row is None:
        raise EventRefused(("event_id", f"there is no event {event_id!r}"))
    has_plan, known_tiers = row
    if has_plan:
        raise EventRefused(("plan", f"the event {event_id!r} has a seat plan already"))
    if both := sorted({tier.tier for tier in plan.tiers} & set(known_tiers)):
        raise EventRefused(("plan", f"tiers are stock already: {', '.join(both)}"))
    await connection.execute(
        f"SET LOCAL statement_timeout = {IMPORT_TIMEOUT_MS}"  # a number of ours, not a parameter
    )
    await _insert_seated_tiers(connection, event_id, plan, prices, len(known_tiers))
    await _copy(connection, COPY_SEATS, _seat_rows(event_id, plan))
    await _copy(
        connection,
        COPY_BLOCKS,
        ((event_id, one.tier, one.rank, one.first_index, one.length) for one in plan.blocks),
    )
    kept = {seat.seat_id: seat.kept_for for seat in plan.seats if seat.kept_for}
    if kept:
        await connection.execute(INSERT_CHANNELS, (event_id, sorted(set(kept.values()))))
        await _copy(
            connection,
            COPY_CHANNELS,
            ((event_id, seat_id, channel, "the plan") for seat_id, channel in kept.items()),
        )
    await connection.execute(
        "UPDATE events SET plan = %s::jsonb WHERE event_id = %s",
        (msgspec.json.encode(plan.drawing()).decode(), event_id),
    )


def _seat_rows(event_id: str, plan: SeatPlan) -> Iterator[tuple[object, ...]]:
    for index, seat in enumerate(plan.seats):
        yield (
            event_id,
            index,
            seat.seat_id,
            seat.tier,
            seat.section,
            seat.row_name,
            seat.seat_number,
            seat.accessible,
            seat.x,
            seat.y,
            seat.companion_of,
        )


async def _insert_seated_tiers(
    connection: Connection,
    event_id: str,
    plan: SeatPlan,
    prices: Mapping[str, int],
    first_position: int,
) -> None:
    counts: dict[str, int] = {}
    for seat in plan.seats:
        counts[seat.tier] = counts.get(seat.tier, 0) + 1
    for position, tier in enumerate(plan.tiers, start=first_position):
        await connection.execute(
            INSERT_TIER,
            (
                event_id,
                tier.tier,
                position,
                tier.name,
                prices[tier.tier],
                tier.color,
                counts[tier.tier],
                False,
            ),
        )


async def _copy(connection: Connection, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            await copy.write_row(row)
