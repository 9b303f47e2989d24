"""A CAPTCHA of somebody else as one more way through the check; the others stay."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from gateway.app_keys import SIGNAL_NOTES
from gateway.bot_checks.captcha import PROVIDERS, RESPONSE_CHARACTERS_MAX
from gateway.bot_checks.limits import CAPTCHAS, CAPTCHAS_OF_SALE, Limit
from gateway.settings import GatewaySettings
from gateway.waiting_room import stepping_up
from tests.api.test_forms import browser
from tests.api.test_step_up import called, step_up, suspect, worked
from tests.support.captcha_server import SECRET, SITE_KEY, CaptchaServer
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop


@pytest.fixture(scope="module")
def captcha() -> CaptchaServer:
    return CaptchaServer()


@pytest.fixture(scope="module")
async def shop(
    redis_url: str, database_dsn: str, open_dir: Path, captcha: CaptchaServer
) -> AsyncIterator[Shop]:
    async with TestServer(captcha.app) as provider:
        gateway = GatewaySettings(
            pacing_every_ms=50,
            trusted_proxies="127.0.0.1/32",
            captcha="hcaptcha",
            captcha_site_key=SITE_KEY,
            captcha_secret=SECRET,
            captcha_url=str(provider.make_url("/hcaptcha")),
        )
        async with open_shop(redis_url, database_dsn, open_dir, gateway=gateway) as shop:
            yield shop


async def test_it_is_offered_beside_the_work_and_either_counts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale()
    one, other = await suspect(shop, sale), await suspect(shop, sale)
    assert (await called(shop, one)).json["ways"] == ["work", "wait", "captcha"]
    forged = await step_up(one, "captcha", "forged-1")
    assert (forged.status, forged.json["reason"]) == (403, "rejected")
    theirs = await step_up(one, "captcha", "theirs-1")
    assert theirs.json["reason"] == "unavailable", "and the work is there"
    assert (await step_up(one, "work", await worked(shop, one, monkeypatch))).status == 204
    assert (await one.let_in()).status == 201
    assert (await called(shop, other)).code == "step-up-needed"
    assert (await step_up(other, "captcha", "good-1")).status == 204
    assert (await other.let_in()).status == 201


async def test_the_page_may_load_the_widget_and_nothing_else_may(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    fan = browser(shop)
    joined = await suspect(shop, sale)
    fan.headers["Cookie"] = f"onsale-ticket-{sale}={joined.ticket}"
    page = await fan.get(f"/sales/{sale}/check")
    assert page.status == 200
    assert f'data-sitekey="{SITE_KEY}"' in page.body.decode()
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' https://hcaptcha.com https://*.hcaptcha.com" in policy
    assert "frame-src https://hcaptcha.com" in policy
    waiting = await fan.get(f"/sales/{sale}")
    assert "hcaptcha" not in waiting.headers["Content-Security-Policy"]
    assert await shop.gateway[SIGNAL_NOTES].of(sale, joined.fan_id) == {"replayed"}


async def test_wrong_answers_cost_the_provider_few_calls(
    shop: Shop, captcha: CaptchaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale)
    before = captcha.asked["hcaptcha"]
    burst = CAPTCHAS.flow("own").burst
    for nothing in ("", "x" * (RESPONSE_CHARACTERS_MAX + 1)):
        assert (await step_up(fan, "captcha", nothing)).status in (400, 403), "asks nobody"
    replies = [await step_up(fan, "captcha", f"forged-m{n}") for n in range(60)]
    assert [reply.status for reply in replies] == [403] * burst + [429] * (60 - burst)
    assert captcha.asked["hcaptcha"] - before == burst
    refused = replies[-1]
    assert refused.code == "too-many-requests"
    assert 55 <= int(refused.headers["Retry-After"]) <= 60, "one a minute"
    assert refused.headers["RateLimit-Policy"].startswith(f'"captcha-own";q={burst};w=')
    assert (await step_up(fan, "work", await worked(shop, fan, monkeypatch))).status == 204
    asked = captcha.asked["hcaptcha"]
    assert (await step_up(fan, "captcha", "forged-x")).status == 204, "asked for nothing any more"
    assert captcha.asked["hcaptcha"] == asked


async def test_many_fans_of_one_address_share_its_calls(
    shop: Shop, captcha: CaptchaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping_up, "CAPTCHAS", few(CAPTCHAS, "address", 4))
    sale = await shop.new_sale()
    fans = [await suspect(shop, sale) for _ in range(6)]
    before = captcha.asked["hcaptcha"]
    for fan in fans:
        fan.headers["X-Forwarded-For"] = "8.8.8.8"
    replies = [await step_up(fan, "captcha", f"forged-a{n}") for n, fan in enumerate(fans)]
    assert [reply.status for reply in replies] == [403] * 4 + [429] * 2
    assert replies[-1].headers["RateLimit-Policy"].startswith('"captcha-address"')
    fans[-1].headers["X-Forwarded-For"] = "9.9.9.9"
    assert (await step_up(fans[-1], "captcha", "good-a")).status == 204
    assert captcha.asked["hcaptcha"] - before == 5


async def test_a_network_shares_its_calls(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping_up, "CAPTCHAS", few(CAPTCHAS, "network", 2))
    sale = await shop.new_sale()
    statuses = []
    for host in range(1, 4):
        fan = await suspect(shop, sale)
        fan.headers["X-Forwarded-For"] = f"2600:1:2:{host}::1"
        statuses.append((await step_up(fan, "captcha", f"forged-n{host}")).status)
    assert statuses == [403, 403, 429]


async def test_a_farm_of_many_addresses_meets_the_sales_own_limit(
    shop: Shop, captcha: CaptchaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping_up, "CAPTCHAS_OF_SALE", few(CAPTCHAS_OF_SALE, "own", 3))
    sale = await shop.new_sale()
    before = captcha.asked["hcaptcha"]
    statuses = []
    for host in range(1, 6):
        fan = await suspect(shop, sale)
        fan.headers["X-Forwarded-For"] = f"8.8.{host}.1"
        statuses.append((await step_up(fan, "captcha", f"forged-s{host}")).status)
    assert statuses == [403] * 3 + [429] * 2
    assert captcha.asked["hcaptcha"] - before == 3


async def test_who_was_asked_for_nothing_shows_nothing_by_it(
    shop: Shop, captcha: CaptchaServer
) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale, "no-language")
    before = captcha.asked["hcaptcha"]
    assert (await step_up(fan, "captcha", "forged-p")).status == 204
    assert captcha.asked["hcaptcha"] == before
    await shop.gateway[SIGNAL_NOTES].note(sale, fan.fan_id, ["replayed"])
    assert (await called(shop, fan)).code == "step-up-needed"


async def test_the_page_says_that_it_was_too_much(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    joined = await suspect(shop, sale)
    unbound = Fan(shop)
    await unbound.join(sale)
    await shop.rows(
        "UPDATE fan_signals SET fan_id = %s WHERE fan_id = %s", unbound.fan_id, joined.fan_id
    )
    fan = browser(shop)
    fan.headers["Cookie"] = f"onsale-ticket-{sale}={unbound.ticket}"
    field = PROVIDERS["hcaptcha"].field
    replies = [
        await fan.post(f"/sales/{sale}/check", **{"way": "captcha", field: f"forged-w{n}"})
        for n in range(CAPTCHAS.flow("own").burst + 1)
    ]
    assert [reply.status for reply in replies] == [403] * (len(replies) - 1) + [429]
    assert 55 <= int(replies[-1].headers["Retry-After"]) <= 60
    page = replies[-1].body.decode()
    notice = 'data-notice="limited" hidden'
    assert "This way is open again within a minute" in page
    assert notice in replies[0].body.decode()
    assert notice not in page


def few(limit: Limit, whose: str, burst: int) -> Limit:
    flows = (
        dataclasses.replace(flow, burst=burst) if flow.whose == whose else flow
        for flow in limit.flows
    )
    return dataclasses.replace(limit, flows=tuple(flows))
