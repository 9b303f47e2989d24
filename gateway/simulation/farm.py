"""A draw with a farm in it, ahead of time: by the shipped limits, signals, clusters and order of the draw.

What a farm can do is taken as given: it has real browsers, addresses and solvers, and passes every
check that asks for work. So what is found is what the rules leave to it, not whether it is noticed.
"""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from gateway.bot_checks.challenge_pool import EASY, EXTRA, HARD, LEVELS
from gateway.bot_checks.client_headers import signals_of_headers
from gateway.bot_checks.client_kind import kind_of
from gateway.bot_checks.limits import CHALLENGES, JOINS
from gateway.bot_checks.signals import (
    HARDER_FROM,
    SEATS_CAP,
    SEATS_CAPPED_FROM,
    STEP_UP_FROM,
    score,
)
from gateway.draw.clusters import Cluster, Origin, find_clusters
from gateway.draw.order import behind_of, place_at
from gateway.simulation.flows import Flows

# Arrivals thin out from the announcement on: half of all come in the first minute and a half.
ARRIVES_MS_MEAN: Final = 120_000
# One fan in twenty comes through a VPN or an office that lies in a data centre.
VPN_PART: Final = 0.05
# A script that copied a browser's name, as the lists of user agents have it.
COPIED: Final = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36"
}
# One fan in five comes with three others of the household, who press in the same second.
FAMILY_PART: Final = 0.2
FAMILY_SIZE: Final = 4
# Networks that homes lie in, as limits count them.
NETWORKS: Final = 200_000
# What fans come with, roughly as browsers are counted: engine and platform, and their part in a hundred.
KINDS: Final = (
    ("webkit", "ios", 38), ("chromium", "android", 27), ("chromium", "windows", 20),
    ("webkit", "macos", 5), ("chromium", "macos", 4), ("gecko", "windows", 3),
    ("chromium", "linux", 1), ("gecko", "android", 1), ("other", "other", 1),
)  # fmt: skip
_PARTS: Final = list(accumulate(part for _, _, part in KINDS))
# By what a farm comes: each with all its tickets, or all in equal parts.
MEANS: Final = ("scripts", "tabs", "headless", "solutions")
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
    # None: what fans come with, each their own.
    kind: int | None = None
    # So many of them press in the same second.
    together: int = 1
    in_line: int = 0
    refused: int = 0
    harder: int = 0
    checked: int = 0
    capped: int = 0
    # Entries of theirs that share chances with others, and how many take part.
    clustered: int = 0
    chances: int = 0
    seats: int = 0
    iterations: int = 0


@dataclass
class Entrant:
    """One ticket in the draw."""

    group: Group
    seats_max: int
    origin: Origin


@dataclass
class Rehearsal:
    """A crowd that arrives, is drawn, and buys until nothing is left."""

    groups: list[Group]
    seats: int
    rng: random.Random
    has_clusters: bool = True
    clusters: Sequence[Cluster] = ()
    _entrants: list[Entrant] = field(default_factory=list)

    def run(self) -> None:
        """Hold the sale."""
        arrivals = []
        for group in self.groups:
            for number in range(group.size):
                if number % group.together == 0:
                    at_ms = int(self.rng.expovariate(1 / ARRIVES_MS_MEAN))
                arrivals.append((at_ms, self.rng.random(), group, number))
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
        kind = group.kind
        if kind is None:
            engine, platform, _ = self.rng.choices(KINDS, cum_weights=_PARTS)[0]
            kind = kind_of(engine, platform)
        origin = Origin(hashlib.sha256(network.encode()).digest()[:8], kind, now_ms // 1000)
        self._entrants.append(Entrant(group, wanted, origin))

    def _draw(self) -> None:
        seed, count = self.rng.randbytes(32), len(self._entrants)
        if self.has_clusters:
            self.clusters = find_clusters(
                b"".join(entrant.origin.packed() for entrant in self._entrants)
            )
        behind = behind_of(seed, self.clusters)
        out = set(behind)
        for index, entrant in enumerate(self._entrants):
            entrant.group.chances += index not in out
        for cluster in self.clusters:
            for index in cluster.members:
                self._entrants[index].group.clustered += 1
        places = {place_at(seed, index, count, behind): index for index in range(count)}
        left = self.seats
        for place in range(1, count + 1):
            entrant = self._entrants[places[place]]
            taken = min(left, entrant.seats_max)
            entrant.group.seats += taken
            left -= taken


def crowd(
    fans: int, nat: int, farm: int, seats_max: int, rng: random.Random, means: Sequence[str] = MEANS
) -> list[Group]:
    """Return fans at home, in families, by VPN, behind one address; and a farm by some of its MEANS.

    `fans` are all but those behind one address; the farm's tickets are spread over its means.
    """
    wanted = (1, min(4, seats_max))
    vpn = round(fans * VPN_PART)
    families = round(fans * FAMILY_PART) // FAMILY_SIZE * FAMILY_SIZE
    home = _homes(rng, "home", 1)
    people = [
        Group("fans at home", fans - vpn - families, False, frozenset(), home, wanted),
        Group(
            "families of four", families, False, frozenset(), _homes(rng, "family", FAMILY_SIZE),
            wanted, together=FAMILY_SIZE,
        ),
        Group("fans by VPN", vpn, False, frozenset({"data-centre"}), _homes(rng, "vpn", 1), wanted),
        Group("fans behind one address", nat, False, frozenset(), _one("campus"), wanted),
    ]  # fmt: skip
    share, rest = divmod(farm, len(means))
    return people + [
        _farm(name, share + (number < rest), seats_max, rng) for number, name in enumerate(means)
    ]


def _farm(means: str, size: int, seats_max: int, rng: random.Random) -> Group:
    """Return the part of a farm that comes by one of its means, and takes what it can get."""
    copied = frozenset({"data-centre"} | signals_of_headers(COPIED, is_secure=True))
    name, signals, place = {
        "scripts": ("scripts in a data centre", copied, _few("cloud", 50)),
        "tabs": ("tabs on one address", frozenset(), _one("tabs")),
        "headless": ("headless, rented addresses", {"automated"}, _homes(rng, "proxy", 1)),
        "solutions": ("other people's solutions", {"replayed"}, _homes(rng, "thief", 1)),
    }[means]
    kind = kind_of("chromium", "windows")
    return Group(name, size, True, frozenset(signals), place, (seats_max, seats_max), kind)


def _homes(rng: random.Random, kind: str, together: int) -> Place:
    """Return addresses of their own, each in one of the networks there are."""
    known: dict[int, str] = {}

    def place(number: int) -> tuple[str, str]:
        home = number // together
        if home not in known:
            known[home] = f"{kind}-{rng.randrange(NETWORKS)}"
        return f"{kind}-{home}", known[home]

    return place


def _one(name: str) -> Place:
    return lambda _: (name, name)


def _few(name: str, addresses: int) -> Place:
    return lambda number: (f"{name}-{number % addresses}", name)
