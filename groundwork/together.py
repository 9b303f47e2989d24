"""What is asked of PostgreSQL at about the same time is asked by one statement, and committed once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from psycopg.errors import DeadlockDetected

from groundwork.errors import StoreUnavailable

Q = TypeVar("Q")
A = TypeVar("A")

# A statement for so many takes some ten milliseconds; who asked first waits for the last of them.
QUESTIONS_MAX: Final = 64
# While one statement waits for the disk another one is worked; more would only split the lots.
UNDER_WAY_MAX: Final = 2


class Together(Generic[Q, A]):
    """Collects questions of one kind while earlier ones are being asked, and asks them as one.

    Who asks alone asks at once. `ask` returns an answer for each question, all of them by one
    transaction. What one of them is refused for is none of the others' business: then each is asked
    alone.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        *,
        row: Callable[[Q], str] | None = None,
        questions_max: int = QUESTIONS_MAX,
    ) -> None:
        """Collect for `ask`. Where it changes something, `row` names what a question changes.

        No two questions for the same row are asked as one, for only one of them can win; and rows come
        in one order for everybody, so that seldom two wait for each other.
        """
        self._ask = ask
        self._row = row
        self._questions_max = questions_max
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_due = False

    async def ask(self, question: Q) -> A:
        """Return the answer. Raises what `ask` raises; StoreUnavailable leaves open what was done."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, answer))
        if not self._is_due:
            self._is_due = True
            loop.call_soon(self._begin)
        return await answer

    def _begin(self) -> None:
        self._is_due = False
        while self._waiting and len(self._under_way) < UNDER_WAY_MAX:
            lot = self._next_lot()
            # A task of its own: who gives up must not take the others' answers along.
            task = asyncio.get_running_loop().create_task(self._answer(lot))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _next_lot(self) -> list[tuple[Q, asyncio.Future[A]]]:
        if self._row is None:
            lot, self._waiting = (
                self._waiting[: self._questions_max],
                self._waiting[self._questions_max :],
            )
            return lot
        by_row: dict[str, tuple[Q, asyncio.Future[A]]] = {}
        left: list[tuple[Q, asyncio.Future[A]]] = []
        for one in self._waiting:
            row = self._row(one[0])
            if row in by_row or len(by_row) >= self._questions_max:
                left.append(one)
            else:
                by_row[row] = one
        self._waiting = left
        return [by_row[row] for row in sorted(by_row)]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._waiting:
            self._begin()

    async def _answer(self, lot: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._ask([question for question, _ in lot])
        except Exception as error:
            if len(lot) > 1 and _nothing_was_done(error):
                for one in lot:
                    await self._answer([one])
                return
            for _, future in lot:
                if not future.done():
                    future.set_exception(_own(error))
            return
        for (_, future), answer in zip(lot, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _nothing_was_done(error: Exception) -> bool:
    """Say whether PostgreSQL has answered, and refused: what went wrong may be one question's alone.

    Of a deadlock, too: asked alone, they do not wait for each other. Other reasons to be unavailable
    are everybody's, and where no answer came nobody knows what was done.
    """
    if isinstance(error, StoreUnavailable):
        return isinstance(error.__cause__, DeadlockDetected)
    return True


def _own(error: Exception) -> Exception:
    """Return an exception for one of many who ask: a shared one would grow everybody's traceback."""
    if not isinstance(error, StoreUnavailable):
        return error
    own = StoreUnavailable(retry_after=error.retry_after)
    own.__cause__ = error.__cause__
    return own
