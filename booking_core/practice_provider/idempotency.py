"""Stripe's idempotency keys: the first answer to a key is every later answer to it."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from booking_core.practice_provider.forms import Pairs
from booking_core.practice_provider.journal import AnswerLine, Journal
from booking_core.practice_provider.stripe_errors import (
    InvalidRequest,
    KeyMisused,
    ProviderFailure,
    StripeError,
)
from groundwork.clock import Clock

KEY_LENGTH_MAX: Final = 255  # Stripe's
# Stripe forgets a key after a day at the earliest.
KEPT_MS: Final = 24 * 60 * 60 * 1000
# An order uses three keys, each kept with an answer of about 1.2 KB: 50,000 orders in 180 MB.
KEYS_MAX: Final = 150_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP; `original_request` is set when it is a repeat."""

    status: int
    body: bytes
    original_request: str | None = None


class IdempotencyKeys:
    """The keys used in the last day, with what was asked and answered."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._answers: dict[str, AnswerLine] = {}
        self._running: set[str] = set()

    def restore(self, line: AnswerLine) -> None:
        """Remember an answer from before the restart."""
        self._keep(line)

    async def answer_once(
        self,
        key: str | None,
        path: str,
        pairs: Pairs,
        request_id: str,
        run: Callable[[], Awaitable[dict[str, object]]],
    ) -> Answer:
        """Run the request, or answer it as the first one with its key was answered.

        A refusal of the request itself (InvalidRequest) is raised and not remembered; everything
        after that is, faults of the provider included, as Stripe does.
        """
        if key is None:
            return await self._run(run)
        fingerprint = _fingerprint(path, pairs)
        earlier = self._find(key, fingerprint)
        if earlier:
            return Answer(earlier.status, earlier.body.encode(), earlier.request_id)
        if key in self._running:
            raise KeyMisused(
                "There is currently another in-progress request using this Idempotent Key "
                f"({key}). Please try again later.",
                "idempotency_key_in_use",
                status=409,
            )
        self._running.add(key)
        try:
            answer = await self._run(run)
        finally:
            self._running.discard(key)
        self._remember(key, fingerprint, request_id, answer)
        return answer

    async def _run(self, run: Callable[[], Awaitable[dict[str, object]]]) -> Answer:
        try:
            return Answer(200, msgspec.json.encode(await run()))
        except InvalidRequest:
            raise
        except StripeError as error:
            return Answer(error.status, msgspec.json.encode(error.to_json()))
        except Exception:
            log.exception("request failed")
            failure = ProviderFailure("An unknown error occurred", status=500)
            return Answer(failure.status, msgspec.json.encode(failure.to_json()))

    def _find(self, key: str, fingerprint: str) -> AnswerLine | None:
        if not 1 <= len(key) <= KEY_LENGTH_MAX:
            raise InvalidRequest(f"Idempotency keys must be 1 to {KEY_LENGTH_MAX} characters long.")
        earlier = self._answers.get(key)
        if earlier and earlier.answered_at_ms + KEPT_MS < self._clock.now_ms():
            del self._answers[key]
            return None
        if earlier and earlier.fingerprint != fingerprint:
            raise KeyMisused(
                "Keys for idempotent requests can only be used with the same parameters and for "
                "the same endpoint they were first used with. Try using a key other than "
                f"'{key}' if you meant to execute a different request."
            )
        return earlier

    def _remember(self, key: str, fingerprint: str, request_id: str, answer: Answer) -> None:
        line = AnswerLine(
            key,
            fingerprint,
            answer.status,
            answer.body.decode(),
            request_id,
            self._clock.now_ms(),
        )
        self._keep(line)
        self._journal.add(line)

    def _keep(self, line: AnswerLine) -> None:
        if len(self._answers) >= KEYS_MAX:
            del self._answers[next(iter(self._answers))]  # the oldest
        self._answers[line.key] = line


def _fingerprint(path: str, pairs: Pairs) -> str:
    asked = msgspec.json.encode((path, sorted(pairs)))
    return hashlib.blake2b(asked, digest_size=16).hexdigest()
