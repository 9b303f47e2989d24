"""What the line tells of one fan: their place, their visit, that they were seen."""

from dataclasses import dataclass, field

import msgspec


class Joined(msgspec.Struct, frozen=True):
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


@dataclass(slots=True)
class FansSeen:
    """Who was seen inside since it was last told to the line, and whom we failed: some integers a fan."""

    seen: set[SeenInside] = field(default_factory=set)
    failed: set[SeenInside] = field(default_factory=set)

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Return them as touch_visits.lua takes them, in a fixed order."""
        failed = {fan.fan_id for fan in self.failed}
        return [
            (fan.fan_id, fan.visit_id, fan.pass_ends_at_ms, int(fan.fan_id in failed))
            for fan in sorted(self.seen | self.failed)
        ]

    def add(self, others: "FansSeen") -> None:
        """Add what could not be told."""
        self.seen |= others.seen
        self.failed |= others.failed
