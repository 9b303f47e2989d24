"""Looking at the seats costs no store anything, however many look."""

import json
from typing import Final

from tests.support.fan import Fan
from tests.support.shop import Shop

LOOKS: Final = 200
# What the server's own loops ask meanwhile: the line four times a second, the log of changes, the sweep.
OTHERS_MAX: Final = LOOKS // 2
# On a busy machine the looks take so long that the loops ask more: then they are counted once more.
ROUNDS_MAX: Final = 10


async def commands(shop: Shop) -> int:
    """Every command that the store was ever asked."""
    said = await shop.redis.info("commandstats")
    return sum(int(stat["calls"]) for stat in said.values())


async def test_snapshots_and_plans_are_ready_bytes(shop: Shop) -> None:
    event = await shop.new_event(40)
    fan = Fan.inside(shop)
    paths = (f"/api/events/{event}/seats", f"/api/events/{event}/plan")
    first = [(await fan.call("GET", path)).json for path in paths]
    for _ in range(ROUNDS_MAX):
        before = await commands(shop)
        for _ in range(LOOKS):
            assert (await fan.call("GET", paths[0])).json == first[0]
        asked = await commands(shop) - before
        if asked < OTHERS_MAX:
            break
    assert asked < OTHERS_MAX, f"{asked} commands for {LOOKS} looks"
    assert (await fan.call("GET", paths[1])).json == first[1]


async def test_the_count_of_commands_would_rise(shop: Shop) -> None:
    before = await commands(shop)
    for _ in range(LOOKS):
        await shop.redis.get("nothing")
    assert await commands(shop) - before >= LOOKS


async def test_the_plan_says_what_the_map_needs(shop: Shop) -> None:
    event = await shop.new_event(40)
    plan = (await Fan.inside(shop).call("GET", f"/api/events/{event}/plan")).json
    columns = plan["seats"]
    lengths = {name: len(columns[name]) for name in ("seat_id", "tier", "row", "number", "x", "y")}
    assert set(lengths.values()) == {40}, json.dumps(lengths)
