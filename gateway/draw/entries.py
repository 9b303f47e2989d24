"""The entries of all draws in Redis: one typed method for each of their scripts."""

import base64
from typing import Final

from gateway.bot_checks.asked_from import AskedFrom
from gateway.draw.clusters import NETWORK_BYTES, UNKNOWN, Origin
from gateway.draw.records import DrawRecords, Entry
from gateway.draw.roster import CHUNK
from groundwork.errors import StoreUnavailable
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import sale_keys

# Read in one script call: some milliseconds of the server's time.
ENTRIES_READ: Final = CHUNK


class Entries:
    """Reads, seals and looks up entries, and fills a new epoch's Redis with those of the roster."""

    def __init__(self, epochs: Epochs, records: DrawRecords) -> None:
        self._epochs = epochs
        self._records = records
        self._seal_entries = LuaScript("seal_entries")
        self._read_entries = LuaScript("read_entries")
        self._find_entry = LuaScript("find_entry")
        self._raise_ceiling = LuaScript("raise_ceiling")

    async def read(self, sale_id: str, after: int) -> tuple[int, list[Entry]]:
        """Return the epoch, and the first entries behind a number; what is before it is forgotten."""
        epoch = self._epochs.epoch
        answer = await self._epochs.run(
            self._read_entries,
            ("sale", sale_id),
            sale_keys(sale_id),
            {"after": after, "entries_max": ENTRIES_READ},
        )
        assert answer[0] == "entries", answer
        if self._epochs.epoch != epoch:
            raise StoreUnavailable(retry_after=1)  # of which of the two these are is not known
        rows = (answer[at : at + 3] for at in range(1, len(answer), 3))
        return epoch, [
            Entry(int(number), str(fan_id), origin_of(came_from))
            for number, fan_id, came_from in rows
        ]

    async def seal(self, sale_id: str) -> int:
        """End the taking of entries; returns how many fans Redis knows to have entered."""
        answer = await self._epochs.run(
            self._seal_entries, ("sale", sale_id), sale_keys(sale_id), {}
        )
        match answer:
            case ["sealed" | "sealed_before", int(), int(entries)]:
                return entries
        raise AssertionError(f"seal_entries.lua broke its contract: {answer!r}")

    async def find(self, sale_id: str, fan_id: str) -> int | None:
        """Return the fan's entry number, if there is one."""
        answer = await self._epochs.run(
            self._find_entry, ("sale", sale_id), sale_keys(sale_id), {"fan_id": fan_id}
        )
        match answer:
            case ["entry", int(entry_number)]:
                return entry_number
            case ["none"]:
                return None
        raise AssertionError(f"find_entry.lua broke its contract: {answer!r}")

    async def lease_more(self, sale_id: str) -> None:
        """Lease the next block of entry numbers in PostgreSQL and tell Redis."""
        lease = await self._records.lease_entries(sale_id)
        answer = await self._epochs.run(
            self._raise_ceiling,
            ("sale", sale_id),
            sale_keys(sale_id),
            {"of": "entry_ceiling", "ceiling": lease.ceiling},
        )
        assert answer[0] == "raised", answer

    async def fill(self, sale_id: str) -> dict[str, int]:
        """Tell a new epoch's Redis who has entered; returns the arguments for open_line.lua.

        Before the line is opened: a fan who is in the roster must not enter it a second time.
        """
        key = sale_keys(sale_id)["entry_numbers"]
        chunk = 0
        while fans := await self._records.fans(sale_id, chunk):
            pairs = [word for number, fan_id in fans for word in (fan_id, number)]
            await self._epochs.store.call("HSET", key, *pairs)
            chunk += 1
        lease = await self._records.lease_entries(sale_id)
        return {
            "entering": int(lease.is_entering),
            "last_entry": lease.last_entry,
            "entries_leased": lease.leased,
            "entry_ceiling": lease.ceiling,
        }

    async def note_loss(self, sale_id: str, opening: dict[str, int], last_entry: int) -> None:
        """Publish the numbers between the last entry known and those of the new epoch as a gap."""
        if opening["entering"] and opening["entries_leased"] > last_entry:
            await self._records.note_gap(sale_id, last_entry + 1, opening["entries_leased"])


def came_from(asked_from: AskedFrom, kind: int) -> str:
    """Return what an entry's script is told of where it comes from; "" where nobody counts."""
    return f"{asked_from.network}:{kind}" if asked_from.network else ""


def origin_of(told: str) -> bytes:
    """Return as clusters read it what the script wrote: network, kind and second."""
    if not told:
        return UNKNOWN
    network, kind, second = told.split(":")
    return Origin(
        base64.urlsafe_b64decode(network)[:NETWORK_BYTES], int(kind), int(second)
    ).packed()
