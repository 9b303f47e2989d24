"""The demo arena as files, with what there is to say of its seats."""

import random
from typing import Final

from booking_core.catalog.arena import make_arena
from booking_core.catalog.drawing import Point
from booking_core.catalog.seat_plan import Seat, SeatPlan
from booking_core.catalog.venue import HOUSE, KILL, Venue, VenueRow

# The sound desk hides the stage from so many seats, and a camera takes so many away.
DESK_SEATS: Final = 12
CAMERA_SEATS: Final = 4
HOUSE_SEATS: Final = 6


def make_arena_venue(seats: int, chance: random.Random) -> Venue:
    """Return the arena of so many seats; chance decides where the sound desk and a camera stand."""
    plan = make_arena(seats)
    sections = plan.sections
    venue = Venue(
        name=f"Arena of {seats:,} seats",
        width=plan.width,
        height=plan.height,
        focal_point=plan.focal_point,
        tiers=plan.tiers,
        rows=_rows(plan),
        areas=[area for area in plan.areas if area.section is None],
        outlines={sections[area.section]: area for area in plan.areas if area.section is not None},
    )
    step_free = {(seat.section, seat.row_name) for seat in plan.seats if seat.accessible}
    for row in venue.rows:
        if (row.section, row.name) in step_free:
            venue.give_places_at_the_ends(row)
        for number, place in enumerate(row.places, start=1):
            if place.y < plan.focal_point.y:
                venue.say(row.seat_id(number), restricted_view="The stage is seen from the side")
    _stand_around(venue, chance)
    return venue


def _rows(plan: SeatPlan) -> list[VenueRow]:
    """Return the rows, each of which is one block of an arena, in the order of their sections."""
    rows: list[list[Seat]] = [
        list(plan.seats[block.first_index : block.first_index + block.length])
        for block in plan.blocks
    ]
    rows.sort(
        key=lambda row: (
            plan.sections.index(row[0].section),
            len(row[0].row_name),
            row[0].row_name,
        )
    )
    return [
        VenueRow(
            row[0].section,
            row[0].row_name,
            row[0].tier,
            [Point(seat.x, seat.y) for seat in sorted(row, key=lambda one: int(one.seat_number))],
        )
        for row in rows
    ]


def _stand_around(venue: Venue, chance: random.Random) -> None:
    floor = [row for row in venue.rows if row.tier == "floor"]
    desk = chance.choice(floor)
    for number in range(1, min(DESK_SEATS, len(desk.places)) + 1):
        venue.say(desk.seat_id(number), restricted_view="The sound desk is in front of this seat")
    camera = chance.choice(floor)
    middle = len(camera.places) // 2
    for number in range(middle - 1, min(middle - 1 + CAMERA_SEATS, len(camera.places) + 1)):
        venue.keep(camera.seat_id(number), KILL)
    front = next(row for row in venue.rows if row.tier == "front")
    for number in range(1, HOUSE_SEATS + 1):
        venue.keep(front.seat_id(number), HOUSE)
