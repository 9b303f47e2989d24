"""Is it alive, is it ready, and its numbers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

from gateway.operator.policies import Anybody, Nearby, PolicedRoutes
from groundwork.counted_soon import tell_counts
from groundwork.metrics import metrics_body

Check = Callable[[], Awaitable[None]]

CHECKS: Final[web.AppKey[Mapping[str, Check]]] = web.AppKey("checks")
# Who asks for readiness asks every few seconds; a slower answer is a "no".
CHECK_SECONDS: Final = 2.0

log = structlog.get_logger()
routes = PolicedRoutes()


@routes.get("/health/live", Anybody())
async def live(_request: web.Request) -> web.Response:
    """Answer that the process runs: if even this fails, restart it."""
    return web.json_response({"status": "live"})


@routes.get("/health/ready", Anybody())
async def ready(request: web.Request) -> web.Response:
    """Answer whether everything needed answers, and name what does not."""
    checks = request.app[CHECKS]
    names = list(checks)
    answers = await asyncio.gather(
        *(asyncio.wait_for(check(), CHECK_SECONDS) for check in checks.values()),
        return_exceptions=True,
    )
    failed = [name for name, answer in zip(names, answers, strict=True) if answer is not None]
    if failed:
        log.warning("not ready", failed=failed)
    return web.json_response(
        {"status": "not ready" if failed else "ready", "failed": failed},
        status=503 if failed else 200,
    )


@routes.get("/metrics", Nearby("metrics"))
async def metrics(_request: web.Request) -> web.Response:
    """Answer the numbers of all processes of this machine."""
    tell_counts()
    body, content_type = await asyncio.to_thread(metrics_body)
    return web.Response(body=body, headers={"Content-Type": content_type})
