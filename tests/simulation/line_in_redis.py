"""One sale's line in Redis and its scripts, called with a given time; for script tests and simulations."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.bot_checks.limiting import Limited, limited
from gateway.bot_checks.limits import ADMITS, JOINS, again_limit
from lua.keys import sale_keys, spent_key
from tests.simulation.script_caller import NOON, ScriptCaller

ANSWER_MS = 120_000
# A cohort of calls spans a second: its last fan has the whole answering time, its first a bit more.
SETTLED_MS = ANSWER_MS + 1_000
VISIT_MS = 900_000
SPENT_MS = 900_000
DEVICES_MS = 86_400_000
SILENT_MS = 300_000
# What call_places answers, by name.
STANDS = ("now_ms", "inside", "calls_open", "called_now", "called", "claimed", "limit", "rate",
          "no_show", "health", "admitted", "at_turnstile", "late", "lanes", "frozen_ms")  # fmt: skip


@dataclass
class LineInRedis:
    """A line; `now` is the time all scripts go by."""

    call: ScriptCaller
    sale_id: str
    now: int = NOON
    rate_per_minute: int = 600
    burst: int = 10
    capacity: int = 1_000
    # What the caller of call_places remembers; None: it was started a moment ago.
    serving_seen: int = 0
    # Lanes that go before the general line, in order, and what the caller remembers of them.
    lanes: tuple[str, ...] = ()
    lanes_seen: dict[str, int] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, str]:
        """All keys but the spent proofs'."""
        return dict(sale_keys(self.sale_id))

    async def open(
        self,
        last_place: int = 0,
        leased: int = 0,
        ceiling: int = 1_000_000,
        serving: int = 0,
        lanes: list[dict[str, Any]] | None = None,
        inside: int = 0,
        away_ms: int = 0,
    ) -> list[Any]:
        """Begin the line in the caller's epoch."""
        args: dict[str, str | int] = {
            "last_place": last_place, "leased": leased, "ceiling": ceiling, "serving": serving,
            "entering": 0, "last_entry": 0, "entries_leased": 0, "entry_ceiling": 0,
            "lanes": json.dumps(lanes or []),
            "now_ms": self.now, "inside": inside, "silent_ms": SILENT_MS, "away_ms": away_ms,
        }  # fmt: skip
        return await self.call("open_line", self.keys, args)

    async def open_entries(
        self, last_entry: int = 0, leased: int = 0, ceiling: int = 1_000_000, places_leased: int = 0
    ) -> list[Any]:
        """Begin the line in the caller's epoch, taking entries to the draw."""
        args: dict[str, str | int] = {
            "last_place": 0, "leased": places_leased, "ceiling": places_leased, "serving": 0,
            "entering": 1, "last_entry": last_entry, "entries_leased": leased,
            "entry_ceiling": ceiling, "lanes": "[]",
            "now_ms": self.now, "inside": 0, "silent_ms": SILENT_MS, "away_ms": 0,
        }  # fmt: skip
        return await self.call("open_line", self.keys, args)

    async def seal(self) -> list[Any]:
        """End the taking of entries."""
        return await self.call("seal_entries", self.keys, {})

    async def read_entries(self, after: int = 0, entries_max: int = 1_000) -> list[Any]:
        """Read what the roster does not have."""
        return await self.call(
            "read_entries", self.keys, {"after": after, "entries_max": entries_max}
        )

    async def find_entry(self, fan_id: str) -> list[Any]:
        """Look up a fan's entry number."""
        return await self.call("find_entry", self.keys, {"fan_id": fan_id})

    async def join(
        self,
        fan_id: str,
        proof: str | None = None,
        device: str | None = None,
        lane: str = "general",
        limits: Limited | None = None,
        came_from: str = "",
    ) -> list[Any]:
        """Ask for a place; proofs of the fan's own unless given, and from nowhere that is counted."""
        limits = limits or limited(JOINS, self.sale_id)
        keys = {
            **self.keys,
            **limits.keys,
            "proof": spent_key(self.sale_id, f"proof:{proof or fan_id}"),
            "device": spent_key(self.sale_id, f"device:{device or fan_id}"),
        }
        args: dict[str, str | int] = {
            "fan_id": fan_id, "lane": lane, "spent_ms": SPENT_MS, "now_ms": self.now,
            "limits": limits.rows, "devices_ms": DEVICES_MS,
            "came_from": came_from,
        }  # fmt: skip
        return await self.call("join_line", keys, args)

    async def join_many(self, fans: int) -> None:
        """Give places to fan-1, fan-2, ... in this order."""
        for number in range(1, fans + 1):
            assert await self.join(f"fan-{number}")

    async def raise_ceiling(self, ceiling: int, of: str = "ceiling") -> list[Any]:
        """Allow more places, or more entry numbers."""
        return await self.call("raise_ceiling", self.keys, {"of": of, "ceiling": ceiling})

    async def call_places(self, rate_per_minute: int | None = None, **given: Any) -> dict[str, Any]:
        """Move the line and return how it stands, by name; the general line's numbers beside it."""
        answer = await self.try_to_call(rate_per_minute, **given)
        assert answer[0] == "line", answer
        stands = dict(zip(STANDS, answer[1:], strict=True))
        lane_names = ("lane", "serving", "last_place", "gaps", "lane_called", "kept")
        lanes = [dict(zip(lane_names, lane, strict=True)) for lane in stands["lanes"]]
        return {**stands, **lanes[-1], "by_lane": {lane["lane"]: lane for lane in lanes}}

    async def try_to_call(
        self,
        rate_per_minute: int | None = None,
        *,
        seats_left: int | None = None,
        seats_per_fan: float = 1,
        good: int = 0,
        bad: int = 0,
        away_ms: int = 0,
    ) -> list[Any]:
        """Ask the line to move."""
        rate = self.rate_per_minute if rate_per_minute is None else rate_per_minute
        lanes = [[lane, self.lanes_seen.get(lane, 0)] for lane in self.lanes]
        lanes.append(["general", self.serving_seen])
        args: dict[str, str | int] = {
            "now_ms": self.now, "rate_per_minute": rate, "burst": self.burst,
            "capacity": self.capacity, "answer_ms": ANSWER_MS, "lanes": json.dumps(lanes),
            "seats_left": "" if seats_left is None else seats_left,
            "seats_per_fan": repr(seats_per_fan), "answers_good": good, "answers_bad": bad,
            "away_ms": away_ms,
        }  # fmt: skip
        return await self.call("call_places", self.keys, args)

    async def admit(
        self,
        fan_id: str,
        place: int,
        visit_id: str = "visit",
        *,
        device: str | None = None,
        proof_id: str | None = None,
        lane: str = "general",
        limits: Limited | None = None,
    ) -> list[Any]:
        """Ask to be let in; by default as often as a story likes."""
        limits = limits or limited(ADMITS, self.sale_id)
        again = limited(again_limit(VISIT_MS), self.sale_id, fan_id)
        keys = {
            **self.keys,
            "again": again.keys["own"],
            "own": limits.keys["own"],
            "device": spent_key(self.sale_id, f"device:{device or 'admit ' + fan_id}"),
        }
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "lane": lane, "place": place, "visit_id": visit_id,
            "visit_ms": VISIT_MS, "capacity": self.capacity, "answer_ms": ANSWER_MS,
            "proof_id": proof_id or fan_id, "spent_ms": SPENT_MS, "limits": limits.rows,
            "again": again.rows,
        }  # fmt: skip
        return await self.call("admit_fan", keys, args)

    async def move(
        self, fan_id: str, to_fan_id: str, place: int | str, lane: str = "general"
    ) -> list[Any]:
        """Move a fan's place, or with "" for it the entry, to another fan."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "to_fan_id": to_fan_id, "lane": lane,
            "place": place,
        }  # fmt: skip
        return await self.call("move_place", self.keys, args)

    async def touch(
        self,
        fans: Iterable[str],
        silent_ms: int = SILENT_MS,
        pass_ends_at: int | None = None,
        *,
        failed: bool = False,
    ) -> list[Any]:
        """Keep the visits of fans who were seen; their passes end with a whole visit unless given."""
        ends_at = self.now + VISIT_MS if pass_ends_at is None else pass_ends_at
        seen = [[fan_id, f"visit of {fan_id}", ends_at, int(failed)] for fan_id in fans]
        args: dict[str, str | int] = {
            "now_ms": self.now, "silent_ms": silent_ms, "seen": json.dumps(seen),
        }  # fmt: skip
        return await self.call("touch_visits", self.keys, args)

    async def renew(self, fan_id: str, visit_id: str, pass_ends_at: int) -> list[Any]:
        """Ask whether a visit goes on whose pass has ended."""
        args: dict[str, str | int] = {
            "now_ms": self.now, "fan_id": fan_id, "visit_id": visit_id, "pass_ends_at": pass_ends_at,
        }  # fmt: skip
        return await self.call("renew_visit", self.keys, args)

    async def end_visit(self, fan_id: str) -> list[Any]:
        """End a visit."""
        return await self.call("end_visit", self.keys, {"fan_id": fan_id})
