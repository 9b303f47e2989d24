"""What fans of a simulated line have in hand, and what PostgreSQL keeps of the line."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

GENERAL: Final = "general"
# In order of precedence; a code of theirs lets a fan in.
PRIORITY: Final = ("members", "press")
LANES: Final = (*PRIORITY, GENERAL)
PLACES_LEASED: Final = 25


@dataclass
class Fan:
    """A signed ticket with a place in a lane, and perhaps a visit. Who moved their place has none."""

    fan_id: str
    lane: str = GENERAL
    place: int = 0
    visit_id: str = ""
    visit_ends_at: int = 0


@dataclass
class Books:
    """Leases, progress, access codes and moved places, as PostgreSQL keeps them."""

    codes: dict[str, str]
    # Counters by lane.
    ceilings: Counter[str] = field(default_factory=Counter)
    noted_places: Counter[str] = field(default_factory=Counter)
    noted_servings: Counter[str] = field(default_factory=Counter)
    used_by: dict[str, str] = field(default_factory=dict)
    # (lane, fan) -> the fan who has the place now, and the place.
    moved: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def lease(self, lane: str) -> int:
        """Raise the lane's ceiling; answer the one before."""
        before = self.ceilings[lane]
        self.ceilings[lane] += PLACES_LEASED
        return before

    def opening(self, lane: str) -> dict[str, Any]:
        """Lease a block and answer what open_line.lua is told of the lane."""
        leased = self.lease(lane)
        return {
            "lane": lane, "last_place": self.noted_places[lane], "leased": leased,
            "ceiling": self.ceilings[lane], "serving": self.noted_servings[lane],
        }  # fmt: skip

    @property
    def lanes_begun(self) -> list[str]:
        """The lanes before the general line that have ever leased places."""
        return [lane for lane in PRIORITY if self.ceilings[lane]]

    def redeem(self, code: str, fan_id: str) -> bool:
        """Use the code for the fan: each is good for one, who may repeat it."""
        return self.used_by.setdefault(code, fan_id) == fan_id

    def lane_of(self, fan: Fan) -> str:
        """Return the best lane that the fan's ticket and codes open, as waiting_room/lanes.py does."""
        opened = [
            self.codes[code] for code, used_by in self.used_by.items() if used_by == fan.fan_id
        ]
        return min([fan.lane, *opened], key=LANES.index)

    def note(self, lane: str, last_place: int, serving: int) -> None:
        """Make a lane's progress durable; it never goes back."""
        self.noted_places[lane] = max(self.noted_places[lane], last_place)
        self.noted_servings[lane] = max(self.noted_servings[lane], serving)

    @property
    def moved_fields(self) -> list[str]:
        """What a new epoch is told of moved places, as waiting_room/moves.py does."""
        rows = [(f"{lane}/{fan}", to) for (lane, fan), (to, _) in self.moved.items()]
        return [part for row in rows for part in row]
