"""Limits over HTTP: harder work for a crowded address, 429 with its quota for a flood, codes guessed."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app_keys import PROOF_OF_WORK, SETTINGS
from gateway.bot_checks import limiting
from gateway.bot_checks.asked_from import AddressNames, AskedFrom, client_address_of
from gateway.bot_checks.challenge_pool import EASY, HARD
from gateway.bot_checks.limits import ADMITS, CHALLENGES, JOINS
from gateway.settings import GatewaySettings
from gateway.waiting_room import line, moving, watching
from gateway.waiting_room.allowances import CODE_GUESSES
from gateway.waiting_room.sale_lanes import SaleLane
from groundwork.errors import StoreUnavailable
from tests.support.fan import DeviceKey, Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop

CAMPUS = {"X-Forwarded-For": "8.8.8.8"}
NEIGHBOUR = {"X-Forwarded-For": "8.8.8.9"}
ELSEWHERE = {"X-Forwarded-For": "9.9.9.9"}


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    """A gateway behind a proxy, so that a test can come from anywhere."""
    gateway = GatewaySettings(pacing_every_ms=50, trusted_proxies="127.0.0.1/32")
    async with open_shop(redis_url, database_dsn, open_dir, gateway=gateway) as shop:
        yield shop


async def challenge(shop: Shop, sale: str, headers: dict[str, str]) -> int:
    reply = await Fan(shop, headers=headers).call("GET", f"/api/sales/{sale}/challenge")
    assert reply.status == 200, reply
    return int(reply.json["parameters"]["data"]["lvl"])


async def test_a_crowded_address_works_harder_and_its_neighbours_do_not(shop: Shop) -> None:
    sale = await shop.new_sale()
    burst = CHALLENGES.flow("address", "soft").burst
    levels = [await challenge(shop, sale, CAMPUS) for _ in range(burst + 3)]
    assert levels[:burst] == [EASY] * burst
    assert levels[-1] == HARD
    assert await challenge(shop, sale, NEIGHBOUR) == EASY
    assert await challenge(shop, sale, {}) == EASY, "who comes from the house is not counted"
    assert await challenge(shop, await shop.new_sale(), CAMPUS) == EASY, "another sale"
    harder = Fan(shop, DeviceKey(), headers=CAMPUS)
    assert (await harder.join(sale)).status == 201, "harder work counts like any other"


async def test_riddles_of_both_kinds_are_ready(shop: Shop) -> None:
    pool = shop.gateway[PROOF_OF_WORK].pool
    assert pool.count(EASY) > pool.count(HARD) > 0


async def test_a_flood_of_joins_is_told_its_quota(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = dataclasses.replace(
        JOINS, flows=tuple(dataclasses.replace(flow, burst=3) for flow in JOINS.flows)
    )
    monkeypatch.setattr(line, "JOINS", few)
    sale = await shop.new_sale()
    fans = [Fan(shop, DeviceKey(), headers=CAMPUS) for _ in range(12)]
    works = [await fan.solved(sale) for fan in fans]
    replies = [await fan.join(sale, altcha=altcha) for fan, altcha in zip(fans, works, strict=True)]
    refused = next(reply for reply in replies if reply.status != 201)
    assert (refused.status, refused.code) == (429, "too-many-requests")
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit-Policy"] == '"join-address";q=3;w=1'
    assert refused.headers["RateLimit"] == '"join-address";r=0;t=1'
    assert refused.json["policy"] == refused.headers["RateLimit-Policy"]
    late, altcha = fans[replies.index(refused)], works[replies.index(refused)]
    monkeypatch.setattr(line, "JOINS", JOINS)
    assert (await late.join(sale, altcha=altcha)).status == 201, "the same work, a moment later"


async def test_a_flood_of_challenges_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tuple(dataclasses.replace(flow, every_ms=60_000, burst=2) for flow in CHALLENGES.flows)
    monkeypatch.setattr(watching, "CHALLENGES", dataclasses.replace(CHALLENGES, flows=slow))
    sale = await shop.new_sale()
    levels = [await challenge(shop, sale, CAMPUS) for _ in range(2)]
    assert levels == [EASY, EASY]
    reply = await Fan(shop, headers=CAMPUS).call("GET", f"/api/sales/{sale}/challenge")
    assert reply.status == 429
    assert 50 <= int(reply.headers["Retry-After"]) <= 60


async def test_asking_without_pause_to_be_let_in_is_refused_to_that_fan_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tuple(dataclasses.replace(flow, every_ms=60_000, burst=5) for flow in ADMITS.flows)
    monkeypatch.setattr(line, "ADMITS", dataclasses.replace(ADMITS, flows=slow))
    sale = await shop.new_sale(capacity=1)
    first, second, third = (Fan(shop, DeviceKey()) for _ in range(3))
    for fan in (first, second, third):
        await fan.join(sale)
    assert (await first.let_in()).status == 201
    statuses = [(await third.admit()).status for _ in range(7)]
    assert statuses == [425] * 5 + [429] * 2
    assert (await second.admit()).status == 425


async def test_links_and_claims_are_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LINKS", "CLAIMS"):
        limit = getattr(moving, name)
        slow = tuple(dataclasses.replace(flow, every_ms=60_000, burst=2) for flow in limit.flows)
        monkeypatch.setattr(moving, name, dataclasses.replace(limit, flows=slow))
    sale = await shop.new_sale(state="paused")
    fan, other = Fan(shop, DeviceKey()), Fan(shop, DeviceKey())
    await fan.join(sale)
    move, claim = f"/api/sales/{sale}/move", f"/api/sales/{sale}/move/claim"
    links = [
        await fan.call("POST", move, json={"ticket": fan.ticket}, headers=fan.proven("POST", move))
        for _ in range(3)
    ]
    assert [reply.status for reply in links] == [201, 201, 429]
    body = {"link": links[0].json["link"]}
    claims = [
        await other.call("POST", claim, json=body, headers=other.proven("POST", claim))
        for _ in range(3)
    ]
    assert [reply.status for reply in claims] == [201, 201, 429]


async def test_guesses_are_counted_by_the_fans_address_and_not_the_proxys(shop: Shop) -> None:
    sale = await shop.new_sale(lanes=(SaleLane("gold", "Gold"),), state="paused")
    guesser = Fan(shop, DeviceKey(), headers=CAMPUS)
    statuses = [
        (await guesser.join(sale, access_code=f"WRONG-{number}")).status
        for number in range(CODE_GUESSES.burst + 1)
    ]
    assert statuses[-2:] == [403, 429]
    other = Fan(shop, DeviceKey(), headers=ELSEWHERE)
    assert (await other.join(sale, access_code="WRONG-1")).status == 403


def test_names_say_nothing_and_hold_together_what_belongs_together() -> None:
    names = AddressNames(b"secret")
    home = names.of("tour", client_address_of("8.8.8.8"))
    assert home == names.of("tour", client_address_of("8.8.8.8"))
    assert home == names.of("tour", client_address_of("::ffff:8.8.8.8"))
    assert home.network == names.of("tour", client_address_of("8.8.8.9")).network
    assert home.address != names.of("tour", client_address_of("8.8.8.9")).address
    assert home.network != names.of("tour", client_address_of("8.8.9.8")).network
    assert names.of("drop", client_address_of("8.8.8.8")) != home
    assert AddressNames(b"other").of("tour", client_address_of("8.8.8.8")) != home
    for nobody in ("", "10.1.2.3", "::1", "fan.example"):
        assert names.of("tour", client_address_of(nobody)) == AskedFrom("", "")
    one, same, other, far = (
        names.of("tour", client_address_of(address))
        for address in ("2a00:1:2:3::4", "2a00:1:2:3:9::", "2a00:1:2:4::", "2a00:1:3::")
    )
    assert one == same
    assert (one.network == other.network, one.address == other.address) == (True, False)
    assert one.network != far.network


async def test_challenges_are_given_while_the_store_is_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object, **__: object) -> bool:
        raise StoreUnavailable(retry_after=1)

    monkeypatch.setattr(limiting.Limits, "spend", silent)
    assert await challenge(shop, await shop.new_sale(), CAMPUS) == EASY


async def test_who_leaves_and_comes_back_again_and_again_is_slowed_down(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey())
    await fan.join(sale)
    leave = f"/api/sales/{sale}/leave"
    for _ in range(3):
        assert (await fan.let_in()).status == 201
        assert (await fan.let_in()).status == 201, "within the visit it is the same one"
        assert (await fan.call("POST", leave, credential=fan.ticket)).status == 204
    refused = await fan.admit()
    assert (refused.status, refused.code) == (429, "too-many-requests")
    assert 0 < int(refused.headers["Retry-After"]) <= shop.gateway[SETTINGS].pass_ms // 1000
    assert refused.headers["RateLimit-Policy"].startswith('"again-own";q=2')
