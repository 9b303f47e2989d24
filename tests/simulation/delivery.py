"""A crowd in virtual time before a line on a real server: who is admitted when."""

import heapq
import math
import random
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

from tests.simulation.line_in_redis import LineInRedis

MINUTE_MS = 60_000
# So many browsers ask again in whole seconds only.
WITHOUT_SCRIPT = 0.05
Act = Callable[[], Awaitable[None]]


@dataclass
class Delivery:
    """Several processes move the line; called fans come after a while, or never."""

    line: LineInRedis
    rng: random.Random
    no_show: float
    # After how many milliseconds a called fan presses the button.
    delay_ms: Callable[[random.Random], float]
    processes: int = 3
    admitted_at: list[int] = field(default_factory=list)
    served: int = 0
    # How often somebody entered who had had a visit.
    returned: int = 0
    _agenda: list[tuple[int, int, Act]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def at(self, moment_ms: float, act: Act) -> None:
        """Let something happen at a moment."""
        heapq.heappush(self._agenda, (round(moment_ms), next(self._numbers), act))

    def start(self) -> None:
        """Let all processes begin to move the line."""
        for process in range(self.processes):
            self.at(self.line.now + 80 * process, self._tick)

    async def run_until(self, moment_ms: int) -> None:
        """Let everything happen that is due by then."""
        while self._agenda and self._agenda[0][0] <= moment_ms:
            self.line.now, _, act = heapq.heappop(self._agenda)
            await act()
        self.line.now = moment_ms

    def skip(self, duration_ms: int) -> None:
        """Nobody answers for so long; what was due happens when it is over, as browsers retry."""
        over = self.line.now + duration_ms
        later = [(max(moment, over + self.rng.randrange(1_000)) if moment < over else moment, number, act)
                 for moment, number, act in self._agenda]  # fmt: skip
        self._agenda = sorted(later, key=lambda each: each[:2])
        self.line.now = over

    async def _tick(self) -> None:
        stands = await self.line.call_places()
        self.line.serving_seen = max(self.line.serving_seen, stands["serving"])
        for place in range(self.served + 1, stands["serving"] + 1):
            if self.rng.random() >= self.no_show:
                self.at(self.line.now + self.delay_ms(self.rng), self._comes(place))
        self.served = max(self.served, stands["serving"])
        self.at(self.line.now + self.rng.uniform(225, 275), self._tick)

    def _comes(self, place: int) -> Act:
        async def come() -> None:
            answer = await self.line.admit(f"fan-{place}", place, f"visit-{place}")
            if answer[0] == "admitted":
                self.admitted_at.append(self.line.now)
            else:
                # After a crash Redis may not know who was called, until a process that has told them
                # moves the line.
                assert answer[0] in ("soon", "full", "not_called"), answer
                wait_ms = {"soon": answer[1], "full": 5_000, "not_called": 1_000}[answer[0]]
                wait_ms = min(10_000, wait_ms) + self.rng.uniform(20, 320)  # the way there and back
                if self.rng.random() < WITHOUT_SCRIPT:
                    wait_ms = 1_000 * math.ceil(wait_ms / 1_000)
                self.at(self.line.now + wait_ms, come)

        return come

    def returns(self, place: int) -> Act:
        """A bot that leaves as soon as it is inside, and asks again as fast as it can."""

        async def come_again() -> None:
            answer = await self.line.admit(f"fan-{place}", place, f"visit-{self.line.now}")
            if answer[0].startswith("admitted"):
                self.returned += 1
                await self.line.end_visit(f"fan-{place}")
            self.at(self.line.now + 150, come_again)

        return come_again

    def by_minute(self, from_ms: int, until_ms: int, every_ms: int = 250) -> list[int]:
        """How many were admitted in every minute between two moments, by sliding it along."""
        moments = sorted(self.admitted_at)
        return [
            bisect_right(moments, start + MINUTE_MS) - bisect_right(moments, start)
            for start in range(from_ms, until_ms - MINUTE_MS + 1, every_ms)
        ]
