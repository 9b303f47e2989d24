"""An operation is what is asked under its name: who asks for something else asks anew."""

import pytest
from test_hold_seats import check, hold_of

from tests.simulation.seats_in_redis import SeatsInRedis

SCRIPTS = ["hold_seats", "hold_best", "hold_stock", "swap_hold"]


@pytest.mark.parametrize("script", SCRIPTS)
async def test_who_asks_for_something_else_is_no_repeat(hall: SeatsInRedis, script: str) -> None:
    wish = {
        "hold_seats": hall.named([0]),
        "hold_best": hall.best(1, ["front"]),
        "hold_stock": hall.stock("standing", 1),
        "swap_hold": hall.named([1]),
    }[script]
    held = await hall.hold_seats("ada", [5])

    async def ask(asked: str) -> list[object]:
        if script == "swap_hold":
            return await hall.swap("ada", held[1], wish, "click", asked)
        return await hall.hold(script, "ada", wish, "click", asked)

    first = await ask("this")
    assert await ask("that") == ["reused"]
    assert await ask("this") == first
    assert hold_of(held).fan_id == "ada"
    await check(hall)
