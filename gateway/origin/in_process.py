"""The shop as an application in this very process: no second hop, the same contract."""

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from groundwork.identity import HEADER_NAME


class InProcessDoor:
    """Hands requests to an aiohttp application as if they had come over the wire."""

    def __init__(self, shop: web.Application) -> None:
        self._shop = shop

    async def forward(self, request: web.Request, identity: str) -> web.StreamResponse:
        """Return the application's answer to the request with the identity on it."""
        headers = CIMultiDict(request.headers)
        headers[HEADER_NAME] = identity
        # What aiohttp's own server does with each message it has parsed; there are no public names
        # for it. The public `request.clone` encodes every header anew, for nobody: it took longer
        # than everything else on the way here.
        message = request._message._replace(headers=CIMultiDictProxy(headers))  # noqa: SLF001
        inner = self._shop._make_request(  # noqa: SLF001
            message, request.content, request.protocol, request.writer, request.task
        )
        _share_response_signals(request, inner)
        return await self._shop._handle(inner)  # noqa: SLF001


def _share_response_signals(request: web.Request, inner: web.Request) -> None:
    """Let an answer that the shop begins by itself, a stream, pass the gateway's signals as well.

    Every other answer is begun by the gateway's own request and passes them there.
    """
    own = inner._prepare_hook  # noqa: SLF001 (as above: no public name)

    async def both(response: web.StreamResponse) -> None:
        await own(response)
        await request._prepare_hook(response)  # noqa: SLF001

    inner._prepare_hook = both  # type: ignore[method-assign]  # noqa: SLF001
