"""The catalogue: events put on sale, and what every request needs to know about them."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from booking_core.catalog.charges import Charge, charge_problems
from booking_core.catalog.event import (
    CANCEL_MINUTES_MAX,
    Event,
    EventDraft,
    Tier,
    check_draft,
    time_zone_problem,
)
from booking_core.catalog.event_store import (
    check_prices,
    check_time_zone,
    insert_event,
    insert_plan,
    set_charges,
)
from booking_core.catalog.plan_source import PlanSource
from booking_core.catalog.plan_store import insert_source
from booking_core.catalog.refusals import EventRefused
from booking_core.catalog.remembered import Remembered
from booking_core.catalog.seat_layout import SeatLayout, load_layout
from booking_core.catalog.seat_plan import SeatPlan
from groundwork.clock import Clock, SystemClock
from groundwork.errors import EventNotFound
from groundwork.postgres import Pool, connection
from groundwork.together import QUESTIONS_MAX, UNDER_WAY_MAX, Together

# How long a change to an event's text or price may stay unseen.
EVENT_AGE_MS: Final = 1_000
# A thousand events of a few kilobytes each; unknown ids are remembered too, so that asking for
# nonsense does not reach the database each time.
EVENTS_REMEMBERED_MAX: Final = 1_000
# What two statements ask for, of eight connections: names that somebody makes up get no more of them.
EVENTS_READ_AT_ONCE: Final = UNDER_WAY_MAX * QUESTIONS_MAX
# A layout of 60,000 seats takes some 30 MB; one process sells few events at the same time.
LAYOUTS_REMEMBERED_MAX: Final = 16
EVENTS_LISTED_MAX: Final = 1_000

EVENT_COLUMNS: Final = """
SELECT event_id, sale_id, name, venue, city, category, description, starts_at, currency, seats_max,
       has_orphan_rule, plan IS NOT NULL AS is_seated, cancel_minutes, time_zone,
       (SELECT json_agg(json_build_array(c.name, c.kind, c.value) ORDER BY c.position)
        FROM event_charges c WHERE c.event_id = events.event_id) AS charges,
       (SELECT json_agg(json_build_array(tier, name, price_cents, color, quantity, is_stock)
                        ORDER BY position)
        FROM price_tiers WHERE price_tiers.event_id = events.event_id) AS tiers
