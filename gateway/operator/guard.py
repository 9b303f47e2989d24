"""Who asks the operator listener, and whether they may: before any handler, and for every route."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.operator.operators import Caller, Operators
from gateway.operator.policies import SAFE_METHODS, Anybody, Nearby, Policy
from gateway.operator.settings import OperatorSettings
from groundwork.edge_errors import CrossSite, NotAllowed, NotSignedIn
from groundwork.networks import Ranges
from groundwork.same_site import is_from_elsewhere

SETTINGS: Final = web.AppKey("operator_settings", OperatorSettings)
OPERATORS: Final = web.AppKey("operators", Operators)
POLICIES: Final[web.AppKey[Mapping[web.AbstractRoute, Policy]]] = web.AppKey("policies")
METRICS_FROM: Final[web.AppKey[Ranges]] = web.AppKey("metrics_from")
CALLER: Final = web.RequestKey("caller", Caller)

COOKIE: Final = "onsale-operator"
# Of a browser from which somebody has signed in before; it lets nobody in.
KNOWN_COOKIE: Final = "onsale-operator-known"
CSRF_HEADER: Final = "X-CSRF-Token"
# A browser shows none of this to anybody else, and keeps none of it.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Two years; only where operators come over https.
STRICT_TRANSPORT: Final = "max-age=63072000"


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through that the route's policy allows. Deny by default.

    Raises NotSignedIn, NotAllowed, CrossSite.
    """
    route = request.match_info.route
    if request.match_info.http_exception is not None:
        return await handler(request)  # no such route: nothing to guard
    policy = request.app[POLICIES].get(route)
    if policy is None:
        raise NotAllowed("a policy")
    if is_from_elsewhere(request, request.app[SETTINGS].operator_url):
        raise CrossSite
    if isinstance(policy, Anybody):
        return await handler(request)
    if isinstance(policy, Nearby) and is_near(request):
        return await handler(request)
    caller = await who_asks(request)
    if isinstance(policy, Nearby):
        if caller.scopes is not None and policy.scope not in caller.scopes:
            raise NotAllowed(policy.scope)
    elif not caller.may(policy):
        raise NotAllowed(policy.scope or policy.role)
    request[CALLER] = caller
    return await handler(request)


async def who_asks(request: web.Request) -> Caller:
    """Return who asks, by token or session. Raises NotSignedIn, CrossSite."""
    operators = request.app[OPERATORS]
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind:
        caller = await operators.token(token) if kind.lower() == "bearer" else None
    else:
        secret = session_secret(request)
        caller = await operators.session(secret) if secret else None
        is_change = request.method not in SAFE_METHODS
        if caller is not None and is_change and not has_csrf_token(request, secret):
            raise CrossSite
    if caller is None:
        raise NotSignedIn
    return caller


def is_near(request: web.Request) -> bool:
    """Say whether a machine of the named networks asks, and not through a proxy of theirs."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    return request.app[METRICS_FROM].has(near(request))


def near(request: web.Request) -> str:
    """Return the address of the connection."""
    return (request.remote or "").removeprefix("::ffff:")


def cookie_name(settings: OperatorSettings, name: str = COOKIE) -> str:
    """Return a cookie's whole name; the prefix makes browsers keep it to this host and https."""
    return f"__Host-{name}" if settings.is_secure else name


def session_secret(request: web.Request) -> str:
    """Return the secret of the request's session; "" without one."""
    return request.cookies.get(cookie_name(request.app[SETTINGS]), "")


def csrf_token(secret: str) -> str:
    """Return what a page of ours shows it can read: made of the session's secret, and not that."""
    return hashlib.sha256(b"onsale operator csrf\0" + secret.encode()).hexdigest()


def has_csrf_token(request: web.Request, secret: str) -> bool:
    """Say whether the request brings the token of its session."""
    brought = request.headers.get(CSRF_HEADER, "")
    return hmac.compare_digest(brought.encode("utf-8", "replace"), csrf_token(secret).encode())


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer of this listener carries (an on_response_prepare signal)."""
    response.headers.popall("Server", None)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.app[SETTINGS].is_secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
