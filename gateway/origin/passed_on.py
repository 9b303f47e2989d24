"""Answers of the shop as the gateway's own server sends them: with nothing added that the shop left out."""

from typing import TYPE_CHECKING, Any

from aiohttp import ClientResponse, hdrs, web
from multidict import CIMultiDict

if TYPE_CHECKING:
    _Base = web.StreamResponse
else:
    _Base = object


class PassedOn(_Base):
    """An answer the shop made. It may have no Content-Type: aiohttp would make one up."""

    async def _prepare_headers(self) -> None:
        has_type = hdrs.CONTENT_TYPE in self.headers
        await super()._prepare_headers()
        if not has_type:
            self.headers.popall(hdrs.CONTENT_TYPE, None)


class WholeAnswer(PassedOn, web.Response):
    """An answer that was read to its end before its first byte goes out."""


class StreamedAnswer(PassedOn, web.StreamResponse):
    """An answer that is passed on as it comes."""


def streamed(answer: ClientResponse, headers: CIMultiDict[str]) -> StreamedAnswer:
    """Return the answer, to be filled."""
    return StreamedAnswer(status=answer.status, reason=answer.reason, headers=headers)


def whole(answer: ClientResponse, headers: CIMultiDict[str], body: bytes) -> WholeAnswer:
    """Return the answer with its body. A HEAD's length is that of the body it would have had."""
    arguments: dict[str, Any] = {"body": body} if body else {}
    return WholeAnswer(status=answer.status, reason=answer.reason, headers=headers, **arguments)
