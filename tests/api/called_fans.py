"""Fans who were joined by program and look on in a browser, at a gateway whose calls a test makes older."""

from typing import Any

from playwright.async_api import Browser, BrowserContext

from gateway.edge import cookies
from lua.keys import sale_keys
from tests.support.fan import Fan
from tests.support.shop import Shop

PHONE = {"width": 390, "height": 844}


async def age_calls(shop: Shop, sale_id: str, by_ms: int) -> None:
    """Make all calls of a sale earlier, as if so much time had passed since."""
    key = sale_keys(sale_id)["cohorts"]
    for number, text in (await shop.redis.hgetall(key)).items():
        began, colon, rest = as_text(text).partition(":")
        await shop.redis.hset(key, number, f"{int(began) - by_ms}{colon}{rest}")
    await shop.refresh_rooms()


def as_text(value: str | bytes) -> str:
    """Return what Redis has as text."""
    return value.decode() if isinstance(value, bytes) else value


async def browser_of(
    browser: Browser, fan: Fan, *, has_script: bool = True, **options: Any
) -> BrowserContext:
    """Return a new profile that has the fan's ticket."""
    url = fan.shop.url
    context = await browser.new_context(
        base_url=url,
        java_script_enabled=has_script,
        viewport=PHONE,  # type: ignore[arg-type]
        **options,
    )
    name = f"{cookies.TICKET}-{fan.sale_id}"
    await context.add_cookies([{"name": name, "value": fan.ticket, "url": url}])
    return context
