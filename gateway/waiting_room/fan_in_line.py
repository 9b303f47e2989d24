"""What the line tells of one fan: their place, their visit, that they were seen."""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Joined:
    """A fan's place, or entry number before the draw; and whether they had it before."""

    place: int | None
    is_new: bool
    # How many more may be given before the next block is leased.
    left: int
    entry_number: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A fan's time inside, until the millisecond it ends."""

    visit_id: str
    ends_at_ms: int


class SeenInside(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A fan who made a request with a good pass."""

    fan_id: str
    visit_id: str
    pass_ends_at_ms: int
