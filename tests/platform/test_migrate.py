"""Each file is applied once, whole or not at all, whoever and however many run it."""

import asyncio
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from groundwork import migrate as migrate_module
from groundwork.clock import SystemClock
from groundwork.migrate import (
    Migration,
    MigrationError,
    SchemaState,
    migrate,
    read_migrations,
    read_state,
)
from tests.platform.schema_text import SNAPSHOT, migrated_schema, schema_lines

FIRST = Migration(1, "0001_pre_tables.sql", b"CREATE TABLE one (); CREATE TABLE two ();")
SECOND = Migration(2, "0002_post_more.sql", b"CREATE TABLE three ();")


async def tables(url: str) -> set[str]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(
            "SELECT relname::text FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        return {str(row[0]) for row in await found.fetchall()}


async def test_files_are_applied_in_order_and_once(empty_database: str) -> None:
    assert await migrate(empty_database, [FIRST]) == (FIRST.name,)
    assert await migrate(empty_database, [FIRST, SECOND]) == (SECOND.name,)
    assert await migrate(empty_database, [FIRST, SECOND]) == ()
    assert await tables(empty_database) == {"one", "two", "three", "schema_migrations"}


async def test_runners_at_the_same_time_apply_each_file_once(empty_database: str) -> None:
    slow = Migration(1, FIRST.name, b"SELECT pg_sleep(0.2); " + FIRST.content)
    applied = await asyncio.gather(*(migrate(empty_database, [slow, SECOND]) for _ in range(5)))
    assert sorted(name for names in applied for name in names) == [slow.name, SECOND.name]


async def test_a_sale_under_way_ends_before_what_moves_its_indexes(empty_database: str) -> None:
    """It reads its order, changes it and tells the outbox; who has the tables otherwise deadlocks with it."""
    ours = read_migrations(resources.files("migrations"))
    await migrate(empty_database, [one for one in ours if one.number < 37])
    async with await psycopg.AsyncConnection.connect(empty_database) as sale:
        await sale.execute("LOCK TABLE orders IN ROW SHARE MODE")
        running = asyncio.create_task(migrate(empty_database, ours))
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        while await (await sale.execute(waiting)).fetchone() == (0,):
            await SystemClock().sleep_ms(10)
        await sale.execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        await sale.execute("LOCK TABLE outbox IN ROW EXCLUSIVE MODE")
    assert "0037_pre_orders_in_their_turn.sql" in await running


async def test_a_runner_that_died_stops_nobody(empty_database: str) -> None:
    slow = Migration(1, FIRST.name, b"SELECT pg_sleep(60)")
    running = asyncio.create_task(migrate(empty_database, [slow]))
    async with await psycopg.AsyncConnection.connect(empty_database, autocommit=True) as connection:
        end_sleepers = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        while await (await connection.execute(end_sleepers)).fetchone() == (0,):
            await SystemClock().sleep_ms(10)
    with pytest.raises(MigrationError, match=r"0001_pre_tables\.sql failed: .*terminat"):
        await running
    assert await migrate(empty_database, [FIRST]) == (FIRST.name,)


async def test_a_file_that_fails_leaves_nothing_behind(empty_database: str) -> None:
    broken = Migration(1, FIRST.name, b"CREATE TABLE half (); SELECT nonsense;")
    with pytest.raises(MigrationError, match=r'0001_pre_tables\.sql failed: column "nonsense"'):
        await migrate(empty_database, [broken, SECOND])
    assert await tables(empty_database) == {"schema_migrations"}
    assert await migrate(empty_database, [FIRST]) == (FIRST.name,)


async def test_a_file_that_waits_for_a_busy_table_gives_up(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_module, "LIMITS", "SET LOCAL lock_timeout = '50ms'")
    await migrate(empty_database, [FIRST])
    alter = Migration(2, SECOND.name, b"ALTER TABLE one ADD COLUMN seat int")
    async with await psycopg.AsyncConnection.connect(empty_database) as busy:
        await busy.execute("LOCK TABLE one")
        with pytest.raises(MigrationError, match="lock timeout"):
            await migrate(empty_database, [FIRST, alter])
    assert await migrate(empty_database, [FIRST, alter]) == (alter.name,)


async def test_what_each_file_runs_under_is_bounded(empty_database: str) -> None:
    note = b"CREATE TABLE bounds AS SELECT current_setting('lock_timeout') AS waits_for_locks,"
    note += b" current_setting('statement_timeout') AS runs"
    await migrate(empty_database, [Migration(1, FIRST.name, note)])
    async with await psycopg.AsyncConnection.connect(empty_database) as connection:
        found = await connection.execute("SELECT * FROM bounds")
        assert await found.fetchone() == ("5s", "2min")


async def test_what_belongs_after_the_deployment_waits_for_it(empty_database: str) -> None:
    """Two deployments: their `pre` files first, whatever numbers the `post` files between them have."""
    late = Migration(3, "0003_pre_later.sql", b"CREATE TABLE four ()")
    files = [FIRST, SECOND, late]
    with pytest.raises(MigrationError, match=r"not have been deployed yet: 0001_pre_tables\.sql"):
        await migrate(empty_database, files, ["post"])
    assert await tables(empty_database) == set()
    assert not (await read_state(empty_database, files)).is_ready

    assert await migrate(empty_database, files, ["pre"]) == (FIRST.name, late.name)
    state = await read_state(empty_database, files)
    assert (state.is_ready, state.is_current) == (True, False)

    assert await migrate(empty_database, files, ["post"]) == (SECOND.name,)
    assert (await read_state(empty_database, files)).is_current


async def test_the_snapshot_is_what_all_files_make(empty_database: str) -> None:
    migrations = read_migrations(resources.files("migrations"))
    made = await migrated_schema(empty_database, migrations)
    assert made == SNAPSHOT.read_text("utf-8"), "another schema: look at it, then `make schema`"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE orders ADD COLUMN note text",
        "ALTER TABLE orders ALTER COLUMN fan_id DROP NOT NULL",
        "ALTER TABLE seat_claims DROP CONSTRAINT seat_claims_pkey",
        "DROP INDEX outbox_open_by_kind",
        "DROP TRIGGER no_unsell_delete ON seat_claims",
        "CREATE OR REPLACE FUNCTION refuse_unsell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    ],
)
async def test_the_snapshot_shows_every_change(database_dsn: str, change: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_dsn) as connection:
        before = await schema_lines(connection)
        await connection.execute(change)
        assert await schema_lines(connection) != before
        await connection.rollback()


