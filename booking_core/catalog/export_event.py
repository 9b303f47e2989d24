"""Taking an event's seats out again as files: what the command line calls."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from booking_core.catalog.accessible_words import is_accessible_category
from booking_core.catalog.drawing import Drawing, Point
from booking_core.catalog.event import Event
from booking_core.catalog.events import Catalog
from booking_core.catalog.plan_extras import PlanExtras, SeatExtra, StandingPlaces
from booking_core.catalog.plan_source import PlanSource
from booking_core.catalog.plan_store import read_source
from booking_core.catalog.pretix_format import (
    PretixCategory,
    PretixPlan,
    PretixRow,
    PretixSeat,
    PretixSize,
    PretixZone,
    area_of,
)
from booking_core.catalog.pretix_plan import POSITION_DIGITS
from booking_core.catalog.refusals import EventRefused
from booking_core.catalog.seat_layout import SeatLayout
from groundwork.postgres import Pool, connection

READ_CHANNELS: Final = "SELECT seat_id, channel FROM seat_channels WHERE event_id = %s"


async def export_event(pool: Pool, event_id: str) -> PlanSource:
    """Return the plan and the side file that give the event's seats again, with the same ids.

    They are the files that were imported, repaired ids in place and without the seats that were
    left out; of an event whose seats came from no file they are made from its seats, channels and
    standing places. Raises EventRefused for an event of stock only, and EventNotFound.
    """
    catalog = Catalog(pool)
    event = await catalog.get(event_id)
    if not event.is_seated:
        raise EventRefused(("event_id", f"the event {event_id!r} has no seats"))
    layout = await catalog.seat_layout(event_id)
    async with connection(pool) as database:
        if source := await read_source(database, event_id):
            return await asyncio.to_thread(source.only_of, layout.index_of.keys())
        cursor = await database.execute(READ_CHANNELS, (event_id,))
        kept_for = {str(seat_id): str(channel) async for seat_id, channel in cursor}
    return await asyncio.to_thread(source_of, event, layout, kept_for)


def source_of(event: Event, layout: SeatLayout, kept_for: Mapping[str, str]) -> PlanSource:
    """Return files that give these seats: a zone for each section, a row for each block.

    `kept_for` are the channels of the seats that have one.
    """
    drawing = layout.drawing
    assert drawing is not None, "an event with seats has a drawing"
    pretix = PretixPlan(
        name=drawing.name,
        categories=tuple(
            PretixCategory(tier.tier, tier.color) for tier in event.tiers if not tier.is_stock
        ),
        # What belongs to no section lies beneath everything else.
        zones=(*_decoration(drawing), *_zones(layout, drawing)),
        size=PretixSize(drawing.width, drawing.height),
    )
    extras = PlanExtras(
        focal_point=drawing.focal_point,
        seats=_said(layout, drawing, kept_for),
        standing=_standing(event),
    )
    return PlanSource(pretix, extras)


def _standing(event: Event) -> tuple[StandingPlaces, ...]:
    return tuple(
        StandingPlaces(tier=tier.tier, quantity=tier.quantity, name=tier.name, color=tier.color)
        for tier in event.tiers
        if tier.is_stock
    )


def _decoration(drawing: Drawing) -> Iterator[PretixZone]:
    areas = tuple(area_of(one) for one in drawing.areas if one.section is None)
    if areas:
        yield PretixZone(name="Drawing", position=Point(), rows=(), areas=areas)


def _zones(layout: SeatLayout, drawing: Drawing) -> Iterator[PretixZone]:
    rows: dict[int, list[PretixRow]] = {}
    for blocks in layout.blocks.values():
        for first_index, length in blocks:
            row = _row(layout, range(first_index, first_index + length))
            rows.setdefault(layout.section_of[first_index], []).append(row)
    for index, section in enumerate(layout.sections):
        yield PretixZone(
            name=section,
            position=Point(),
            rows=tuple(rows.get(index, ())),
            areas=tuple(area_of(one) for one in drawing.areas if one.section == index),
        )


def _row(layout: SeatLayout, seats: range) -> PretixRow:
    return PretixRow(
        row_number=layout.rows[seats[0]],
        seats=tuple(
            PretixSeat(
                seat_guid=layout.seat_ids[seat],
                seat_number=layout.numbers[seat],
                # The database keeps single precision; what was written was rounded.
                position=Point(
                    round(layout.xs[seat], POSITION_DIGITS), round(layout.ys[seat], POSITION_DIGITS)
                ),
                category=layout.tier(seat),
            )
            for seat in seats
        ),
    )


def _said(
    layout: SeatLayout, drawing: Drawing, kept_for: Mapping[str, str]
) -> dict[str, SeatExtra]:
    """Return what the plan cannot say, of the seats of which there is anything to say."""
    by_category = {tier: is_accessible_category(tier) for tier in layout.tiers}
    said: dict[str, SeatExtra] = {}
    for index, seat_id in enumerate(layout.seat_ids):
        is_accessible = index in layout.accessible
        view = drawing.restricted_views.get(seat_id)
        place = layout.companions.get(index)
        beside = None if place is None else layout.seat_ids[place]
        kept = kept_for.get(seat_id)
        if is_accessible != by_category[layout.tier(index)] or view or beside or kept:
            said[seat_id] = SeatExtra(
                accessible=is_accessible, restricted_view=view, companion_of=beside, kept_for=kept
            )
    return said
