"""What speaks for a program instead of a fan: weights, not verdicts, and none decides alone.

Each signal belongs to a family, and a family counts no more than its cap: a bad network, or an odd
browser, never stops anybody by itself. Nothing here touches a place in line. What a signal says can
be told to the fan, and to whoever judges an appeal.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Family = Literal["network", "client", "behaviour", "token", "trap", "credit"]

# A network alone is a reason for harder work; people use VPNs, and work in offices behind them. What
# looks odd in a browser may be a browser we do not know. Only what nobody does by accident goes on to
# the end: somebody else's solution, or a field that no person sees.
CAPS: Final[dict[Family, int]] = {
    "network": 30,
    "client": 20,
    "behaviour": 30,
    "token": 60,
    "trap": 50,
    "credit": 300,
}


# A ticket that no key of a device stands behind: whoever has copied it has the place.
UNBOUND: Final = "unbound"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that was noticed. Points below zero speak for a fan."""

    code: str
    family: Family
    points: int


SIGNALS: Final[dict[str, Signal]] = {
    signal.code: signal
    for signal in (
        Signal("data-centre", "network", 20),
        Signal("tor", "network", 15),
        # Apple's relay and its like carry people, hardly ever programs. Noted, for appeals.
        Signal("relay", "network", 0),
        Signal("headers-missing", "client", 10),
        Signal("headers-contradict", "client", 15),
        Signal("no-language", "client", 5),
        Signal("automated", "client", 10),
        Signal("no-device-key", "client", 5),
        Signal("solved-too-fast", "behaviour", 15),
        Signal("replayed", "token", 60),
        # Where a sale says so, and as much as it takes to be asked for one more check: no more, so that
        # whoever does it goes in, and the holder of a code is asked for nothing.
        Signal(UNBOUND, "token", 40),
        Signal("hidden-field", "trap", 30),
        Signal("hidden-link", "trap", 30),
        Signal("access-code", "credit", -30),
        # Whoever has done what was asked for is asked for nothing more, whatever was noticed before.
        Signal("stepped-up", "credit", -200),
        Signal("released", "credit", -200),
    )
}

# Beyond these: harder work; one more check before going in; and so few seats besides.
HARDER_FROM: Final = 20
STEP_UP_FROM: Final = 40
SEATS_CAPPED_FROM: Final = 60
# Two go to a concert together; a farm sells fours.
SEATS_CAP: Final = 2
# What is noticed of one fan is noticed of thousands.
SCORES_REMEMBERED_MAX: Final = 1_024


def score(codes: Collection[str]) -> int:
    """Return what the signals come to, from 0 to 100. Codes that nobody knows any more count nothing."""
    return _score(frozenset(codes))


@lru_cache(SCORES_REMEMBERED_MAX)
def _score(codes: frozenset[str]) -> int:
    by_family: dict[Family, int] = {}
    for signal in (SIGNALS[code] for code in codes if code in SIGNALS):
        by_family[signal.family] = by_family.get(signal.family, 0) + signal.points
    capped = sum(
        max(-CAPS[family], min(CAPS[family], points)) for family, points in by_family.items()
    )
    return max(0, min(100, capped))


def against(codes: Collection[str]) -> tuple[str, ...]:
    """Return the codes that speak against a fan, the heaviest first."""
    found = [SIGNALS[code] for code in set(codes) if code in SIGNALS]
    weighty = sorted((signal for signal in found if signal.points > 0), key=_weight)
    return tuple(signal.code for signal in weighty)


def _weight(signal: Signal) -> tuple[int, str]:
    return -signal.points, signal.code
