"""Faults of PostgreSQL: processes and connections ended, tables locked."""

import signal

from psycopg import sql

from onsale.prove.faults import Harm, NotFired, fault
from onsale.prove.process_faults import signal_all


@fault("postgres-backend-killed")
async def postgres_backend_killed(harm: Harm) -> str:
    """A process of PostgreSQL is killed; the whole server recovers."""
    async with harm.house.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'onsale' ORDER BY random() LIMIT 1"
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFired
    pid = int(str(row[0]))
    signal_all([pid], signal.SIGKILL)
    await until_postgres_answers(harm)
    return f"process {pid}"


async def until_postgres_answers(harm: Harm) -> None:
    """Return once it takes statements again. Raises CannotStart when it does not come back."""
    await harm.house.machines["postgres"].start()


@fault("postgres-connections-ended")
async def postgres_connections_ended(harm: Harm) -> str:
    """The administrator ends all our connections, in the middle of whatever they do."""
    async with harm.house.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name <> 'prove'"
        )
        row = await cursor.fetchone()
    return f"{row[0] if row else 0} connections"


async def locked(harm: Harm, table: str) -> str:
    """Keep a table to ourselves for longer than a statement may wait for a lock."""
    async with harm.house.pool.connection() as connection, connection.transaction():
        await connection.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(table)))
        await harm.last((1_000, 4_500))
    return table


@fault("orders-locked")
async def orders_locked(harm: Harm) -> str:
    """Somebody's migration holds the orders."""
    return await locked(harm, "orders")


@fault("claims-locked")
async def claims_locked(harm: Harm) -> str:
    """Somebody holds the claims: whoever has an order open waits or gives up."""
    return await locked(harm, "seat_claims")
