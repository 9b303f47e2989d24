"""One event in Redis and its scripts, called with a given time; for script tests and simulations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from lua.keys import event_keys, event_log_key, operation_key, staged_keys
from tests.simulation.script_caller import NOON, ScriptCaller

HOLD_MS = 60_000
OPERATION_MS = 3_600_000


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
    )


@dataclass
class SeatsInRedis:
    """An event; `now` is the time all scripts go by."""

    call: ScriptCaller
    event_id: str
    now: int = NOON
    seats_max: int = 8
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
        blocks: Mapping[str, Sequence[tuple[int, int]]] | None = None,
        stock: Mapping[str, int] | None = None,
        seats_count: int | None = None,
    ) -> list[Any]:
        """Stage a state without holds and put it in place."""
        staged = staged_keys(self.event_id, self.call.epoch)
        store = self.call.store
        await store.call("DEL", *staged.values())
        await store.call("SET", staged["staged_status"], status)
        for tier, found in (blocks or {}).items():
            await store.call("HSET", staged["staged_blocks"], tier, json.dumps(found))
        for tier, free in (stock or {}).items():
            await store.call("HSET", staged["staged_stock"], tier, free)
        return await self.activate_staged(len(status) if seats_count is None else seats_count)

    async def activate_staged(self, length: int) -> list[Any]:
        """Put in place whatever is staged."""
        staged = staged_keys(self.event_id, self.call.epoch)
        return await self.call("activate_event", {**self.keys, **staged}, {"seats_count": length})

    def _hold_args(self, fan_id: str) -> dict[str, str | int]:
        return {
            "now_ms": self.now,
            "hold_ms": HOLD_MS,
            "fan_id": fan_id,
            "seats_max": self.seats_max,
            "reservation_id": self.new_reservation_id(),
            "operation_ms": OPERATION_MS,
        }

    async def hold_seats(
        self, fan_id: str, seats: Sequence[int], operation: str | None = None
    ) -> list[Any]:
        """Ask for named seats."""
        args = {**self._hold_args(fan_id), "seat_indexes": json.dumps(list(seats))}
        return await self.call("hold_seats", self._with(operation), args)

    async def hold_best(
        self,
        fan_id: str,
        quantity: int,
        tiers: Sequence[str],
        operation: str | None = None,
        *,
        allowed: Sequence[int] = (),
        chance: int = 0,
    ) -> list[Any]:
        """Ask for the best seats."""
        args = {
            **self._hold_args(fan_id),
            "quantity": quantity,
            "tiers": json.dumps(list(tiers)),
            "allowed": json.dumps(list(allowed)),
            "chance": chance,
        }
        return await self.call("hold_best", self._with(operation), args)

    async def hold_stock(
        self, fan_id: str, tier: str, quantity: int, operation: str | None = None
    ) -> list[Any]:
        """Ask for stock."""
        args = {**self._hold_args(fan_id), "tier": tier, "quantity": quantity}
        return await self.call("hold_stock", self._with(operation), args)

    async def extend(
        self, fan_id: str, reservation_id: str, why: str = "wish", more_ms: int = 30_000
    ) -> list[Any]:
        """Ask for more time."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "reservation_id": reservation_id,
            "why": why, "more_ms": more_ms,
        }  # fmt: skip
        return await self.call("extend_hold", self.keys, args)

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
