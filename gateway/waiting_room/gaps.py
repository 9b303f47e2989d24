"""Places of a lane that nobody has: left behind by a store that lost its last moments, see decision 0005."""

from collections.abc import Sequence

# The first and the last place of a gap; those of a lane come in order.
Gap = tuple[int, int]


def fans_between(gaps: Sequence[Gap], serving: int, place: int) -> int:
    """Return how many fans have a place after the serving number and before this one."""
    hidden = sum(max(0, min(last, place - 1) - max(first, serving + 1) + 1) for first, last in gaps)
    return max(0, place - serving - 1 - hidden)


def place_behind(gaps: Sequence[Gap], serving: int, fans: int) -> int:
    """Return the place of whom so many fans are to be called before, in a line that stands at `serving`."""
    place = serving + 1 + fans
    for first, last in gaps:
        if last > serving and first <= place:
            place += last - max(first, serving + 1) + 1
    return place
