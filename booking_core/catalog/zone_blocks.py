"""Blocks of a zone whose seats nobody could tell apart: each becomes a section of its own."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import hypot
from statistics import median
from typing import Final

from booking_core.catalog.drawing import Point

# All pairs of a section's rows are looked at: half a million of them take a second.
ROWS_MAX: Final = 1_000
# Rows further apart than so many times the usual way to the next row are of different blocks; an
# aisle across a block is nearer.
REACH: Final = 3
# Distances in hundredths of a unit, so that what looks equal is equal on every machine.
DISTANCE_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row object: the section it is in, the names its seats have there, and its middle."""

    section: str
    labels: frozenset[tuple[str, str]]
    middle: Point


def tell_apart(rows: Sequence[NamedRow]) -> tuple[list[str], dict[str, int]]:
    """Return each row's section, and which sections became how many blocks.

    A section is left as it is unless two of its rows have seats of the same names. Then rows that are
    near each other stay together as long as their names differ: in halls whose rows are called A, B,
    C in every block, those are the blocks. They are numbered in the order of the file.
    """
    members: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        members.setdefault(row.section, []).append(index)
    names = [row.section for row in rows]
    split: dict[str, int] = {}
    for section, indexes in members.items():
        if len(indexes) > ROWS_MAX or not _has_repetitions([rows[index] for index in indexes]):
            continue
        blocks = _blocks([rows[index] for index in indexes])
        new_names = _new_names(section, max(blocks) + 1, members.keys())
        for index, block in zip(indexes, blocks, strict=True):
            names[index] = new_names[block]
        split[section] = len(new_names)
    return names, split


def _has_repetitions(rows: Sequence[NamedRow]) -> bool:
    found = Counter(label for row in rows for label in row.labels)
    return any(count > 1 for count in found.values())


def _blocks(rows: Sequence[NamedRow]) -> list[int]:
    """Return each row's block: the nearest two are joined first, never two that share a name."""
    block_of = list(range(len(rows)))
    blocks = {index: [index] for index in block_of}
    labels = {index: set(row.labels) for index, row in enumerate(rows)}
    for one, other in _nearest_first(rows):
        kept, joined = sorted((block_of[one], block_of[other]))
        if kept == joined or not labels[kept].isdisjoint(labels[joined]):
            continue
        for index in blocks[joined]:
            block_of[index] = kept
        blocks[kept] += blocks.pop(joined)
        labels[kept] |= labels.pop(joined)
    numbers = {block: number for number, block in enumerate(dict.fromkeys(block_of))}
    return [numbers[block] for block in block_of]


def _nearest_first(rows: Sequence[NamedRow]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of rows that may be of one block, by how far their middles are apart."""
    pairs = sorted(
        (_distance(one.middle, other.middle), index, other_index)
        for (index, one), (other_index, other) in combinations(enumerate(rows), 2)
    )
    nearest: dict[int, float] = {}
    for distance, *both in pairs:
        for index in both:
            nearest.setdefault(index, distance)
    reach = REACH * median(nearest.values())
    for distance, one, other in pairs:
        if distance > reach:
            return
        yield one, other


def _distance(one: Point, other: Point) -> float:
    return round(hypot(one.x - other.x, one.y - other.y), DISTANCE_DIGITS)


def _new_names(section: str, count: int, taken: Collection[str]) -> list[str]:
    """Return names that no section has: "Ground floor 3", or with as many dots as it needs."""
    parting = " "
    while True:
        names = [f"{section}{parting}{number}" for number in range(1, count + 1)]
        if not any(name in taken for name in names):
            return names
        parting += "· "
