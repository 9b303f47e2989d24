"""What the seats' handlers find in their application."""

from typing import Final

from aiohttp import web

from booking_core.seats.channels import Channels
from booking_core.seats.holds import SeatHolds
from booking_core.seats.seat_map import SeatMaps

HOLDS: Final = web.AppKey("holds", SeatHolds)
SEAT_MAPS: Final = web.AppKey("seat_maps", SeatMaps)
CHANNELS: Final = web.AppKey("channels", Channels)