FROM events
"""


class Catalog:
    """Events by id. An event is at most a second old when it is told; seat layouts never change."""

    def __init__(self, pool: Pool, clock: Clock | None = None) -> None:
        self._pool = pool
        clock = clock or SystemClock()
        self._events: Remembered[str, Event | None] = Remembered(
            Together(self._read_events).ask,
            clock,
            size_max=EVENTS_REMEMBERED_MAX,
            age_ms=EVENT_AGE_MS,
            turns=EVENTS_READ_AT_ONCE,
        )
        self._layouts: Remembered[str, SeatLayout] = Remembered(
            self._read_layout,
            clock,
            size_max=LAYOUTS_REMEMBERED_MAX,
            age_ms=None,
            # An event without a plan may still get one.
            is_worth=lambda layout: layout.drawing is not None,
        )

    async def create_event(self, draft: EventDraft) -> None:
        """Put an event with its stock on sale; seats are added by import_plan.

        Raises EventRefused naming every field that breaks a rule, or when the id is taken or the
        sale unknown.
        """
        check_draft(draft)
        async with connection(self._pool) as database, database.transaction():
            await insert_event(database, draft)
        self._events.forget(draft.event_id)

    async def import_plan(self, event_id: str, plan: SeatPlan, prices: Mapping[str, int]) -> None:
        """Give an event its seats, each tier with its price in minor units. Once and for all.

        Raises EventRefused when a price is missing, wrong or of no tier; when there is no such
        event; when it has seats already.
        """
        check_prices(plan, prices)
        async with connection(self._pool) as database, database.transaction():
            await insert_plan(database, event_id, plan, prices)
        self._events.forget(event_id)

    async def create_seated_event(
        self,
        draft: EventDraft,
        plan: SeatPlan,
        prices: Mapping[str, int],
        source: PlanSource | None = None,
    ) -> None:
        """Put an event on sale with its seats, both or neither; refuses as the two calls do.

        The source, where there is one, is what an export will give back.
        """
        check_draft(draft)
        check_prices(plan, prices)
        packed = await asyncio.to_thread(source.packed) if source else None
        async with connection(self._pool) as database, database.transaction():
            await insert_event(database, draft)
            await insert_plan(database, draft.event_id, plan, prices)
            if packed:
                await insert_source(database, draft.event_id, packed)
        self._events.forget(draft.event_id)

    async def set_cancel_minutes(self, event_id: str, minutes: int | None) -> None:
        """Change until how long before it begins fans may cancel; None is never.

        Others see it within a second. Raises EventNotFound, EventRefused.
        """
        if minutes is not None and not 0 <= minutes <= CANCEL_MINUTES_MAX:
            raise EventRefused(("cancel_minutes", f"must be 0 to {CANCEL_MINUTES_MAX}"))
        async with connection(self._pool) as database:
            cursor = await database.execute(
                "UPDATE events SET cancel_minutes = %s WHERE event_id = %s", (minutes, event_id)
            )
        if cursor.rowcount != 1:
            raise EventNotFound
        self._events.forget(event_id)

    async def set_time_zone(self, event_id: str, time_zone: str) -> None:
        """Change in whose clock the beginning is told; the moment itself stays.

        Others see it within a second. Raises EventNotFound, EventRefused.
        """
        if problem := time_zone_problem(time_zone):
            raise EventRefused(("time_zone", problem))
        async with connection(self._pool) as database:
            await check_time_zone(database, time_zone)
            cursor = await database.execute(
                "UPDATE events SET time_zone = %s WHERE event_id = %s", (time_zone, event_id)
            )
        if cursor.rowcount != 1:
            raise EventNotFound
        self._events.forget(event_id)

    async def set_charges(self, event_id: str, charges: Sequence[Charge]) -> None:
        """Change an event's fees and taxes. Others see it within a second.

        Raises EventNotFound, and EventRefused for wrong ones, or once somebody has ordered.
        """
        if problems := [*charge_problems(charges)]:
            raise EventRefused(*problems)
        async with connection(self._pool) as database:
            await set_charges(database, event_id, charges)
        self._events.forget(event_id)

    async def get(self, event_id: str) -> Event:
        """Return the event, or raise EventNotFound."""
        event = await self.find(event_id)
        if event is None:
            raise EventNotFound
        return event

    async def find(self, event_id: str) -> Event | None:
        """Return the event, None when there is none."""
        return await self._events.get(event_id)

    def known(self, event_id: str) -> Event | None:
        """Return the event if it is remembered; None says nothing."""
        return self._events.known(event_id)

    async def list_events(self, limit: int = 100) -> list[Event]:
        """Return the events by when they start, at most so many."""
        assert 1 <= limit <= EVENTS_LISTED_MAX
        async with connection(self._pool) as database:
            cursor = await database.execute(
                EVENT_COLUMNS + "ORDER BY starts_at, event_id LIMIT %s", (limit,)
            )
            return [_to_event(row) for row in await cursor.fetchall()]

    def seat_layout(self, event_id: str) -> Coroutine[Any, Any, SeatLayout]:
        """Return the seats of the event as columns, or raise EventNotFound."""
        return self._layouts.get(event_id)

    async def _read_events(self, event_ids: Sequence[str]) -> list[Event | None]:
        async with connection(self._pool) as database:
            cursor = await database.execute(
                EVENT_COLUMNS + "WHERE event_id = ANY (%s)", (list(event_ids),)
            )
            found = [_to_event(row) for row in await cursor.fetchall()]
        by_id = {event.event_id: event for event in found}
        return [by_id.get(event_id) for event_id in event_ids]

    async def _read_layout(self, event_id: str) -> SeatLayout:
        async with connection(self._pool) as database:
            cursor = await database.execute(
                "SELECT plan::text FROM events WHERE event_id = %s", (event_id,)
            )
            row: tuple[Any, ...] | None = await cursor.fetchone()
            if row is None:
                raise EventNotFound
            return await load_layout(database, event_id, row[0])


def _to_event(row: tuple[Any, ...]) -> Event:
    *columns, charges, tiers = row
    names = (
        "event_id",
        "sale_id",
        "name",
        "venue",
        "city",
        "category",
        "description",
        "starts_at",
        "currency",
        "seats_max",
        "has_orphan_rule",
        "is_seated",
        "cancel_minutes",
        "time_zone",
    )
    return Event(
        **dict(zip(names, columns, strict=True)),
        charges=tuple(Charge(*charge) for charge in charges or ()),
        tiers=tuple(Tier(*tier) for tier in tiers or ()),
    )
