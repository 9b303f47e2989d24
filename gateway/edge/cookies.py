"""The fan's ticket and pass as cookies."""

from typing import Final

from aiohttp import web

TICKET: Final = "onsale-ticket"
PASS: Final = "onsale-pass"  # noqa: S105 (a name)
# The prefix makes browsers refuse the cookie unless it is Secure, for this host alone, for all paths.
HOST_PREFIX: Final = "__Host-"


def give(
    response: web.StreamResponse, name: str, value: str, max_age_seconds: int, *, is_secure: bool
) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send with a form.

    Over plain http, which is for development only, clients that do not take Secure cookies there get
    it under its bare name, too.
    """
    response.set_cookie(
        HOST_PREFIX + name,
        value,
        max_age=max_age_seconds,
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )
    if not is_secure:
        response.set_cookie(
            name, value, max_age=max_age_seconds, path="/", httponly=True, samesite="Lax"
        )


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
