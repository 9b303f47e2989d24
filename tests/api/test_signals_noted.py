"""What is noticed of fans over HTTP: it costs work, never a place, and is written down for an appeal."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import altcha
import pytest

from gateway.app_keys import PROOF_OF_WORK, SIGNAL_NOTES
from gateway.bot_checks import signal_notes
from gateway.bot_checks.challenge_pool import EASY, HARD, make_riddle
from gateway.bot_checks.network_lists import networks_in, write_list
from gateway.bot_checks.signal_notes import SignalNotes
from gateway.settings import GatewaySettings
from tests.api.test_forms import browser, wait_token
from tests.support.fan import DeviceKey, Fan
from tests.support.opening import NearCounters, open_shop
from tests.support.shop import Shop

CLOUD = {"X-Forwarded-For": "192.0.2.9"}
RELAY = {"X-Forwarded-For": "198.51.100.9"}
HOME = {"X-Forwarded-For": "203.0.113.9"}
COPIED = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36",
    "Sec-CH-UA-Platform": '"Linux"',
}


@pytest.fixture(scope="module")
async def shop(
    redis_url: str, database_dsn: str, open_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    lists = tmp_path_factory.mktemp("lists")
    write_list(lists, "data-centre", networks_in("192.0.2.0/24"))
    write_list(lists, "relay", networks_in("198.51.100.0/24"))
    gateway = GatewaySettings(
        pacing_every_ms=50, trusted_proxies="127.0.0.1/32", network_lists=str(lists)
    )
    async with open_shop(redis_url, database_dsn, open_dir, gateway=gateway) as shop:
        yield shop


async def level(shop: Shop, sale: str, headers: dict[str, str]) -> int:
    reply = await Fan(shop, headers=headers).call("GET", f"/api/sales/{sale}/challenge")
    return int(reply.json["parameters"]["data"]["lvl"])


async def noted(shop: Shop, fan: Fan) -> set[str]:
    return set(await shop.gateway[SIGNAL_NOTES].of(fan.sale_id, fan.fan_id))


async def test_a_data_centre_costs_harder_work_and_a_relay_nothing(shop: Shop) -> None:
    sale = await shop.new_sale()
    assert await level(shop, sale, CLOUD) == HARD
    assert [await level(shop, sale, headers) for headers in (RELAY, HOME, {})] == [EASY] * 3
    # A copied user agent that gives itself away is odd, and alone no reason for anything.
    assert await level(shop, sale, {**HOME, **COPIED, "Accept-Language": "en"}) == EASY
    assert await level(shop, sale, {**HOME, **COPIED}) == HARD


async def test_odd_fans_have_their_place_like_all_others(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    odd = Fan(shop, DeviceKey(), headers={**CLOUD, **COPIED})
    plain = Fan(shop, DeviceKey(), headers=HOME)
    assert [(await fan.join(sale)).json["place"] for fan in (odd, plain)] == [1, 2]
    assert {"data-centre", "headers-contradict", "no-language"} <= await noted(shop, odd)
    assert await noted(shop, plain) <= {"solved-too-fast"}, "the tests' riddles are found at once"


class FarCounter(random.Random):
    """A counter that no browser finds within seconds; who knows it needs none."""

    def randint(self, a: int, b: int) -> int:
        return 100_000


async def test_work_that_no_browser_does_so_fast_is_noted(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    work = shop.gateway[PROOF_OF_WORK]
    for rng, seen in ((FarCounter(), {"solved-too-fast"}), (NearCounters(), set())):
        fan = Fan(shop, DeviceKey(), headers={**HOME, "Accept-Language": "en"})
        assert fan.key
        work.pool._stock[EASY].appendleft(make_riddle(EASY, work._key_secret, rng))
        challenge = altcha.Challenge.from_dict(json.loads(work.issue(sale, fan.key.jkt)))
        solution = altcha.solve_challenge(challenge, counter_start=rng.randint(1, 2))
        assert solution
        assert (
            await fan.join(sale, altcha=altcha.Payload(challenge, solution).to_base64())
        ).status == 201
        assert await noted(shop, fan) == seen


async def test_who_comes_in_as_a_program_is_asked_for_the_check(shop: Shop) -> None:
    """A person waits at home, and what comes in is a script in a data centre with the person's key."""
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey(), headers=HOME)
    assert (await fan.join(sale)).status == 201
    assert await noted(shop, fan) <= {"solved-too-fast"}
    await shop.rows("DELETE FROM fan_signals WHERE fan_id = %s", fan.fan_id)
    fan.headers = {**CLOUD, **COPIED}
    refused = await fan.let_in()
    assert refused.code == "step-up-needed"
    seen = {"data-centre", "headers-contradict", "no-language"}
    assert set(refused.json["reasons"]) == seen == await noted(shop, fan)
    fan.headers = {**HOME}
    assert (await fan.let_in()).code == "step-up-needed", "it is not forgotten on the way back"
    page = browser(shop)
    page.headers["Cookie"] = f"onsale-ticket-{sale}={fan.ticket}"
    assert "comes from a data centre" in (await page.get(f"/sales/{sale}/check")).body.decode()
    await shop.gateway[SIGNAL_NOTES].note(sale, fan.fan_id, ["stepped-up"])
    fan.headers = {**CLOUD, **COPIED}
    assert (await fan.let_in()).status == 201


