"""The draw's calls: everything public of it, and its roster to download."""

from typing import Annotated, Final

import msgspec
from aiohttp import web

from gateway.app_keys import DRAWS, ROOMS
from gateway.draw.document import DrawDocument, document_of
from gateway.draw.roster import CHUNK, HASH_BYTES
from groundwork.errors import (
    NotFound,
    RequestInvalid,
    RosterNotSealed,
    SaleNotFound,
    StoreUnavailable,
)
from groundwork.operations import ApiRoutes
from groundwork.typed_answers import Json, Octets, OctetStream

routes = ApiRoutes("Draw")

# A draw changes three times; a second is soon enough to see it, and any cache may collapse the crowd.
DRAW_HEADERS: Final = {"Cache-Control": "public, max-age=1", "Access-Control-Allow-Origin": "*"}
# A sealed roster never changes. Any page may read it: checks need not be ours.
ROSTER_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
SEALING_RETRY_SECONDS: Final = 2


class RosterQuery(msgspec.Struct, frozen=True):
    """The number of a chunk, from 0; without it all of them."""

    chunk: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | msgspec.UnsetType = msgspec.UNSET


@routes.get("/api/sales/{sale}/draw", refuses=[SaleNotFound])
async def draw(request: web.Request) -> Json[DrawDocument]:
    """Answer all that is public of the draw so far."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    return Json(document_of(sale.sale_id, sale.opens_at, sale.draw), DRAW_HEADERS)


@routes.get(
    "/api/sales/{sale}/draw/roster",
    refuses=[SaleNotFound, NotFound, RosterNotSealed, StoreUnavailable],
)
async def roster(request: web.Request, query: RosterQuery) -> Octets | OctetStream:
    """Answer the leaves of the sealed roster, 32 bytes each: `?chunk=n` a part of them, or all."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    if sale.draw is None:
        raise NotFound
    if sale.draw.root is None:
        raise RosterNotSealed(SEALING_RETRY_SECONDS)
    receipts = request.config_dict[DRAWS].receipts
    chunks = -(-sale.draw.entries // CHUNK)
    if query.chunk is not msgspec.UNSET:
        if query.chunk >= chunks:
            raise RequestInvalid("chunk", f"must be below {chunks}")
        return Octets(await receipts.leaves(sale.sale_id, query.chunk), ROSTER_HEADERS)
    response = OctetStream(sale.draw.entries * HASH_BYTES, ROSTER_HEADERS)
    await response.prepare(request)
    if request.method != "HEAD":
        for chunk in range(chunks):
            await response.write(await receipts.leaves(sale.sale_id, chunk))
    return response


@routes.get(
    "/api/sales/{sale}/draw/clusters",
    refuses=[SaleNotFound, NotFound, RosterNotSealed, StoreUnavailable],
)
async def clusters(request: web.Request) -> Octets:
    """Answer the clusters of the sealed roster: floor, size and members of each, 4 bytes a number."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    if sale.draw is None or not sale.draw.has_clusters:
        raise NotFound
    if sale.draw.clusters is None:
        raise RosterNotSealed(SEALING_RETRY_SECONDS)
    content = await request.config_dict[DRAWS].clusters.content(sale.sale_id)
    return Octets(content, ROSTER_HEADERS)
