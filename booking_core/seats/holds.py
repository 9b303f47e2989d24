"""Holds: seats and stock promised to one fan for a while. Every rule is in a script of lua/."""

import random
from collections.abc import Coroutine
from typing import Any

import msgspec

from booking_core import metrics
from booking_core.seats.allotment import Allotment
from booking_core.seats.event_scripts import run_event_script
from booking_core.seats.hold import Hold, event_of, read_reservation
from booking_core.seats.hold_answers import read_hold_answer
from booking_core.seats.hold_extender import OPERATION_MS, HoldExtender
from booking_core.seats.holding_time import REST_MS, USEFUL_MS
from booking_core.seats.operations import fans_hold, fans_swap, shops_hold
from booking_core.seats.wishes import Wish
from booking_core.settings import CoreSettings
from groundwork.clock import TokenSource
from groundwork.counted_soon import TimedSoon, observed_soon
from groundwork.errors import (
    OverSeatLimit,
    ReservationNotFound,
    StoreUnavailable,
)
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import holding_key, operation_key, settled_key

# An outcome is told again for as long as the outbox may be stuck; a new epoch starts from the ledger.
SETTLED_MS = 7 * 24 * 60 * 60_000
# One sweep frees at most so many holds, a few milliseconds of the server's time.
SWEEP_HOLDS_MAX = 500
# Asked again when what was in the way may be dead holds; each time hundreds of them are swept.
DEAD_HOLDS_TRIES = 20
# More than seats that are as good as each other, in any house.
CHANCES = 1_000_000


