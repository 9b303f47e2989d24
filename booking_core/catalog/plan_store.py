"""The files an event's seats were made from, in the database: written once, read for an export."""

from typing import Any, Final

import psycopg

from booking_core.catalog.plan_source import PlanSource

INSERT_SOURCE: Final = "INSERT INTO plan_sources (event_id, plan, extras) VALUES (%s, %s, %s)"
READ_SOURCE: Final = "SELECT plan, extras FROM plan_sources WHERE event_id = %s"


async def insert_source(
    connection: psycopg.AsyncConnection[Any], event_id: str, packed: tuple[bytes, bytes]
) -> None:
    """Keep the packed files of an event. Belongs into the transaction that writes its seats."""
    await connection.execute(INSERT_SOURCE, (event_id, *packed))


async def read_source(connection: psycopg.AsyncConnection[Any], event_id: str) -> PlanSource | None:
    """Return the files of an event, None when its seats came from no file."""
    cursor = await connection.execute(READ_SOURCE, (event_id,))
    row = await cursor.fetchone()
    return None if row is None else PlanSource.unpacked(*row)
