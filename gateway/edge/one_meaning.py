"""A request has one host and one framing, on every listener; what could be read otherwise is refused."""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.edge.hosts import Hosts
from groundwork.edge_errors import RequestMalformed, UnknownHost

HOSTS: Final = web.AppKey("hosts", Hosts)


@web.middleware
async def refuse_other_meanings(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through that was meant for us, and means the same to whoever reads it after us.

    Raises UnknownHost, RequestMalformed. The port of a host says nothing: proxies change it.
    """
    headers = request.headers
    host = headers.get("Host", "")
    target = request.raw_path
    # A whole address where a path should be: who reads the one and who reads the other must agree.
    if not target.startswith("/") and target != "*" and _authority(target) != host.lower():
        raise UnknownHost
    if not request.app[HOSTS].takes(host):
        raise UnknownHost
    # The library knows `gzip, chunked` and passes on a body whose coding nobody undid.
    if request.body_exists and headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise RequestMalformed("Transfer-Encoding")
    return await handler(request)


def _authority(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return None
