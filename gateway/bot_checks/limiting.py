"""Spends limits: in a call of its own, or in the script of what is limited."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from gateway import metrics
from gateway.bot_checks.asked_from import NOWHERE, AskedFrom
from gateway.bot_checks.limits import Limit
from groundwork.errors import TooManyRequests
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import limit_keys


class Limited(msgspec.Struct, frozen=True, gc=False):
    """What a script needs to spend a limit: the keys, and the rows of `limits`."""

    keys: Mapping[str, str]
    rows: str


def limited(limit: Limit, sale_id: str, own: str = "", asked_from: AskedFrom = NOWHERE) -> Limited:
    """Return what to count a call against; without a name for whose a flow is, that flow is let be."""
    return Limited(
        limit_keys(sale_id, limit.call, own, asked_from.address, asked_from.network),
        _rows(limit, bool(own), bool(asked_from.address)),
    )


@lru_cache
def _rows(limit: Limit, has_own: bool, has_address: bool) -> str:
    rows = [
        (flow.whose, flow.kind, flow.every_ms, flow.burst)
        for flow in limit.flows
        if (has_own if flow.whose == "own" else has_address)
    ]
    return msgspec.json.encode(rows).decode()


def used_up(limit: Limit, sale_id: str, wait_ms: int, whose: str) -> TooManyRequests:
    """Count a refusal and return it."""
    metrics.LIMITED.labels(sale_id, limit.call, "refused").inc()
    flow = limit.flow(whose)
    window_seconds = max(1, flow.burst * flow.every_ms // 1000)
    return TooManyRequests(
        retry_after=-(-wait_ms // 1000),
        policy=f'"{limit.call}-{whose}";q={flow.burst};w={window_seconds}',
    )


class Limits:
    """Spends limits where the call has no script of its own."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs
        self._spend_limits = LuaScript("spend_limits")

    async def spend(
        self, limit: Limit, sale_id: str, *, own: str = "", asked_from: AskedFrom = NOWHERE
    ) -> bool:
        """Count a call, and say whether it should be made harder for who asks.

        Raises TooManyRequests when nothing is left; StoreUnavailable when nobody can tell.
        """
        wanted = limited(limit, sale_id, own, asked_from)
        is_counted = bool(asked_from.address)
        answer = await self._epochs.run(
            self._spend_limits,
            ("sale", sale_id),
            wanted.keys,
            {
                "now_ms": "",
                "limits": wanted.rows,
                "address_devices_max": _or_none(limit.address_devices_max, is_counted),
                "network_devices_max": _or_none(limit.network_devices_max, is_counted),
            },
        )
        match answer:
            case ["spent"]:
                return False
            case ["spent_harder", _]:
                metrics.LIMITED.labels(sale_id, limit.call, "harder").inc()
                return True
            case ["used_up", int(wait_ms), str(whose)]:
                raise used_up(limit, sale_id, wait_ms, whose)
        raise AssertionError(f"spend_limits.lua broke its contract: {answer!r}")


def _or_none(devices_max: int | None, is_counted: bool) -> int | str:
    return devices_max if is_counted and devices_max is not None else ""
