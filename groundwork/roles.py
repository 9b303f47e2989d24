"""The rights of the application in its database: it reads and writes rows, and changes nothing else."""

from typing import Final, LiteralString

import psycopg
from psycopg import sql

from groundwork.migrate import MigrationError

# Only of these does the application ever delete rows; of seat_claims the trigger refuses sold ones, of the
# outbox what is not old and told.
DELETED_FROM: Final = (
    "brand_pictures", "event_charges", "fan_signals", "filled_scopes", "operator_sessions",
    "operator_wrong_passwords", "outbox", "roster_origins", "sale_brands", "seat_channels",
    "seat_claims",
)  # fmt: skip
# Only ever added to: what was sold, for how much, what was held, which files were applied.
ADDED_TO: Final = ("draw_clusters", "tickets", "order_charges", "hold_log", "reconcile_gaps")
# Added to, never changed, and forgotten once old: a trigger refuses to sooner.
FORGOTTEN: Final = ("webhook_events",)
READ_ONLY: Final = ("schema_migrations",)

_TABLES: Final = """
SELECT relname::text FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname
"""


async def grant_to_application(database_url: str, role: str) -> None:
    """Give a role just the rights that the application needs; run it again after each migration.

    The role owns nothing and cannot create, change or empty tables, nor switch triggers off: a sold
    seat stays sold whatever the application does. Raises MigrationError when there is no such role,
    or it is one that no grant can bind.
    """
    try:
        async with await psycopg.AsyncConnection.connect(
            database_url, prepare_threshold=None, connect_timeout=10
        ) as connection:
            await _prove_bound(connection, role)
            await _grant(connection, role)
    except psycopg.Error as error:
        first_line = str(error).strip().partition("\n")[0].rstrip(".")
        raise MigrationError(f"The rights of {role} cannot be set: {first_line}.") from error


async def _prove_bound(connection: psycopg.AsyncConnection[tuple[object, ...]], role: str) -> None:
    cursor = await connection.execute(
        """SELECT rolsuper, EXISTS (SELECT FROM pg_class
            WHERE relowner = r.oid AND relnamespace = 'public'::regnamespace)
        FROM pg_roles r WHERE rolname = %s""",
        (role,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise MigrationError(f"There is no role {role}: make it with CREATE ROLE {role} LOGIN.")
    if True in row:
        raise MigrationError(f"{role} is a superuser or owns tables: no grant binds it.")


async def _grant(connection: psycopg.AsyncConnection[tuple[object, ...]], role: str) -> None:
    name = sql.Identifier(role)
    cursor = await connection.execute(_TABLES)
    tables = [str(row[0]) for row in await cursor.fetchall()]
    for statement in (
        # Before version 15 everybody could create tables here.
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}"),
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {}"),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}"),
    ):
        await connection.execute(statement.format(name))
    for table in tables:
        rights = sql.SQL(", ").join(map(sql.SQL, rights_on(table)))
        await connection.execute(
            sql.SQL("GRANT {} ON {} TO {}").format(rights, sql.Identifier(table), name)
        )


def rights_on(table: str) -> tuple[LiteralString, ...]:
    """Return what the application may do with the rows of a table."""
    if table in READ_ONLY:
        return ("SELECT",)
    if table == "order_lines":
        return ("SELECT", "INSERT", "UPDATE (seat_id)")  # while other places are offered, no longer
    if table == "outbox":
        # When an entry was written says when it may be forgotten: not to be changed.
        return ("SELECT", "INSERT", "UPDATE (attempts, not_before, done_at)", "DELETE")
    if table in ADDED_TO:
        return ("SELECT", "INSERT")
    if table in FORGOTTEN:
        return ("SELECT", "INSERT", "DELETE")
    if table in DELETED_FROM:
        return ("SELECT", "INSERT", "UPDATE", "DELETE")
    return ("SELECT", "INSERT", "UPDATE")
