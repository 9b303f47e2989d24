"""The operator listener, put together; alone, or beside another part."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from gateway.operator.app import make_operator_app
from gateway.operator.health import Check
from gateway.operator.settings import OperatorSettings
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.metrics import process_metrics
from groundwork.postgres import open_pool
from groundwork.redis_store import open_store
from onsale.roots import serving, until_stopped
from onsale.settings import Settings


async def run_operator(
    settings: Settings, operator: OperatorSettings, host: str, port: int
) -> None:
    """Serve health, metrics and operators, apart from everything fans can reach."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.redis_url))
        pool = await stack.enter_async_context(
            open_pool(
                settings.database_url,
                size_max=2,
                application="onsale operator",
                prepares=settings.database_prepares,
            )
        )

        async def redis_answers() -> None:
            await store.client.ping()

        async def postgres_answers() -> None:
            async with pool.connection() as connection:
                await connection.execute("SELECT 1")

        checks: dict[str, Check] = {"redis": redis_answers, "postgres": postgres_answers}
        if settings.public_port:
            checks["gateway"] = _answers(settings.public_host, settings.public_port)
        app = make_operator_app(checks, operator, pool, clock, SystemTokenSource())
        await stack.enter_async_context(process_metrics("operator", clock))
        await stack.enter_async_context(serving(app, host, port))
        await until_stopped()


def _answers(host: str, port: int) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()

    return check


async def with_operator(
    main: Coroutine[Any, Any, None],
    settings: Settings,
    operator: OperatorSettings,
    operator_port: int | None,
) -> None:
    """Run a part, with its operator listener beside it where a port for that is given."""
    if operator_port is None:
        await main
        return
    # For containers: each has its own listener, reachable from the others.
    tasks = (
        asyncio.ensure_future(main),
        asyncio.ensure_future(
            run_operator(settings, operator, "0.0.0.0", operator_port)  # noqa: S104
        ),
    )
    # Whichever ends first ends the other: nobody runs without the health that others look at.
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
