"""CAPTCHAs of others, each asked exactly as it wants, and never a reason why a fan is stuck."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestServer

from gateway.bot_checks.captcha import PROVIDERS, Captcha
from gateway.settings import GatewaySettings
from groundwork.check_errors import StepUpFailed
from groundwork.clock import SystemTokenSource
from groundwork.settings import SettingsError, read_settings
from tests.support.captcha_server import SECRET, SITE_KEY, CaptchaServer

KINDS = list(PROVIDERS)
HOST = "https://tickets.example"


@pytest.fixture
async def provider() -> AsyncIterator[tuple[CaptchaServer, str]]:
    known = CaptchaServer()
    async with TestServer(known.app) as server:
        yield known, str(server.make_url("/"))


@asynccontextmanager
async def captcha_at(url: str, kind: str, secret: str = SECRET) -> AsyncIterator[Captcha]:
    captcha = Captcha(kind, SITE_KEY, secret, url + kind, HOST, SystemTokenSource())  # type: ignore[arg-type]
    async with captcha.running():
        yield captcha


async def outcome(captcha: Captcha, response: str, bound_to: str = "fan") -> str:
    try:
        await captcha.check(response, bound_to)
    except StepUpFailed as refusal:
        return refusal.reason
    return "passed"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_provider_says_is_understood(
    provider: tuple[CaptchaServer, str], kind: str
) -> None:
    async with captcha_at(provider[1], kind) as captcha:
        token = "good@fan"
        assert await outcome(captcha, token) == "passed"
        assert await outcome(captcha, token) == "duplicate", "each is good once"
        late = await outcome(captcha, "late-1")
        assert late == ("expired" if kind in ("hcaptcha", "friendly") else "duplicate")
        assert await outcome(captcha, "forged-1") == "rejected"
        assert await outcome(captcha, "elsewhere-1@fan") == "rejected", "solved on another site"
        assert await outcome(captcha, "") == "rejected"
        assert await outcome(captcha, "x" * 20_000) == "rejected"
        # What is wrong on our side, or on theirs, is nobody's failure but ours.
        for word in ("ours-1", "theirs-1", "garbage-1"):
            assert await outcome(captcha, word) == "unavailable", word


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_secret_lets_nobody_pass(
    provider: tuple[CaptchaServer, str], kind: str
) -> None:
    async with captcha_at(provider[1], kind, secret="another") as captcha:
        assert await outcome(captcha, "good@fan") == "unavailable"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_provider_that_stumbles_is_asked_once_more(
    provider: tuple[CaptchaServer, str], kind: str
) -> None:
    known, url = provider
    async with captcha_at(url, kind) as captcha:
        known.is_broken = 1
        assert await outcome(captcha, "good-1@fan") == "passed"
        known.is_broken = 2
        assert await outcome(captcha, "good-2@fan") == "unavailable"
        assert known.asked[kind] == 4
        known.loses_answers = 1
        lost = await outcome(captcha, "good-3@fan")
        # Turnstile knows its repeats; of others nobody can tell, and that is not the fan's failure.
        assert lost == ("passed" if kind == "turnstile" else "unavailable")


async def test_a_turnstile_answer_is_good_for_the_fan_it_was_made_for(
    provider: tuple[CaptchaServer, str],
) -> None:
    async with captcha_at(provider[1], "turnstile") as captcha:
        assert await outcome(captcha, "good@somebody", "fan") == "rejected"


async def test_a_provider_that_is_away_and_one_that_was_not_set_up_are_no_ways() -> None:
    async with captcha_at("http://127.0.0.1:9/", "hcaptcha") as captcha:
        assert await outcome(captcha, "good") == "unavailable"
    async with captcha_at("", "") as captcha:
        assert await outcome(captcha, "good") == "unavailable"


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_that_are_published_stop_the_start_of_a_real_sale(kind: str) -> None:
    environ = {"CAPTCHA": kind, "CAPTCHA_SITE_KEY": SITE_KEY, "PUBLIC_URL": HOST}
    with pytest.raises(SettingsError, match="CAPTCHA_SECRET"):
        read_settings(GatewaySettings, environ)
    assert read_settings(GatewaySettings, {**environ, "CAPTCHA_SECRET": "own"}).captcha == kind
    for secret in PROVIDERS[kind].test_secrets:
        with pytest.raises(SettingsError, match="lets everybody pass"):
            read_settings(GatewaySettings, {**environ, "CAPTCHA_SECRET": secret})
        rehearsing = {**environ, "CAPTCHA_SECRET": secret, "PUBLIC_URL": "http://localhost:8080"}
        assert read_settings(GatewaySettings, rehearsing).captcha == kind
