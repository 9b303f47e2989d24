"""Whose key a request has: channels sell the seats that are kept for them to their own people."""

from typing import Final

from booking_core.catalog.remembered import Remembered
from booking_core.seats.kept_seats import hash_of
from groundwork.clock import Clock
from groundwork.errors import RequestInvalid
from groundwork.postgres import Pool, connection

# A key that was taken away counts this long; wrong ones cost one look-up each.
KEY_AGE_MS: Final = 2_000
KEYS_REMEMBERED_MAX: Final = 1_000


class Channels:
    """The channels of all events, by their keys."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._known: Remembered[tuple[str, bytes], str] = Remembered(
            self._read, clock, size_max=KEYS_REMEMBERED_MAX, age_ms=KEY_AGE_MS
        )

    async def channel_of(self, event_id: str, key: str | None) -> str:
        """Return the channel whose key this is; "" without a key. Raises RequestInvalid."""
        if key is None:
            return ""
        channel = await self._known.get((event_id, hash_of(key)))
        if not channel:
            raise RequestInvalid("channel_key", "is of no channel of this event")
        return channel

    async def _read(self, asked: tuple[str, bytes]) -> str:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT channel FROM channels WHERE event_id = %s AND key_hash = %s", asked
            )
            found = await cursor.fetchone()
        return str(found[0]) if found else ""
