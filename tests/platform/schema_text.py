"""The schema as text, one fact a line: what all migrations together make. `make schema` writes it down.

Read from PostgreSQL's own books in words that are the same in every version we support; pg_dump's are
not. Lines stand in an order of their own, so that branches which add different things merge.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import LiteralString

import psycopg

from groundwork.migrate import Migration, migrate, read_migrations
from onsale.embedded.binaries import find_postgres
from onsale.embedded.postgres_server import PostgresServer
from onsale.embedded.running import running

SNAPSHOT = Path(__file__).parents[2] / "migrations" / "schema.txt"
HEADER = "# What all migrations together make: `make schema` writes it, a test compares.\n"
# The runner's own, made before any file is applied.
OURS = "n.nspname = 'public' AND c.relname <> 'schema_migrations'"
FACTS: tuple[LiteralString, ...] = (
    f"""SELECT format('%s %s.%s %s%s%s%s%s', CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END,
            c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
            coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''),
            CASE a.attidentity WHEN 'a' THEN ' IDENTITY ALWAYS' WHEN 'd' THEN ' IDENTITY' ELSE '' END,
            CASE a.attgenerated WHEN 's' THEN ' STORED' ELSE '' END)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE {OURS} AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped""",
    # Not-null constraints are columns' business, and have rows of their own only in newer versions.
    f"""SELECT format('constraint %s.%s %s', c.relname, k.conname, pg_get_constraintdef(k.oid))
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND k.contype <> 'n'""",
    f"""SELECT 'index ' || pg_get_indexdef(i.indexrelid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid
            AND k.contype IN ('p', 'u', 'x'))""",
    f"""SELECT 'trigger ' || pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND NOT t.tgisinternal""",
    # Of a function's text its fingerprint: the text itself is in its migration.
    """SELECT format('function %s(%s) RETURNS %s, text %s', p.proname,
            pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid),
            md5(p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.objid = p.oid AND d.deptype = 'e')""",
    """SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'""",
)


async def schema_lines(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> list[str]:
    """Return the schema as this connection sees it, in order."""
    lines: set[str] = set()
    for fact in FACTS:
        cursor = await connection.execute(fact)
        lines |= {" ".join(str(row[0]).split()) for row in await cursor.fetchall()}
    return sorted(lines)


async def migrated_schema(database_url: str, migrations: Sequence[Migration]) -> str:
    """Return what the migrations make of an empty database."""
    await migrate(database_url, migrations)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        return HEADER + "".join(f"{line}\n" for line in await schema_lines(connection))


async def write_snapshot() -> None:
    """Migrate a server of our own and write down what came of it."""
    # PostgreSQL does not run as root: it must be able to pass.
    with tempfile.TemporaryDirectory(prefix="onsale-schema-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer.find(
            find_postgres(),
            data_dir=folder / "postgres",
            socket_dir=folder / "pg",
            log_path=folder / "postgres.log",
        )
        async with running(server):
            text = await migrated_schema(server.url, read_migrations(resources.files("migrations")))
    SNAPSHOT.write_text(text, "utf-8")


if __name__ == "__main__":
    asyncio.run(write_snapshot())
