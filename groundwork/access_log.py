"""One metric for every request, one log line for those worth reading; neither names a fan."""

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter

from groundwork.counted_soon import CountedSoon, observe_many, observed_soon
from groundwork.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from groundwork.problem_json import REQUEST_ID

log = structlog.get_logger()

# A request slower than this is worth a line even when it went well.
SLOW_SECONDS = 1.0
# So is one that failed because of us.
FAILED = 500


class RouteCounts:
    """The numbers of one route of a tier. Labels are looked up under a lock; here they are once."""

    def __init__(self, tier: str, route: str) -> None:
        self._tier = tier
        self._route = route
        self._seconds = HTTP_REQUEST_SECONDS.labels(tier, route)
        self._seconds_soon = observed_soon(self._seconds)
        self._by_status: dict[int, Counter] = {}
        self._soon_by_status: dict[int, CountedSoon] = {}
        # A stream lasts as long as the fan waits; its length says nothing about us.
        self._is_stream = route.endswith(("/events", "/changes"))

    def note(self, status: int, took: float, method: str, request_id: str) -> None:
        """Count a request that took so many seconds, and log it if it is worth a line."""
        self._count(status).inc()
        if self._is_stream:
            return
        self._seconds.observe(took)
        if status >= FAILED or took > SLOW_SECONDS:
            self._log(status, took, method, request_id)

    def note_soon(self, status: int, took: float, method: str, request_id: str) -> None:
        """Count such a request, no stream, within a second."""
        counted = self._soon_by_status.get(status)
        if counted is None:
            counted = self._soon_by_status[status] = CountedSoon(self._count(status))
        counted.add()
        self._seconds_soon.add(took)
        if status >= FAILED or took > SLOW_SECONDS:
            self._log(status, took, method, request_id)

    def _count(self, status: int) -> Counter:
        count = self._by_status.get(status)
        if count is None:
            count = HTTP_REQUESTS.labels(self._tier, self._route, str(status))
            self._by_status[status] = count
        return count

    def _log(self, status: int, took: float, method: str, request_id: str) -> None:
        log.warning(
            "request",
            tier=self._tier,
            method=method,
            route=self._route,
            status=status,
            ms=round(took * 1000),
            request_id=request_id,
        )


def access_log(tier: str) -> Middleware:
    """Return the middleware that counts a tier's requests by route, and logs failures and delays."""
    routes: dict[str, RouteCounts] = {}

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
            if route not in routes:
                routes[route] = RouteCounts(tier, route)
            routes[route].note(status, took, request.method, request.get(REQUEST_ID, ""))

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
