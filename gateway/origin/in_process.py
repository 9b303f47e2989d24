"""The shop as an application in this very process: no second hop, the same contract."""

import asyncio
from collections.abc import Sequence
from weakref import WeakMethod

from aiohttp import HttpVersion11, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.origin.door import ANSWER_BYTES_MAX, ANSWER_SECONDS_MAX, Answer
from groundwork.errors import StoreUnavailable
from groundwork.front_calls import FRONT_CALLS, FrontCall
from groundwork.identity import HEADER_NAME


class InProcessDoor:
    """Hands requests to an aiohttp application as if they had come over the wire."""

    def __init__(self, shop: web.Application) -> None:
        self._shop = shop
        # Who sends the gateway's own questions: the handler of a connection that never was.
        self._nobody: RequestHandler | None = None

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

    async def ask(self, path: str, identity: str) -> Answer:
        """Return the application's answer to a question of the gateway's own."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                response = await self._shop._handle(self._question(path, identity))  # noqa: SLF001
        except web.HTTPException as answer:
            return Answer(answer.status, b"")
        except TimeoutError as error:
            raise StoreUnavailable(retry_after=1) from error
        body = response.body if isinstance(response, web.Response) else None
        if isinstance(response, web.Response) and body is None:
            body = b""
        if not isinstance(body, bytes | bytearray) or len(body) > ANSWER_BYTES_MAX:
            raise StoreUnavailable(retry_after=1)
        return Answer(response.status, bytes(body))

    def _question(self, path: str, identity: str) -> web.Request:
        """Return a request that came over no wire: who asks for its sender's address or certificate
        finds none.
        """
        message = RawRequestMessage(
            method="GET",
            path=path,
            version=HttpVersion11,
            headers=CIMultiDictProxy(CIMultiDict({"Host": "localhost", HEADER_NAME: identity})),
            raw_headers=(),
            should_close=True,
            compression=None,
            upgrade=False,
            chunked=False,
            url=URL(path, encoded=True),
        )
        if self._nobody is None:
            self._nobody = web.Server(self._shop._handle)()  # type: ignore[arg-type]  # noqa: SLF001
        task = asyncio.current_task()
        assert task is not None
        return self._shop._make_request(message, EMPTY_PAYLOAD, self._nobody, None, task)  # type: ignore[arg-type]  # noqa: SLF001

    def front_calls(self) -> Sequence[FrontCall]:
        """Return those of the application. The identity is told without a signature: between two
        objects of one process nobody can put another one.
        """
        return self._shop.get(FRONT_CALLS, ())

    async def end_streams(self) -> None:
        """Have the application end them, as if it were shut down."""
        await self._shop.shutdown()


def _share_response_signals(request: web.Request, inner: web.Request) -> None:
    """Let an answer that the shop begins by itself, a stream, pass the gateway's signals as well.

    Every other answer is begun by the gateway's own request and passes them there.
    """
    # Weakly, or each request would be garbage in a circle that only the collector finds.
    own = WeakMethod(inner._prepare_hook)  # noqa: SLF001 (as above: no public name)

    async def both(response: web.StreamResponse) -> None:
        hook = own()
        assert hook is not None, "a request that is being answered is there"
        await hook(response)
        await request._prepare_hook(response)  # noqa: SLF001

    inner._prepare_hook = both  # type: ignore[method-assign]  # noqa: SLF001