async def test_a_file_that_was_changed_afterwards_is_refused(empty_database: str) -> None:
    await migrate(empty_database, [FIRST])
    changed = Migration(1, FIRST.name, FIRST.content + b" ")
    with pytest.raises(MigrationError, match=r"0001_pre_tables\.sql was changed after"):
        await migrate(empty_database, [changed, SECOND])
    with pytest.raises(MigrationError, match=r"0001_pre_tables\.sql was changed after"):
        await read_state(empty_database, [changed])
    assert "three" not in await tables(empty_database)


async def test_a_database_newer_than_the_code_is_refused(empty_database: str) -> None:
    await migrate(empty_database, [FIRST, SECOND])
    with pytest.raises(MigrationError, match=r"newer than this code: it has 0002_post_more\.sql"):
        await migrate(empty_database, [FIRST])


async def test_the_state_is_read_without_changing_anything(empty_database: str) -> None:
    assert await read_state(empty_database, [FIRST]) == SchemaState((FIRST.name,), ())
    assert await tables(empty_database) == set()
    await migrate(empty_database, [FIRST])
    assert (await read_state(empty_database, [FIRST])).is_current
    newer = await read_state(empty_database, [])
    assert newer.unknown == (FIRST.name,)
    assert not newer.is_current


async def test_a_database_that_does_not_answer_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="The database does not answer") as raised:
        await migrate(f"postgresql:///onsale?host={tmp_path}", [FIRST])
    assert "\n" not in str(raised.value)


async def test_our_own_files_suit_the_code(empty_database: str) -> None:
    migrations = read_migrations(resources.files("migrations"))
    assert migrations[0].number == 1
    assert await migrate(empty_database, migrations) == tuple(each.name for each in migrations)
    assert (await read_state(empty_database, migrations)).is_current


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("0001_tables.sql",), "must be named"),
        (("1_pre_tables.sql",), "must be named"),
        (("0001_pre_a.sql", "0001_pre_b.sql"), "have the same number"),
    ],
)
def test_wrong_file_names_are_refused(tmp_path: Path, names: tuple[str, ...], problem: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(MigrationError, match=problem):
        read_migrations(tmp_path)
