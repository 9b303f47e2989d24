"""Requests that cannot mean anything else than they seem to: read as bytes, without the framework."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from aiohttp import web
from multidict import CIMultiDict

# Our cookies and everything else a browser sends have 6 KB. Longer ones are the framework's to bound.
HEAD_BYTES_MAX: Final = 8 * 1024
# Twice what our longest call has; the framework takes as much as it is set to.
BODY_BYTES_MAX: Final = 8 * 1024
# The framework counts headers up to a bound of its own, above this.
LINES_MAX: Final = 64
HEAD_END: Final = b"\r\n\r\n"
# A header's name as RFC 9110 has it, but for those that speak of another kind of body or connection, of
# a part of the answer, or that the framework wants alone and nobody looks at here.
PLAIN_NAME: Final = re.compile(
    r"""(?!(?:transfer-encoding|te|trailer|upgrade|expect|range|if-.*|server|etag|max-forwards
            |proxy-connection|sec-websocket-.*|content-(?!length$|type$).*)$)
        [!#$%&'*+.^_`|~0-9a-z-]{1,64}""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# Lines that were looked at and are remembered: browsers and proxies write some hundreds of these again and
# again, all of them short. Others are a fan's or a request's own. A quarter of a megabyte.
REMEMBERED: Final = frozenset({
    "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length",
    "content-type", "dnt", "host", "origin", "pragma", "priority", "sec-ch-ua", "sec-ch-ua-mobile",
    "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-gpc", "user-agent",
    "via", "x-forwarded-host", "x-forwarded-proto",
})  # fmt: skip
LINES_REMEMBERED_MAX: Final = 1_024
REMEMBERED_BYTES_MAX: Final = 256
# Spellings of names, at most 64 characters each: browsers and proxies have some dozens.
NAMES_REMEMBERED_MAX: Final = 256
# What a value may be made of, ASCII alone.
PRINTABLE: Final = bytes(range(0x20, 0x7F))
LENGTH: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
# Cookies that are the same to every parser: nothing is quoted, nothing is empty.
COOKIE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]++)=([!#-+\--:<-\[\]-~]++)(?:; |$)")


class NotPlain(Exception):
    """The request may mean more than can be seen here; the framework judges it."""


class Peer(NamedTuple):
    """Who is at the other end of a connection, and what the connection is: http or https."""

    remote: str
    scheme: str


class PlainRequest:
    """One whole request as the gate reads it; `web.Request` has the same names for the same things."""

    __slots__ = ("_cookies", "_items", "_peer", "app", "body", "headers", "method", "path")

    def __init__(
        self,
        app: web.Application,
        method: str,
        path: str,
        headers: CIMultiDict[str],
        body: bytes,
        peer: Peer,
    ) -> None:
        self.app = app
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self._peer = peer
        self._cookies: Mapping[str, str] | None = None
        self._items: dict[Any, Any] = {}

    @property
    def remote(self) -> str:
        """Return the address at the other end of the connection."""
        return self._peer.remote

    @property
    def scheme(self) -> str:
        """Return what the connection is, http or https."""
        return self._peer.scheme

    @property
    def host(self) -> str:
        """Return the host that was asked for."""
        return self.headers.get("Host", "")

    @property
    def cookies(self) -> Mapping[str, str]:
        """Return the cookies by name. Raises NotPlain where parsers may differ."""
        if self._cookies is None:
            self._cookies = read_cookies(self.headers.get("Cookie", ""))
        return self._cookies

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what was noted under the key."""
        return self._items.get(key, default)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._items[key] = value


# A request that is read alike with the framework and without it.
Asking = web.Request | PlainRequest


def read_plain(
    app: web.Application, method: str, path: str, data: bytes, line_end: int, peer: Peer
) -> PlainRequest:
    """Return the request that these bytes are, all of them, after its line. Raises NotPlain."""
    end = data.find(HEAD_END, line_end)
    if not line_end < end <= HEAD_BYTES_MAX:
        raise NotPlain
    headers = read_headers(data[line_end + 2 : end])
    body = data[end + 4 :]
    size = len(body)
    length = headers.get("Content-Length", "" if body or method != "GET" else "0")
    # As most write it; a number may have zeros before it.
    if length != str(size) and not (LENGTH.fullmatch(length) and int(length) == size):
        raise NotPlain
    if size > BODY_BYTES_MAX:
        raise NotPlain
    return PlainRequest(app, method, path, headers, body, peer)


def read_cookies(text: str) -> Mapping[str, str]:
    """Return the cookies of a Cookie header by name; the text may be empty. Raises NotPlain."""
    if not text:
        return {}
    found = COOKIE.findall(text)
    between = len("; ") * (len(found) - 1)
    if sum(len(name) + len("=") + len(value) for name, value in found) + between != len(text):
        raise NotPlain
    return dict(found)


def read_headers(head: bytes) -> CIMultiDict[str]:
    """Return the headers of these lines, each name once. Raises NotPlain."""
    lines = head.split(b"\r\n")
    # Nearly all of them are known.
    known = _lines.get
    read = [
        (len(line) <= REMEMBERED_BYTES_MAX and known(line)) or _read_line(line) for line in lines
    ]
    count = len(lines)
    if len(dict(read)) != count or count > LINES_MAX:
        raise NotPlain
    headers = CIMultiDict(read)
    if headers.get("Connection", "keep-alive").lower() != "keep-alive":
        raise NotPlain
    return headers


_lines: dict[bytes, tuple[str, str]] = {}


def _read_line(line: bytes) -> tuple[str, str]:
    """Return the name in small letters, and the value. Raises NotPlain for what may mean something."""
    spelling, colon, value = line.partition(b": ")
    name = _read_name(spelling)
    # A pass has four hundred characters: `isprintable` asks about each of them.
    if not colon or value.translate(None, PRINTABLE):
        raise NotPlain
    text = value.decode("ascii").strip(" ")
    if name in REMEMBERED and len(line) <= REMEMBERED_BYTES_MAX:
        if len(_lines) >= LINES_REMEMBERED_MAX:
            _lines.clear()  # somebody makes them up; what is in use is back at once
        _lines[line] = (name, text)
    return name, text


@lru_cache(NAMES_REMEMBERED_MAX)
def _read_name(spelling: bytes) -> str:
    """Return a header's name in small letters. Raises NotPlain for what may mean something."""
    try:
        name = spelling.decode("ascii").lower()
    except ValueError as error:
        raise NotPlain from error
    if not PLAIN_NAME.fullmatch(name):
        raise NotPlain
    return name
