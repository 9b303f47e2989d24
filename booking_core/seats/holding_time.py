"""How long a fan may hold places of one event, one hold after the other, before others have their turn.

A hold ends by itself, but who lets it go and takes the same places again a moment later would keep them
from everybody for ever, and need not buy any. So holds that follow each other end together.
"""

from contextlib import suppress
from typing import Final

from booking_core.settings import CoreSettings
from groundwork.errors import StoreUnavailable
from groundwork.redis_store import RedisStore
from groundwork.seat_errors import HeldLongEnough
from lua.keys import holding_key

# What is wanted goes within seconds in a rush; and a fan who only was slow has not long to wait.
REST_MS: Final = 10 * 60_000
# A hold shorter than this is of no use to anybody who has to pay for it.
USEFUL_MS: Final = 60_000


class HoldingTime:
    """Counts from a fan's first hold; a store that was lost forgets it, and the fan begins anew."""

    def __init__(self, store: RedisStore, settings: CoreSettings) -> None:
        self._store = store
        self._hold_ms = settings.hold_ms
        self._holding_ms = settings.holding_ms

    async def hold_ms(self, event_id: str, fan_id: str) -> int:
        """Return how long a new hold of the fan lasts. Raises HeldLongEnough, StoreUnavailable."""
        key_ms = int(await self._store.call("PTTL", holding_key(event_id, fan_id)))
        if key_ms < 0:  # there is none
            return self._hold_ms
        left_ms = key_ms - REST_MS
        if left_ms < min(USEFUL_MS, self._hold_ms):
            raise HeldLongEnough(retry_after=-(-key_ms // 1000))
        return min(left_ms, self._hold_ms)

    async def begin(self, event_id: str, fan_id: str) -> None:
        """Count from now on, unless it is counted already: the fan has a hold."""
        lasts_ms = self._holding_ms + REST_MS
        with suppress(StoreUnavailable):  # the fan has the hold, and would not be told
            await self._store.call("SET", holding_key(event_id, fan_id), 1, "NX", "PX", lasts_ms)
