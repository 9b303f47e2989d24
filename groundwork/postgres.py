"""PostgreSQL: one pool per process, and the answer of a refusal when it does not answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from groundwork import metrics
from groundwork.errors import StoreUnavailable

# A statement that takes longer than this is stuck behind something; the fan is better told.
STATEMENT_TIMEOUT_MS = 5_000
# Claims are one short statement each; whoever waits longer for a row waits for a dead client.
LOCK_TIMEOUT_MS = 3_000
# A transaction left open holds rows against everybody else.
IDLE_TRANSACTION_TIMEOUT_MS = 10_000
# More waiting than this means the database is down or drowned: say 503 at once.
POOL_TIMEOUT_SECONDS = 5.0

# What a connection has asked so often it will ask again; there are some dozens of statements in all.
PREPARED_AFTER = 2

Pool = AsyncConnectionPool[psycopg.AsyncConnection[tuple[object, ...]]]


@asynccontextmanager
async def open_pool(
    dsn: str, *, size_max: int = 8, application: str = "onsale", prepares: bool = True
) -> AsyncIterator[Pool]:
    """Yield an open pool of autocommit connections; closes it on the way out.

    Eight connections: one process does at most a few statements at once, and N processes times
    eight must stay under the server's limit of connections. `prepares`: statements that come again
    are parsed and planned once for each connection.
    """
    pool: Pool = AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=size_max,
        timeout=POOL_TIMEOUT_SECONDS,
        open=False,
        kwargs={
            "autocommit": True,
            "prepare_threshold": PREPARED_AFTER if prepares else None,
            "application_name": application,
            "connect_timeout": 5,
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
                f" -c idle_in_transaction_session_timeout={IDLE_TRANSACTION_TIMEOUT_MS}"
                " -c timezone=UTC"
            ),
        },
    )
    async with pool:
        yield pool


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
    """Yield a pooled connection; raises StoreUnavailable when the database cannot be reached.

    What happened to a statement whose connection was lost is unknown: whoever writes must be able
    to ask again.
    """
    try:
        async with pool.connection() as open_connection:
            yield open_connection
    except (PoolTimeout, psycopg.OperationalError) as error:
        metrics.STORE_ERRORS.labels("postgres").inc()
        raise StoreUnavailable(retry_after=2) from error
