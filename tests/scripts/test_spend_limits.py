"""spend_limits, and the limits inside join_line and admit_fan: floods are slowed, crowds are not."""

import json
import random
from typing import Any

import pytest

from gateway.bot_checks.asked_from import AskedFrom
from gateway.bot_checks.limiting import Limited, limited
from gateway.bot_checks.limits import ADMITS, CHALLENGES, JOINS, Limit
from gateway.simulation.flows import Flows
from lua.keys import limit_keys
from tests.simulation.line_in_redis import LineInRedis
from tests.simulation.script_caller import NOON, ScriptCaller

# Two at once and one a second for oneself, four and two a second for an address, six for a network.
ROWS = [
    ["own", "hard", 1_000, 2],
    ["address", "soft", 500, 3],
    ["address", "hard", 500, 4],
    ["network", "hard", 500, 6],
]
CAMPUS = AskedFrom("campus", "campus-net")


class Asking:
    """Somebody asks from somewhere at a time."""

    def __init__(self, call: ScriptCaller) -> None:
        self.call = call
        self.now = NOON

    async def ask(
        self, own: str, address: str = "home", network: str = "net", devices_max: str | int = ""
    ) -> list[Any]:
        return await self.call(
            "spend_limits",
            limit_keys("tour", "test", own, address, network),
            {
                "now_ms": self.now,
                "limits": json.dumps(ROWS),
                "address_devices_max": devices_max,
                "network_devices_max": "",
            },
        )


@pytest.fixture
async def asking(call: ScriptCaller) -> Asking:
    return Asking(call)


async def test_who_asks_too_often_is_told_when_to_come_back(asking: Asking) -> None:
    assert [await asking.ask("ada") for _ in range(2)] == [["spent"]] * 2
    assert await asking.ask("ada") == ["used_up", 1_000, "own"]

    asking.now += 999
    assert await asking.ask("ada") == ["used_up", 1, "own"]
    asking.now += 1
    assert (await asking.ask("ada"))[0] == "spent"


async def test_a_refusal_takes_nothing_from_the_others_of_an_address(asking: Asking) -> None:
    for _ in range(30):
        await asking.ask("ada")
    # Ada spent two of the address's four.
    answers = [(await asking.ask(f"fan-{number}"))[0] for number in range(3)]
    assert answers == ["spent", "spent_harder", "used_up"]


async def test_beyond_the_soft_limit_everybody_is_served_and_works_harder(asking: Asking) -> None:
    answers = [await asking.ask(f"fan-{number}") for number in range(5)]
    assert answers == [
        *[["spent"]] * 3,
        ["spent_harder", "address"],
        ["used_up", 500, "address"],
    ]
    asking.now += 500
    # What came back first is one of each; the soft one was not overdrawn by who worked harder.
    assert await asking.ask("fan-6") == ["spent"]
    asking.now += 3_600_000
    assert await asking.ask("fan-7") == ["spent"]


async def test_a_network_is_bounded_over_all_its_addresses(asking: Asking) -> None:
    answers = [await asking.ask(f"fan-{number}", f"address-{number}") for number in range(7)]
    assert answers == [*[["spent"]] * 6, ["used_up", 500, "network"]]
    assert await asking.ask("bob", "elsewhere", "other-net") == ["spent"]


async def test_what_is_whole_again_is_forgotten(asking: Asking) -> None:
    asking.now = int((await asking.call.store.call("TIME"))[0]) * 1_000
    await asking.ask("ada")
    for key in limit_keys("tour", "test", "ada", "home", "net").values():
        left_ms = await asking.call.store.call("PTTL", key)
        assert left_ms <= 2_001, key  # -2: there is none


def from_campus(limit: Limit, own: str = "") -> Limited:
    return limited(limit, "tour", own, CAMPUS)


async def ask_for_challenge(line: LineInRedis, asked_from: AskedFrom = CAMPUS) -> list[Any]:
    wanted = limited(CHALLENGES, "tour", "", asked_from)
    args: dict[str, str | int] = {
        "now_ms": line.now,
        "limits": wanted.rows,
        "address_devices_max": CHALLENGES.address_devices_max or "",
        "network_devices_max": CHALLENGES.network_devices_max or "",
    }
    return await line.call("spend_limits", wanted.keys, args)


