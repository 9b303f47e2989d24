"""Draws faults as from a pack of cards, so that each comes as often; one at a time, or two at once."""

import asyncio
import random
from collections.abc import Awaitable, Sequence

import structlog

from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable
from onsale.prove.fault_list import FAULTS
from onsale.prove.faults import Harm, NotFired
from onsale.prove.history import Fault, Recorder
from onsale.prove.house import House

# Between two faults, so that buyers get on: without sales there is nothing to lose.
QUIET_MS = (800, 3_000)
# Two faults at once find what one alone does not, and more would only stop everything.
PAIR_SHARE = 0.15
# The stores are one resource each: two faults of the same one would undo each other's repair.
KINDS = ("redis", "postgres", "provider", "gateway", "worker")

log = structlog.get_logger()


class Nemesis:
    """Does harm until cancelled, and repairs what it did."""

    def __init__(
        self,
        house: House,
        recorder: Recorder,
        rng: random.Random,
        clock: Clock,
        names: Sequence[str],
    ) -> None:
        self._harm = Harm(house, rng, clock)
        self._recorder = recorder
        self._names = list(names)
        self._pack: list[str] = []

    async def rage(self) -> None:
        """Fault after fault, for ever."""
        harm = self._harm
        while True:
            await harm.last(QUIET_MS)
            first = self._draw()
            second = self._draw() if harm.rng.random() < PAIR_SHARE else first
            if second != first and kind_of(second) != kind_of(first):
                await asyncio.gather(self._do(first), self._do(second))
            else:
                await self._do(first)

    def _draw(self) -> str:
        if not self._pack:
            self._pack = self._harm.rng.sample(self._names, len(self._names))
        return self._pack.pop()

    async def _do(self, name: str) -> None:
        began_ms, did, is_fired = self._harm.clock.now_ms(), "", False
        try:
            # A crash of PostgreSQL left dead connections in our own pool, too.
            await self._harm.house.pool.check()
            # Shielded: what was begun is repaired, also when the run ends in the middle of it.
            did = await finished(FAULTS[name](self._harm))
            is_fired = True
        except (NotFired, StoreUnavailable):
            did = "found nothing to harm"
        except Exception as error:
            # A fault that fails, say because its victim is down already, is none.
            log.warning("a fault could not be done", name=name, error=repr(error))
            did = f"failed: {error!r}"
        self._recorder.note(
            Fault(
                name=name, began_ms=began_ms, ended_ms=self._harm.clock.now_ms(),
                is_fired=is_fired, did=did,
            )
        )  # fmt: skip


async def finished(work: Awaitable[str]) -> str:
    """Return what the work did; who waits may be cancelled, the work is not left half done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def kind_of(name: str) -> str:
    """Return what a fault is done to; what is done to everything is of the kind of all."""
    return next((kind for kind in KINDS if name.startswith(kind)), "all")


def chosen(text: str) -> list[str]:
    """Return the faults of --faults. Raises ValueError naming those that there are not."""
    if text == "all":
        return sorted(FAULTS)
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FAULTS]
    if unknown or not names:
        raise ValueError(f"there is no fault {', '.join(unknown) or text!r}")
    return names
