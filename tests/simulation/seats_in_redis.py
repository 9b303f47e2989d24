"""One event in Redis and its scripts, called with a given time; for script tests and simulations."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from lua.keys import event_keys, event_log_key, holding_key, operation_key, staged_keys
from tests.simulation.script_caller import NOON, ScriptCaller

Blocks = Mapping[str, Sequence[tuple[int, int]]]
NO_BLOCK = 0xFFFF

HOLD_MS = 60_000
OPERATION_MS = 3_600_000
# Where a fan may hold for holding_ms at most.
REST_MS = 30_000
USEFUL_MS = 10_000


@dataclass
class Held:
    """A hold as a script answered it."""

    reservation_id: str
    fan_id: str
    seats: list[int]
    expires_at_ms: int
    is_extended: bool
    tier: str
    quantity: int
    is_offer: bool = False


def read_hold(reservation_id: str, text: str) -> Held:
    """Return the hold that a script wrote as JSON."""
    stored = json.loads(text)
    return Held(
        reservation_id,
        stored["fan_id"],
        list(stored["seats"]),
        stored["expires_at_ms"],
        stored["extended"],
        stored.get("tier", ""),
        stored.get("quantity", 0),
        stored.get("offered", False),
    )


def pack_blocks(
    blocks: Blocks, grades: Mapping[str, Sequence[int]] | None = None
) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """Return a plan as the scripts read it, and each tier's first and last block.

    Every block is a row, the middle its best place; rows are as near to the stage as their grades say,
    or else in the order given, and each lies before the next.
    """
    packed, ranges, number = b"", {}, 0
    for tier, found in blocks.items():
        low, high = number, number + len(found) - 1
        for rank, (first, length) in enumerate(found):
            grade = grades[tier][rank] if grades else rank
            packed += first.to_bytes(3, "big") + length.to_bytes(2, "big")
            packed += (length - 1).to_bytes(2, "big") + grade.to_bytes(3, "big")
            for other in (number - 1, number + 1):
                packed += (other if low <= other <= high else NO_BLOCK).to_bytes(2, "big")
            number += 1
        ranges[tier] = (low, high)
    return packed, ranges


@dataclass
class SeatsInRedis:
    """An event; `now` is the time all scripts go by."""

    call: ScriptCaller
    event_id: str
    now: int = NOON
    seats_max: int = 8
    holding_ms: int | str = ""
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    _names: Any = field(default_factory=lambda: count(1))

    @property
    def keys(self) -> dict[str, str]:
        """All keys but the operation's."""
        return {**event_keys(self.event_id), "log": event_log_key(self.event_id, self.call.epoch)}

    def _with(self, operation: str | None) -> dict[str, str]:
        name = operation or f"once-{next(self._names)}"
        return {**self.keys, "operation": operation_key(self.event_id, name)}

    def new_reservation_id(self) -> str:
        """Return a name that was not given before."""
        return f"{self.event_id}.{next(self._names):022d}"

    async def activate(
        self,
        status: str = "",
        blocks: Blocks | None = None,
        stock: Mapping[str, int] | None = None,
        seats_count: int | None = None,
        *,
        allotment: str | None = None,
        channels: Mapping[int, str] | None = None,
        grades: Mapping[str, Sequence[int]] | None = None,
    ) -> list[Any]:
        """Stage a state without holds and put it in place; who has a free seat is its allotment."""
        staged = staged_keys(self.event_id, self.call.epoch)
        store = self.call.store
        packed, self.ranges = pack_blocks(blocks or {}, grades)
        kept = re.sub("[12]", "0", status) if allotment is None else allotment
        await store.call("DEL", *staged.values())
        await store.call("SET", staged["staged_status"], status)
        await store.call("SET", staged["staged_allotment"], kept)
        await store.call("SET", staged["staged_plan"], packed)
        for seat, channel in (channels or {}).items():
            await store.call("HSET", staged["staged_channels"], seat, channel)
        for tier, free in (stock or {}).items():
            await store.call("HSET", staged["staged_stock"], tier, free)
        return await self.activate_staged(len(status) if seats_count is None else seats_count)

    async def activate_staged(self, length: int) -> list[Any]:
        """Put in place whatever is staged."""
        staged = staged_keys(self.event_id, self.call.epoch)
        args = {"seats_count": length, "version": 0}
        return await self.call("activate_event", {**self.keys, **staged}, args)

    async def allot(
        self, allotment: str, version: int, channels: Mapping[int, str] | None = None
    ) -> list[Any]:
        """Say what seats are kept for from now on."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "version": version, "allotment": allotment,
            "channels": json.dumps(channels or {}),
        }  # fmt: skip
        return await self.call("allot_seats", self.keys, args)

    def _hold_args(self, fan_id: str, asked: str, name: str) -> dict[str, str | int]:
        return {
            "now_ms": self.now,
            "hold_ms": HOLD_MS,
            "fan_id": fan_id,
            "seats_max": self.seats_max,
            "reservation_id": name or self.new_reservation_id(),
            "operation_ms": OPERATION_MS,
            "holding_ms": self.holding_ms,
            "rest_ms": REST_MS,
            "useful_ms": USEFUL_MS,
            "asked": asked,
        }

    def named(
        self,
        seats: Sequence[int],
        *,
        rows: Sequence[tuple[int, int]] = (),
        is_accessible: bool = False,
        is_theirs: bool = False,
        companions: Mapping[int, int] | None = None,
        channel: str = "",
        offer: str = "",
        offer_places: Sequence[Sequence[int]] = (),
        places: int = 0,
        chance: int = 0,
    ) -> str:
        """Return a wish for named seats; `offer` is the tier to offer from, `companions` all there are."""
        told = {
            "seats": list(seats), "rows": list(rows),
            "is_accessible": is_accessible, "is_theirs": is_theirs,
            "companions": list((companions or {}).items()), "channel": channel,
            "places": places, "offer_places": list(offer_places),
            "offer_range": self.ranges[offer] if offer else [],
        }  # fmt: skip
        matters = {key: value for key, value in told.items() if value}
        return json.dumps({"kind": "seats", "chance": chance, **matters})

    def best(
        self,
        quantity: int,
        tiers: Sequence[str],
        *,
        accessible: Sequence[int] = (),
        companions: Mapping[int, int] | None = None,
        channel: str = "",
        chance: int = 0,
    ) -> str:
        """Return a wish for the best seats; a tier the event does not have is nothing."""
        return json.dumps({
            "kind": "best", "quantity": quantity,
            "ranges": [self.ranges[tier] for tier in tiers if tier in self.ranges],
            "accessible": list(accessible), "places": 1,
            "companions": list((companions or {}).items()), "channel": channel, "chance": chance,
        })  # fmt: skip

    def stock(self, tier: str, quantity: int) -> str:
        """Return a wish for stock."""
        return json.dumps({"kind": "stock", "tier": tier, "quantity": quantity, "chance": 0})

    async def hold(
        self,
        script: str,
        fan_id: str,
        wish: str,
        operation: str | None = None,
        asked: str = "",
        name: str = "",
    ) -> list[Any]:
        """Ask one of the scripts that hold for what is wished, as a reservation of this name or a new one."""
        args = {**self._hold_args(fan_id, asked, name), "wish": wish}
        keys = {**self._with(operation), "holding": holding_key(self.event_id, fan_id)}
        return await self.call(script, keys, args)

    async def hold_seats(
        self, fan_id: str, seats: Sequence[int], operation: str | None = None, **more: Any
    ) -> list[Any]:
        """Ask for named seats; `more` as of `named`."""
        return await self.hold("hold_seats", fan_id, self.named(seats, **more), operation)

    async def hold_best(
        self,
        fan_id: str,
        quantity: int,
        tiers: Sequence[str],
        operation: str | None = None,
        **more: Any,
    ) -> list[Any]:
        """Ask for the best seats; `more` as of `best`."""
        return await self.hold("hold_best", fan_id, self.best(quantity, tiers, **more), operation)

    async def hold_stock(
        self,
        fan_id: str,
        tier: str,
        quantity: int,
        operation: str | None = None,
        name: str = "",
    ) -> list[Any]:
        """Ask for stock, as a reservation of this name or a new one."""
        wish = self.stock(tier, quantity)
        return await self.hold("hold_stock", fan_id, wish, operation, name=name)

    async def swap(
        self,
        fan_id: str,
        reservation_id: str,
        wish: str,
        operation: str | None = None,
        asked: str = "",
    ) -> list[Any]:
        """Ask to change what a hold has; the wish is of `named`, `best` or `stock`."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "reservation_id": reservation_id,
            "seats_max": self.seats_max, "wish": wish, "operation_ms": OPERATION_MS,
            "asked": asked,
        }  # fmt: skip
        return await self.call("swap_hold", self._with(operation), args)

    async def extend(
        self,
        fan_id: str,
        reservation_id: str,
        why: str = "wish",
        more_ms: int = 30_000,
        operation: str | None = None,
        payment: str = "",
    ) -> list[Any]:
        """Ask for more time."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "reservation_id": reservation_id,
            "why": why, "more_ms": more_ms, "operation_ms": OPERATION_MS, "rest_ms": REST_MS,
            "payment": payment,
        }  # fmt: skip
        keys = {**self._with(operation), "holding": holding_key(self.event_id, fan_id)}
        return await self.call("extend_hold", keys, args)

    async def release(self, fan_id: str, reservation_id: str) -> list[Any]:
        """Give a hold back."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "reservation_id": reservation_id,
        }  # fmt: skip
        return await self.call("release_hold", self.keys, args)

    async def read(self, fan_id: str, reservation_id: str) -> list[Any]:
        """Read a live hold."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "reservation_id": reservation_id,
        }  # fmt: skip
        return await self.call("read_hold", self.keys, args)

    async def sweep(self, holds_max: int = 500) -> list[Any]:
        """Free what ran out."""
        args: dict[str, str | int] = {"now_ms": self.now, "holds_max": holds_max}
        return await self.call("sweep_holds", self.keys, args)

    async def settle(self, held: Held, outcome: str, order_id: str) -> list[Any]:
        """Show an order's outcome."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "outcome": outcome, "fan_id": held.fan_id,
            "reservation_id": held.reservation_id, "seat_indexes": json.dumps(held.seats),
            "tier": held.tier, "quantity": held.quantity, "operation_ms": OPERATION_MS,
        }  # fmt: skip
        return await self.call("settle_hold", self._with(f"settled:{order_id}"), args)

    async def read_seats(self) -> list[Any]:
        """Read everything."""
        return await self.call("read_seats", self.keys, {})

    async def status(self) -> str:
        """Return one digit a seat."""
        return str((await self.read_seats())[2])

    async def free_stock(self, tier: str) -> int:
        """Return how many of a tier are free."""
        return int(await self.call.store.call("HGET", self.keys["stock"], tier))

    async def log(self) -> list[dict[str, str]]:
        """Return all log entries, oldest first, each with its number as `seq`."""
        entries = await self.call.store.call("XRANGE", self.keys["log"], "-", "+")
        return [
            {"seq": entry_id.partition("-")[0], **_fields(pairs)} for entry_id, pairs in entries
        ]


def _fields(pairs: Any) -> dict[str, str]:
    if isinstance(pairs, dict):
        return pairs
    return dict(zip(pairs[0::2], pairs[1::2], strict=True))
