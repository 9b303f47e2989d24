"""What the shop answers without the framework: the same answers as api.py, to plain requests of fans."""

import re
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Final

import msgspec
from aiohttp import web

from booking_core.app_keys import SHOP
from booking_core.callers import fan_admitted
from booking_core.seats.api import (
    RESERVE_PATH,
    SNAPSHOT_GZIP_HEADERS,
    SNAPSHOT_HEADERS,
    SNAPSHOT_PATH,
    reserve_for,
    takes_gzip,
)
from booking_core.seats.app_keys import SEAT_MAPS
from booking_core.seats.wanted import ReserveBody
from groundwork.access_log import RouteCounts
from groundwork.answers import Answer, AnswerHeaders
from groundwork.bodies import decode_body
from groundwork.errors import NotAdmitted
from groundwork.front_calls import Answering, FrontCall, values_of
from groundwork.identity import Identity
from groundwork.plain_request import PlainRequest
from groundwork.typed_answers import JSON, NO_STORE

# As SLUG has them; what is no event's name is refused by the framework.
SNAPSHOT: Final = re.compile(r"/api/events/([a-z0-9][a-z0-9-]{0,62})/seats", re.ASCII)
RESERVE: Final = re.compile(re.escape(RESERVE_PATH))
PLAIN: Final = AnswerHeaders({"Content-Type": JSON, **SNAPSHOT_HEADERS})
COMPRESSED: Final = AnswerHeaders({"Content-Type": JSON, **SNAPSHOT_GZIP_HEADERS})
CREATED: Final = AnswerHeaders({"Content-Type": JSON, **NO_STORE})


class SeatCalls:
    """The calls of a sale's crowd: seats as they are, and holding some."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    @cached_property
    def _values(self) -> web.Application:
        return values_of(self._app)

    def calls(self) -> Sequence[FrontCall]:
        """Return them for FRONT_CALLS."""
        return (
            FrontCall(
                "GET", SNAPSHOT_PATH, RouteCounts("core", SNAPSHOT_PATH), SNAPSHOT, self._snapshot
            ),
            FrontCall(
                "POST", RESERVE_PATH, RouteCounts("core", RESERVE_PATH), RESERVE, self._reserve
            ),
        )

    def _snapshot(
        self, parts: Sequence[str], request: PlainRequest, identity: Identity
    ) -> Answer | None:
        event = self._values[SHOP].known(parts[0])
        seat_map = self._values[SEAT_MAPS].loaded(parts[0])
        if event is None or seat_map is None:
            return None  # it has to be read first
        try:
            fan_admitted(identity, event)
        except NotAdmitted:
            return None
        plain, compressed = seat_map.body()
        if takes_gzip(request.headers.get("Accept-Encoding", "")):
            return Answer(200, COMPRESSED, compressed)
        return Answer(200, PLAIN, plain)

    def _reserve(self, _: Sequence[str], request: PlainRequest, identity: Identity) -> Answering:
        return partial(self._reserved, request, identity)

    async def _reserved(self, request: PlainRequest, identity: Identity) -> Answer:
        body = decode_body(request.body, ReserveBody)
        key = request.headers.get("Idempotency-Key", "")
        document = await reserve_for(self._values, identity, body, key)
        return Answer(201, CREATED, msgspec.json.encode(document))
