"""The measured waits in Redis: one process tells them, all processes tell the same."""

from typing import Final

import msgspec

from gateway.waiting_room.eta import Eta, Waits, WaitsRecord
from gateway.waiting_room.line_now import LineNow
from gateway.waiting_room.promises import EtaKept
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
    # Left out by a worker of a version before.
    lane_eta: dict[str, list[Eta]] = {}


_SHARED: Final = msgspec.json.Decoder(_SharedWaits)
_RECORD: Final = msgspec.json.Decoder(WaitsRecord)


class SharedWaits:
    """Reads and writes what is told of the waits. Nothing is decided by it, so no epoch fences it."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._kept_at_ms: dict[str, int] = {}

    async def share(self, sale_id: str, waits: Waits, line: LineNow) -> None:
        """Tell the waits; now and then keep the record for who goes on after a restart."""
        keys = waits_keys(sale_id)
        told = _SharedWaits(line.now_ms, waits.table(line), waits.kept, waits.lane_tables(line))
        await self._store.call("SET", keys["waits"], msgspec.json.encode(told), "PX", FRESH_MS)
        now_ms = line.now_ms
        if not 0 <= now_ms - self._kept_at_ms.get(sale_id, 0) < RECORD_EVERY_MS:
            self._kept_at_ms[sale_id] = now_ms
            record = msgspec.json.encode(waits.to_record())
            await self._store.call("SET", keys["record"], record, "PX", RECORD_KEPT_MS)

    async def read(self, sale_id: str) -> Told | None:
        """Return what is told of the waits, None when nobody does."""
        text = await self._store.call("GET", waits_keys(sale_id)["waits"])
        if not text:
            return None
        shared = _SHARED.decode(text)
        return Told(eta=shared.eta, eta_kept=shared.eta_kept, lane_eta=shared.lane_eta)

    async def read_record(self, sale_id: str) -> WaitsRecord | None:
        """Return the record as it was kept last."""
        text = await self._store.call("GET", waits_keys(sale_id)["record"])
        return _RECORD.decode(text) if text else None
