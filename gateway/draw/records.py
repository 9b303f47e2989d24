"""The draws as PostgreSQL records them: the roster in chunks, the seal, the order."""

import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import msgspec
import psycopg

from gateway.draw import order
from gateway.draw.beacon import Chain
from gateway.draw.cluster_records import extend_origins, seal_clusters
from gateway.draw.clusters import UNKNOWN, Cluster
from gateway.draw.draw import DRAW, DRAW_COLUMN, Draw, Outcome
from gateway.draw.roster import CHUNK, leaf_of, root_of, split
from gateway.draw.seed import SECRET_BYTES
from groundwork.clock import TokenSource
from groundwork.postgres import Pool, connection

# As with places: a write every few seconds of the fastest crowd; a crash costs a gap of no consequence.
ENTRIES_LEASED: Final = 20_000

Connection = psycopg.AsyncConnection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class DrawPlan:
    """What is fixed when the sale is made. The secret is 32 random bytes; nobody may see it."""

    secret: bytes
    chain: Chain | None = None
    wait_ms: int = 120_000
    # Of order.py, or of permutation.py: then nobody shares a chance.
    permutation: str = order.NAME

    @classmethod
    def made(
        cls,
        tokens: TokenSource,
        chain: Chain | None,
        wait_ms: int,
        permutation: str = order.NAME,
    ) -> "DrawPlan":
        """Return a plan with a secret of its own."""
        text = tokens.token(SECRET_BYTES)
        secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return cls(secret, chain, wait_ms, permutation)

    def __repr__(self) -> str:
        """Show everything but the secret: this may end up in a log."""
        return (
            f"DrawPlan(chain={self.chain}, wait_ms={self.wait_ms}, permutation={self.permutation})"
        )


class Entry(NamedTuple):
    """An entry on its way into the roster; where it came from as clusters.py packs it."""

    number: int
    fan_id: str
    origin: bytes = UNKNOWN


@dataclass(frozen=True, slots=True)
class EntryLease:
    """What entries go on from in a new epoch: see open_line.lua."""

    is_entering: bool
    last_entry: int
    leased: int
    ceiling: int


async def insert_draw(open_connection: Connection, sale_id: str, plan: DrawPlan) -> None:
    """Add a sale's draw, within the transaction that adds the sale."""
    chain = msgspec.json.encode(plan.chain).decode() if plan.chain else None
    await open_connection.execute(
        """INSERT INTO draws (sale_id, secret, permutation, chain, beacon_wait_ms)
        VALUES (%s, %s, %s, %s, %s)""",
        (sale_id, plan.secret, plan.permutation, chain, plan.wait_ms),
    )


