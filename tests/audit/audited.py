"""Orders to audit, ways to spoil them, and what an audit says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from booking_core.audit.auditor import Audited
from tests.support.fan import Fan
from tests.support.shop import Shop


async def sold(shop: Shop, event: str, *seats: str) -> str:
    """An order that is sold and settled."""
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, *seats))
    assert reply.status == 201, reply
    await shop.settle()
    return str(reply.json["booking_id"])


async def audit(shop: Shop, *events: str, repairs: bool = False) -> Audited:
    audited = await shop.parts.auditor.audit(events, repairs=repairs)
    assert audited is not None
    return audited


async def found(shop: Shop, *events: str, repairs: bool = False) -> list[tuple[str, str]]:
    """What kinds of finding there are, and about what."""
    audited = await audit(shop, *events, repairs=repairs)
    assert audited.failed == ()
    return [(finding.kind, finding.about) for finding in audited.findings]


@asynccontextmanager
async def spoilt(shop: Shop, spoil: str, mend: str, *values: object) -> AsyncIterator[None]:
    """Change the ledger as no part of the program may, guards off, and back again."""
    await as_nobody_may(shop, spoil, *values)
    try:
        yield
    finally:
        await as_nobody_may(shop, mend, *values)


async def as_nobody_may(shop: Shop, statement: str, *values: object) -> None:
    async with shop.pool.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")  # no triggers
        await connection.execute(statement.encode(), values)
