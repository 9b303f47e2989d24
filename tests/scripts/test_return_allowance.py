"""return_allowance: what was spent for nothing is there again, and never more than there was."""

from typing import Any

import pytest
from test_spend_allowance import Allowance

from lua.keys import allowance_key
from tests.simulation.script_caller import ScriptCaller


class Returnable(Allowance):
    async def give_back(self, who: str) -> list[Any]:
        keys = {"narrow": allowance_key("tour", who), "wide": allowance_key("tour", "all")}
        args: dict[str, str | int] = {"narrow_every_ms": 1_000, "wide_every_ms": 200}
        return await self.call("return_allowance", keys, args)


@pytest.fixture
async def allowance(call: ScriptCaller) -> Returnable:
    return Returnable(call)


async def test_what_is_given_back_can_be_spent_again(allowance: Returnable) -> None:
    for _ in range(20):
        assert await allowance.spend("ada") == ["spent"]
        assert await allowance.give_back("ada") == ["returned"]
    assert [(await allowance.spend("ada"))[0] for _ in range(4)] == ["spent"] * 3 + ["used_up"]


async def test_both_allowances_get_it_back(allowance: Returnable) -> None:
    for number in range(10):
        await allowance.spend(f"fan-{number}")
    assert (await allowance.spend("ada"))[0] == "used_up"
    await allowance.give_back("fan-1")
    assert await allowance.spend("ada") == ["spent"]


async def test_a_whole_allowance_does_not_grow(allowance: Returnable) -> None:
    for _ in range(5):
        assert await allowance.give_back("ada") == ["returned"]
    assert [(await allowance.spend("ada"))[0] for _ in range(4)] == ["spent"] * 3 + ["used_up"]
    assert (await allowance.call.store.call("PTTL", allowance_key("tour", "ada"))) > 0
