"""What each seat is kept for when nobody has it: as the record has it, and as the scripts read it."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import AsyncConnection

from booking_core.catalog.seat_layout import SeatLayout

ANYBODY, CHANNEL, ACCESSIBLE, COMPANION = b"0345"

Connection = AsyncConnection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Allotment:
    """One digit a seat (lua/includes/digits.lua), and the channel of each seat that has one.

    A higher version is newer.
    """

    version: int
    digits: str
    channels: Mapping[int, str]


async def read_allotment(open_connection: Connection, layout: SeatLayout) -> Allotment:
    """Return an event's allotment as of this connection's snapshot."""
    event_id = layout.event_id
    cursor = await open_connection.execute(
        "SELECT allotment_version FROM events WHERE event_id = %s", (event_id,)
    )
    found = await cursor.fetchone()
    cursor = await open_connection.execute(
        "SELECT scope, name FROM opened_places WHERE event_id = %s", (event_id,)
    )
    opened = {(str(scope), str(name)) async for scope, name in cursor}
    cursor = await open_connection.execute(
        "SELECT seat_id, channel FROM seat_channels WHERE event_id = %s", (event_id,)
    )
    channels = {layout.index_of[str(seat_id)]: str(channel) async for seat_id, channel in cursor}
    return Allotment(
        int(str(found[0])) if found else 0, _digits(layout, opened, channels), channels
    )


def _digits(layout: SeatLayout, opened: set[tuple[str, str]], channels: Mapping[int, str]) -> str:
    digits = bytearray([ANYBODY]) * len(layout.seat_ids)
    for index in layout.accessible:
        if not is_opened(layout, index, opened):
            digits[index] = ACCESSIBLE
    for index, place in layout.companions.items():
        if not is_opened(layout, place, opened):
            digits[index] = COMPANION
    for index in channels:
        digits[index] = CHANNEL
    return digits.decode()


def is_opened(layout: SeatLayout, index: int, opened: set[tuple[str, str]]) -> bool:
    """Say whether an accessible place is for anybody, because all others around it were sold."""
    scopes = (("venue", ""), ("section", layout.section(index)), ("tier", layout.tier(index)))
    return any(scope in opened for scope in scopes)
