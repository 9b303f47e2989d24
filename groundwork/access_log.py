"""One metric for every request, one log line for those worth reading; neither names a fan."""

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from groundwork.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS, observe_many
from groundwork.problem_json import REQUEST_ID

log = structlog.get_logger()

# A request slower than this is worth a line even when it went well.
SLOW_SECONDS = 1.0


def access_log(tier: str) -> Middleware:
    """Return the middleware that counts a tier's requests by route, and logs failures and delays."""
    # Labels are looked up under a lock; a route's own counters are looked up once.
    seconds: dict[str, object] = {}
    counts: dict[tuple[str, int], object] = {}

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            took = time.perf_counter() - began
            route = route_of(request)
            if (route, status) not in counts:
                counts[route, status] = HTTP_REQUESTS.labels(tier, route, str(status))
            if route not in seconds:
                seconds[route] = HTTP_REQUEST_SECONDS.labels(tier, route)
            counts[route, status].inc()  # type: ignore[attr-defined]
            # A stream lasts as long as the fan waits; its length says nothing about us.
            if not route.endswith(("/events", "/changes")):
                seconds[route].observe(took)  # type: ignore[attr-defined]
                if status >= 500 or took > SLOW_SECONDS:
                    log.warning(
                        "request",
                        tier=tier,
                        method=request.method,
                        route=route,
                        status=status,
                        ms=round(took * 1000),
                        request_id=request.get(REQUEST_ID, ""),
                    )

    return middleware


def count_many(tier: str, route: str, status: int, count: int) -> None:
    """Count answers of one kind that were given from ready bytes since they were counted last."""
    if count:
        HTTP_REQUESTS.labels(tier, route, str(status)).inc(count)
        observe_many(HTTP_REQUEST_SECONDS.labels(tier, route), 0.0, count)


def route_of(request: web.Request) -> str:
    """Return the pattern the request matched: bounded in number, and free of anybody's ids."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"
