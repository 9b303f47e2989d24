"""The measured waits in Redis: one process tells them, all processes tell the same."""

from typing import Final

import msgspec

from gateway.waiting_room.eta import Eta
from gateway.waiting_room.promises import EtaKept, PromiseRecord, Promises
from gateway.waiting_room.told import Told
from groundwork.redis_store import RedisStore
from lua.keys import waits_keys

# What nobody has told anew for so long is left; each process then tells what it measured itself.
FRESH_MS: Final = 5_000
# The record is kept over a night between two days of a sale, and may lose its newest seconds.
RECORD_KEPT_MS: Final = 2 * 24 * 3_600_000
RECORD_EVERY_MS: Final = 10_000


class _SharedWaits(msgspec.Struct, frozen=True):
    at_ms: int
    eta: list[Eta]
    eta_kept: EtaKept


_SHARED: Final = msgspec.json.Decoder(_SharedWaits)
_RECORD: Final = msgspec.json.Decoder(PromiseRecord)


class SharedWaits:
    """Reads and writes what is told of the waits. Nothing is decided by it, so no epoch fences it."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._kept_at_ms: dict[str, int] = {}

    async def share(self, sale_id: str, eta: list[Eta], promises: Promises, now_ms: int) -> None:
        """Tell the waits; now and then keep the record for who goes on after a restart."""
        keys = waits_keys(sale_id)
        waits = msgspec.json.encode(_SharedWaits(now_ms, eta, promises.record))
        await self._store.call("SET", keys["waits"], waits, "PX", FRESH_MS)
        if not 0 <= now_ms - self._kept_at_ms.get(sale_id, 0) < RECORD_EVERY_MS:
            self._kept_at_ms[sale_id] = now_ms
            record = msgspec.json.encode(promises.to_record())
            await self._store.call("SET", keys["record"], record, "PX", RECORD_KEPT_MS)

    async def read(self, sale_id: str) -> Told | None:
        """Return what is told of the waits, None when nobody does."""
        text = await self._store.call("GET", waits_keys(sale_id)["waits"])
        if not text:
            return None
        shared = _SHARED.decode(text)
        return Told(eta=shared.eta, eta_kept=shared.eta_kept)

    async def read_record(self, sale_id: str) -> PromiseRecord | None:
        """Return the record as it was kept last."""
        text = await self._store.call("GET", waits_keys(sale_id)["record"])
        return _RECORD.decode(text) if text else None
