"""Floors and ours in turns, so that whatever else the machine does meets all of them alike."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median

from bench.http_client import Connection, Tally, closed_loop, connections
from bench.machine import cpu_seconds

# As many fans as are answered in the same moment. Fewer leave pipes empty, more only wait.
CONNECTIONS = 64


@dataclass
class Contender:
    """One kind of request, the server that answers it, and what was measured of it."""

    name: str
    port: int
    pid: int
    requests: Iterator[bytes]
    status: int = 200
    # What its store has used of all cores, in seconds, where that is compared, too.
    store_seconds: Callable[[], float] = lambda: 0.0
    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    store_us: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    answer_bytes: int = 0

    def take(self, tally: Tally, server_seconds: float, store_seconds: float) -> None:
        """Note a round. Anything but the one expected answer is a broken bench."""
        assert tally.count, f"{self.name} ran out of prepared requests"
        assert set(tally.statuses) == {self.status}, (
            f"{self.name} answered {tally.statuses}: {tally.last_body[-500:]!r}"
        )
        self.per_second.append(tally.per_second)
        self.p99_ms.append(tally.percentile_ms(99))
        self.cpu_us.append(server_seconds * 1_000_000 / tally.count)
        self.store_us.append(store_seconds * 1_000_000 / tally.count)
        self.answer_bytes = len(tally.last_body)

    @property
    def speed(self) -> float:
        """Answers per second, the median of the rounds."""
        return median(self.per_second)

    @property
    def cpu(self) -> float:
        """Microseconds of the server's core for one answer, the median of the rounds."""
        return median(self.cpu_us)

    @property
    def store(self) -> float:
        """Microseconds of its store's cores for one answer, the median of the rounds."""
        return median(self.store_us)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure."""

    cycles: int
    seconds: float

    @property
    def total_seconds(self) -> float:
        """How long one contender is measured in all, the first warm-up included."""
        return (self.cycles + 1) * self.seconds


def ratio(ours: Contender, floor: Contender) -> float:
    """Return how many answers ours gives in the time of a core in which the floor gives one.

    The median of what each cycle found: both had the same machine then. By the scheduler's books,
    because what neighbours and our own client take away is not in them.
    """
    return median(theirs / mine for mine, theirs in zip(ours.cpu_us, floor.cpu_us, strict=True))


def ratio_with_stores(ours: Contender, floor: Contender) -> float:
    """Return the same where what the stores do for an answer counts like what the servers do."""
    mine = map(sum, zip(ours.cpu_us, ours.store_us, strict=True))
    theirs = map(sum, zip(floor.cpu_us, floor.store_us, strict=True))
    return median(floors / own for own, floors in zip(mine, theirs, strict=True))


def ratio_by_clock(ours: Contender, floor: Contender) -> float:
    """Return the same by answers per second on the clock: waiting for others counts here."""
    return median(
        mine / theirs for mine, theirs in zip(ours.per_second, floor.per_second, strict=True)
    )


async def take_turns(contenders: Sequence[Contender], plan: Plan) -> None:
    """Measure all contenders, cycle by cycle, there and back; the first cycle is only to warm up.

    Ends earlier when one has no more prepared requests.
    """
    async with AsyncExitStack() as stack:
        opened: dict[int, list[Connection]] = {}
        for contender in contenders:
            if contender.port not in opened:
                opened[contender.port] = await stack.enter_async_context(
                    connections(contender.port, CONNECTIONS)
                )
        for cycle in range(plan.cycles + 1):
            rounds = [
                (contender, *await one_round(contender, opened[contender.port], plan.seconds))
                for contender in (contenders if cycle % 2 == 0 else reversed(contenders))
            ]
            if cycle > 1 and any(tally.count == 0 for _, tally, _, _ in rounds):
                return  # on a machine faster than any of today: what was measured will do
            for contender, tally, server, store in rounds if cycle > 0 else ():
                contender.take(tally, server, store)


async def one_round(
    contender: Contender, opened: Sequence[Connection], seconds: float
) -> tuple[Tally, float, float]:
    """Return what a round came to, and the seconds of a core that server and store used for it."""
    # A collection of our own in the middle would look like a slow server.
    gc.collect()
    gc.disable()
    used, store_used = cpu_seconds(contender.pid), contender.store_seconds()
    try:
        tally = await closed_loop(opened, contender.requests, seconds)
    finally:
        gc.enable()
    server = cpu_seconds(contender.pid) - used
    return tally, server, contender.store_seconds() - store_used
