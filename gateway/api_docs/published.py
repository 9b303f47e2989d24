"""The published document, made once at the start and answered as ready bytes."""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, Final

import msgspec
from aiohttp import web

from groundwork.openapi import Schema, document_of
from groundwork.operations import IF_NONE_MATCH, ApiRoutes, Operation
from groundwork.typed_answers import Encoded, Json, NotModified

routes = ApiRoutes("Documentation")

DESCRIPTION: Final = (
    "Everything the pages do is HTTP that any program may speak. Refusals are problem+json "
    "(RFC 9457) with a `code`; what may be tried again says so with `Retry-After`. Tickets and "
    "passes may be sent as `Authorization: Bearer`, or as the cookies they come with. Moments are "
    "RFC 3339 in UTC, prices whole minor units of their currency."
)
SLUG: Final = "^[a-z0-9][a-z0-9-]{0,62}$"
PATH_NAMES: Final[Mapping[str, Schema]] = {
    "sale": {"type": "string", "pattern": SLUG, "description": "The sale's name."},
    "event": {"type": "string", "pattern": SLUG, "description": "The event's name."},
    "reservation": {"type": "string", "description": "The id that reserve gave."},
    "booking": {
        "type": "string",
        "description": "The id of a booking; to let seats go, that of their reservation.",
    },
    "provider": {"type": "string", "description": "The payment provider that is set up."},
}
# Another deployment may take its place any moment; asking whether it has costs a few bytes.
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    # Any page may read it: what is written for clients need not be ours.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class Published:
    """The document's bytes, plain and compressed, and the tag of what is in them."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        version = metadata.version("onsale")
        document = document_of("Onsale", version, DESCRIPTION, operations, PATH_NAMES)
        self.plain = msgspec.json.encode(document)
        self.gzipped = gzip.compress(self.plain, mtime=0)
        self.etag = f'"{hashlib.sha256(self.plain).hexdigest()[:16]}"'


PUBLISHED: Final = web.AppKey("published", Published)


@routes.get("/api/openapi.json", headers=[IF_NONE_MATCH])
async def openapi(request: web.Request) -> Json[dict[str, Any]] | NotModified:
    """Answer this document: everything that programs may ask, take and be refused (OpenAPI 3.1)."""
    published = request.app[PUBLISHED]
    headers = {**HEADERS, "ETag": published.etag}
    if any(
        f'"{known.value}"' == published.etag or known.value == "*"
        for known in request.if_none_match or ()
    ):
        return NotModified(headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Json(Encoded[dict[str, Any]](published.gzipped), headers)
    return Json(Encoded[dict[str, Any]](published.plain), headers)