class SeatHolds(HoldExtender):
    """Holds of all events, one typed method for each script."""

    def __init__(
        self, epochs: Epochs, tokens: TokenSource, rng: random.Random, settings: CoreSettings
    ) -> None:
        super().__init__(epochs, tokens, settings)
        self._rng = rng
        self._seconds = observed_soon(metrics.HOLD_SECONDS)
        self._hold_scripts = {
            "seats": LuaScript("hold_seats"),
            "best": LuaScript("hold_best"),
            "stock": LuaScript("hold_stock"),
        }
        self._swap_hold = LuaScript("swap_hold")
        self._release_hold = LuaScript("release_hold")
        self._read_hold = LuaScript("read_hold")
        self._sweep_holds = LuaScript("sweep_holds")
        self._settle_hold = LuaScript("settle_hold")
        self._read_seats = LuaScript("read_seats")
        self._allot_seats = LuaScript("allot_seats")

    def hold(
        self,
        event_id: str,
        fan_id: str,
        wish: Wish,
        seats_max: int,
        operation_id: str | None = None,
        *,
        takes_turns: bool = False,
        is_shops_own: bool = False,
        reservation_id: str = "",
    ) -> Coroutine[Any, Any, Hold]:
        """Hold what is wished for, or raise and hold none of it. Safe to repeat with an operation id.

        For as long as the settings say; with `takes_turns` only as long as the fan may (holding_time.py).
        With `is_shops_own` the operation is the shop's, and no fan can ask what it led to. Given the
        `reservation_id` of a hold that has ended, it is made under that name. An offer not used is let go.
        Raises OverSeatLimit, HeldLongEnough, HoldLost (a repeat, and that has ended),
        IdempotencyKeyReused (no repeat, but another wish); for named seats SeatsTakenByIndex,
        SeatsKeptByIndex, OrphanLeftByIndex; for others SoldOut.
        """
        name = self._tokens.token()
        # Without a name of its own it is called as what it makes: nobody can ask for it again.
        operation, asked = name, ""
        if operation_id and is_shops_own:
            operation = shops_hold(operation_id)  # which never asks for two things under one name
        elif operation_id:
            operation, asked = fans_hold(fan_id, operation_id), wish.in_short()
        args: dict[str, str | int] = {
            "hold_ms": self._settings.hold_ms,
            "reservation_id": reservation_id or f"{event_id}.{name}",
            "holding_ms": self._settings.holding_ms if takes_turns else "",
            "rest_ms": REST_MS,
            "useful_ms": USEFUL_MS,
            "asked": asked,
        }
        script = self._hold_scripts[wish.kind]
        return self._ask(script, event_id, fan_id, wish, seats_max, operation, args)

    def swap(
        self,
        reservation_id: str,
        fan_id: str,
        wish: Wish,
        seats_max: int,
        operation_id: str | None = None,
    ) -> Coroutine[Any, Any, Hold]:
        """Change what a hold has for what is wished for, or raise and change nothing.

        Name and clock stay. Raises as `hold` does, HoldLost also when there is no such hold, and
        RequestInProgress when it is being paid for.
        """
        event_id = event_of(reservation_id)
        operation, asked = self._tokens.token(), ""
        if operation_id:
            operation = fans_swap(reservation_id, fan_id, operation_id)
            asked = wish.in_short()
        args: dict[str, str | int] = {"reservation_id": reservation_id, "asked": asked}
        return self._ask(self._swap_hold, event_id, fan_id, wish, seats_max, operation, args)

    async def _ask(
        self,
        script: LuaScript,
        event_id: str,
        fan_id: str,
        wish: Wish,
        seats_max: int,
        operation: str,
        args: dict[str, str | int],
    ) -> Hold:
        """Call the script with its own arguments and those that all of them take."""
        if wish.quantity > seats_max:
            raise OverSeatLimit(seats_max)
        args |= {
            "now_ms": "",
            "fan_id": fan_id,
            "seats_max": seats_max,
            "wish": wish.text(int(self._rng.random() * CHANCES)),
            "operation_ms": OPERATION_MS,
        }
        own_keys = {
            "operation": operation_key(event_id, operation),
            "holding": holding_key(event_id, fan_id),
        }
        with TimedSoon(self._seconds):
            for _ in range(DEAD_HOLDS_TRIES):
                answer = await run_event_script(self.epochs, script, event_id, args, own_keys)
                if answer[0] not in ("sold_out", "over_limit") or answer[-1] == 0:
                    break
            else:
                # Thousands of dead holds, and no sweeper: what is free is not known yet.
                raise StoreUnavailable(retry_after=1)
        return read_hold_answer(script.name, event_id, seats_max, answer)

    async def read(self, reservation_id: str, fan_id: str) -> Hold:
        """Return the fan's live hold; an offer is accepted by that. Raises ReservationNotFound."""
        args: dict[str, str | int] = {
            "now_ms": "", "fan_id": fan_id, "reservation_id": reservation_id,
        }  # fmt: skip
        match await self._run(self._read_hold, event_of(reservation_id), args):
            case ["held", str(text), _]:
                return read_reservation(reservation_id, text)
            case ["lost"]:
                raise ReservationNotFound
            case answer:
                raise AssertionError(f"read_hold.lua broke its contract: {answer!r}")

    async def release(self, reservation_id: str, fan_id: str) -> bool:
        """Give the hold back; says whether there was one. Safe to repeat."""
        event_id = event_of(reservation_id)
        answer = await self._run(
            self._release_hold,
            event_id,
            {"now_ms": "", "fan_id": fan_id, "reservation_id": reservation_id},
        )
        assert answer[0] in ("released", "absent"), answer
        if answer[0] == "released":
            metrics.HOLDS_RELEASED.labels(event_id, "released").inc()
        return bool(answer[0] == "released")

    async def sweep(self, event_id: str) -> tuple[int, int]:
        """Free holds that ran out; return how many, and in how many ms the next one ends (-1: none)."""
        answer = await self._run(
            self._sweep_holds, event_id, {"now_ms": "", "holds_max": SWEEP_HOLDS_MAX}
        )
        assert answer[0] == "swept", answer
        if answer[1]:
            metrics.HOLDS_RELEASED.labels(event_id, "expired").inc(answer[1])
        return int(answer[1]), int(answer[2])

    async def read_status(self, event_id: str) -> tuple[str, dict[str, int]]:
        """Return one digit a seat (lua/includes/digits.lua says which), and the free stock by tier."""
        answer = await self._run(self._read_seats, event_id, {})
        assert answer[0] == "seats", answer
        stock = {tier: int(free) for tier, free in zip(answer[3::2], answer[4::2], strict=True)}
        return str(answer[2]), stock

    async def allot(self, event_id: str, allotment: Allotment) -> None:
        """Say what seats are kept for from now on; the newest version counts. Safe to repeat."""
        answer = await self._run(
            self._allot_seats,
            event_id,
            {
                "now_ms": "",
                "version": allotment.version,
                "allotment": allotment.digits,
                "channels": _json({str(i): name for i, name in allotment.channels.items()}),
            },
        )
        assert answer[0] in ("allotted", "allotted_before"), answer

    async def settle(self, hold: Hold, outcome: str, order_id: str) -> int:
        """Show the outcome of an order; return how many other holds ended. Safe to repeat.

        "sold", "released" (what was held), or "cancelled" (what was sold).
        """
        answer = await self._run(
            self._settle_hold,
            hold.event_id,
            {
                "now_ms": "",
                "outcome": outcome,
                "fan_id": hold.fan_id,
                "reservation_id": hold.reservation_id,
                "seat_indexes": _json(list(hold.seat_indexes)),
                "tier": hold.tier,
                "quantity": hold.quantity,
                "operation_ms": SETTLED_MS,
            },
            lambda epoch: {
                "operation": settled_key(
                    hold.event_id, epoch, order_id, outcome, hold.reservation_id
                )
            },
        )
        match answer:
            case ["settled", int(ended)]:
                return ended
            case ["settled_before"]:
                return 0
        raise AssertionError(f"settle_hold.lua broke its contract: {answer!r}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
