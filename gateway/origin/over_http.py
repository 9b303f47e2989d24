"""The shop as servers of its own: bodies stream through, and who fails is left alone for a while."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

from gateway.origin import web_sockets
from gateway.origin.answer_headers import answer_headers
from gateway.origin.attempts import Attempts
from gateway.origin.calls import LOOK_EVERY_MS, Call, CallWatch, Cut, Wait
from gateway.origin.door import ANSWER_BYTES_MAX, ANSWER_SECONDS_MAX, VISIT_HEADER, Answer
from gateway.origin.fan_body import FanBody
from gateway.origin.onward_headers import OnwardHeaders, Whence
from gateway.origin.passed_on import streamed, whole
from gateway.origin.pool import UpstreamPool
from gateway.origin.settings import OriginSettings
from gateway.origin.upstream import Attempt
from groundwork.broken_off import AnswerBrokeOff, FanLeft
from groundwork.clock import Clock
from groundwork.errors import RequestInvalid, StoreUnavailable
from groundwork.front_calls import FrontCall
from groundwork.identity import HEADER_NAME
from groundwork.origin_errors import AnswerLost

# Asking twice changes nothing (RFC 9110 section 9.2.1). TRACE is for nobody but attackers.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Answers of a known length up to this are read to their end before the first byte goes out, so that
# they can be asked for elsewhere when the server dies in the middle. Most pages and calls are.
WHOLE_BYTES_MAX: Final = 64 * 1024
# Headers the client library would add by itself.
NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
EVENT_STREAM: Final = "text/event-stream"
HandshakeRefused = aiohttp.WSServerHandshakeError


class HttpDoor:
    """Hands requests to a pool of servers."""

    def __init__(
        self,
        settings: OriginSettings,
        headers: OnwardHeaders,
        pool: UpstreamPool,
        session: aiohttp.ClientSession,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._headers = headers
        self._watch = CallWatch(clock)
        self._attempts = Attempts(pool)
        self.pool = pool

    async def forward(self, request: web.Request, identity: str) -> web.StreamResponse:
        """Return the shop's answer.

        Raises OriginUnavailable, AnswerLost, BodyTooLarge, RequestInvalid; FanLeft and AnswerBrokeOff
        when there is nobody, or nothing, to answer with.
        """
        if request.method in ("TRACE", "CONNECT"):
            raise RequestInvalid("method", "is not passed on")
        is_safe = request.method in SAFE_METHODS and not request.body_exists
        call = Call(request, self._clock, is_safe=is_safe)
        with self._watch.watching(call):
            try:
                if web_sockets.is_web_socket(request):
                    web_sockets.refuse_bad_handshake(request)
                    return await self._relay(request, identity, call)
                return await self._pass_on(request, identity, call)
            except asyncio.CancelledError:
                cut = call.was_cut()
                if cut is None:
                    raise
                raise self._refusal_of(cut, call) from None

    async def ask(self, path: str, identity: str) -> Answer:
        """Return an upstream's answer to a question of the gateway's own. Raises StoreUnavailable."""
        upstream = self.pool.choose()
        if upstream is None:
            raise StoreUnavailable(retry_after=self.pool.retry_after_seconds)
        attempt = upstream.begin()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await self._question(path, identity, attempt)
        except aiohttp.ClientResponseError as error:
            attempt.garbled()
            raise StoreUnavailable(retry_after=self.pool.retry_after_seconds) from error
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one
            attempt.failed("silent" if isinstance(error, TimeoutError) else "broke_off")
            raise StoreUnavailable(retry_after=self.pool.retry_after_seconds) from error
        finally:
            attempt.end()

    async def _question(self, path: str, identity: str, attempt: Attempt) -> Answer:
        upstream = attempt.upstream
        async with self._session.get(
            URL(upstream.base + path, encoded=True),
            # Not compressed: the session passes answers on as they come.
            headers={
                **self._headers.of_our_own(upstream),
                HEADER_NAME: identity,
                "Accept-Encoding": "identity",
            },
            allow_redirects=False,
            server_hostname=upstream.server_hostname,
        ) as answer:
            attempt.answered(answer.status)
            body = await answer.content.read(ANSWER_BYTES_MAX + 1)
            while len(body) <= ANSWER_BYTES_MAX and not answer.content.at_eof():
                body += await answer.content.read(ANSWER_BYTES_MAX + 1 - len(body))
        if len(body) > ANSWER_BYTES_MAX:
            raise StoreUnavailable(retry_after=self.pool.retry_after_seconds)
        return Answer(answer.status, body)

    def front_calls(self) -> Sequence[FrontCall]:
        """Return none: this shop hears of a request over HTTP, or not at all."""
        return ()

    async def end_streams(self) -> None:
        """End answers that would last for ever."""
        self._watch.end_streams()

    def look(self) -> None:
        """Look after the requests under way and show how the upstreams stand."""
        self._watch.look()
        if lost := self.pool.lost:
            self._watch.give_up(lost)
        self.pool.show()

    async def _pass_on(self, request: web.Request, identity: str, call: Call) -> web.StreamResponse:
        body = FanBody(request, call, self._settings) if request.body_exists else None
        whence = self._headers.whence(request)
        ask = partial(self._ask, request, identity, whence, call, body)
        attempt, (answer, content) = await self._attempts.until_answered(call, body, ask)
        try:
            async with answer:
                headers = answer_headers(answer, self.pool.upstreams, whence.public_origin)
                response: web.StreamResponse
                if content is None:
                    response = streamed(answer, headers)
                    await self._stream(request, answer, response, call, attempt)
                else:
                    response = whole(answer, headers, content)
                # For the gateway alone: where this is not sent any more, or taken out before it is.
                if VISIT_HEADER in answer.headers:
                    response.headers[VISIT_HEADER] = answer.headers[VISIT_HEADER]
                return response
        finally:
            attempt.end()

    async def _ask(
        self,
        request: web.Request,
        identity: str,
        whence: Whence,
        call: Call,
        body: FanBody | None,
        attempt: Attempt,
    ) -> tuple[aiohttp.ClientResponse, bytes | None]:
        """Return the upstream's answer, and its body when it is short and was read to its end."""
        upstream = attempt.upstream
        headers = self._headers.make(request, identity, upstream, whence)
        if body is not None and request.content_length is not None:
            # Not every server of a shop takes a body of unknown length.
            headers["Content-Length"] = str(request.content_length)
        call.waits_for(Wait.ANSWER, self._settings.origin_answer_ms)
        answer = await self._session.request(
            request.method,
            # As received, encoding and all; never the host that a request line may name.
            URL(upstream.base + request.rel_url.raw_path_qs, encoded=True),
            headers=headers,
            data=None if body is None else body.parts(),
            allow_redirects=False,
            server_hostname=upstream.server_hostname,
        )
        if body is not None:
            body.is_answered = True
        call.waits_for(Wait.SHOP, self._settings.origin_silence_ms)
        content = None
        if is_short(request, answer):
            content = await read_whole(answer)
        attempt.answered(answer.status)
        return answer, content

    async def _stream(
        self,
        request: web.Request,
        answer: aiohttp.ClientResponse,
        response: web.StreamResponse,
        call: Call,
        attempt: Attempt,
    ) -> None:
        """Pass an answer on as it comes, only as fast as the fan takes it."""
        call.is_stream = answer.content_type == EVENT_STREAM
        try:
            call.waits_for(Wait.FAN, self._settings.origin_fan_ms)
            await response.prepare(request)
            while True:
                call.waits_for(Wait.SHOP, self._settings.origin_silence_ms)
                part = await next_part(answer, attempt)
                call.waits_for(Wait.FAN, self._settings.origin_fan_ms)
                if not part:
                    break
                await response.write(part)
            await response.write_eof()
        except AnswerBrokeOff:
            raise
        except ConnectionResetError as error:
            # The end of a visit is news also when nobody listens any more.
            if VISIT_HEADER not in answer.headers:
                raise FanLeft("the fan left within the answer") from error
        except asyncio.CancelledError:
            if call.cut is Cut.SHOP_SILENT:
                attempt.failed("silent")
            if call.cut is not Cut.STOPPING:
                raise
            call.was_cut()
            await response.write_eof()

    async def _relay(self, request: web.Request, identity: str, call: Call) -> web.StreamResponse:
        whence = self._headers.whence(request)

        async def ask(attempt: Attempt) -> aiohttp.ClientWebSocketResponse | HandshakeRefused:
            headers = self._headers.make(request, identity, attempt.upstream, whence)
            call.waits_for(Wait.ANSWER, self._settings.origin_answer_ms)
            try:
                shop = await web_sockets.open_to_shop(
                    self._session, attempt.upstream, request, headers, self._settings
                )
            except aiohttp.WSServerHandshakeError as refusal:
                attempt.answered(refusal.status)
                return refusal
            attempt.answered(101)
            return shop

        attempt, shop = await self._attempts.until_answered(call, None, ask)
        try:
            if isinstance(shop, HandshakeRefused):
                return web.Response(status=max(shop.status, 400))
            return await web_sockets.relay(request, shop, call, self._settings)
        finally:
            attempt.end()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after everything under way while the block runs."""

        async def keep_looking() -> None:
            while True:
                await self._clock.sleep_ms(LOOK_EVERY_MS)
                self.look()

        task = asyncio.create_task(keep_looking(), name="look after requests at the shop")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _refusal_of(self, cut: Cut, call: Call) -> Exception:
        if cut in (Cut.FAN_LEFT, Cut.FAN_SLOW, Cut.STOPPING):
            return FanLeft(cut.name)
        if call.request.writer.output_size > 0:
            return AnswerBrokeOff("the shop fell silent within its answer")
        return self._attempts.unavailable() if call.is_safe else AnswerLost()


def is_short(request: web.Request, answer: aiohttp.ClientResponse) -> bool:
    """Say whether an answer is read to its end before it is passed on."""
    length = answer.content_length
    return (
        request.method == "HEAD"
        or answer.content.at_eof()
        or (length is not None and length <= WHOLE_BYTES_MAX)
    )


async def read_whole(answer: aiohttp.ClientResponse) -> bytes:
    """Return an answer's body; leaves no half-read connection behind."""
    try:
        return await answer.read()
    except BaseException:
        answer.close()
        raise


async def next_part(answer: aiohttp.ClientResponse, attempt: Attempt) -> bytes:
    """Return what has come of a body, b"" at its end. Raises AnswerBrokeOff."""
    try:
        return await answer.content.readany()
    except (aiohttp.ClientError, OSError) as error:
        attempt.failed("broke_off")
        raise AnswerBrokeOff("the shop's answer broke off") from error
