"""What the seats' handlers find in their application."""

from typing import Final

from aiohttp import web

from booking_core.seats.channels import Channels
from booking_core.seats.holds import SeatHolds
from booking_core.seats.seat_map import SeatMaps
from groundwork.store_clock import StoreClock

HOLDS: Final = web.AppKey("holds", SeatHolds)
SEAT_MAPS: Final = web.AppKey("seat_maps", SeatMaps)
CHANNELS: Final = web.AppKey("channels", Channels)
# Holds end by the clock of Redis, so how long they last is told by it, too.
STORE_CLOCK: Final = web.AppKey("store_clock", StoreClock)
