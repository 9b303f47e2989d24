"""Bring a database to the schema that the code expects: numbered SQL files, each applied once."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Literal, LiteralString

import psycopg

# `pre` files run before the new code starts and suit the old code too; `post` files after it.
FILE_NAME = re.compile(r"(?P<number>\d{4})_(?P<phase>pre|post)_\w+\.sql")
# Any number that nobody else uses for an advisory lock in this database ("onsale" in letters).
LOCK = 0x6F6E73616C65
# A second runner waits for the first; a migration that takes longer is watched by a person.
WAIT_FOR_RUNNER: LiteralString = "SET LOCAL lock_timeout = '300s'"
# A table that is busy for longer than this would stop the sale behind our lock: give up instead.
LIMITS: LiteralString = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '120s'"
TABLE: LiteralString = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number int PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

Connection = psycopg.AsyncConnection[tuple[object, ...]]


Phase = Literal["pre", "post"]
PHASES: tuple[Phase, ...] = ("pre", "post")


class MigrationError(Exception):
    """The database cannot be brought to this code's schema. The text says why in one sentence."""


def phase_of(name: str) -> str:
    """Return the phase of a file by its name."""
    matched = FILE_NAME.fullmatch(name)
    assert matched, name
    return matched["phase"]


@dataclass(frozen=True)
class Migration:
    """One file."""

    number: int
    name: str
    content: bytes

    @property
    def phase(self) -> str:
        """Whether it runs before the new code starts or once no old code runs any more."""
        return phase_of(self.name)

    @property
    def sha256(self) -> str:
        """What an applied file is recognised by; it must never change afterwards."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class SchemaState:
    """How a database compares with the code."""

    pending: tuple[str, ...]
    # Applied by code that is newer than ours.
    unknown: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        """Whether the code may start: only what belongs after its deployment is missing."""
        return not self.unknown and not self.pending_of("pre")

    def pending_of(self, phase: Phase) -> tuple[str, ...]:
        """Return what is missing of a phase."""
        return tuple(name for name in self.pending if phase_of(name) == phase)

    @property
    def is_current(self) -> bool:
        """Whether the database has exactly what the code expects."""
        return not self.pending and not self.unknown


def read_migrations(folder: Traversable) -> tuple[Migration, ...]:
    """Return the folder's SQL files in order. Raises MigrationError for a wrong or doubled name."""
    migrations: dict[int, Migration] = {}
    for path in folder.iterdir():
        if not path.name.endswith(".sql"):
            continue
        matched = FILE_NAME.fullmatch(path.name)
        if not matched:
            raise MigrationError(
                f"{path.name} must be named NNNN_pre_what.sql or NNNN_post_what.sql."
            )
        number = int(matched["number"])
        if number in migrations:
            raise MigrationError(f"{path.name} and {migrations[number].name} have the same number.")
        migrations[number] = Migration(number, path.name, path.read_bytes())
    return tuple(migrations[number] for number in sorted(migrations))


async def migrate(
    database_url: str, migrations: Sequence[Migration], phases: Sequence[Phase] = PHASES
) -> tuple[str, ...]:
    """Apply what is missing of these phases and return the names; may be run again, and by several.

    Each file is one transaction: all of it or nothing. Raises MigrationError when the database is
    newer than the code, an applied file was changed, a file fails, or `post` files are asked for
    alone while `pre` files are missing.
    """
    async with await _connect(database_url) as connection:
        async with connection.transaction():
            await _lock(connection)
            await connection.execute(TABLE)
            if "pre" not in phases:
                _refuse_early(_compare(await _read_applied(connection), migrations))
        return tuple(
            [
                migration.name
                for migration in migrations
                if migration.phase in phases
                if await _apply(connection, migrations, migration)
            ]
        )


async def read_state(database_url: str, migrations: Sequence[Migration]) -> SchemaState:
    """Compare a database with the code, changing nothing. Raises MigrationError."""
    async with await _connect(database_url) as connection:
        found = await connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")
        row = await found.fetchone()
        applied = await _read_applied(connection) if row == (True,) else {}
    return _compare(applied, migrations)


def _refuse_early(state: SchemaState) -> None:
    if missing := state.pending_of("pre"):
        raise MigrationError(f"The code cannot have been deployed yet: {missing[0]} is missing.")


async def _connect(database_url: str) -> Connection:
    try:
        return await psycopg.AsyncConnection.connect(
            # Nothing is prepared, so that PgBouncer may stand between.
            database_url,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        raise MigrationError(f"The database does not answer: {_first_line(error)}.") from error


async def _lock(connection: Connection) -> None:
    # Of the transaction, not of the session: PgBouncer changes sessions between transactions.
    await connection.execute(WAIT_FOR_RUNNER)
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    await connection.execute(LIMITS)


async def _apply(
    connection: Connection, migrations: Sequence[Migration], migration: Migration
) -> bool:
    """Apply one file unless somebody did; look again under the lock, which each file takes anew."""
    try:
        async with connection.transaction():
            await _lock(connection)
            state = _compare(await _read_applied(connection), migrations)
            if state.unknown:
                raise MigrationError(
                    f"The database is newer than this code: it has {', '.join(state.unknown)}."
                )
            if migration.name not in state.pending:
                return False
            await connection.execute(migration.content)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.sha256),
            )
    except psycopg.Error as error:
        raise MigrationError(f"{migration.name} failed: {_first_line(error)}.") from error
    return True


async def _read_applied(connection: Connection) -> dict[int, tuple[str, str]]:
    found = await connection.execute("SELECT number, name, sha256 FROM schema_migrations")
    return {int(str(row[0])): (str(row[1]), str(row[2])) for row in await found.fetchall()}


def _compare(applied: dict[int, tuple[str, str]], migrations: Sequence[Migration]) -> SchemaState:
    ours = {migration.number: migration for migration in migrations}
    for number, (name, sha256) in applied.items():
        if number in ours and ours[number].sha256 != sha256:
            raise MigrationError(
                f"{name} was changed after it was applied; write a new file instead."
            )
    return SchemaState(
        pending=tuple(
            migration.name for number, migration in ours.items() if number not in applied
        ),
        unknown=tuple(name for number, (name, _) in sorted(applied.items()) if number not in ours),
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
