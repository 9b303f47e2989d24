"""The operator listener: health, numbers, and steering sales for those who may."""

from collections.abc import Mapping

from aiohttp import web

from gateway.edge.one_meaning import HOSTS, refuse_other_meanings
from gateway.edge.request_id import request_id
from gateway.operator import account_api, health, sales_api
from gateway.operator.guard import (
    HEADERS,
    METRICS_FROM,
    OPERATORS,
    POLICIES,
    SETTINGS,
    add_headers,
    guard,
)
from gateway.operator.health import CHECKS, Check
from gateway.operator.operators import Operators
from gateway.operator.policies import Policy, prove_all_declared
from gateway.operator.sales_api import CLOCK, SALES
from gateway.operator.settings import OperatorSettings
from gateway.waiting_room.sales import SaleRecords
from groundwork.access_log import access_log
from groundwork.clock import Clock, TokenSource
from groundwork.malformed import REFUSAL_HEADERS
from groundwork.networks import Ranges, trusted_networks
from groundwork.postgres import Pool
from groundwork.problem_json import problem_json


def make_operator_app(
    checks: Mapping[str, Check],
    settings: OperatorSettings,
    pool: Pool,
    clock: Clock,
    names: TokenSource,
) -> web.Application:
    """Return the listener; each check returns or raises. Raises PolicyMissing at its start."""
    app = web.Application(
        middlewares=[
            request_id,
            access_log("operator"),
            problem_json,
            refuse_other_meanings,
            guard,
        ],
        client_max_size=account_api.BODY_BYTES_MAX,
    )
    policies: dict[web.AbstractRoute, Policy] = {}
    app[REFUSAL_HEADERS] = HEADERS
    app[HOSTS] = settings.hosts()
    app[CHECKS] = checks
    app[SETTINGS] = settings
    app[CLOCK] = clock
    app[OPERATORS] = Operators(pool, clock, names)
    app[SALES] = SaleRecords(pool)
    app[POLICIES] = policies
    app[METRICS_FROM] = Ranges(trusted_networks(settings.metrics_from, "METRICS_FROM"))
    for hall in (health, account_api, sales_api):
        hall.routes.add_to(app, policies)
    app.on_response_prepare.append(add_headers)
    app.on_startup.append(_prove_declared)
    return app


async def _prove_declared(app: web.Application) -> None:
    prove_all_declared(app, app[POLICIES])
