"""Who sits next to whom: neighbours, aisles and the nearness of runs, from geometry alone."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import hypot
from statistics import median_low
from typing import Final, Protocol, TypeVar

from booking_core.catalog.drawing import Point

# Seats of a row are evenly spaced within a few percent, and one missing seat doubles the gap:
# halfway between tells an aisle from an unevenness.
AISLE_GAP_RATIO: Final = 1.5
# With fewer gaps than this a row says nothing about what is usual in it.
GAPS_TO_JUDGE_BY_MIN: Final = 2
# Below this two seats are drawn on top of each other; such a gap says nothing about spacing.
GAP_MIN: Final = 1e-6
# The order in the file stands unless another walk along the row is clearly shorter.
SHORTER_RATIO: Final = 0.999
# Distances are compared in hundredths of a unit, so that symmetric blocks tie on every machine.
DISTANCE_DIGITS: Final = 2


class Placed(Protocol):
    """Something with a place on the drawing and a tier."""

    @property
    def x(self) -> float:
        """To the right."""
        ...

    @property
    def y(self) -> float:
        """Downwards."""
        ...

    @property
    def tier(self) -> str:
        """The price tier."""
        ...


S = TypeVar("S", bound=Placed)


def usual_spacing(rows: Iterable[Sequence[Placed]]) -> float | None:
    """Return the usual gap between neighbours in these rows, None when there is no gap at all."""
    gaps = [gap for row in rows for gap in _gaps(along_the_row(row)) if gap > GAP_MIN]
    return median_low(gaps) if gaps else None


def neighbour_runs(row: Sequence[S], fallback_spacing: float | None) -> Iterator[Sequence[S]]:
    """Yield the longest runs of neighbours of one tier without an aisle between, along the row.

    An aisle is a gap clearly larger than the row's usual one; a row of one or two seats is judged
    by the fallback, the usual gap around it.
    """
    ordered = along_the_row(row)
    gaps = _gaps(ordered)
    judged = [gap for gap in gaps if gap > GAP_MIN]
    usual = median_low(judged) if len(judged) >= GAPS_TO_JUDGE_BY_MIN else fallback_spacing
    first = 0
    for index, gap in enumerate(gaps, start=1):
        is_aisle = usual is not None and gap > usual * AISLE_GAP_RATIO
        if is_aisle or ordered[index].tier != ordered[index - 1].tier:
            yield ordered[first:index]
            first = index
    yield ordered[first:]


def along_the_row(row: Sequence[S]) -> Sequence[S]:
    """Return the seats in the order one passes them.

    That is the given order, also along a curve or around a ring, unless sorting along the row's
    direction makes a shorter walk (files that list odd numbers first, or in no order).
    """
    if len(row) < GAPS_TO_JUDGE_BY_MIN + 1:
        return row
    one_end = max(row, key=lambda seat: _distance(row[0], seat))
    other_end = max(row, key=lambda seat: _distance(one_end, seat))
    dx, dy = other_end.x - one_end.x, other_end.y - one_end.y
    if (dx, dy) < (0, 0):
        dx, dy = -dx, -dy
    by_direction = sorted(row, key=lambda seat: seat.x * dx + seat.y * dy)
    if sum(_gaps(by_direction)) < sum(_gaps(row)) * SHORTER_RATIO:
        return by_direction
    return row


def by_distance(runs: Iterable[Sequence[S]], focal_point: Point) -> list[Sequence[S]]:
    """Return the runs, the one whose middle is nearest to the focal point first.

    The middle counts, not the nearest seat, because seats are given out of a block from its
    middle. Ties go to the upper, then to the left run, then to the one that came first.
    """

    def nearness(run: Sequence[S]) -> tuple[float, float, float]:
        left, right = run[(len(run) - 1) // 2], run[len(run) // 2]
        x, y = (left.x + right.x) / 2, (left.y + right.y) / 2
        distance = hypot(x - focal_point.x, y - focal_point.y)
        return round(distance, DISTANCE_DIGITS), round(y, DISTANCE_DIGITS), x

    return sorted(runs, key=nearness)


def _gaps(seats: Sequence[Placed]) -> list[float]:
    return [_distance(one, other) for one, other in pairwise(seats)]


def _distance(one: Placed, other: Placed) -> float:
    return hypot(one.x - other.x, one.y - other.y)
