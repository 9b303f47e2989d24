"""What the page of a draw is given (template draw.html)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from gateway.pages.views import BrandView

State = Literal["none", "committed", "sealed", "drawn"]

# A roster has 32 bytes for each entry.
ENTRIES_PER_MEGABYTE: Final = 31_250
OUR_LOOKS: Final = BrandView()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconView:
    """The public randomness that a draw names: which round, and what became of it."""

    name: str
    round: int
    at: datetime
    outcome: Literal["used", "missed"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClustersView:
    """Entries that share chances: how many, in how many clusters, with how many chances.

    Of each size that clusters have: the size, the chances of each, how many there are. Empty before
    the list of entries is closed.
    """

    entries: int = 0
    chances: int = 0
    sizes: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareView:
    """What the fan's own entry shares, and whether it is one of those that take part."""

    entries: int
    chances: int
    takes_part: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawPage:
    """The page of one sale's draw, for one fan.

    `entries` are those so far, or those of the sealed roster. `root`, `secret` and `seed` are "" as
    long as they are not public. From the fan's ticket: `entry_number`, the name `entered_as` it is in
    the roster under, and the `place` they are shown; None, "" and None without one.
    """

    sale_id: str
    name: str
    site: str
    opens_at: datetime
    state: State
    commitment: str = ""
    entries: int = 0
    root: str = ""
    secret: str = ""
    seed: str = ""
    beacon: BeaconView | None = None
    # None: every entry has a chance of its own.
    clusters: ClustersView | None = None
    share: ShareView | None = None
    entry_number: int | None = None
    entered_as: str = ""
    place: int | None = None
    brand: BrandView = OUR_LOOKS

    @property
    def megabytes(self) -> int:
        """How much there is to download, 1 at least."""
        return max(1, round(self.entries / ENTRIES_PER_MEGABYTE))

    @property
    def is_chosen_by_nobody(self) -> bool:
        """Whether a beacon has gone, or is to go, into the seed."""
        return self.beacon is not None and self.beacon.outcome != "missed"
