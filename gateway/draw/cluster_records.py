"""The clusters of draws in PostgreSQL: where entries came from until the sealing, then what is published."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import psycopg

from gateway.draw.clusters import (
    ORIGIN_BYTES,
    UNKNOWN,
    Cluster,
    Tally,
    digest_of,
    histogram,
    packed,
)
from groundwork.postgres import Pool, connection

Connection = psycopg.AsyncConnection[tuple[object, ...]]


async def extend_origins(
    open_connection: Connection, sale_id: str, chunk: int, taken: int, origins: Sequence[bytes]
) -> None:
    """Add where entries came from behind the `taken` ones of the chunk, in the transaction that adds them.

    A process of before adds entries and says nothing of where they came from: they are unknown.
    """
    before, added = UNKNOWN * taken, b"".join(origins)
    await open_connection.execute(
        """INSERT INTO roster_origins AS known (sale_id, chunk, origins) VALUES (%s, %s, %s)
        ON CONFLICT (sale_id, chunk) DO UPDATE
            SET origins = substring(known.origins || %s FROM 1 FOR %s) || %s""",
        (sale_id, chunk, before + added, before, len(before), added),
    )


async def seal_clusters(
    open_connection: Connection, sale_id: str, clusters: Sequence[Cluster]
) -> None:
    """Keep the clusters and forget where entries came from, within the transaction that seals."""
    content, tally = packed(clusters), Tally.of(clusters)
    await open_connection.execute(
        """INSERT INTO draw_clusters (sale_id, content, digest, entries, chances, histogram)
        VALUES (%s, %s, %s, %s, %s, %s)""",
        (sale_id, content, digest_of(content), tally.entries, tally.chances,
         msgspec.json.encode(histogram(clusters)).decode()),
    )  # fmt: skip
    await open_connection.execute("DELETE FROM roster_origins WHERE sale_id = %s", (sale_id,))


class ClusterRecords:
    """Reads what there is of the clusters of a draw."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def origins(self, sale_id: str) -> bytes:
        """Return where the entries of a roster came from, in its order."""
        rows = await self._rows(
            """SELECT cardinality(entry_numbers), coalesce(origins, '')
            FROM roster_chunks LEFT JOIN roster_origins USING (sale_id, chunk)
            WHERE sale_id = %s ORDER BY chunk""",
            sale_id,
        )
        return b"".join(
            cast("bytes", origins).ljust(ORIGIN_BYTES * cast("int", size), b"\0")
            for size, origins in rows
        )

    async def content(self, sale_id: str) -> bytes:
        """Return the clusters of a sealed draw as they are published."""
        rows = await self._rows("SELECT content FROM draw_clusters WHERE sale_id = %s", sale_id)
        return cast("bytes", rows[0][0]) if rows else b""

    async def _rows(self, statement: Any, sale_id: str) -> list[tuple[object, ...]]:
        async with connection(self._pool) as open_connection:
            return await (await open_connection.execute(statement, (sale_id,))).fetchall()
