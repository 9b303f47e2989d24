"""What operators did: only added to, each entry chained to the one before by its hash."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import psycopg
import structlog

from groundwork.clock import Clock
from groundwork.postgres import Pool, connection

ENTRIES_PER_PAGE: Final = 100
# Checked in pieces, so that a log of years fits into memory.
ENTRIES_PER_CHECK: Final = 5_000
COLUMNS: Final = """number, at_ms, operator, by_what, action, subject, reason, details,
    encode(before_hash, 'hex'), encode(hash, 'hex')"""

log = structlog.get_logger()


class Entry(msgspec.Struct, frozen=True):
    """One thing that somebody did."""

    number: int
    at_ms: int
    operator: str
    by_what: str
    action: str
    subject: str
    reason: str
    details: str
    before_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Doer:
    """Who does something, and by what: a session, a token, a command on a machine."""

    operator: str
    by_what: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold."""

    number: int
    why: str


class OperatorLog:
    """Adds entries and checks that none was changed."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def add_within(
        self,
        open_connection: psycopg.AsyncConnection[Any],
        doer: Doer,
        action: str,
        subject: str,
        reason: str,
        details: Mapping[str, object],
    ) -> None:
        """Write it down in the transaction that does it: both, or neither."""
        cursor = await open_connection.execute(
            """INSERT INTO operator_log (number, at_ms, operator, by_what, action, subject, reason,
                details, before_hash, hash)
                VALUES (0, %s, %s, %s, %s, %s, %s, %s, '', '') RETURNING number, encode(hash, 'hex')""",
            (self._clock.now_ms(), doer.operator, doer.by_what, action, subject, reason,
             msgspec.json.encode(details, order="deterministic").decode()),
        )  # fmt: skip
        row = await cursor.fetchone()
        assert row is not None
        # Kept apart from the database: whoever rewrites the table cannot rewrite this.
        log.info("operator log", action=action, number=row[0], hash=row[1])

    async def read(
        self, before: int | None = None, count: int | None = ENTRIES_PER_PAGE
    ) -> list[Entry]:
        """Return the newest entries, or those before one, the newest first. `count` None: all."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                f"""SELECT {COLUMNS} FROM operator_log WHERE number < %s
                    ORDER BY number DESC LIMIT %s""",  # noqa: S608 (a constant)
                (before if before is not None else 2**62, count),
            )
            return [_entry(row) for row in await cursor.fetchall()]

    async def check(self) -> tuple[int, str, Broken | None]:
        """Return how many entries hold, the hash of the last of them, and where the chain breaks."""
        number, hash_before = 0, ""
        while True:
            async with connection(self._pool) as open_connection:
                cursor = await open_connection.execute(
                    f"""SELECT {COLUMNS} FROM operator_log WHERE number > %s
                        ORDER BY number LIMIT {ENTRIES_PER_CHECK}""",  # noqa: S608 (constants)
                    (number,),
                )
                entries = [_entry(row) for row in await cursor.fetchall()]
            if not entries:
                return number, hash_before, None
            for entry in entries:
                if broken := _broken(entry, number, hash_before):
                    return number, hash_before, broken
                number, hash_before = entry.number, entry.hash


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(*row)


def _broken(entry: Entry, number_before: int, hash_before: str) -> Broken | None:
    if entry.number != number_before + 1:
        return Broken(number_before + 1, "is missing")
    if entry.before_hash != hash_before:
        return Broken(entry.number, "does not follow the entry before it")
    if entry.hash != entry_hash(entry):
        return Broken(entry.number, "is not what was written")
    return None


def entry_hash(entry: Entry) -> str:
    """Return the hash that an entry must have; the same as operator_log_hash_v1 in the database."""
    parts: Sequence[str] = (
        *(str(entry.number), str(entry.at_ms), entry.operator, entry.by_what),
        *(entry.action, entry.subject, entry.reason, entry.details),
    )
    return hashlib.sha256(bytes.fromhex(entry.before_hash) + b"".join(_measured(parts))).hexdigest()


def _measured(parts: Iterable[str]) -> Iterable[bytes]:
    for part in parts:
        content = part.encode()
        yield b"%d:" % len(content)
        yield content