async def test_two_thousand_people_behind_one_address_are_refused_nothing(
    open_line: LineInRedis,
) -> None:
    """All of a campus within a minute, most of them in the first seconds, some of them impatient."""
    people = 2_000
    rng = random.Random(5)
    arrivals = sorted(int(rng.expovariate(1 / 12_000)) % 60_000 for _ in range(people))
    outcomes: dict[str, int] = {}
    for number, after_ms in enumerate(arrivals):
        open_line.now = NOON + after_ms
        asked = await ask_for_challenge(open_line)
        if number % 4 == 0:  # whoever reloads the page
            asked = await ask_for_challenge(open_line)
        joined = await open_line.join(f"fan-{number}", limits=from_campus(JOINS))
        again = await open_line.join(f"fan-{number}", limits=from_campus(JOINS))
        for answer in (asked[0], joined[0], again[0]):
            outcomes[answer] = outcomes.get(answer, 0) + 1

    assert outcomes["joined"] == outcomes["joined_before"] == people
    assert outcomes["spent"] + outcomes["spent_harder"] == people


async def test_a_flood_of_new_fans_is_stopped_and_who_has_a_place_is_not(
    open_line: LineInRedis,
) -> None:
    burst = JOINS.flow("address").burst
    for number in range(burst):
        assert (await open_line.join(f"fan-{number}", limits=from_campus(JOINS)))[0] == "joined"

    assert await open_line.join("one more", "work", limits=from_campus(JOINS)) == [
        "used_up", 50, "address",
    ]  # fmt: skip
    assert (await open_line.join("fan-7", limits=from_campus(JOINS)))[:2] == ["joined_before", 8]
    assert (await open_line.join("elsewhere"))[0] == "joined"
    open_line.now += 50
    answer = await open_line.join("one more", "work", limits=from_campus(JOINS))
    assert answer[:2] == ["joined", burst + 2], "the work was not spent by the refusal"


async def test_an_address_with_many_devices_works_harder(open_line: LineInRedis) -> None:
    household = CHALLENGES.address_devices_max
    assert household
    for number in range(household):
        await open_line.join(f"fan-{number}", limits=from_campus(JOINS))
    assert await ask_for_challenge(open_line) == ["spent"]

    for number in range(household):  # a count of devices is right within a few percent
        await open_line.join(f"more-{number}", limits=from_campus(JOINS))
    assert await ask_for_challenge(open_line) == ["spent_harder", "address"]
    assert await ask_for_challenge(open_line, AskedFrom("home", "elsewhere")) == ["spent"]


async def test_a_network_with_very_many_devices_works_harder(open_line: LineInRedis) -> None:
    for number in range(300):
        limits = limited(JOINS, "tour", "", AskedFrom(f"home-{number}", "net"))
        await open_line.join(f"fan-{number}", limits=limits)
    home, farm = AskedFrom("another", "net"), AskedFrom("another", "other-net")
    assert await ask_for_challenge(open_line, home) == ["spent_harder", "network"]
    assert await ask_for_challenge(open_line, farm) == ["spent"]


async def test_a_page_that_asks_to_be_let_in_without_pause_is_slowed_down(
    open_line: LineInRedis,
) -> None:
    await open_line.join_many(2)
    limits = limited(ADMITS, "tour", "fan-2")
    for _ in range(ADMITS.flow("own").burst):
        assert (await open_line.admit("fan-2", 2, limits=limits))[0] == "not_called"
    assert await open_line.admit("fan-2", 2, limits=limits) == ["used_up", 100, "own"]

    assert (await open_line.admit("fan-1", 1))[0] == "not_called"
    open_line.now += 100
    assert (await open_line.admit("fan-2", 2, limits=limits))[0] == "not_called"


async def test_limits_ahead_of_time_are_those_of_the_script(open_line: LineInRedis) -> None:
    """`onsale rehearse` counts by a model of the script; here both are asked the same."""
    rng, model = random.Random(3), Flows(CHALLENGES)
    answers = {"spent": 0, "harder": 0, "used_up": 0}
    for number in range(1_500):
        open_line.now += rng.choice((0, 1, 30, 400))
        address = f"home-{rng.randrange(3)}" if number % 3 else "campus"
        told = await ask_for_challenge(open_line, AskedFrom(address, "net"))
        expected = model.spend(open_line.now - NOON, address=address, network="net")
        answers[expected] += 1
        assert told[0] == {"harder": "spent_harder"}.get(expected, expected), number
    assert answers["spent"] > 100
    assert answers["harder"] > 100

    burst = Flows(JOINS)
    taken = [burst.spend(0, address="campus", network="net") for _ in range(3_002)]
    assert taken.count("used_up") == 2
