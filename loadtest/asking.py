"""How a fan asks: patiently, with jitter, and with the same idempotency key every time."""

import json
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from locust.contrib.fasthttp import FastHttpSession, ResponseContextManager

from loadtest.history import History

# A store that was killed is back within some seconds; after this a fan closes the page.
PATIENCE_SECONDS = 30.0
# Between two attempts; doubled each time, so that a returning store is not knocked over.
RETRY_FIRST_SECONDS = 0.2
RETRY_MAX_SECONDS = 3.0

NO_ANSWER = 0
TOO_MANY_REQUESTS = 429
STORE_UNAVAILABLE = 503
ASK_AGAIN = frozenset({NO_ANSWER, TOO_MANY_REQUESTS, STORE_UNAVAILABLE})
# A 409 that means "your first attempt is still being worked on", not "no".
STILL_RUNNING = "request-in-progress"


@dataclass(frozen=True)
class Answer:
    """A status, the problem code when it is a refusal, and the body: JSON decoded, or text."""

    status: int
    body: Any
    code: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300


class FanError(Exception):
    """What ends a fan's life early."""


class GivenUp(FanError):
    """The fan's patience is over: no usable answer for PATIENCE_SECONDS."""


class Surprised(FanError):
    """The answer is none that the interface allows here."""


class Asking:
    """Sends one fan's requests and notes the answers in the history."""

    def __init__(self, session: FastHttpSession, history: History, rng: random.Random) -> None:
        self._session = session
        self._history = history
        self._rng = rng

    def ask(
        self,
        name: str,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        refusals: Collection[int] = (),
        headers: Callable[[], dict[str, str]] = dict,
    ) -> Answer:
        """Return a 2xx or one of the refusals, repeating what got no answer, 503 or 429.

        `headers` is called for every attempt: a device proof is good for one only.
        Raises GivenUp, or Surprised with any other status.
        """
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        pause_seconds = RETRY_FIRST_SECONDS
        while True:
            answer, retry_after = self._once(name, path, method, body, refusals, headers())
            is_running = answer.code == STILL_RUNNING
            if answer.is_good or (answer.status in refusals and not is_running):
                return answer
            if not is_running and answer.status not in ASK_AGAIN:
                what = f"{answer.status} {answer.code} to {name}"
                self._history.note_surprise(what)
                raise Surprised(what)
            if time.monotonic() > give_up_at:
                self._history.note_surprise(
                    f"no usable answer for {PATIENCE_SECONDS:g} s to {name}"
                )
                raise GivenUp(name)
            pause_seconds = min(RETRY_MAX_SECONDS, 2 * pause_seconds)
            time.sleep(max(retry_after, pause_seconds * self._rng.uniform(0.5, 1.0)))

    def _once(
        self,
        name: str,
        path: str,
        method: str,
        body: object,
        refusals: Collection[int],
        headers: dict[str, str],
    ) -> tuple[Answer, float]:
        with self._session.request(
            method, path, name=name, json=body, headers=headers, catch_response=True
        ) as response:
            answer = _read(response)
            self._history.note_answer(name, answer.status, answer.code)
            if answer.is_good or answer.status in refusals:
                response.success()
            else:
                response.failure(f"{answer.status} {answer.code}".strip())
            retry_after = _header(response, "Retry-After")
            return answer, float(retry_after) if retry_after.isdigit() else 0.0


def _read(response: ResponseContextManager) -> Answer:
    status = response.status_code or NO_ANSWER
    if status == NO_ANSWER:
        return Answer(NO_ANSWER, None)
    if "json" not in _header(response, "Content-Type"):
        return Answer(status, None)
    try:
        body = json.loads(response.content or b"null")
    except ValueError:  # cut off in the middle: as good as no answer
        return Answer(NO_ANSWER, None)
    code = body.get("code") or str(body.get("type", "")).rpartition("/")[2] if status >= 400 else ""
    return Answer(status, body, code)


def _header(response: ResponseContextManager, name: str) -> str:
    return str(response.headers.get(name, "")) if response.headers else ""
