"""What the provider is to do wrong next: planned by a rehearsal, used up one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# A rehearsal of an hour with a fault every second.
TIMES_MAX: Final = 3_600
# Longer than any client waits for an answer, shorter than a rehearsal.
DELAY_MS_MAX: Final = 120_000
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "busy": "a call is answered 429, and nothing was done",
        "broken": "a call is answered 500, and nothing was done; its key answers so for a day",
        "lost": "a call is done, and its answer never comes",
        "slow": "a call is done, and its answer comes late",
        "webhook_dropped": "an event is not told",
        "webhook_twice": "an event is told once more",
        "webhook_late": "an event is told late, after what came later",
        "webhook_forged": "with an event comes one that somebody else has signed",
    }
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault to come: how often, and how late where lateness is the fault."""

    times: int
    delay_ms: int


class FaultPlan:
    """The faults to come, by kind."""

    def __init__(self) -> None:
        self._planned: dict[str, Planned] = {}

    @property
    def planned(self) -> Mapping[str, Planned]:
        """What is still to come."""
        return MappingProxyType(self._planned)

    def plan(self, kind: str, times: int, delay_ms: int) -> None:
        """Plan a fault, in place of what was planned of its kind."""
        assert kind in KINDS
        self._planned[kind] = Planned(times, delay_ms)

    def clear(self) -> None:
        """Do nothing wrong any more."""
        self._planned.clear()

    def take(self, kind: str) -> Planned | None:
        """Return the fault if it is its turn, and count it."""
        assert kind in KINDS
        planned = self._planned.pop(kind, None)
        if planned is not None and planned.times > 1:
            self._planned[kind] = Planned(planned.times - 1, planned.delay_ms)
        return planned
