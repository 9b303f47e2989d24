"""Signing in and out, operators, their tokens, and the log of what they did."""

from typing import Annotated, Final

import msgspec
from aiohttp import web

from gateway.operator.guard import (
    CALLER,
    KNOWN_COOKIE,
    OPERATORS,
    SETTINGS,
    cookie_name,
    csrf_token,
    near,
    session_secret,
)
from gateway.operator.operators import SESSION_MS, TOKEN_DAYS_MAX
from gateway.operator.passwords import PASSWORD_CHARACTERS_MAX, PasswordWeak
from gateway.operator.policies import Anybody, Needs, PolicedRoutes, Role, Scope
from gateway.operator.sign_in_tries import KNOWN_MS
from groundwork.bodies import read_body
from groundwork.errors import NotFound, RequestInvalid

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=63)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=PASSWORD_CHARACTERS_MAX)]
# Ours is a few hundred bytes; nothing here needs more.
BODY_BYTES_MAX: Final = 16 * 1024

routes = PolicedRoutes()


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to come in."""

    operator: Name
    password: Password


class NewOperator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operator to be added, or to get a new role and password."""

    operator: Name
    role: Role
    password: Password


class Removal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operator to be let in no more."""

    operator: Name


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made for whoever asks."""

    purpose: str
    scopes: list[Scope]
    days: Annotated[int, msgspec.Meta(ge=1, le=TOKEN_DAYS_MAX)] = 90


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token that shall count no more."""

    token_id: str


@routes.post("/operator/api/sign-in", Anybody())
async def sign_in(request: web.Request) -> web.Response:
    """Begin a session: a cookie, and a token that every change by it must bring along.

    Another cookie stays when the session ends: this browser's guesses are counted by themselves then.
    """
    body = await read_body(request, SignIn)
    if old := session_secret(request):
        await request.app[OPERATORS].sign_out(old)  # a session is never taken over by another
    settings = request.app[SETTINGS]
    known_name = cookie_name(settings, KNOWN_COOKIE)
    secret, caller, known = await request.app[OPERATORS].sign_in(
        body.operator, body.password, near(request), request.cookies.get(known_name, "")
    )
    response = web.json_response(
        {"operator": caller.operator, "role": caller.role, "csrf_token": csrf_token(secret)}
    )
    for name, value, length_ms in (
        (cookie_name(settings), secret, SESSION_MS),
        (known_name, known, KNOWN_MS),
    ):
        response.set_cookie(
            name,
            value,
            max_age=length_ms // 1000,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=settings.is_secure,
        )
    return response


@routes.post("/operator/api/sign-out", Needs("viewer", None))
async def sign_out(request: web.Request) -> web.Response:
    """End the session here and in the browser."""
    await request.app[OPERATORS].sign_out(session_secret(request))
    response = web.json_response({"signed_out": True})
    settings = request.app[SETTINGS]
    response.del_cookie(
        cookie_name(settings), path="/", httponly=True, samesite="Strict", secure=settings.is_secure
    )
    return response


@routes.get("/operator/api/me", Needs("viewer", "sales:read"))
async def me(request: web.Request) -> web.Response:
    """Answer who is signed in, and what they need to change things."""
    caller, secret = request[CALLER], session_secret(request)
    token = csrf_token(secret) if caller.scopes is None else None
    return web.json_response(
        {"operator": caller.operator, "role": caller.role, "csrf_token": token}
    )


@routes.get("/operator/api/operators", Needs("admin", "operators:write"))
async def operators(request: web.Request) -> web.Response:
    """Answer who may come in."""
    found = await request.app[OPERATORS].all()
    return web.json_response(
        {"operators": [{"operator": name, "role": role} for name, role in found]}
    )


@routes.post("/operator/api/operators", Needs("admin", "operators:write"))
async def add_operator(request: web.Request) -> web.Response:
    """Add an operator, or give one a new role and password."""
    body = await read_body(request, NewOperator)
    try:
        await request.app[OPERATORS].add(
            request[CALLER].doer, body.operator, body.role, body.password
        )
    except PasswordWeak as error:
        raise RequestInvalid("password", str(error)) from error
    return web.json_response({"operator": body.operator, "role": body.role}, status=201)


@routes.post("/operator/api/operators/remove", Needs("admin", "operators:write"))
async def remove_operator(request: web.Request) -> web.Response:
    """Let an operator in no more."""
    body = await read_body(request, Removal)
    if not await request.app[OPERATORS].remove(request[CALLER].doer, body.operator):
        raise NotFound
    return web.json_response({"operator": body.operator, "removed": True})


@routes.post("/operator/api/tokens", Needs("viewer", None))
async def make_token(request: web.Request) -> web.Response:
    """Make a token for a program; this answer is the only one that has it."""
    body = await read_body(request, NewToken)
    doer = request[CALLER].doer
    token = await request.app[OPERATORS].make_token(
        doer, doer.operator, body.purpose, body.scopes, body.days
    )
    return web.json_response({"token": token, "scopes": body.scopes}, status=201)


@routes.post("/operator/api/tokens/revoke", Needs("admin", None))
async def revoke_token(request: web.Request) -> web.Response:
    """Let a token count no more."""
    body = await read_body(request, Revocation)
    if not await request.app[OPERATORS].revoke_token(request[CALLER].doer, body.token_id):
        raise NotFound
    return web.json_response({"token_id": body.token_id, "revoked": True})


@routes.get("/operator/api/log", Needs("admin", "log:read"))
async def read_log(request: web.Request) -> web.Response:
    """Answer what was done, the newest first; `?before=` goes on."""
    before = request.query.get("before")
    if before is not None and not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise RequestInvalid("before", "must be a number")
    entries = await request.app[OPERATORS].log.read(int(before) if before else None)
    return web.json_response(
        body=msgspec.json.encode({"entries": entries}), content_type="application/json"
    )
