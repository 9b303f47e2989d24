"""Seats that are kept for a channel, as operators say it. The worker shows them so within a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from booking_core.catalog.event import SLUG
from groundwork.clock import TokenSource
from groundwork.errors import RequestInvalid
from groundwork.postgres import Pool, connection

RAISE_VERSION: Final = """
UPDATE events SET allotment_version = allotment_version + 1 WHERE event_id = %s
"""


@dataclass(frozen=True, slots=True)
class KeptSeats:
    """So many seats that are kept for a channel, for one reason."""

    channel: str
    count: int
    reason: str
    since: datetime


async def make_channel(pool: Pool, tokens: TokenSource, event_id: str, channel: str) -> str:
    """Return a new key of a channel, which is made if there is none; an older key counts no more.

    Raises RequestInvalid for what cannot be a channel, or an event that is not there.
    """
    if not SLUG.fullmatch(channel):
        raise RequestInvalid("channel", "must be lower-case letters, digits and hyphens")
    key = tokens.token()
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """INSERT INTO channels (event_id, channel, key_hash)
            SELECT event_id, %s, %s FROM events WHERE event_id = %s
            ON CONFLICT (event_id, channel) DO UPDATE SET key_hash = excluded.key_hash""",
            (channel, hash_of(key), event_id),
        )
    if not cursor.rowcount:
        raise RequestInvalid("event", f"there is no event {event_id!r}")
    return key


async def keep_seats(
    pool: Pool, event_id: str, seat_ids: Sequence[str], channel: str, reason: str
) -> int:
    """Keep seats for a channel from now on; return how many. What somebody has stays theirs.

    A channel without a key sells nothing. Raises RequestInvalid for seats that are not there.
    """
    if not SLUG.fullmatch(channel):
        raise RequestInvalid("channel", "must be lower-case letters, digits and hyphens")
    async with connection(pool) as open_connection, open_connection.transaction():
        cursor = await open_connection.execute(RAISE_VERSION, (event_id,))
        if not cursor.rowcount:
            raise RequestInvalid("event", f"there is no event {event_id!r}")
        await open_connection.execute(
            "INSERT INTO channels (event_id, channel) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (event_id, channel),
        )
        cursor = await open_connection.execute(
            """INSERT INTO seat_channels (event_id, seat_id, channel, reason)
            SELECT event_id, seat_id, %s, %s FROM seats
            WHERE event_id = %s AND seat_id = ANY (%s::text[])
            ON CONFLICT (event_id, seat_id) DO UPDATE
            SET channel = excluded.channel, reason = excluded.reason, since = now()""",
            (channel, reason, event_id, list(seat_ids)),
        )
        if cursor.rowcount != len(set(seat_ids)):
            raise RequestInvalid("seats", "the event does not have all of these seats")
        return cursor.rowcount


async def give_back_seats(pool: Pool, event_id: str, seat_ids: Sequence[str]) -> int:
    """Let anybody buy seats that were a channel's; return how many were."""
    async with connection(pool) as open_connection, open_connection.transaction():
        cursor = await open_connection.execute(
            "DELETE FROM seat_channels WHERE event_id = %s AND seat_id = ANY (%s::text[])",
            (event_id, list(seat_ids)),
        )
        if cursor.rowcount:
            await open_connection.execute(RAISE_VERSION, (event_id,))
        return cursor.rowcount


def hash_of(key: str) -> bytes:
    """Return what is stored of a channel's key: it is random, so that its hash says nothing."""
    return sha256(key.encode()).digest()


async def kept_seats(pool: Pool, event_id: str) -> list[KeptSeats]:
    """Return what is kept for whom, by channel and reason."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """SELECT channel, count(*), reason, min(since) FROM seat_channels
            WHERE event_id = %s GROUP BY channel, reason ORDER BY channel, min(since)""",
            (event_id,),
        )
        rows: list[tuple[str, int, str, datetime]] = await cursor.fetchall()  # type: ignore[assignment]
    return [KeptSeats(*row) for row in rows]


async def seats_of(pool: Pool, event_id: str, section: str, row_name: str | None) -> list[str]:
    """Return the ids of a section's seats, or of one of its rows."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            """SELECT seat_id FROM seats WHERE event_id = %s AND section = %s
            AND (%s::text IS NULL OR row_name = %s) ORDER BY seat_index""",
            (event_id, section, row_name, row_name),
        )
        return [str(row[0]) for row in await cursor.fetchall()]
