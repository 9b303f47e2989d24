"""What seats are kept for, shown to Redis as PostgreSQL has it; and when places are opened to anybody."""

from collections.abc import Mapping, Sequence

import structlog

from booking_core.catalog.events import Catalog
from booking_core.seats.allotment import read_allotment
from booking_core.seats.holds import SeatHolds
from booking_core.seats.kept_seats import RAISE_VERSION
from booking_core.seats.places_to_open import Scope, ordinary_seats, places_to_open
from groundwork.postgres import Pool, connection

log = structlog.get_logger()


class Allotting:
    """Channels of an event, the seats that are theirs, and places that are opened to anybody."""

    def __init__(self, pool: Pool, catalog: Catalog, holds: SeatHolds) -> None:
        self._pool = pool
        self._catalog = catalog
        self._holds = holds
        # What this process has shown; showing it once more does no harm.
        self._shown: dict[str, tuple[int, int]] = {}
        self._ordinary: dict[str, Mapping[Scope, Sequence[int]]] = {}

    async def show_newest(self, event_ids: Sequence[str]) -> None:
        """Tell Redis what seats are kept for, where this process has not told it yet."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT event_id, allotment_version FROM events
                WHERE event_id = ANY (%s::text[]) AND allotment_version > 0""",
                (list(event_ids),),
            )
            newest = {str(event_id): int(str(version)) async for event_id, version in cursor}
        for event_id, version in newest.items():
            # A new epoch is filled with the newest one; what has changed since then has to be told.
            shown = (self._holds.epochs.epoch, version)
            if self._shown.get(event_id) != shown:
                await self._show(event_id)
                self._shown[event_id] = shown

    async def _show(self, event_id: str) -> None:
        layout = await self._catalog.seat_layout(event_id)
        async with connection(self._pool) as open_connection, open_connection.transaction():
            await open_connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            allotment = await read_allotment(open_connection, layout)
        await self._holds.allot(event_id, allotment)

    async def open_places(self, event_id: str) -> None:
        """Open accessible places to anybody wherever all others were sold. Safe to repeat."""
        if event_id not in self._ordinary:
            layout = await self._catalog.seat_layout(event_id)
            self._ordinary[event_id] = ordinary_seats(layout)
        ordinary = self._ordinary[event_id]
        if not ordinary:
            return
        status, _ = await self._holds.read_status(event_id)
        scopes = places_to_open(ordinary, status)
        if not scopes:
            return
        async with connection(self._pool) as open_connection, open_connection.transaction():
            cursor = await open_connection.execute(
                """INSERT INTO opened_places (event_id, scope, name)
                SELECT %s, scope, name FROM unnest(%s::text[], %s::text[]) AS wanted (scope, name)
                ON CONFLICT DO NOTHING""",
                (event_id, [scope for scope, _ in scopes], [name for _, name in scopes]),
            )
            if cursor.rowcount:
                await open_connection.execute(RAISE_VERSION, (event_id,))
                log.info(
                    "accessible places were opened to anybody", event_id=event_id, scopes=scopes
                )
