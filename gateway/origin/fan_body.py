"""A request's body on its way to the shop: never whole in memory, never over the limit."""

from collections.abc import AsyncIterator

from aiohttp import ClientPayloadError, HttpVersion11, web

from gateway.origin.calls import Call, Wait
from gateway.origin.settings import OriginSettings
from groundwork.broken_off import FanLeft
from groundwork.errors import BodyTooLarge, RequestInvalid


class FanBody:
    """Reads the body only as fast as the shop takes it."""

    def __init__(self, request: web.Request, call: Call, settings: OriginSettings) -> None:
        """Raises BodyTooLarge for a body that says it is."""
        self._request = request
        self._call = call
        self._settings = settings
        # Why the body ended before its end; the client library knows only that it did.
        self.refusal: Exception | None = None
        self.was_begun = False
        # The answer may come before the body's end; from then on it is waited for.
        self.is_answered = False
        if (request.content_length or 0) > settings.origin_body_bytes_max:
            raise BodyTooLarge(bytes_max=settings.origin_body_bytes_max)

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        self.was_begun = True
        await self._say_go_on()
        bytes_count = 0
        while True:
            self._waits_for(Wait.FAN, self._settings.origin_fan_ms)
            part = await self._next()
            if not part:
                break
            bytes_count += len(part)
            if bytes_count > self._settings.origin_body_bytes_max:
                self.refusal = BodyTooLarge(bytes_max=self._settings.origin_body_bytes_max)
                raise self.refusal
            self._waits_for(Wait.SHOP, self._settings.origin_silence_ms)
            yield part
        self._waits_for(Wait.ANSWER, self._settings.origin_answer_ms)

    async def _next(self) -> bytes:
        try:
            return await self._request.content.readany()
        except (ConnectionError, OSError) as error:
            self.refusal = FanLeft("the fan left with the body half sent")
            raise self.refusal from error
        except (web.RequestPayloadError, ClientPayloadError, ValueError) as error:
            self.refusal = RequestInvalid("body", "could not be read")
            raise self.refusal from error

    async def _say_go_on(self) -> None:
        """Answer `Expect: 100-continue` now that the gate is passed and the shop listens."""
        request = self._request
        if request.version == HttpVersion11 and (
            request.headers.get("Expect", "").lower() == "100-continue"
        ):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            # It does not count as the beginning of an answer (as in aiohttp's own handler).
            request.writer.output_size = 0

    def _waits_for(self, wait: Wait, limit_ms: int) -> None:
        if not self.is_answered:
            self._call.waits_for(wait, limit_ms)


async def expect_later(_request: web.Request) -> None:
    """Leave `Expect: 100-continue` to who reads the body: a refusal should come before it is sent."""
