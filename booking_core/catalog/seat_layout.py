"""The seats of an event as columns, in seat_index order: what holds, checkout and pages look up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from psycopg.rows import tuple_row

from booking_core.catalog.drawing import Drawing, Point
from booking_core.catalog.ranked_blocks import RankedBlocks, rank_blocks

SEATS_SQL = """
SELECT seat_id, tier, section, row_name, seat_number, x, y, accessible,
       companion_of
FROM seats WHERE event_id = %s ORDER BY seat_index
"""
BLOCKS_SQL = """
SELECT tier, first_index, length FROM seat_blocks WHERE event_id = %s ORDER BY tier, rank
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLayout:
    """Seat i of the event is at place i of every column. It never changes once it exists.

    `tier_of` and `section_of` are indexes into `tiers` and `sections`; `blocks` are by tier, best
    first, as (first_index, length). `companions` are the places beside an accessible one, each with
    the one it belongs to. An event of stock only has no seats and no drawing.
    """

    event_id: str
    tiers: tuple[str, ...]
    sections: tuple[str, ...]
    seat_ids: tuple[str, ...]
    tier_of: tuple[int, ...]
    section_of: tuple[int, ...]
    rows: tuple[str, ...]
    numbers: tuple[str, ...]
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    accessible: frozenset[int]
    companions: Mapping[int, int]
    blocks: Mapping[str, tuple[tuple[int, int], ...]]
    ranked: RankedBlocks
    index_of: Mapping[str, int]
    drawing: Drawing | None

    def __len__(self) -> int:
        return len(self.seat_ids)

    def tier(self, seat_index: int) -> str:
        """Return the price tier of a seat."""
        return self.tiers[self.tier_of[seat_index]]

    def section(self, seat_index: int) -> str:
        """Return the section of a seat."""
        return self.sections[self.section_of[seat_index]]


async def load_layout(
    connection: psycopg.AsyncConnection[Any], event_id: str, plan: str | None
) -> SeatLayout:
    """Return the layout from the database; `plan` is events.plan as text."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(SEATS_SQL, (event_id,), binary=True)
        seats = await cursor.fetchall()
        await cursor.execute(BLOCKS_SQL, (event_id,))
        blocks: dict[str, list[tuple[int, int]]] = {}
        for tier, first_index, length in await cursor.fetchall():
            blocks.setdefault(tier, []).append((first_index, length))
    columns = tuple(zip(*seats, strict=True)) or ((),) * 9
    seat_ids, tiers, sections, rows, numbers, xs, ys, accessible, companion_of = columns
    drawing = msgspec.json.decode(plan, type=Drawing) if plan else None
    tier_names = drawing.tiers if drawing else ()
    section_names = drawing.sections if drawing else ()
    tier_index = {tier: index for index, tier in enumerate(tier_names)}
    section_index = {section: index for index, section in enumerate(section_names)}
    index_of = {seat_id: index for index, seat_id in enumerate(seat_ids)}
    section_of = tuple(section_index[section] for section in sections)
    ordered = {tier: tuple(blocks[tier]) for tier in tier_names}
    return SeatLayout(
        event_id=event_id,
        tiers=tier_names,
        sections=section_names,
        seat_ids=seat_ids,
        tier_of=tuple(tier_index[tier] for tier in tiers),
        section_of=section_of,
        rows=rows,
        numbers=numbers,
        xs=xs,
        ys=ys,
        accessible=frozenset(index for index, is_so in enumerate(accessible) if is_so),
        companions={
            index: index_of[place] for index, place in enumerate(companion_of) if place is not None
        },
        blocks=ordered,
        ranked=rank_blocks(
            ordered, xs, ys, section_of, drawing.focal_point if drawing else Point(0, 0)
        ),
        index_of=index_of,
        drawing=drawing,
    )
