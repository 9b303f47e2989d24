"""The blocks of a plan as the scripts search them: 14 bytes each, in the order of their seats.

Big-endian, as lua/includes/plan_blocks.lua reads them: the first seat (3 bytes), the length (2), twice
the offset of the best seat (2), the grade (3), the blocks before and behind (2 each).
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from struct import Struct
from typing import Final

from booking_core.catalog.drawing import Point

PACKED: Final = Struct(">HHH")
NO_BLOCK: Final = 0xFFFF
# Blocks are in the order of their distance, so the rows before and behind are near in it, too; looking
# at all pairs of a hall with one section would take seconds.
NEAR_IN_RANK: Final = 16
# As DISTANCE_DIGITS of seat_rows: symmetric places tie on every machine.
DISTANCE_DIGITS: Final = 2

Blocks = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class RankedBlocks:
    """All blocks by number, in the order of their seats; `ranges` are each tier's first and last."""

    packed: bytes
    firsts: tuple[int, ...]
    lengths: tuple[int, ...]
    ranges: Mapping[str, tuple[int, int]]

    def row_of(self, seat_index: int) -> tuple[int, int]:
        """Return the block of a seat as (first_index, length)."""
        number = bisect_right(self.firsts, seat_index) - 1
        return self.firsts[number], self.lengths[number]


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    length: int
    heart: int
    distance: float
    x: float
    y: float
    section: int


def rank_blocks(
    blocks: Blocks,
    xs: Sequence[float],
    ys: Sequence[float],
    section_of: Sequence[int],
    focal_point: Point,
) -> RankedBlocks:
    """Work out of the geometry what the scripts need to choose well."""
    measured: list[_Block] = []
    grades: list[int] = []
    ranges: dict[str, tuple[int, int]] = {}
    for tier, found in blocks.items():
        if not found:
            continue
        of_tier = [
            _measure(first, length, xs, ys, section_of, focal_point) for first, length in found
        ]
        ranges[tier] = (len(measured), len(measured) + len(of_tier) - 1)
        grade = 0
        for before, block in pairwise([of_tier[0], *of_tier]):
            grade += before.distance != block.distance
            grades.append(grade)
        measured += of_tier
    neighbours = _neighbours(measured, ranges.values())
    packed = b"".join(
        block.first.to_bytes(3, "big")
        + PACKED.pack(block.length, min(block.heart, 0xFFFF), grade >> 8)
        + bytes([grade & 0xFF])
        + PACKED.pack(*near, 0)[:4]
        for block, grade, near in zip(measured, grades, neighbours, strict=True)
    )
    return RankedBlocks(
        packed,
        tuple(block.first for block in measured),
        tuple(block.length for block in measured),
        ranges,
    )


def _measure(
    first: int,
    length: int,
    xs: Sequence[float],
    ys: Sequence[float],
    section_of: Sequence[int],
    focal_point: Point,
) -> _Block:
    assert 0 < length <= 0xFFFF
    seats = range(first, first + length)
    distances = [
        round(hypot(xs[seat] - focal_point.x, ys[seat] - focal_point.y), DISTANCE_DIGITS)
        for seat in seats
    ]
    nearest = min(distances)
    # All seats of an arc around the stage are as near: then its middle is best.
    best = [offset for offset, distance in enumerate(distances) if distance == nearest]
    left, right = seats[(length - 1) // 2], seats[length // 2]
    x, y = (xs[left] + xs[right]) / 2, (ys[left] + ys[right]) / 2
    return _Block(
        first,
        length,
        best[0] + best[-1],
        round(hypot(x - focal_point.x, y - focal_point.y), DISTANCE_DIGITS),
        x,
        y,
        section_of[first],
    )


def _neighbours(
    blocks: Sequence[_Block], ranges: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return for each block the nearest one before it and behind it, of its tier and section."""
    near = [(NO_BLOCK, NO_BLOCK)] * len(blocks)
    for low, high in ranges:
        by_section: dict[int, list[int]] = {}
        for number in range(low, high + 1):
            by_section.setdefault(blocks[number].section, []).append(number)
        for numbers in by_section.values():
            for place, number in enumerate(numbers):
                before = numbers[max(0, place - NEAR_IN_RANK) : place]
                behind = numbers[place + 1 : place + 1 + NEAR_IN_RANK]
                near[number] = (
                    _nearest(blocks, number, before),
                    _nearest(blocks, number, behind),
                )
    return near


def _nearest(blocks: Sequence[_Block], number: int, others: Sequence[int]) -> int:
    here = blocks[number]
    found = min(
        others,
        key=lambda other: hypot(blocks[other].x - here.x, blocks[other].y - here.y),
        default=NO_BLOCK,
    )
    return min(found, NO_BLOCK)
