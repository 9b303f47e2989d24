"""Every request gets a name of ours; what a client claims as its name is not believed."""

import random

from aiohttp import web
from aiohttp.typedefs import Handler

from groundwork.problem_json import REQUEST_ID


@web.middleware
async def request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, for the log and for the fan to quote."""
    request[REQUEST_ID] = new_request_id()
    return await handler(request)


def new_request_id() -> str:
    """Return a name for a request: 64 bits, unique among a day's requests."""
    # Nobody is let in for knowing it, so that it need not be secret.
    return f"{random.getrandbits(64):016x}"
