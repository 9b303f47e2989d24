"""The operator listener: is it alive, is it ready, and its numbers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

from groundwork.access_log import access_log
from groundwork.metrics import metrics_body
from groundwork.problem_json import problem_json

Check = Callable[[], Awaitable[None]]

CHECKS: Final[web.AppKey[Mapping[str, Check]]] = web.AppKey("checks")
# Who asks for readiness asks every few seconds; a slower answer is a "no".
CHECK_SECONDS: Final = 2.0

log = structlog.get_logger()
routes = web.RouteTableDef()


def make_operator_app(checks: Mapping[str, Check]) -> web.Application:
    """Return the listener; each check returns or raises."""
    app = web.Application(middlewares=[access_log("operator"), problem_json])
    app[CHECKS] = checks
    app.add_routes(routes)
    return app


@routes.get("/health/live")
async def live(_request: web.Request) -> web.Response:
    """Answer that the process runs: if even this fails, restart it."""
    return web.json_response({"status": "live"})


@routes.get("/health/ready")
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


@routes.get("/metrics")
async def metrics(_request: web.Request) -> web.Response:
    """Answer the numbers of all processes of this machine."""
    body, content_type = await asyncio.to_thread(metrics_body)
    return web.Response(body=body, headers={"Content-Type": content_type})
