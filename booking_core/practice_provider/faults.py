"""Faults on demand: a rehearsal says what the provider is to do wrong next, and how often."""

from dataclasses import asdict

from aiohttp import web

from booking_core.practice_provider.app_keys import FAULTS
from booking_core.practice_provider.fault_plan import DELAY_MS_MAX, KINDS, TIMES_MAX, FaultPlan
from booking_core.practice_provider.forms import Params, needed, parse_pairs

routes = web.RouteTableDef()


@routes.get("/practice/faults")
async def show(request: web.Request) -> web.Response:
    """Show what is still to come, and what there is to choose from."""
    return _shown(request.app[FAULTS])


@routes.post("/practice/faults")
async def plan(request: web.Request) -> web.Response:
    """Plan a fault: `kind`, `times` (once if absent), `delay_ms` for what is to be late."""
    params = Params(parse_pairs(await request.read()))
    kind = needed(params.choice("kind", tuple(KINDS)), "kind")
    times = params.integer("times", 1, TIMES_MAX) or 1
    delay_ms = params.integer("delay_ms", 0, DELAY_MS_MAX) or 0
    params.done()
    request.app[FAULTS].plan(kind, times, delay_ms)
    return _shown(request.app[FAULTS])


@routes.delete("/practice/faults")
async def clear(request: web.Request) -> web.Response:
    """Do nothing wrong any more."""
    request.app[FAULTS].clear()
    return _shown(request.app[FAULTS])


def _shown(plan: FaultPlan) -> web.Response:
    planned = {kind: asdict(each) for kind, each in plan.planned.items()}
    return web.json_response({"planned": planned, "kinds": dict(KINDS)})
