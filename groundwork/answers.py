"""Answers that are bytes already: given by aiohttp, or written to a connection without it."""

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple

from aiohttp import web


class AnswerHeaders:
    """Headers as names and values, and as the lines they are on the wire. Made once and kept."""

    __slots__ = ("lines", "values")

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        text = "".join(f"{name}: {value}\r\n" for name, value in values.items())
        assert text.count("\r") == text.count("\n") == len(values), "a value ends its own line"
        self.lines = text.encode()


class Answer(NamedTuple):
    """A whole answer; its length, the date and what every answer has are added on the way out.

    `cookies` are values of Set-Cookie headers, in their order.
    """

    status: int
    headers: AnswerHeaders
    body: bytes
    cookies: Sequence[str] = ()

    def response(self) -> web.Response:
        """Return it for aiohttp."""
        response = web.Response(body=self.body, status=self.status, headers=self.headers.values)
        for each in self.cookies:
            response.headers.add("Set-Cookie", each)
        return response

    def on_wire(self, common: bytes, at_ms: int) -> bytes:
        """Return it as bytes, given at that moment; `common` are lines that it does not have."""
        status, headers, body, cookies = self
        return b"".join(
            (
                STATUS_LINES[status],
                headers.lines,
                *[b"Set-Cookie: %b\r\n" % each.encode() for each in cookies],
                common,
                _date_line(at_ms // 1000),
                b"Content-Length: %d\r\n\r\n" % len(body),
                body,
            )
        )


STATUS_LINES: Final = {
    int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n".encode() for status in HTTPStatus
}


@lru_cache(1)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
