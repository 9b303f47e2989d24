"""What every request to the practice provider passes: a name, the error shape, limits, the key."""

import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from booking_core.practice_provider.app_keys import REQUEST_ID, SETTINGS, TOKENS
from booking_core.practice_provider.stripe_errors import (
    InvalidRequest,
    ProviderFailure,
    StripeError,
)
from booking_core.practice_provider.stripe_objects import API_VERSION

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Confirmations of slow cards wait inside a request: a full hall of them must fit.
IN_FLIGHT_MAX: Final = 5_000
# What only the shop may ask; the bank's page and the health check are for everybody.
KEY_NEEDED: Final = ("/v1/", "/practice/")

log = structlog.get_logger()


@web.middleware
async def name_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request a name that its answer carries."""
    request[REQUEST_ID] = f"req_{request.app[TOKENS].token()}"
    response = await handler(request)
    if not response.prepared:
        response.headers["Request-Id"] = request[REQUEST_ID]
        response.headers["Stripe-Version"] = API_VERSION
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def stripe_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every refusal into Stripe's error object."""
    try:
        return await handler(request)
    except StripeError as error:
        return error_response(error)
    except web.HTTPRequestEntityTooLarge:
        return error_response(InvalidRequest("Request body too large", status=413))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return error_response(InvalidRequest(message, status=404))
    except Exception:
        log.exception("request failed", path=request.path)
        return error_response(ProviderFailure("An unknown error occurred", status=500))


def in_flight_limit() -> Middleware:
    """Return a middleware that answers 429 while too many requests are being worked on."""
    in_flight = 0

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal in_flight
        if in_flight >= IN_FLIGHT_MAX and request.path != "/health/live":
            raise InvalidRequest("Too many concurrent requests", "rate_limit", status=429)
        in_flight += 1
        try:
            return await handler(request)
        finally:
            in_flight -= 1

    return limit


@web.middleware
async def secret_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only the shop at the API: `Authorization: Bearer <key>`, or Basic with it as the name."""
    if request.path.startswith(KEY_NEEDED):
        given = _given_key(request.headers.get("Authorization", ""))
        if not given:
            raise InvalidRequest(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth.",
                status=401,
            )
        wanted = request.app[SETTINGS].payments_secret_key
        if not hmac.compare_digest(given, wanted.encode()):
            raise InvalidRequest("Invalid API Key provided", "api_key_invalid", status=401)
    return await handler(request)


def error_response(error: StripeError) -> web.Response:
    """Return the answer for a refusal."""
    return web.json_response(error.to_json(), status=error.status)


def _given_key(authorization: str) -> bytes:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip().encode(errors="replace")
    if scheme.lower() == "basic":
        try:
            return b64decode(rest, validate=True).partition(b":")[0]
        except ValueError:
            return b""
    return b""
