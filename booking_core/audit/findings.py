"""The record of findings: what was found, since when, and what has gone away again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from booking_core import metrics
from booking_core.audit.finding import KINDS, Finding
from groundwork.postgres import Pool, connection

# What a person can look through; the rest is counted.
LISTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """A finding as it is kept. `resolved_at` None: it still stands."""

    kind: str
    event_id: str
    about: str
    detail: str
    found_at: datetime
    seen_at: datetime
    resolved_at: datetime | None
    is_repaired: bool


class Findings:
    """Findings in PostgreSQL."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def note(self, kinds: Collection[str], found: Sequence[Finding]) -> None:
        """Keep what was found; what of these kinds was not found again is resolved."""
        async with connection(self._pool) as open_connection, open_connection.transaction():
            for finding in found:
                cursor = await open_connection.execute(
                    """INSERT INTO audit_findings AS f
                        (kind, event_id, about, detail, is_repaired, resolved_at)
                    VALUES (%s, %s, %s, %s, %s, CASE WHEN %s THEN now() END)
                    ON CONFLICT (kind, event_id, about) DO UPDATE SET
                        detail = excluded.detail, seen_at = now(),
                        found_at = CASE WHEN f.resolved_at IS NULL THEN f.found_at ELSE now() END,
                        is_repaired = excluded.is_repaired, resolved_at = excluded.resolved_at
                    RETURNING found_at = now()""",
                    (finding.kind, finding.event_id, finding.about, finding.detail,
                     finding.is_repaired, finding.is_repaired),
                )  # fmt: skip
                if await cursor.fetchone() == (True,):
                    metrics.AUDIT_FOUND.labels(finding.kind).inc()
            await open_connection.execute(
                """UPDATE audit_findings SET resolved_at = now()
                WHERE resolved_at IS NULL AND kind = ANY (%s::text[]) AND seen_at < now()""",
                (list(kinds),),
            )

    async def count_open(self) -> dict[str, int]:
        """Return how many of each kind stand, the kinds without any among them."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT kind, count(*) FROM audit_findings WHERE resolved_at IS NULL GROUP BY kind"
            )
            found = {str(kind): int(str(count)) for kind, count in await cursor.fetchall()}
        return dict.fromkeys(KINDS, 0) | found

    async def read(self, *, with_resolved: bool = False) -> list[RecordedFinding]:
        """Return the findings that stand, newest first, or all there ever were."""
        async with connection(self._pool) as open_connection:
            cursor = open_connection.cursor(row_factory=class_row(RecordedFinding))
            await cursor.execute(
                """SELECT kind, event_id, about, detail, found_at, seen_at, resolved_at, is_repaired
                FROM audit_findings WHERE %s OR resolved_at IS NULL
                ORDER BY found_at DESC, kind, about LIMIT %s""",
                (with_resolved, LISTED_MAX),
            )
            return await cursor.fetchall()

    async def open_payments(self, limit: int) -> list[str]:
        """Return the payments that open findings are about, for them to be looked at again."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT DISTINCT about FROM audit_findings
                WHERE resolved_at IS NULL AND kind = ANY (%s::text[]) LIMIT %s""",
                (list(_PAYMENT_KINDS), limit),
            )
            return [str(row[0]) for row in await cursor.fetchall()]


_PAYMENT_KINDS = (
    "money_without_sale", "reserved_without_order", "sale_without_money", "amount_differs",
)  # fmt: skip
