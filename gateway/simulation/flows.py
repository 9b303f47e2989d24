"""Limits on a virtual clock: what lua/includes/limits.lua does, for one sale; a test compares both."""

from collections import defaultdict
from typing import Literal

from gateway.bot_checks.limits import Limit

Answer = Literal["spent", "harder", "used_up"]


class Flows:
    """The allowances of one call, by fan, address and network, and how many devices joined where."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._whole_at: dict[tuple[str, str, str], int] = {}
        self._devices: dict[tuple[str, str], set[str]] = defaultdict(set)

    def count_device(self, fan: str, address: str, network: str) -> None:
        """A fan has joined from there."""
        self._devices["address", address].add(fan)
        self._devices["network", network].add(fan)

    def spend(self, now_ms: int, **names: str) -> Answer:
        """Count a call of `own`, `address` and `network`, those that are named."""
        answer: Answer = "spent"
        left: dict[tuple[str, str, str], int] = {}
        for flow in self._limit.flows:
            if flow.whose not in names:
                continue
            key = (flow.whose, flow.kind, names[flow.whose])
            whole_at = max(now_ms, self._whole_at.get(key, 0)) + flow.every_ms
            if whole_at - flow.every_ms * flow.burst <= now_ms:
                left[key] = whole_at
            elif flow.kind == "hard":
                return "used_up"
            else:
                answer = "harder"
        self._whole_at.update(left)
        limits = self._limit.address_devices_max, self._limit.network_devices_max
        for whose, devices_max in zip(("address", "network"), limits, strict=True):
            joined = len(self._devices.get((whose, names.get(whose, "")), ()))
            if devices_max is not None and joined > devices_max:
                answer = "harder"
        return answer