async def test_what_cannot_be_written_down_stops_nobody_at_the_door(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey(), headers=HOME)
    await fan.join(sale)
    await shop.rows("DELETE FROM fan_signals WHERE fan_id = %s", fan.fan_id)
    monkeypatch.setattr(signal_notes, "NOTES_WAITING_MAX", 0)
    fan.headers = {**CLOUD, **COPIED}
    assert (await fan.let_in()).status == 201


async def test_who_goes_on_elsewhere_comes_in_like_all_others(shop: Shop) -> None:
    """From home to a train, behind a VPN, or with a browser that names no language."""
    sale = await shop.new_sale()
    for headers, known in ((CLOUD, {"data-centre"}), (RELAY, set()), (COPIED, set())):
        fan = Fan(shop, DeviceKey(), headers=HOME)
        assert (await fan.join(sale)).status == 201
        await shop.rows("DELETE FROM fan_signals WHERE fan_id = %s", fan.fan_id)
        fan.headers = {"Accept-Language": "en", **headers}
        assert (await fan.let_in()).status == 201, headers
        assert await noted(shop, fan) >= known


async def test_a_solution_of_somebody_else_is_held_against_who_shows_it(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    first, thief = Fan(shop, DeviceKey()), Fan(shop, DeviceKey())
    altcha = await Fan(shop).solved(sale)  # of no device: good for any, once
    assert (await first.join(sale, altcha=altcha)).status == 201
    assert (await thief.join(sale, altcha=altcha)).json["reason"] == "replayed"
    assert (await thief.join(sale)).status == 201
    assert "replayed" in await noted(shop, thief)
    assert "replayed" not in await noted(shop, first)


async def test_who_fills_in_what_nobody_sees_is_noted(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    page = (await browser(shop).get(f"/sales/{sale}")).body.decode()
    assert 'name="website"' in page
    path = f"/sales/{sale}/join"
    person, program = browser(shop), browser(shop)
    await person.post(path, wait_token=wait_token(shop, sale), website="")
    await program.post(path, wait_token=wait_token(shop, sale), website="https://spam.example")
    async with shop.pool.connection() as connection:
        rows = await connection.execute("SELECT code FROM fan_signals WHERE sale_id = %s", (sale,))
        assert await rows.fetchall() == [("hidden-field",)]


async def test_a_link_that_no_browser_shows_leads_back_and_is_noted(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    fan = Fan(shop, DeviceKey(), headers=HOME)
    await fan.join(sale)
    trap = f"/sales/{sale}/enter-now"
    page = (await browser(shop).get(f"/sales/{sale}")).body.decode()
    assert f'<template><a href="{trap}">' in page
    assert (await fan.call("GET", trap, credential=fan.ticket)).status == 303
    assert "hidden-link" in await noted(shop, fan)
    stranger = await browser(shop).get(trap)
    assert (stranger.status, stranger.headers["Location"]) == (303, f"/sales/{sale}")


async def test_notes_are_kept_for_a_while_and_then_deleted(shop: Shop) -> None:
    sale = await shop.new_sale()
    notes: SignalNotes = shop.gateway[SIGNAL_NOTES]
    await notes.note(sale, "f_ada", ["tor", "data-centre"])
    await notes.note(sale, "f_ada", ["tor"])
    assert [note.code for note in await notes.history(sale, "f_ada")] == ["data-centre", "tor"]
    async with shop.pool.connection() as connection:
        await connection.execute(
            """UPDATE fan_signals SET noted_at = now() - interval '29 days 23 hours'
            WHERE code = 'tor' AND sale_id = %s""",
            (sale,),
        )
    assert await notes.forget_old(30) == 0
    assert await notes.forget_old(29) == 1
    assert await notes.of(sale, "f_ada", "f_bob") == {"data-centre"}


async def test_a_fan_is_not_kept_waiting_by_a_database_that_cannot_write(shop: Shop) -> None:
    notes: SignalNotes = shop.gateway[SIGNAL_NOTES]
    await notes.note("no such sale", "f_ada", ["tor"])
    assert await notes.of("no such sale", "f_ada") == frozenset()
    sale = await shop.new_sale()
    await notes.note(sale, "f_ada", ["tor"])
    assert await notes.of(sale, "f_ada") == {"tor"}, "the next note is written"
