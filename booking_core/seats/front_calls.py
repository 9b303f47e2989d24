"""What the shop answers without the framework: the same answers as api.py, to plain requests of fans."""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from booking_core.app_keys import SHOP
from booking_core.callers import fan_admitted
from booking_core.seats.api import (
    SNAPSHOT_GZIP_HEADERS,
    SNAPSHOT_HEADERS,
    SNAPSHOT_PATH,
    takes_gzip,
)
from booking_core.seats.app_keys import SEAT_MAPS
from groundwork.access_log import RouteCounts
from groundwork.answers import Answer, AnswerHeaders
from groundwork.errors import NotAdmitted
from groundwork.front_calls import FrontCall
from groundwork.identity import Identity
from groundwork.plain_request import PlainRequest
from groundwork.typed_answers import JSON

# As SLUG has them; what is no event's name is refused by the framework.
SNAPSHOT: Final = re.compile(r"/api/events/([a-z0-9][a-z0-9-]{0,62})/seats", re.ASCII)

PLAIN: Final = AnswerHeaders({"Content-Type": JSON, **SNAPSHOT_HEADERS})
COMPRESSED: Final = AnswerHeaders({"Content-Type": JSON, **SNAPSHOT_GZIP_HEADERS})


class SeatCalls:
    """The calls of a sale's crowd: seats as they are."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._snapshots = RouteCounts("core", SNAPSHOT_PATH)
        app.on_cleanup.append(self._hand_over)

    def calls(self) -> Sequence[FrontCall]:
        """Return them for FRONT_CALLS."""
        return (FrontCall("GET", SNAPSHOT, self._snapshot),)

    async def _hand_over(self, _: web.Application) -> None:
        self._snapshots.hand_over()

    def _snapshot(
        self, parts: Sequence[str], request: PlainRequest, identity: Identity
    ) -> Answer | None:
        event = self._app[SHOP].known(parts[0])
        seat_map = self._app[SEAT_MAPS].loaded(parts[0])
        if event is None or seat_map is None:
            return None  # it has to be read first
        try:
            fan_admitted(identity, event)
        except NotAdmitted:
            return None
        self._snapshots.note_soon(200, 0.0, request.method, identity.request_id)
        plain, compressed = seat_map.body()
        if takes_gzip(request.headers.get("Accept-Encoding")):
            return Answer(200, COMPRESSED, compressed)
        return Answer(200, PLAIN, plain)
