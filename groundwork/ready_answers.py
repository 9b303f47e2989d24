"""Answers kept as ready bytes: what everybody asks for and is told the same, given without the framework."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from aiohttp import web

from groundwork.access_log import count_many

# A browser's request for a board has half a kilobyte, cookies included; longer ones are looked at
# by the framework, which bounds them.
REQUEST_BYTES_MAX: Final = 4096
# The headers of a request that asks for nothing but the bytes: every line is a header as RFC 9110
# has them, nothing speaks of a body, and the connection stays. Whatever else may mean something is
# the framework's to judge. Possessive, so that a long line cannot be tried in many ways.
ORDINARY_HEADERS: Final = re.compile(
    rb"""(?:\r\n
        (?!(?:content-length|transfer-encoding|te|trailer|upgrade|expect|range|if-match) [ \t]*:)
        (?!connection: (?! [ ]?keep-alive\r))
        [!#$%&'*+.^_`|~0-9a-z-]++: [^\x00-\x08\x0a-\x1f\x7f]*+
    )++\r\n\r\n""",
    re.VERBOSE | re.IGNORECASE,
)
# Names and addresses alone: whatever else a Host may be is the framework's to refuse.
HOST_LINE: Final = b"\r\nhost:"
HOST: Final = re.compile(rb"\r\nhost:[ ]?([a-z0-9.:_\[\]-]+)\r")
IF_NONE_MATCH: Final = b"\r\nif-none-match:"
# One tag, as browsers and caches send it back; lists and "*" are the framework's.
ONE_TAG: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x2b\x2d-\x7e]*+")')


@dataclass(slots=True)
class ReadyAnswer:
    """One answer as bytes, whole and as "you have it already", and how often each was given."""

    route: str
    etag: bytes
    whole: bytes
    not_modified: bytes
    given: int = 0
    given_not_modified: int = 0


class ReadyAnswers:
    """The ready answers of one server by their request line.

    A request is answered from here only if it cannot mean anything else; `find` says None to all
    others, and the framework answers them from the same document.
    """

    def __init__(
        self,
        tier: str,
        headers: Mapping[str, str],
        takes_host: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`takes_host` says whether a Host is ours."""
        self._takes_host = takes_host
        self._tier = tier
        self._headers = dict(headers)
        self._answers: dict[bytes, ReadyAnswer] = {}

    def put(
        self, path: str, route: str, body: bytes, etag: str, headers: Mapping[str, str], at_ms: int
    ) -> None:
        """Answer a GET of the path with the body from now on; `route` is its name in the metrics."""
        date = formatdate(at_ms / 1000, usegmt=True)
        always = {"ETag": etag, **headers, **self._headers, "Date": date}
        self._replace(
            _request_line(path),
            ReadyAnswer(
                route,
                etag.encode(),
                _head("200 OK", {**always, "Content-Length": str(len(body))}) + body,
                _head("304 Not Modified", _without_content(always)),
            ),
        )

    def drop(self, path: str) -> None:
        """Leave the path to the framework."""
        self._replace(_request_line(path), None)

    def _replace(self, line: bytes, answer: ReadyAnswer | None) -> None:
        before = self._answers.pop(line, None)
        if before is not None:
            count_many(self._tier, before.route, 200, before.given)
            count_many(self._tier, before.route, 304, before.given_not_modified)
        if answer is not None:
            self._answers[line] = answer

    def close(self) -> None:
        """Count what was given last."""
        for line in list(self._answers):
            self._replace(line, None)

    def find(self, request: bytes) -> bytes | None:
        """Return the whole answer to these bytes, if they are one request for it and no more."""
        end = request.find(b"\r\n")
        answer = self._answers.get(request[:end])
        if answer is None or len(request) > REQUEST_BYTES_MAX:
            return None
        if not ORDINARY_HEADERS.fullmatch(request, end):
            return None
        lowered = request.lower()
        host = HOST.search(lowered)
        if host is None or lowered.count(HOST_LINE) > 1:
            return None
        if not self._takes_host(host[1].decode("latin-1")):
            return None
        at = lowered.find(IF_NONE_MATCH)
        if at >= 0:
            value = request[at + len(IF_NONE_MATCH) : request.index(b"\r", at + 2)]
            tag = ONE_TAG.fullmatch(value.strip(b" \t"))
            if tag is None or lowered.find(IF_NONE_MATCH, at + 2) >= 0:
                return None
            if tag[1] == answer.etag:
                answer.given_not_modified += 1
                return answer.not_modified
        answer.given += 1
        return answer.whole


READY_ANSWERS: Final[web.AppKey[ReadyAnswers]] = web.AppKey("ready_answers")


def _request_line(path: str) -> bytes:
    return f"GET {path} HTTP/1.1".encode()


def _without_content(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Content-Type"}


def _head(status: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