class DrawRecords:
    """Reads and writes draws."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get(self, sale_id: str) -> Draw | None:
        """Return the sale's draw as everybody may see it."""
        row = await self._row(
            f"SELECT {DRAW_COLUMN} FROM sales WHERE sale_id = %s",  # noqa: S608 (our own text)
            sale_id,
        )
        return DRAW.decode(cast("str", row[0])) if row and row[0] else None

    async def secret(self, sale_id: str) -> bytes:
        """Return the secret, for making the seed."""
        row = await self._row("SELECT secret FROM draws WHERE sale_id = %s", sale_id)
        assert row is not None, f"{sale_id} has no draw"
        return cast("bytes", row[0])

    @asynccontextmanager
    async def turn(self, sale_id: str) -> AsyncIterator[bool]:
        """Yield whether it is this process's turn to work on the draw; nobody waits for it."""
        digest = hashlib.sha256(f"draw:{sale_id}".encode()).digest()
        lock = int.from_bytes(digest[:7], "big")
        async with connection(self._pool) as held:
            cursor = await held.execute("SELECT pg_try_advisory_lock(%s)", (lock,))
            row = await cursor.fetchone()
            if row != (True,):
                yield False
                return
            try:
                yield True
            finally:
                await held.execute("SELECT pg_advisory_unlock(%s)", (lock,))

    async def lease_entries(self, sale_id: str) -> EntryLease:
        """Raise the ceiling of entry numbers by a block while entries are taken."""
        row = await self._row(
            """UPDATE draws SET entry_ceiling = entry_ceiling + %s
            WHERE sale_id = %s AND state = 'committed'
            RETURNING last_entry, entry_ceiling - %s, entry_ceiling""",
            ENTRIES_LEASED, sale_id, ENTRIES_LEASED,
        )  # fmt: skip
        if row is not None:
            return EntryLease(True, *(int(str(value)) for value in row))
        row = await self._row(
            "SELECT last_entry, entry_ceiling FROM draws WHERE sale_id = %s", sale_id
        )
        last_entry, ceiling = (int(str(value)) for value in row) if row else (0, 0)
        return EntryLease(False, last_entry, ceiling, ceiling)

    async def note_gap(self, sale_id: str, first: int, last: int) -> None:
        """Note a run of entry numbers that nobody has. May be repeated, and may overlap others."""
        async with connection(self._pool) as open_connection:
            await _insert_gap(open_connection, sale_id, first, last)

    async def append(self, sale_id: str, epoch: int, draw: Draw, entries: Sequence[Entry]) -> bool:
        """Add entries behind those of `draw`; False when the roster is not as `draw` says any more.

        Nor may the store they were read from be one of before: its successor has been filled from
        the roster as it is, and would not know them.
        """
        last_entry = entries[-1].number
        async with connection(self._pool) as open_connection, open_connection.transaction():
            if not await _is_current(open_connection, epoch):
                return False
            cursor = await open_connection.execute(
                """UPDATE draws SET last_entry = %s, entries = entries + %s
                WHERE sale_id = %s AND state = 'committed' AND last_entry = %s""",
                (last_entry, len(entries), sale_id, draw.last_entry),
            )
            if cursor.rowcount == 0:
                return False
            expected = draw.last_entry + 1
            for entry in entries:
                if entry.number > expected:
                    await _insert_gap(open_connection, sale_id, expected, entry.number - 1)
                expected = entry.number + 1
            index = draw.entries
            rest = list(entries)
            while rest:
                chunk, taken = divmod(index, CHUNK)
                part, rest = rest[: CHUNK - taken], rest[CHUNK - taken :]
                await _extend_chunk(open_connection, sale_id, chunk, part)
                if draw.has_clusters:
                    origins = [entry.origin for entry in part]
                    await extend_origins(open_connection, sale_id, chunk, taken, origins)
                index += len(part)
        return True

    async def chunk_roots(self, sale_id: str) -> list[bytes]:
        """Return the root of every chunk, in order."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT root, CASE WHEN root IS NULL THEN leaves END FROM roster_chunks
                WHERE sale_id = %s ORDER BY chunk""",
                (sale_id,),
            )
            return [
                cast("bytes", root) or root_of(split(cast("bytes", leaves)))
                for root, leaves in await cursor.fetchall()
            ]

    async def leaves(self, sale_id: str, chunk: int) -> bytes:
        """Return the leaves of a chunk, one behind the other; none for a chunk that is not there."""
        row = await self._row(
            "SELECT leaves FROM roster_chunks WHERE sale_id = %s AND chunk = %s", sale_id, chunk
        )
        return cast("bytes", row[0]) if row else b""

    async def fans(self, sale_id: str, chunk: int) -> list[tuple[int, str]]:
        """Return the entry numbers and fans of a chunk."""
        row = await self._row(
            "SELECT entry_numbers, fan_ids FROM roster_chunks WHERE sale_id = %s AND chunk = %s",
            sale_id, chunk,
        )  # fmt: skip
        if row is None:
            return []
        return list(zip(cast("list[int]", row[0]), cast("list[str]", row[1]), strict=True))

    async def seal(
        self, sale_id: str, epoch: int, draw: Draw, root: bytes, beacon_round: int | None,
        clusters: Sequence[Cluster] = (),
    ) -> bool:  # fmt: skip
        """Make the roster final as `draw` says; False when it is not like that any more."""
        async with connection(self._pool) as open_connection, open_connection.transaction():
            if not await _is_current(open_connection, epoch):
                return False
            cursor = await open_connection.execute(
                """SELECT FROM draws WHERE sale_id = %s AND state = 'committed' AND last_entry = %s
                    AND (SELECT opens_at FROM sales WHERE sale_id = draws.sale_id) <= now()
                FOR UPDATE""",
                (sale_id, draw.last_entry),
            )
            if cursor.rowcount == 0:
                return False
            if draw.has_clusters:
                await seal_clusters(open_connection, sale_id, clusters)
            await open_connection.execute(
                """UPDATE draws SET state = 'sealed', root = %s, sealed_at = now(), beacon_round = %s
                WHERE sale_id = %s""",
                (root, beacon_round, sale_id),
            )
            # A new epoch must not give the drawn places again.
            await open_connection.execute(
                """UPDATE sales SET last_place = GREATEST(last_place, %(entries)s),
                    place_ceiling = GREATEST(place_ceiling, %(entries)s) WHERE sale_id = %(sale_id)s""",
                {"entries": draw.entries, "sale_id": sale_id},
            )
        return True

    async def finish(
        self, sale_id: str, seed: bytes, outcome: Outcome | None, signature: bytes | None
    ) -> bool:
        """Make the order final: the one write for any crowd. False when somebody else has."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """UPDATE draws SET state = 'drawn', seed = %s, beacon_outcome = %s,
                    beacon_signature = %s, drawn_at = now()
                WHERE sale_id = %s AND state = 'sealed'""",
                (seed, outcome, signature, sale_id),
            )
            return cursor.rowcount == 1

    async def _row(self, statement: Any, *values: object) -> tuple[object, ...] | None:
        async with connection(self._pool) as open_connection:
            return await (await open_connection.execute(statement, values)).fetchone()


async def _is_current(open_connection: Connection, epoch: int) -> bool:
    """Whether the epoch goes on; it cannot end before this transaction does."""
    cursor = await open_connection.execute("SELECT epoch FROM store_epoch FOR SHARE")
    return await cursor.fetchone() == (epoch,)


async def _insert_gap(open_connection: Connection, sale_id: str, first: int, last: int) -> None:
    await open_connection.execute(
        """INSERT INTO draw_gaps AS known (sale_id, first_entry, last_entry) VALUES (%s, %s, %s)
        ON CONFLICT (sale_id, first_entry) DO UPDATE
            SET last_entry = GREATEST(known.last_entry, excluded.last_entry)""",
        (sale_id, first, last),
    )


async def _extend_chunk(
    open_connection: Connection, sale_id: str, chunk: int, entries: Sequence[Entry]
) -> None:
    leaves = b"".join(leaf_of(sale_id, entry.number, entry.fan_id) for entry in entries)
    cursor = await open_connection.execute(
        """INSERT INTO roster_chunks AS known (sale_id, chunk, entry_numbers, fan_ids, leaves)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (sale_id, chunk) DO UPDATE
            SET entry_numbers = known.entry_numbers || excluded.entry_numbers,
                fan_ids = known.fan_ids || excluded.fan_ids, leaves = known.leaves || excluded.leaves
        RETURNING CASE WHEN cardinality(entry_numbers) = %s THEN leaves END""",
        (sale_id, chunk, [entry.number for entry in entries], [entry.fan_id for entry in entries],
         leaves, CHUNK),
    )  # fmt: skip
    row = await cursor.fetchone()
    assert row is not None
    if row[0] is not None:
        await open_connection.execute(
            "UPDATE roster_chunks SET root = %s WHERE sale_id = %s AND chunk = %s",
            (root_of(split(cast("bytes", row[0]))), sale_id, chunk),
        )
