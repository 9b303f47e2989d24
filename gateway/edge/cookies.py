"""The fan's tickets and passes as cookies: one of each for every sale, and never too many of them."""

import base64
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web

from groundwork.plain_request import Asking

Kind = Literal["onsale-ticket", "onsale-pass", "onsale-mailbox"]
TICKET: Final[Kind] = "onsale-ticket"
PASS: Final[Kind] = "onsale-pass"  # noqa: S105 (a name)
MAILBOX: Final[Kind] = "onsale-mailbox"
KINDS: Final[dict[str, Kind]] = {kind: kind for kind in (TICKET, PASS, MAILBOX)}
# The prefix makes browsers refuse the cookie unless it is Secure, for this host alone, for all paths.
HOST_PREFIX: Final = "__Host-"
# What a cookie's value is made of (RFC 6265, section 4.1.1).
VALUE: Final = bytes(set(range(0x21, 0x7F)) - set(b'",;\\'))
OURS: Final = re.compile(
    r"(?:__Host-)?(?P<kind>onsale-(?:ticket|pass|mailbox))-(?P<sale>[a-z0-9][a-z0-9-]{0,62})",
    re.ASCII,
)
# All our cookies together. Servers and proxies take header lines of 8 KiB and refuse longer ones, so
# that a fan with too many cookies would get no answer at all; half of it is left to the shop. Nine
# sales waited for, or four with a pass each: a ticket takes 350 bytes, with names and commas 420.
COOKIES_BYTES_MAX: Final = 4096
# Browsers drop a cookie at once that has lived for so long.
ENDED: Final = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"


class _Issued(msgspec.Struct):
    iat: Annotated[int, msgspec.Meta(ge=0)]


_ISSUED: Final = msgspec.json.Decoder(_Issued)


def name_of(kind: Kind, sale_id: str) -> str:
    """Return the cookie's name without its prefix: a fan in two sales has two tickets."""
    return f"{kind}-{sale_id}"


def give(
    request: web.Request,
    response: web.StreamResponse,
    kind: Kind,
    sale_id: str,
    value: str,
    max_age_seconds: int,
    *,
    is_secure: bool,
) -> None:
    """Set a cookie, see `lines_to_give`."""
    for line in lines_to_give(request, kind, sale_id, value, max_age_seconds, is_secure=is_secure):
        response.headers.add("Set-Cookie", line)


def lines_to_give(
    request: Asking,
    kind: Kind,
    sale_id: str,
    value: str,
    max_age_seconds: int,
    *,
    is_secure: bool,
) -> list[str]:
    """Return what Set-Cookie says to set a cookie that no script reads and no other site sends with a form.

    Over plain http, which is for development only, clients that do not take Secure cookies there get
    it under its bare name, too. The oldest of ours are taken back when they become too many: first what has
    been joined with.
    """
    assert not value.encode().translate(None, VALUE), "a token has nothing that ends a cookie"
    name = name_of(kind, sale_id)
    lines = _lines(f"{name}={value}", f"Max-Age={max_age_seconds}", is_secure=is_secure)
    for old_kind, old_sale in too_many(request, name, len(value), is_secure=is_secure):
        lines += _lines(f"{name_of(old_kind, old_sale)}=", ENDED, is_secure=is_secure)
    return lines


def _lines(pair: str, life: str, *, is_secure: bool) -> list[str]:
    # By hand: the standard library's cookies quote and sort for six microseconds each, and a token
    # has nothing to quote.
    attributes = f"HttpOnly; {life}; Path=/; SameSite=Lax"
    strict = f"{HOST_PREFIX}{pair}; {attributes}; Secure"
    return [strict] if is_secure else [strict, f"{pair}; {attributes}"]


def too_many(
    request: Asking, new_name: str, new_bytes: int, *, is_secure: bool
) -> Iterator[tuple[Kind, str]]:
    """Yield the oldest of the browser's cookies of ours that have no room beside a new one."""
    if len(request.headers.get("Cookie", "")) + new_bytes <= COOKIES_BYTES_MAX // 2:
        return  # as good as always, and not worth a look at each
    sizes: dict[tuple[Kind, str], int] = {}
    issued: dict[tuple[Kind, str], int] = {}
    for name, value in request.cookies.items():
        found = OURS.fullmatch(name)
        if found and name.removeprefix(HOST_PREFIX) != new_name:
            key = (KINDS[found["kind"]], found["sale"])
            sizes[key] = sizes.get(key, 0) + len(name) + len(value) + len("=; ")
            issued[key] = issued_at(value)
    new_size = len(HOST_PREFIX) + len(new_name) + new_bytes + len("=; ")
    total = sum(sizes.values()) + (new_size if is_secure else 2 * new_size)
    for key in sorted(sizes, key=lambda each: issued[each]):
        if total <= COOKIES_BYTES_MAX:
            return
        total -= sizes[key]
        yield key


def issued_at(token: str) -> int:
    """Return when a token says it was issued, in seconds; 0 for what is none. Nothing is verified."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        content = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return _ISSUED.decode(content).iat
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return 0


def read(request: Asking, kind: Kind, sale_id: str, *, is_secure: bool) -> str | None:
    """Return the cookie's value. The bare name counts over plain http only."""
    name = name_of(kind, sale_id)
    value = request.cookies.get(HOST_PREFIX + name)
    if value is None and not is_secure:
        value = request.cookies.get(name)
    return value


def sales_with(request: Asking, kind: Kind, *, is_secure: bool) -> list[str]:
    """Return the sales of which the browser has such a cookie, the newest token first."""
    newest: dict[str, int] = {}
    for name, value in request.cookies.items():
        found = OURS.fullmatch(name)
        if found and found["kind"] == kind and (not is_secure or name.startswith(HOST_PREFIX)):
            newest[found["sale"]] = max(newest.get(found["sale"], 0), issued_at(value))
    return sorted(newest, key=lambda sale_id: -newest[sale_id])


def take_back(response: web.StreamResponse, kind: Kind, sale_id: str, *, is_secure: bool) -> None:
    """Delete a cookie under both its names."""
    for line in _lines(f"{name_of(kind, sale_id)}=", ENDED, is_secure=is_secure):
        response.headers.add("Set-Cookie", line)
