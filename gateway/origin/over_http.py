"""The shop as a server of its own: bodies stream through, hop-by-hop headers stay behind."""

from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from gateway.origin.door import (
    ANSWER_BYTES_MAX,
    ANSWER_SECONDS_MAX,
    VISIT_HEADER,
    Answer,
    as_text,
)
from groundwork.errors import StoreUnavailable
from groundwork.identity import HEADER_NAME

# Headers of one connection, not of the message (RFC 9110 section 7.6.1).
HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length",
    }
)  # fmt: skip
# A shop that does not take the connection within this is down; a fan should hear so quickly.
CONNECT_SECONDS: Final = 2.0
# Longer than a payment that is waited for; live updates send a heartbeat well within it.
SILENCE_SECONDS: Final = 60.0
# What is read from the shop at once on its way to the fan.
CHUNK_BYTES: Final = 64 * 1024


def door_session() -> aiohttp.ClientSession:
    """Return a session fit for a door: it passes answers on as they are, cookies and all."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
        ),
        connector=aiohttp.TCPConnector(limit=0),  # the gateway bounds its own requests
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


class HttpDoor:
    """Hands requests to one shop at an address."""

    def __init__(self, origin_url: str, session: aiohttp.ClientSession) -> None:
        self._origin_url = origin_url.rstrip("/")
        self._session = session

    async def forward(self, request: web.Request, identity: str) -> web.StreamResponse:
        """Return the shop's answer, streamed. Raises StoreUnavailable when there is none."""
        try:
            answer = await self._session.request(
                request.method,
                # As received, encoding and all; never the host that a request line may name.
                URL(self._origin_url + request.rel_url.raw_path_qs, encoded=True),
                headers=onward_headers(request, identity),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailable(retry_after=2) from error
        async with answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP | {VISIT_HEADER.lower()}:
                    response.headers.add(name, value)
            if answer.content_length is not None and "Content-Encoding" not in answer.headers:
                response.content_length = answer.content_length
            await response.prepare(request)
            try:
                async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                    await response.write(chunk)
                await response.write_eof()
            except (aiohttp.ClientError, TimeoutError) as error:
                # Half an answer is out: only a broken connection tells the fan that it is half.
                raise ConnectionResetError("the shop's answer broke off") from error
            # For the gateway alone: this is not sent any more.
            if VISIT_HEADER in answer.headers:
                response.headers[VISIT_HEADER] = answer.headers[VISIT_HEADER]
            return response

    async def ask(self, path: str, identity: str) -> Answer:
        """Return the shop's answer to a question of the gateway's own. Raises StoreUnavailable."""
        try:
            async with self._session.get(
                URL(self._origin_url + path, encoded=True),
                # Not compressed: the session passes answers on as they come.
                headers={HEADER_NAME: identity, "Accept-Encoding": "identity"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=ANSWER_SECONDS_MAX, sock_connect=CONNECT_SECONDS
                ),
            ) as answer:
                body = await answer.content.read(ANSWER_BYTES_MAX + 1)
                while len(body) <= ANSWER_BYTES_MAX and not answer.content.at_eof():
                    body += await answer.content.read(ANSWER_BYTES_MAX + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailable(retry_after=2) from error
        if len(body) > ANSWER_BYTES_MAX:
            raise StoreUnavailable(retry_after=2)
        return Answer(answer.status, body)


def onward_headers(request: web.Request, identity: str) -> CIMultiDict[str]:
    """Return the headers the shop gets: the fan's, less the hop's, plus where they came from."""
    named = {name.strip().lower() for name in request.headers.get("Connection", "").split(",")}
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in request.headers.items():
        if name.lower() not in HOP_BY_HOP | named:
            headers.add(name, as_text(value))
    headers[HEADER_NAME] = identity
    headers["X-Forwarded-For"] = request.remote or ""
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    return headers
