"""Every request gets a name of ours; what a client claims as its name is not believed."""

import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

from groundwork.problem_json import REQUEST_ID


@web.middleware
async def request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, for the log and for the fan to quote."""
    request[REQUEST_ID] = secrets.token_hex(8)  # 64 bits: unique among a day's requests
    return await handler(request)
