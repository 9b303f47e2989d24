"""Remembered answers: bounded, asked for once, never a failure."""

import asyncio

import pytest
from drafts import StandingClock

from booking_core.catalog.remembered import Remembered
from groundwork import turns
from groundwork.errors import StoreUnavailable


class Asked:
    """Answers with the key and how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, key: str) -> str:
        self.keys.append(key)
        count = self.keys.count(key)
        await self.may_answer.wait()
        if key == "broken":
            raise OSError(key)
        return f"{key}{count}"


def remembered(
    asked: Asked, clock: StandingClock, age_ms: int | None = 100
) -> Remembered[str, str]:
    return Remembered(asked, clock, size_max=2, age_ms=age_ms)


async def test_an_answer_is_believed_until_it_is_too_old() -> None:
    asked, clock = Asked(), StandingClock()
    answers = remembered(asked, clock)
    assert await answers.get("a") == "a1"
    clock.passed_ms += 99
    assert await answers.get("a") == "a1"
    clock.passed_ms += 1
    assert await answers.get("a") == "a2"


async def test_the_one_nobody_asked_for_longest_goes() -> None:
    asked, clock = Asked(), StandingClock()
    answers = remembered(asked, clock, age_ms=None)
    for key in ("a", "b", "a", "c", "a", "b"):
        await answers.get(key)
    assert asked.keys == ["a", "b", "c", "b"]


async def test_many_at_once_make_one_call_and_one_who_gives_up_ends_nothing() -> None:
    asked, clock = Asked(), StandingClock()
    asked.may_answer.clear()
    answers = remembered(asked, clock)
    first, *others = [asyncio.create_task(answers.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    asked.may_answer.set()
    assert await asyncio.gather(*others) == ["a1"] * 4
    assert asked.keys == ["a"]


async def test_a_failure_is_told_to_all_and_not_remembered() -> None:
    asked, clock = Asked(), StandingClock()
    answers = remembered(asked, clock)
    outcomes = await asyncio.gather(
        *(answers.get("broken") for _ in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [OSError] * 3
    with pytest.raises(OSError, match="broken"):
        await answers.get("broken")
    assert asked.keys == ["broken", "broken"]


async def test_what_was_asked_before_forgetting_is_not_remembered() -> None:
    asked, clock = Asked(), StandingClock()
    asked.may_answer.clear()
    answers = remembered(asked, clock)
    before = asyncio.create_task(answers.get("a"))
    await asyncio.sleep(0)
    answers.forget("a")
    asked.may_answer.set()
    assert await before == "a1"
    assert await answers.get("a") == "a2"
    assert await answers.get("a") == "a2"


async def test_made_up_names_take_their_turns_and_what_was_known_is_told_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.05)
    asked, clock = Asked(), StandingClock()
    answers: Remembered[str, str] = Remembered(asked, clock, size_max=9, age_ms=100, turns=2)
    assert await answers.get("a") == "a1"
    clock.passed_ms += 100
    asked.may_answer.clear()
    made_up = [asyncio.create_task(answers.get(f"x{number}")) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await answers.get("a") == "a1", "a little old, and at once"
    assert asked.keys == ["a", "x0", "x1"]
    for late in made_up[2:]:
        with pytest.raises(StoreUnavailable):
            await late
    asked.may_answer.set()
    assert await asyncio.gather(*made_up[:2]) == ["x01", "x11"]
    assert await answers.get("a") == "a2"
