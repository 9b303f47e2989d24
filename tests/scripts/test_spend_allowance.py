"""spend_allowance: an even flow with a burst, for one and for all together."""

from typing import Any

import pytest

from lua.keys import allowance_key
from tests.simulation.script_caller import NOON, ScriptCaller


class Allowance:
    """One a second and three at most for each; five a second and ten at most for all."""

    def __init__(self, call: ScriptCaller) -> None:
        self.call = call
        self.now = NOON

    async def spend(self, who: str) -> list[Any]:
        keys = {"narrow": allowance_key("tour", who), "wide": allowance_key("tour", "all")}
        args: dict[str, str | int] = {
            "now_ms": self.now, "narrow_every_ms": 1_000, "narrow_burst": 3, "wide_every_ms": 200,
            "wide_burst": 10,
        }  # fmt: skip
        return await self.call("spend_allowance", keys, args)


@pytest.fixture
async def allowance(call: ScriptCaller) -> Allowance:
    return Allowance(call)


async def test_a_burst_and_then_an_even_flow(allowance: Allowance) -> None:
    assert [await allowance.spend("ada") for _ in range(3)] == [["spent"]] * 3
    assert await allowance.spend("ada") == ["used_up", 1_000]

    allowance.now += 999
    assert await allowance.spend("ada") == ["used_up", 1]
    allowance.now += 1
    assert await allowance.spend("ada") == ["spent"]
    assert await allowance.spend("ada") == ["used_up", 1_000]


async def test_one_who_has_used_up_theirs_takes_nothing_from_all(allowance: Allowance) -> None:
    for _ in range(30):
        await allowance.spend("ada")

    assert [(await allowance.spend(f"fan-{n}"))[0] for n in range(8)] == ["spent"] * 7 + ["used_up"]


async def test_when_all_is_used_up_nothing_is_taken_from_anybody(allowance: Allowance) -> None:
    for number in range(10):
        await allowance.spend(f"fan-{number}")
    assert await allowance.spend("ada") == ["used_up", 200]

    allowance.now += 3_000
    assert [(await allowance.spend("ada"))[0] for _ in range(4)] == ["spent"] * 3 + ["used_up"]


async def test_a_rest_makes_it_whole_again_and_not_more(allowance: Allowance) -> None:
    await allowance.spend("ada")
    allowance.now += 3_600_000

    assert [(await allowance.spend("ada"))[0] for _ in range(4)] == ["spent"] * 3 + ["used_up"]
