"""Asking one server of the shop after the other, as far as a request may be asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import aiohttp

from gateway.origin import metrics
from gateway.origin.calls import Call, Cut
from gateway.origin.fan_body import FanBody
from gateway.origin.pool import UpstreamPool
from gateway.origin.retry_budget import RetryBudget
from gateway.origin.upstream import Attempt, Upstream
from groundwork.origin_errors import AnswerLost, OriginUnavailable

# What the connection to a server may fail with before it carried anything.
NOT_CONNECTED: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

Answer = TypeVar("Answer")
Ask = Callable[[Attempt], Awaitable[Answer]]


@dataclass(eq=False)
class NotAnswered(Exception):
    """An attempt without an answer, what to tell the fan, and whether somebody else may be asked."""

    refusal: Exception
    may_repeat: bool


class Attempts:
    """Has requests answered by a pool of servers."""

    def __init__(self, pool: UpstreamPool) -> None:
        self._pool = pool
        self._budget = RetryBudget()

    async def until_answered(
        self, call: Call, body: FanBody | None, ask: Ask[Answer]
    ) -> tuple[Attempt, Answer]:
        """Return the first answer, and the attempt that had it, which is still going on.

        What was not answered goes to another upstream when asking twice changes nothing, or when
        nothing was sent at all; and only while the budget for retries lasts.
        """
        self._budget.save()
        tried: list[Upstream] = []
        while True:
            upstream = self._pool.choose(tried, is_safe=call.is_safe)
            if upstream is None:
                if tried:
                    metrics.ORIGIN_RETRIES.labels("nobody_left").inc()
                raise self.unavailable()
            if tried:
                if not self._budget.spend():
                    metrics.ORIGIN_RETRIES.labels("no_budget").inc()
                    raise self.unavailable()
                metrics.ORIGIN_RETRIES.labels("made").inc()
            attempt = upstream.begin()
            try:
                return attempt, await self._try(attempt, call, body, ask)
            except NotAnswered as outcome:
                attempt.end()
                if not outcome.may_repeat:
                    raise outcome.refusal from outcome.__cause__
                tried.append(upstream)
            except BaseException:
                attempt.end()
                raise

    async def _try(
        self, attempt: Attempt, call: Call, body: FanBody | None, ask: Ask[Answer]
    ) -> Answer:
        """Return what one upstream answers, or judge the attempt as failed and raise NotAnswered."""
        call.asked = attempt.upstream
        try:
            return await ask(attempt)
        except NOT_CONNECTED as error:
            attempt.failed("connect")
            was_sent = body is not None and body.was_begun
            raise NotAnswered(self.unavailable(), may_repeat=not was_sent) from error
        except aiohttp.ClientResponseError as error:
            # Another server would answer the same, and the request may be to blame.
            attempt.garbled()
            raise NotAnswered(AnswerLost(), may_repeat=False) from error
        except (aiohttp.ClientError, OSError) as error:
            if body is not None and body.refusal is not None:
                raise body.refusal from error
            attempt.failed("broke_off")
            lost = self.unavailable() if call.is_safe else AnswerLost()
            raise NotAnswered(lost, may_repeat=call.is_safe) from error
        except asyncio.CancelledError as error:
            if call.cut is Cut.SERVER_LOST and call.goes_on():
                attempt.failed("silent")
                raise NotAnswered(self.unavailable(), may_repeat=True) from error
            if call.cut in (Cut.NO_ANSWER, Cut.SHOP_SILENT):
                attempt.failed("silent")
            raise

    def unavailable(self) -> OriginUnavailable:
        """Return the refusal that says when to come back."""
        return OriginUnavailable(retry_after=self._pool.retry_after_seconds)
