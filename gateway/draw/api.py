"""The draw's calls: everything public of it, and its roster to download."""

from typing import Final

import msgspec
from aiohttp import web

from gateway.app_keys import DRAWS, ROOMS
from gateway.draw.document import document_of
from gateway.draw.roster import CHUNK, HASH_BYTES
from groundwork.errors import NotFound, RequestInvalid, RosterNotSealed

routes = web.RouteTableDef()

# A draw changes three times; a second is soon enough to see it, and any cache may collapse the crowd.
DRAW_HEADERS: Final = {"Cache-Control": "public, max-age=1", "Access-Control-Allow-Origin": "*"}
# A sealed roster never changes. Any page may read it: checks need not be ours.
ROSTER_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
SEALING_RETRY_SECONDS: Final = 2


@routes.get("/api/sales/{sale}/draw")
async def draw(request: web.Request) -> web.Response:
    """Answer all that is public of the draw so far."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    return web.Response(
        body=msgspec.json.encode(document_of(sale.sale_id, sale.opens_at, sale.draw)),
        content_type="application/json",
        headers=DRAW_HEADERS,
    )


@routes.get("/api/sales/{sale}/draw/roster")
async def roster(request: web.Request) -> web.StreamResponse:
    """Answer the leaves of the sealed roster, 32 bytes each: `?chunk=n` a part of them, or all."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    if sale.draw is None:
        raise NotFound
    if sale.draw.root is None:
        raise RosterNotSealed(SEALING_RETRY_SECONDS)
    receipts = request.config_dict[DRAWS].receipts
    chunks = -(-sale.draw.entries // CHUNK)
    if (wanted := request.query.get("chunk")) is not None:
        if not wanted.isdecimal() or len(wanted) > 9 or int(wanted) >= chunks:
            raise RequestInvalid("chunk", f"must be below {chunks}")
        return web.Response(
            body=await receipts.leaves(sale.sale_id, int(wanted)),
            content_type="application/octet-stream",
            headers=ROSTER_HEADERS,
        )
    response = web.StreamResponse(headers=ROSTER_HEADERS)
    response.content_type = "application/octet-stream"
    response.content_length = sale.draw.entries * HASH_BYTES
    await response.prepare(request)
    if request.method != "HEAD":
        for chunk in range(chunks):
            await response.write(await receipts.leaves(sale.sale_id, chunk))
    return response
