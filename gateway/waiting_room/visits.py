"""Visits of fans inside: they are kept, given time where we failed them, and ended."""

from dataclasses import dataclass

import msgspec

from gateway.settings import GatewaySettings
from gateway.waiting_room.fan_in_line import FansSeen
from groundwork.tokens import PassClaims
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import sale_keys


@dataclass(frozen=True, slots=True)
class Touched:
    """What came of telling the line who was seen."""

    inside: int
    faults: int
    given_ms: int


class Visits:
    """One typed method for each script about visits that have begun."""

    def __init__(self, epochs: Epochs, settings: GatewaySettings) -> None:
        self._epochs = epochs
        self._settings = settings
        self._end_visit = LuaScript("end_visit")
        self._touch_visits = LuaScript("touch_visits")
        self._renew_visit = LuaScript("renew_visit")

    async def end(self, sale_id: str, fan_id: str) -> None:
        """End the fan's visit, if there is one."""
        answer = await self._epochs.run(
            self._end_visit, ("sale", sale_id), sale_keys(sale_id), {"fan_id": fan_id}
        )
        assert answer[0] == "ended", answer

    async def touch(self, sale_id: str, fans: FansSeen) -> Touched:
        """Keep the visits of fans who were just seen, also of those a lost Redis knew.

        Whom we failed is given time, so often and so long as lua/includes/faults.lua says.
        """
        answer = await self._epochs.run(
            self._touch_visits,
            ("sale", sale_id),
            sale_keys(sale_id),
            {
                "now_ms": "",
                "silent_ms": self._settings.silent_ms,
                "seen": msgspec.json.encode(fans.rows()).decode(),
            },
        )
        assert answer[0] == "touched", answer
        return Touched(*answer[1:])

    async def renew(self, lapsed: PassClaims) -> PassClaims | None:
        """Return a new pass for a visit that goes on though its pass has ended; None when it does not."""
        answer = await self._epochs.run(
            self._renew_visit,
            ("sale", lapsed.sale_id),
            sale_keys(lapsed.sale_id),
            {
                "now_ms": "",
                "fan_id": lapsed.fan_id,
                "visit_id": lapsed.visit_id,
                "pass_ends_at": lapsed.expires_at_ms,
            },
        )
        match answer:
            case ["goes_on", int(ends_at_ms)]:
                return msgspec.structs.replace(lapsed, expires_at_ms=ends_at_ms)
            case ["ended"]:
                return None
        raise AssertionError(f"renew_visit.lua broke its contract: {answer!r}")
