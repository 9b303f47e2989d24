"""How well the shop answers: every answer to a fan is good or bad, counted per sale for pacing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway import metrics
from groundwork.broken_off import AnswerBrokeOff
from groundwork.clock import Clock
from groundwork.errors import BookingError
from groundwork.problem_json import STATUS_OF

# No answer is as bad as the worst one.
NO_ANSWER: Final = 500
# What a fan is not to blame for, and cannot do anything about: the shop failed, is down or is too slow. Other
# answers of 500 and above name what the fan asked for (not implemented, too long a loop).
FAILED: Final = frozenset({500, 502, 503, 504})

Forward = Callable[[web.Request, str], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Beginning:
    """When the shop had the whole question and when its answer began, by the monotonic clock."""

    clock: Clock
    asked_at_ms: float | None = None
    began_at_ms: float | None = None

    def note_asked(self) -> None:
        """Note that the last byte of the question is here: until then the shop waits for the fan."""
        self.asked_at_ms = self.clock.monotonic_ms()

    def took_ms(self) -> float:
        """Return what the shop took to begin; nothing when it answered before it was asked to the end."""
        # A stream, or a long answer to a slow reader, ends late; what counts is when it began.
        began_at_ms = self.began_at_ms or self.clock.monotonic_ms()
        return 0.0 if self.asked_at_ms is None else began_at_ms - self.asked_at_ms


BEGINNING: Final = web.RequestKey("origin_beginning", Beginning)


async def note_beginning(request: web.Request, _: web.StreamResponse) -> None:
    """Note that the head of an answer goes out (an on_response_prepare signal)."""
    beginning = request.get(BEGINNING)
    if beginning is not None:
        beginning.began_at_ms = beginning.clock.monotonic_ms()


@dataclass(slots=True)
class AnswerCounts:
    """Answers of the shop since they were last handed on."""

    good: int = 0
    failed: int = 0
    slow: int = 0

    @property
    def bad(self) -> int:
        """Return how many show a shop that is unwell."""
        return self.failed + self.slow


def is_fault(error: Exception) -> bool:
    """Say whether a refusal, or whatever else came instead of an answer, is our failure and not the fan's."""
    if isinstance(error, web.HTTPException):
        return error.status in FAILED
    if isinstance(error, ConnectionResetError):
        return isinstance(error, AnswerBrokeOff)  # else the fan hung up
    return not isinstance(error, BookingError) or STATUS_OF[type(error)] in FAILED


class OriginHealth:
    """Counts the shop's answers of this process: one integer addition a request.

    Bad is what only the shop can be blamed for: an answer in FAILED, no answer, or one that began
    later than `slow_ms` after the last byte of its question. An answer of 4xx is the fan's doing, and
    a fan who hangs up says nothing.
    """

    def __init__(self, clock: Clock, slow_ms: int) -> None:
        self._clock = clock
        self._slow_ms = slow_ms
        self._counts: dict[str, AnswerCounts] = {}

    async def watch(
        self,
        sale_id: str,
        forward: Forward,
        request: web.Request,
        identity: str,
        *,
        waits_for_bank: bool,
    ) -> web.StreamResponse:
        """Pass the request on and count the answer for the sale; a slow one is good where a bank is slow."""
        beginning = request[BEGINNING] = Beginning(self._clock)
        request.content.on_eof(beginning.note_asked)
        try:
            response = await forward(request, identity)
        except web.HTTPException as answer:
            self.note(sale_id, answer.status, 0.0 if waits_for_bank else beginning.took_ms())
            raise
        except Exception as error:
            # A fan who hung up, or whose body the door refused, says nothing of the shop.
            if is_fault(error):
                self.note(sale_id, NO_ANSWER, 0.0)
            raise
        self.note(sale_id, response.status, 0.0 if waits_for_bank else beginning.took_ms())
        return response

    def take(self, sale_id: str) -> AnswerCounts:
        """Return the sale's counts since the last time, to be handed to pacing."""
        counts = self._counts.pop(sale_id, None)
        if counts is None:
            return AnswerCounts()
        for outcome in ("good", "failed", "slow"):
            if number := getattr(counts, outcome):
                metrics.ORIGIN_ANSWERS.labels(sale_id, outcome).inc(number)
        return counts

    def note(self, sale_id: str, status: int, began_after_ms: float) -> None:
        """Count an answer of the shop that began so long after it was asked for."""
        counts = self._counts.get(sale_id)
        if counts is None:
            counts = self._counts[sale_id] = AnswerCounts()
        if status in FAILED:
            counts.failed += 1
            return
        if began_after_ms > self._slow_ms:
            counts.slow += 1
        else:
            counts.good += 1
