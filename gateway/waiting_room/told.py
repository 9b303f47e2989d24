"""What the board tells besides the line itself."""

from typing import Final

import msgspec

from gateway.waiting_room.eta import Eta
from gateway.waiting_room.odds import Odds
from gateway.waiting_room.promises import EtaKept
from gateway.waiting_room.stock import EventStock


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Waits by distance, how many of them held, what is left, and the odds; None where not known."""

    # In the general line.
    eta: list[Eta] = []
    # In the lanes that are called before the general line.
    lane_eta: dict[str, list[Eta]] = {}
    eta_kept: EtaKept | None = None
    stock: list[EventStock] | None = None
    odds: Odds | None = None


NOTHING_TOLD: Final = Told()
