"""`onsale audit` as an operator types it: the balance, the findings, and how it ends."""

import asyncio
import os

from audited import sold
from click.testing import CliRunner, Result

from booking_core.catalog.event import StockTier
from lua.keys import event_keys
from onsale.cli import main
from tests.support.fan import Fan
from tests.support.opening import SECRET_KEY
from tests.support.shop import Shop


async def typed(shop: Shop, dsn: str, redis_url: str, *arguments: str) -> Result:
    environ = {
        "DATABASE_URL": dsn, "REDIS_URL": redis_url, "COLUMNS": "200",
        "PAYMENT_PROVIDER_URL": shop.provider_url, "PAYMENTS_SECRET_KEY": SECRET_KEY,
    }  # fmt: skip
    return await asyncio.to_thread(
        CliRunner().invoke, main, ["audit", *arguments], env={**os.environ, **environ}
    )


def row(output: str, first: str) -> list[str]:
    """The cells of the table row that begins with a word."""
    rows = [line[1:-1].split("│") for line in output.splitlines()]
    return next([cell.strip() for cell in cells] for cells in rows if cells[0].strip() == first)


async def test_the_balance_is_printed(shop: Shop, database_dsn: str, redis_url: str) -> None:
    event = await shop.new_event(5, stock=[StockTier("print", "Print", 1_000, 9)])
    await sold(shop, event, "A-1", "A-2")
    await Fan.inside(shop).held(event, "A-4")
    result = await typed(shop, database_dsn, redis_url)
    assert result.exit_code == 0, result.output
    assert row(result.output, event) == [
        event, "14", "2", "0", "2", "2 free · 1 held · 2 sold",
    ]  # fmt: skip
    assert row(result.output, "EUR") == ["EUR", "1", "9,000", "9,000", "9,000", "0", "0"]
    assert "Everything agrees." in result.output


async def test_what_does_not_agree_ends_with_1_until_it_is_put_right(
    shop: Shop, database_dsn: str, redis_url: str
) -> None:
    event = await shop.new_event(2)
    await sold(shop, event, "A-1")
    await shop.redis.set(event_keys(event)["status"], "00")
    result = await typed(shop, database_dsn, redis_url)
    assert result.exit_code == 1, result.output
    assert row(result.output, "Redis offers a seat that is sold") == [
        "Redis offers a seat that is sold", event, "A-1", "", "",
    ]  # fmt: skip
    assert "It does not balance." in result.output
    listed = await typed(shop, database_dsn, redis_url, "--findings")
    assert listed.exit_code == 1
    assert row(listed.output, "Redis offers a seat that is sold")[-1] == "open"

    assert (await typed(shop, database_dsn, redis_url, "--repair")).exit_code == 0
    assert await shop.seat_digits(event) == "20"
    listed = await typed(shop, database_dsn, redis_url, "--findings")
    assert listed.exit_code == 0
    assert row(listed.output, "Redis offers a seat that is sold")[-1] == "put right"


async def test_nothing_found_is_said(shop: Shop, database_dsn: str, redis_url: str) -> None:
    result = await typed(shop, database_dsn, redis_url, "--findings")
    assert result.exit_code == 0
    assert "Nothing was ever found." in result.output


async def test_a_provider_that_does_not_answer_is_said(
    shop: Shop, database_dsn: str, redis_url: str
) -> None:
    provider_url, shop.provider_url = shop.provider_url, "http://127.0.0.1:9"
    try:
        result = await typed(shop, database_dsn, redis_url)
    finally:
        shop.provider_url = provider_url
    assert result.exit_code == 1
    assert "The provider could not be compared" in result.output
