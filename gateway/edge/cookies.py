"""The fan's ticket and pass as cookies."""

import re
from typing import Final

from aiohttp import web

TICKET: Final = "onsale-ticket"
PASS: Final = "onsale-pass"  # noqa: S105 (a name)
# The prefix makes browsers refuse the cookie unless it is Secure, for this host alone, for all paths.
HOST_PREFIX: Final = "__Host-"
COOKIE_VALUE: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


def give(
    response: web.StreamResponse, name: str, value: str, max_age_seconds: int, *, is_secure: bool
) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send with a form.

    Over plain http, which is for development only, clients that do not take Secure cookies there get
    it under its bare name, too.
    """
    # By hand: the standard library's cookies quote and sort for six microseconds each, and a token
    # has nothing to quote.
    assert COOKIE_VALUE.fullmatch(value), "a token has none of the characters that end a cookie"
    attributes = f"HttpOnly; Max-Age={max_age_seconds}; Path=/; SameSite=Lax"
    response.headers.add("Set-Cookie", f"{HOST_PREFIX}{name}={value}; {attributes}; Secure")
    if not is_secure:
        response.headers.add("Set-Cookie", f"{name}={value}; {attributes}")


def read(request: web.Request, name: str, *, is_secure: bool) -> str | None:
    """Return the cookie's value. The bare name counts over plain http only."""
    value = request.cookies.get(HOST_PREFIX + name)
    if value is None and not is_secure:
        value = request.cookies.get(name)
    return value


def take_back(response: web.StreamResponse, name: str, *, is_secure: bool) -> None:
    """Delete a cookie under both its names."""
    response.del_cookie(HOST_PREFIX + name, path="/", secure=True, httponly=True, samesite="Lax")
    if not is_secure:
        response.del_cookie(name, path="/")
