"""The application's role in PostgreSQL: a whole sale works with it, and nothing else does."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from groundwork.migrate import MigrationError
from groundwork.roles import ADDED_TO, DELETED_FROM, FORGOTTEN, grant_to_application
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled

ROLE = "onsale_shop_of_the_tests"
OURS = ("booking_core", "gateway", "groundwork", "lua", "onsale", "migrations")


@pytest.fixture(scope="module")
async def bound_dsn(database_dsn: str) -> AsyncIterator[str]:
    """The module's database, seen by the application's role; grants are repeatable."""
    async with await psycopg.AsyncConnection.connect(database_dsn, autocommit=True) as owner:
        role = sql.Identifier(ROLE)
        await owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        for _ in range(2):
            await grant_to_application(database_dsn, ROLE)
        yield re.sub(r"//[^@/]+@", f"//{ROLE}@", database_dsn)
        await owner.execute(sql.SQL("DROP OWNED BY {}").format(role))
        await owner.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture(scope="module")
async def shop(redis_url: str, bound_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, bound_dsn, open_dir) as shop:
        yield shop


async def test_a_whole_sale_needs_no_more(shop: Shop) -> None:
    assert await shop.value("SELECT current_user") == ROLE
    event = await shop.new_event(4)
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1"))).status == 201
    declined = await fan.complete(await fan.held(event, "A-2"), "card_declined")
    assert declined.status == 402
    await shop.settle()
    await shop.worker._audit()
    await shop.worker._count()
    await assert_settled(shop, event)
    await shop.redis.flushall()
    assert await shop.seat_digits(event) == "2100"


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE seat_claims",
        "TRUNCATE seat_claims",
        "CREATE TABLE theirs ()",
        "ALTER TABLE orders ADD COLUMN more text",
        "ALTER TABLE seat_claims DISABLE TRIGGER ALL",
        "DROP TRIGGER no_unsell_delete ON seat_claims",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_unsell() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
        "DELETE FROM orders",
        "DELETE FROM order_lines",
        "DELETE FROM tickets",
        "UPDATE tickets SET seat_id = 'A-9'",
        "UPDATE order_lines SET price_cents = 0",
        "UPDATE webhook_events SET payload = ''",
        "UPDATE outbox SET created_at = '2000-01-01'",
        "DELETE FROM schema_migrations",
        "INSERT INTO schema_migrations (number, name, sha256) VALUES (9999, 'x', 'x')",
    ],
)
async def test_what_the_application_must_not_do(shop: Shop, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await shop.rows(statement)


async def test_a_sold_seat_is_not_given_back_by_the_application(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1"))).status == 201
    for statement in ("DELETE FROM seat_claims", "UPDATE seat_claims SET sold = false"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="stays sold"):
            await shop.rows(statement)


async def test_roles_that_no_grant_binds_are_refused(database_dsn: str) -> None:
    with pytest.raises(MigrationError, match="There is no role nobody_of_ours"):
        await grant_to_application(database_dsn, "nobody_of_ours")
    with pytest.raises(MigrationError, match="superuser or owns tables"):
        await grant_to_application(database_dsn, "onsale")


def test_the_lists_say_what_the_code_does() -> None:
    """Rows are deleted from, or changed in, just the tables that the lists allow."""
    text = "\n".join(
        path.read_text("utf-8")
        for folder in OURS
        for path in Path(folder).rglob("*")
        if path.suffix in (".py", ".sql")
    )
    assert set(re.findall(r"DELETE FROM (\w+)", text)) == {*DELETED_FROM, *FORGOTTEN}
    changed = set(re.findall(r"UPDATE (\w+)(?: \w+)? SET", text))
    assert not changed & {*ADDED_TO, *FORGOTTEN}
