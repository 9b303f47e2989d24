"""Live holds that are to last longer: once by their fan's wish, or for a payment."""

from typing import Any

from booking_core.seats.event_scripts import OwnKeys, run_event_script
from booking_core.seats.hold import Hold, event_of, read_reservation
from booking_core.seats.holding_time import REST_MS
from booking_core.seats.operations import fans_extension
from booking_core.settings import CoreSettings
from groundwork.clock import TokenSource
from groundwork.errors import ExtensionRefused, HoldLost, ReservationNotFound
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import holding_key, operation_key

# A client repeats a request for minutes at most; an hour forgives a laptop that was closed.
OPERATION_MS = 60 * 60_000


class HoldExtender:
    """What gives holds more time, and what all calls of an event's scripts need."""

    def __init__(self, epochs: Epochs, tokens: TokenSource, settings: CoreSettings) -> None:
        self.epochs = epochs
        self._tokens = tokens
        self._settings = settings
        self._extend_hold = LuaScript("extend_hold")

    async def extend(
        self, reservation_id: str, fan_id: str, operation_id: str | None = None
    ) -> Hold:
        """Give the fan's hold its one extension. Safe to repeat with an operation id.

        Raises ExtensionRefused, HoldLost.
        """
        extend_ms = self._settings.extend_ms
        match await self._extend(reservation_id, fan_id, "wish", extend_ms, operation_id):
            case ["extended", str(text)]:
                return read_reservation(reservation_id, text)
            case ["refused", _]:
                raise ExtensionRefused
            case _:
                raise HoldLost

    async def keep_for_payment(
        self,
        reservation_id: str,
        fan_id: str,
        more_ms: int,
        order_id: str,
        *,
        is_new: bool = True,
    ) -> Hold:
        """Return the fan's live hold, kept for a payment that begins now: it lasts and stays as it is.

        The payment is the order's. An offer is accepted by that. One that is not new is one we cannot end:
        the fan need not rest for that, and a newer one goes on. Raises ReservationNotFound.
        """
        why = "payment" if is_new else "kept"
        match await self._extend(reservation_id, fan_id, why, more_ms, order_id=order_id):
            case ["extended", str(text)]:
                return read_reservation(reservation_id, text)
            case ["lost"]:
                raise ReservationNotFound
            case answer:
                raise AssertionError(f"extend_hold.lua broke its contract: {answer!r}")

    async def end_payment(self, reservation_id: str, fan_id: str, order_id: str) -> None:
        """Let the hold be changed again, if there is one still: the order's payment was declined.

        When it ends stays. What a newer payment keeps stays kept. Safe to repeat.
        """
        await self._extend(reservation_id, fan_id, "declined", 0, order_id=order_id)

    async def _extend(
        self,
        reservation_id: str,
        fan_id: str,
        why: str,
        more_ms: int,
        operation_id: str | None = None,
        *,
        order_id: str = "",
    ) -> list[Any]:
        event_id, operation = event_of(reservation_id), self._tokens.token()
        if operation_id:
            operation = fans_extension(reservation_id, fan_id, operation_id)
        answer = await self._run(
            self._extend_hold,
            event_id,
            {
                "now_ms": "",
                "fan_id": fan_id,
                "reservation_id": reservation_id,
                "why": why,
                "more_ms": more_ms,
                "operation_ms": OPERATION_MS,
                "rest_ms": REST_MS,
                "payment": order_id,
            },
            {
                "operation": operation_key(event_id, operation),
                "holding": holding_key(event_id, fan_id),
            },
        )
        assert answer[0] in ("extended", "refused", "kept", "lost"), answer
        return answer

    async def _run(
        self,
        script: LuaScript,
        event_id: str,
        args: dict[str, str | int],
        own_keys: OwnKeys | None = None,
    ) -> list[Any]:
        return await run_event_script(self.epochs, script, event_id, args, own_keys)
