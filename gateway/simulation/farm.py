"""A draw with a farm in it, ahead of time: by the shipped limits, signals and order of the draw.

What a farm can do is taken as given: it has real browsers, addresses and solvers, and passes every
check that asks for work. So what is found is what the rules leave to it, not whether it is noticed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.bot_checks.challenge_pool import EASY, EXTRA, HARD, LEVELS
from gateway.bot_checks.client_headers import signals_of_headers
from gateway.bot_checks.limits import CHALLENGES, JOINS
from gateway.bot_checks.signals import (
    HARDER_FROM,
    SEATS_CAP,
    SEATS_CAPPED_FROM,
    STEP_UP_FROM,
    score,
)
from gateway.draw.permutation import permute
from gateway.simulation.flows import Flows

# Arrivals thin out from the announcement on: half of all come in the first minute and a half.
ARRIVES_MS_MEAN: Final = 120_000
# One fan in twenty comes through a VPN or an office that lies in a data centre.
VPN_PART: Final = 0.05
# A script that copied a browser's name, as the lists of user agents have it.
COPIED: Final = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36"
}
# Iterations that one core of a rented server does in a second: eight of them do 6,300 a millisecond.
ITERATIONS_PER_CORE_SECOND: Final = 790_000

Place = Callable[[int], tuple[str, str]]


@dataclass
class Group:
    """So many who come from the same kind of place with the same kind of client."""

    name: str
    size: int
    is_farm: bool
    signals: frozenset[str]
    place: Place
    seats_wanted: tuple[int, int]
    in_line: int = 0
    refused: int = 0
    harder: int = 0
    checked: int = 0
    capped: int = 0
    seats: int = 0
    iterations: int = 0


@dataclass
class Entrant:
    """One ticket in the draw."""

    group: Group
    seats_max: int


@dataclass
class Rehearsal:
    """A crowd that arrives, is drawn, and buys until nothing is left."""

    groups: list[Group]
    seats: int
    rng: random.Random
    _entrants: list[Entrant] = field(default_factory=list)

    def run(self) -> None:
        """Hold the sale."""
        arrivals = [
            (int(self.rng.expovariate(1 / ARRIVES_MS_MEAN)), self.rng.random(), group, number)
            for group in self.groups
            for number in range(group.size)
        ]
        challenges, joins = Flows(CHALLENGES), Flows(JOINS)
        for now_ms, _, group, number in sorted(arrivals, key=lambda each: each[:2]):
            self._arrive(now_ms, group, number, challenges, joins)
        self._draw()

    def _arrive(
        self, now_ms: int, group: Group, number: int, challenges: Flows, joins: Flows
    ) -> None:
        address, network = group.place(number)
        asked = challenges.spend(now_ms, address=address, network=network)
        if asked == "used_up" or joins.spend(now_ms, address=address, network=network) == "used_up":
            group.refused += 1
            return
        challenges.count_device(f"{group.name}:{number}", address, network)
        weight = score(group.signals)
        level = HARD if asked == "harder" or weight >= HARDER_FROM else EASY
        group.harder += level == HARD
        group.iterations += LEVELS[level].iterations
        group.in_line += 1
        wanted = self.rng.randint(*group.seats_wanted)
        if weight >= STEP_UP_FROM:
            group.checked += 1
            group.iterations += LEVELS[EXTRA].iterations
        if weight >= SEATS_CAPPED_FROM:
            group.capped += 1
            wanted = min(wanted, SEATS_CAP)
        self._entrants.append(Entrant(group, wanted))

    def _draw(self) -> None:
        seed, count = self.rng.randbytes(32), len(self._entrants)
        order = sorted(range(count), key=lambda index: permute(seed, index, count))
        left = self.seats
        for index in order:
            entrant = self._entrants[index]
            taken = min(left, entrant.seats_max)
            entrant.group.seats += taken
            left -= taken


def crowd(fans: int, nat: int, farm: int, seats_max: int, rng: random.Random) -> list[Group]:
    """Return fans at home, at home by VPN, behind one address; and a farm by each of its means."""
    family = (1, min(4, seats_max))
    vpn = round(fans * VPN_PART)
    greedy = (seats_max, seats_max)
    copied = frozenset({"data-centre"} | signals_of_headers(COPIED, is_secure=True))
    parts = [farm // 4] * 3 + [farm - 3 * (farm // 4)]

    def home(kind: str) -> Place:
        networks = [f"{kind}-{rng.randrange(200_000)}" for _ in range(max(1, fans + farm))]
        return lambda number: (f"{kind}-{number}", networks[number])

    return [
        Group("fans at home", fans - vpn, False, frozenset(), home("home"), family),
        Group("fans by VPN", vpn, False, frozenset({"data-centre"}), home("vpn"), family),
        Group("fans behind one address", nat, False, frozenset(), _one("campus"), family),
        Group("scripts in a data centre", parts[0], True, copied, _few("cloud", 50), greedy),
        Group("tabs on one address", parts[1], True, frozenset(), _one("tabs"), greedy),
        Group(
            "headless, rented addresses", parts[2], True, frozenset({"automated"}), home("proxy"),
            greedy,
        ),
        Group(
            "other people's solutions", parts[3], True, frozenset({"replayed"}), home("thief"),
            greedy,
        ),
    ]  # fmt: skip


def _one(name: str) -> Place:
    return lambda _: (name, name)


def _few(name: str, addresses: int) -> Place:
    return lambda number: (f"{name}-{number % addresses}", name)
