"""A CAPTCHA of somebody else as one more way through the check; the others stay."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from gateway.app_keys import SIGNAL_NOTES
from gateway.settings import GatewaySettings
from tests.api.test_forms import browser
from tests.api.test_step_up import called, step_up, suspect, worked
from tests.support.captcha_server import SECRET, SITE_KEY, CaptchaServer
from tests.support.opening import open_shop
from tests.support.shop import Shop


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with TestServer(CaptchaServer().app) as provider:
        gateway = GatewaySettings(
            pacing_every_ms=50,
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
