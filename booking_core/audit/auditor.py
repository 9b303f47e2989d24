"""One audit after another: compare, record, put right, count."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from booking_core import metrics
from booking_core.audit.finding import KINDS, PARTS, Finding
from booking_core.audit.findings import Findings
from booking_core.audit.ledger_check import check_ledger
from booking_core.audit.provider_check import Money, ProviderCheck
from booking_core.audit.store_check import StoreCheck
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection

# Any number, the same everywhere: one audit at a time, also with several workers.
AUDIT_LOCK = 7_305_002
# What the worker lists of the provider in each pass: the newest two thousand payments, a quarter of
# what it may ask Stripe in ten seconds. `onsale audit` lists all.
WORKER_PAGES_MAX = 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Audited:
    """What one audit led to; `failed` are parts that could not be compared."""

    findings: tuple[Finding, ...]
    failed: tuple[str, ...]
    money: Money

    @property
    def is_balanced(self) -> bool:
        """Whether everything was compared and nothing is wrong that was not put right."""
        return not self.failed and all(finding.is_repaired for finding in self.findings)


class Auditor:
    """Compares PostgreSQL with itself, with Redis, with the provider; PostgreSQL is always right."""

    def __init__(
        self, pool: Pool, store_check: StoreCheck, provider_check: ProviderCheck, findings: Findings
    ) -> None:
        self._pool = pool
        self._store_check = store_check
        self._provider_check = provider_check
        self._findings = findings
        for kind in KINDS:  # so that the first of each is seen as a step
            metrics.AUDIT_FOUND.labels(kind)

    async def audit(
        self, event_ids: Sequence[str], *, repairs: bool, pages_max: int | None = None
    ) -> Audited | None:
        """Compare everything once, or None when somebody else is at it. May be repeated."""
        async with self._alone() as is_ours:
            if not is_ours:
                return None
            money = Money()

            async def ledger() -> list[Finding]:
                return await check_ledger(self._pool)

            async def store() -> list[Finding]:
                epoch = await self._epoch()
                return [
                    finding
                    for event_id in event_ids
                    for finding in await self._store_check.check(event_id, epoch, repairs=repairs)
                ]

            async def provider() -> list[Finding]:
                nonlocal money
                found, money = await self._provider_check.check(pages_max)
                return found

            findings: list[Finding] = []
            failed = []
            for part, check in (("ledger", ledger), ("store", store), ("provider", provider)):
                found = await self._part(part, check)
                failed += [part] if found is None else []
                findings += found or []
            for kind, count in (await self._findings.count_open()).items():
                metrics.AUDIT_FINDINGS.labels(kind).set(count)
            return Audited(tuple(findings), tuple(failed), money)

    async def _part(
        self, part: str, check: Callable[[], Awaitable[list[Finding]]]
    ) -> list[Finding] | None:
        try:
            found = await check()
            await self._findings.note(PARTS[part].keys(), found)
        except StoreUnavailable:
            metrics.AUDITS.labels(part, "failed").inc()
            log.warning("an audit could not be made", part=part)
            return None
        metrics.AUDITS.labels(part, "done").inc()
        metrics.AUDIT_REPAIRS.inc(sum(finding.is_repaired for finding in found))
        for finding in found:
            log.error(
                "an audit found something", kind=finding.kind, event_id=finding.event_id,
                about=finding.about, detail=finding.detail, is_repaired=finding.is_repaired,
            )  # fmt: skip
        return found

    async def _epoch(self) -> int:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute("SELECT epoch FROM store_epoch")
            row = await cursor.fetchone()
        assert row is not None
        return int(str(row[0]))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        async with connection(self._pool) as held:
            cursor = await held.execute("SELECT pg_try_advisory_lock(%s)", (AUDIT_LOCK,))
            is_ours = await cursor.fetchone() == (True,)
            try:
                yield is_ours
            finally:
                if is_ours:
                    await held.execute("SELECT pg_advisory_unlock(%s)", (AUDIT_LOCK,))
