"""The lanes of a sale: groups of fans who are called before the general line."""

import re
from collections.abc import Sequence

import msgspec

from gateway.waiting_room.line_records import GENERAL
from groundwork.errors import RequestInvalid

LANE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# Each lane costs every call of the pacing script a look; nobody tells more groups apart than these.
LANES_MAX = 8
# A lane's name stands beside a fan's place on a phone.
LANE_NAME_CHARACTERS_MAX = 60


class SaleLane(msgspec.Struct, frozen=True):
    """A group of fans who are called before the general line."""

    lane: str
    name: str


def check_lanes(lanes: Sequence[SaleLane]) -> None:
    """Raise RequestInvalid unless the lanes can be told apart and are few."""
    if len(lanes) > LANES_MAX:
        raise RequestInvalid("lanes", f"must be at most {LANES_MAX}")
    for lane in lanes:
        if not LANE_ID.fullmatch(lane.lane) or lane.lane == GENERAL:
            raise RequestInvalid(
                "lanes", "must be named in lower-case letters, digits and hyphens, not 'general'"
            )
        if not 1 <= len(lane.name) <= LANE_NAME_CHARACTERS_MAX:
            raise RequestInvalid("lanes", f"must have names of 1 to {LANE_NAME_CHARACTERS_MAX}")
    if len({lane.lane for lane in lanes}) < len(lanes):
        raise RequestInvalid("lanes", "must differ from each other")
