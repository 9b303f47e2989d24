"""Whether Redis shows of each event what PostgreSQL has sold, and putting right where it does not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from redis.exceptions import NoScriptError

from booking_core.audit.finding import Finding
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_layout import SeatLayout
from groundwork.postgres import Pool, connection
from groundwork.redis_store import RedisStore
from lua import LuaScript
from lua.keys import event_keys, event_log_key

# Seats with one digest: a stadium's answer is a few hundred bytes, and where one differs this many
# statuses are read.
BLOCK: Final = 4_096
# More wrong seats than a repair may touch at once: then it is not a slip, and a person must look.
REPAIRED_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class StoreSeen:
    """What Redis told of an event, in digests."""

    held: int
    holders: int
    holds: int
    digests: tuple[str, ...]
    stock: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Sold:
    """The sold seats as the ledger has them; `moving` ones are being bought, or Redis is not told yet."""

    seats: frozenset[int]
    moving: frozenset[int]

    def surely(self) -> frozenset[int]:
        return self.seats - self.moving


class StoreCheck:
    """Compares events, one at a time, without ever loading one: what is not in Redis is no finding."""

    def __init__(self, store: RedisStore, pool: Pool, catalog: Catalog) -> None:
        self._store = store
        self._pool = pool
        self._catalog = catalog
        self._digest_seats = LuaScript("digest_seats")
        self._correct_seats = LuaScript("correct_seats")

    async def check(self, event_id: str, epoch: int, *, repairs: bool) -> list[Finding]:
        """Return what Redis shows otherwise than PostgreSQL has it, put right if so wished."""
        layout = await self._catalog.seat_layout(event_id)
        before = await self._read_sold(layout)
        seen = await self.look(event_id, epoch)
        if seen is None:
            return []
        missing, beyond = await self._differing(layout, epoch, before, seen)
        is_repaired = False
        if repairs and 0 < len(missing) + len(beyond) <= REPAIRED_MAX:
            is_repaired = await self._correct(event_id, epoch, missing, beyond)
        return [
            *(
                Finding("sold_shown_free", event_id, layout.seat_ids[index], "", is_repaired)
                for index in missing
            ),
            *(
                Finding("free_shown_sold", event_id, layout.seat_ids[index], "", is_repaired)
                for index in beyond
            ),
            *self._holders(event_id, seen),
            *await self._stock(event_id, seen),
        ]

    async def look(self, event_id: str, epoch: int) -> StoreSeen | None:
        """Return what Redis tells of an event, or None when it is not loaded in this epoch."""
        answer = await self._run(self._digest_seats, event_id, epoch, {"block": BLOCK})
        if answer is None or answer[0] != "digests":
            return None
        _, held, holders, holds, digests, stock = answer
        free = dict(zip(stock[0::2], map(int, stock[1::2]), strict=True))
        return StoreSeen(int(held), int(holders), int(holds), tuple(map(str, digests)), free)

    async def _run(
        self, script: LuaScript, event_id: str, epoch: int, args: Mapping[str, str | int]
    ) -> list[Any] | None:
        keys = {**event_keys(event_id), "log": event_log_key(event_id, epoch)}
        try:
            answer: list[Any] = await script.run(self._store, epoch, keys, args)
        except NoScriptError:
            return None  # another server; whoever sells next begins a new epoch
        return answer

    async def _differing(
        self, layout: SeatLayout, epoch: int, before: _Sold, seen: StoreSeen
    ) -> tuple[list[int], list[int]]:
        """Return seats shown as not sold that are, and as sold that are not.

        Sales go on meanwhile: only what the ledger says both before and after is held against Redis.
        """
        expected = digests_of(len(layout), before.seats)
        if len(expected) != len(seen.digests):
            return [], []  # the event got its seats just now
        shown: dict[int, str] = {}
        for number, (ours, theirs) in enumerate(zip(expected, seen.digests, strict=True)):
            if ours != theirs:
                first = number * BLOCK
                digits = await self._store.call(
                    "GETRANGE", event_keys(layout.event_id)["status"], first, first + BLOCK - 1
                )
                shown.update(enumerate(str(digits), first))
        if not shown or await self._is_other_epoch(layout.event_id, epoch):
            return [], []
        after = await self._read_sold(layout)
        missing = [
            index for index, digit in shown.items()
            if digit != "2" and index in before.surely() and index in after.surely()
        ]  # fmt: skip
        beyond = [
            index for index, digit in shown.items()
            if digit == "2" and index not in after.seats | after.moving
        ]  # fmt: skip
        return missing, beyond

    async def _is_other_epoch(self, event_id: str, epoch: int) -> bool:
        found = await self._store.call("HGET", event_keys(event_id)["meta"], "epoch")
        return bool(found != str(epoch))

    async def _read_sold(self, layout: SeatLayout) -> _Sold:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT seat_id, sold FROM seat_claims WHERE event_id = %s
                UNION ALL SELECT l.seat_id, NULL FROM outbox b
                JOIN orders o USING (order_id) JOIN order_lines l USING (order_id)
                WHERE b.done_at IS NULL AND o.event_id = %s AND l.seat_id IS NOT NULL""",
                (layout.event_id, layout.event_id),
            )
            rows = await cursor.fetchall()
        sold = {layout.index_of[str(seat_id)] for seat_id, is_sold in rows if is_sold}
        moving = {layout.index_of[str(seat_id)] for seat_id, is_sold in rows if not is_sold}
        return _Sold(frozenset(sold), frozenset(moving))

    async def _correct(
        self, event_id: str, epoch: int, missing: list[int], beyond: list[int]
    ) -> bool:
        args: dict[str, str | int] = {
            "now_ms": "",
            "sold": msgspec.json.encode(missing).decode(),
            "unsold": msgspec.json.encode(beyond).decode(),
        }
        answer = await self._run(self._correct_seats, event_id, epoch, args)
        return answer is not None and answer[0] == "corrected"

    def _holders(self, event_id: str, seen: StoreSeen) -> list[Finding]:
        if seen.held == seen.holders:
            return []
        detail = f"{seen.held} held seats, {seen.holders} with a holder"
        return [Finding("holders_wrong", event_id, "seats", detail)]

    async def _stock(self, event_id: str, seen: StoreSeen) -> list[Finding]:
        """Never more may be offered than is unsold; and just that when nobody holds anything."""
        if not seen.stock:
            return []
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT c.tier, c.capacity - coalesce(sum(l.quantity), 0), EXISTS (
                    SELECT FROM outbox b JOIN orders m USING (order_id)
                    WHERE m.event_id = c.event_id AND b.done_at IS NULL) OR EXISTS (
                    SELECT FROM orders m WHERE m.event_id = c.event_id
                        AND NOT m.is_let_go
                        AND m.state NOT IN ('SOLD', 'RELEASED', 'CANCELLED'))
                FROM stock_claims c
                LEFT JOIN orders o ON o.event_id = c.event_id AND o.state = 'SOLD'
                LEFT JOIN order_lines l
                    ON l.order_id = o.order_id AND l.tier = c.tier AND l.seat_id IS NULL
                WHERE c.event_id = %s GROUP BY c.event_id, c.tier, c.capacity""",
                (event_id,),
            )
            rows = await cursor.fetchall()
        findings = []
        for tier, left, is_moving in rows:
            offered, unsold = seen.stock.get(str(tier), 0), int(str(left))
            is_wrong = offered > unsold or (seen.holds == 0 and offered < unsold)
            if is_wrong and not is_moving:
                detail = f"{offered} offered, {unsold} not sold"
                findings.append(Finding("stock_shown_wrong", event_id, str(tier), detail))
        return findings


def digests_of(seats_count: int, sold: frozenset[int]) -> list[str]:
    """Return the digests that Redis has when it shows just these seats as sold."""
    digits = bytearray(b"0") * seats_count
    for index in sold:
        digits[index] = ord("2")
    return [
        hashlib.sha1(digits[first : first + BLOCK], usedforsecurity=False).hexdigest()
        for first in range(0, seats_count, BLOCK)
    ]
