"""The board pushed to waiting browsers: the same bytes to every stream."""

from typing import Final

from aiohttp import web

from gateway import metrics
from gateway.app_keys import CLIENT_ADDRESSES, ROOMS
from gateway.waiting_room.board import Board
from groundwork.errors import SaleNotFound, StoreUnavailable, TooManyRequests
from groundwork.event_streams import EventStream, EventStreams
from groundwork.operations import ApiRoutes

routes = ApiRoutes("Waiting room")

# Browsers come back after this when a stream breaks; not all at once, see the page's own jitter.
GREETING: Final = b"retry: 3000\n\n"
# The cursor of a reader who has none.
NO_BOARD_YET: Final = -1

STREAMS: Final[web.AppKey[EventStreams]] = web.AppKey("streams")


class BoardStreams:
    """Sends every new board to the room's streams."""

    def __init__(self, streams: EventStreams) -> None:
        self._streams = streams
        streams.on_count = count_stream

    def show(self, sale_id: str, board: Board) -> None:  # noqa: ARG002 (the room has it)
        """Send the board."""
        self._streams.changed(sale_id)

    def take_down(self, sale_id: str) -> None:
        """End the streams of a sale that is gone."""
        self._streams.end(sale_id)


def count_stream(sale_id: str, change: int) -> None:
    """Count a stream that was opened or closed."""
    metrics.BOARD_STREAMS.labels(sale_id).inc(change)


@routes.get("/api/sales/{sale}/events", refuses=[SaleNotFound, TooManyRequests, StoreUnavailable])
async def stream(request: web.Request) -> EventStream:
    """Send the board now and at every change, until the reader leaves or the server stops.

    Server-sent events: `event: board` with the status board as its data, and comments in between.
    """
    room = request.config_dict[ROOMS].room(request.match_info["sale"])
    streams = request.config_dict[STREAMS]
    owner = request.config_dict[CLIENT_ADDRESSES].read(request).bounded
    channel = streams.channel(room.sale.sale_id, room)
    return streams.open(channel, NO_BOARD_YET, GREETING, owner)
