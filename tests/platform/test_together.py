"""What is asked of PostgreSQL at one time is asked as one, and everybody gets their own answer."""

import asyncio
from collections.abc import Sequence

import pytest
from psycopg.errors import DeadlockDetected

from groundwork.errors import StoreUnavailable
from groundwork.together import UNDER_WAY_MAX, Together


class Asked:
    """Answers each question in capitals, once it may; fails with what was put into `errors`."""

    def __init__(self) -> None:
        self.lots: list[list[str]] = []
        self.errors: dict[str, Exception] = {}
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, questions: Sequence[str]) -> list[str]:
        self.lots.append(list(questions))
        await self.may_answer.wait()
        for question in questions:
            if question in self.errors:
                raise self.errors[question]
        return [question.upper() for question in questions]


async def all_asked(together: Together[str, str], *questions: str) -> list[str | BaseException]:
    return await asyncio.gather(*map(together.ask, questions), return_exceptions=True)


async def test_questions_of_one_moment_are_one_statement() -> None:
    asked = Asked()
    together = Together(asked)
    assert await all_asked(together, "a", "b", "c") == ["A", "B", "C"]
    assert await together.ask("d") == "D"
    assert asked.lots == [["a", "b", "c"], ["d"]]


async def test_what_comes_while_others_are_asked_waits_and_is_asked_as_one() -> None:
    asked = Asked()
    together = Together(asked)
    asked.may_answer.clear()
    tasks = []
    for question in "abcdef":
        tasks.append(asyncio.create_task(together.ask(question)))
        await asyncio.sleep(0.001)
    asked.may_answer.set()
    assert await asyncio.gather(*tasks) == list("ABCDEF")
    assert asked.lots == [["a"], ["b"], ["c", "d", "e", "f"]]
    assert UNDER_WAY_MAX == 2


async def test_a_lot_is_bounded() -> None:
    asked = Asked()
    assert await all_asked(Together(asked, questions_max=2), "a", "b", "c") == ["A", "B", "C"]
    assert asked.lots == [["a", "b"], ["c"]]


async def test_two_changes_of_one_row_are_not_asked_as_one_and_rows_come_in_order() -> None:
    """Of two who would move the same order only one may hear that they did it."""
    asked = Asked()
    together = Together(asked, row=lambda question: question[0])
    answers = await all_asked(together, "b1", "a1", "b2", "c1")
    assert answers == ["B1", "A1", "B2", "C1"]
    assert asked.lots == [["a1", "b1", "c1"], ["b2"]]


@pytest.mark.parametrize("error", [ValueError("one row of them"), None])
async def test_a_refusal_of_one_is_nobody_elses(error: Exception | None) -> None:
    """Also when they waited for each other in a circle, which PostgreSQL ends by refusing all."""
    asked = Asked()
    if error is None:
        error = StoreUnavailable(retry_after=1)
        error.__cause__ = DeadlockDetected()
    asked.errors["b"] = error
    answers = await all_asked(Together(asked), "a", "b", "c")
    assert (answers[0], answers[2]) == ("A", "C")
    assert isinstance(answers[1], type(error))
    assert asked.lots == [["a", "b", "c"], ["a"], ["b"], ["c"]]


async def test_what_got_no_answer_is_not_asked_again() -> None:
    """It may have been done: that is for whoever asked to find out."""
    asked = Asked()
    asked.errors["b"] = StoreUnavailable(retry_after=3)
    answers = await all_asked(Together(asked), "a", "b", "c")
    assert [getattr(answer, "retry_after", None) for answer in answers] == [3, 3, 3]
    assert len({id(answer) for answer in answers}) == 3, "each has a traceback of its own"
    assert asked.lots == [["a", "b", "c"]]


async def test_who_gives_up_does_not_take_the_others_along() -> None:
    asked = Asked()
    together = Together(asked)
    asked.may_answer.clear()
    impatient, patient = (asyncio.create_task(together.ask(question)) for question in "ab")
    await asyncio.sleep(0.001)
    impatient.cancel()
    asked.may_answer.set()
    assert await patient == "B"
    assert asked.lots == [["a", "b"]]
    with pytest.raises(asyncio.CancelledError):
        await impatient
