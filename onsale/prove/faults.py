"""The faults of a run: each begins, lasts, and is repaired by whoever began it."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from groundwork.clock import Clock
from onsale.prove.house import House
from onsale.prove.machinery import Machine

# How long what is taken away stays away: longer than every time limit between our parts.
AWAY_MS = (300, 4_000)
# Longer than a payment may take and a carrier of an order may be silent.
PAST_DEADLINE_MS = 16_000
# How long a fault that waits for a victim waits for one.
VICTIM_WITHIN_MS = 8_000
LOOK_EVERY_MS = 20


class NotFired(Exception):
    """The fault found nothing to do harm to."""


@dataclass(frozen=True)
class Harm:
    """What a fault may lay hands on."""

    house: House
    rng: random.Random
    clock: Clock

    async def last(self, length_ms: tuple[int, int] = AWAY_MS) -> None:
        """Let it last for a while."""
        await self.clock.sleep_ms(self.rng.uniform(*length_ms))

    def machine(self, name: str) -> Machine:
        """Return a machine by name, or any gateway."""
        if name == "gateway":
            name = self.rng.choice(self.house.gateway_names)
        return self.house.machines[name]

    async def until(self, is_so: Callable[[], bool], within_ms: int = VICTIM_WITHIN_MS) -> None:
        """Wait for a victim. Raises NotFired when none comes."""
        give_up_at = self.clock.monotonic_ms() + within_ms
        while not is_so():
            if self.clock.monotonic_ms() > give_up_at:
                raise NotFired
            await self.clock.sleep_ms(LOOK_EVERY_MS)


# Returns what it did, in some words.
FaultWork = Callable[[Harm], Awaitable[str]]
FAULTS: dict[str, FaultWork] = {}


def fault(name: str) -> Callable[[FaultWork], FaultWork]:
    """Put a fault into the list, under the name it has on the command line and in the report."""

    def put(work: FaultWork) -> FaultWork:
        assert name not in FAULTS, f"two faults are called {name}"
        FAULTS[name] = work
        return work

    return put
