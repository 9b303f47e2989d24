"""The board pushed to waiting browsers: the same bytes to every stream, slow readers dropped."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from gateway import metrics
from gateway.app_keys import ROOMS, SETTINGS
from gateway.waiting_room.rooms import Room
from groundwork.errors import TooManyRequests

routes = web.RouteTableDef()

# Proxies cut a silent connection after a minute or less. The board changes more often than this
# while the line runs; a comment says that a paused one is still there.
HEARTBEAT_SECONDS: Final = 15.0
# A reader who does not take a board within this has gone, or holds memory that others need.
WRITE_SECONDS: Final = 10.0
# Browsers come back after this when a stream breaks; not all at once, see the page's own jitter.
STREAM_HEAD: Final = b"retry: 3000\n\n"
HEARTBEAT: Final = b": still here\n\n"
# Polling is the same document; a browser that finds no stream does that.
BUSY_RETRY_SECONDS: Final = 30

STREAMS: Final[web.AppKey[set[asyncio.Task[Any]]]] = web.AppKey("streams")


@routes.get("/api/sales/{sale}/events")
async def stream(request: web.Request) -> web.StreamResponse:
    """Send the board now and at every change, until the reader leaves or the server stops."""
    room = request.config_dict[ROOMS].room(request.match_info["sale"])
    streams = request.config_dict[STREAMS]
    if len(streams) >= request.config_dict[SETTINGS].streams_max:
        raise TooManyRequests(BUSY_RETRY_SECONDS)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    if request.method == "HEAD":
        return response  # there is no body to wait for
    task = asyncio.current_task()
    assert task is not None
    streams.add(task)
    gauge = metrics.BOARD_STREAMS.labels(room.sale.sale_id)
    gauge.inc()
    try:
        with suppress(ConnectionError, TimeoutError):
            await _send_boards(response, room)
    finally:
        streams.discard(task)
        gauge.dec()
    return response


async def _send_boards(response: web.StreamResponse, room: Room) -> None:
    await response.write(STREAM_HEAD)
    sent_seq = -1
    while True:
        changed = room.changed
        board = room.board
        if board is not None and board.document.seq != sent_seq:
            await asyncio.wait_for(response.write(board.stream_event), WRITE_SECONDS)
            sent_seq = board.document.seq
        try:
            await asyncio.wait_for(changed.wait(), HEARTBEAT_SECONDS)
        except TimeoutError:
            await asyncio.wait_for(response.write(HEARTBEAT), WRITE_SECONDS)


async def close_streams(app: web.Application) -> None:
    """End every stream, so that the server can stop; browsers come back to another process."""
    open_streams = app[STREAMS]
    streams = list(open_streams)
    for task in streams:
        task.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
