"""The operator listener on a real database, with a clock that the tests move."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from gateway.operator.app import make_operator_app
from gateway.operator.operator_log import Doer
from gateway.operator.operators import Operators
from gateway.operator.policies import Role
from gateway.operator.settings import OperatorSettings
from groundwork.clock import SystemTokenSource
from groundwork.postgres import Pool
from tests.security.manual_clock import ManualClock

PASSWORD = "a password nobody guesses"
TESTER = Doer("tester", "test")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: dict[str, Any]
    headers: Any


class Browser:
    """Somebody at the operator listener, with cookies and, once signed in, the CSRF token."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session
        self.csrf = ""

    async def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        given = {"X-CSRF-Token": self.csrf} if self.csrf else {}
        async with self.session.request(
            method, self.url + path, json=body, headers={**given, **(headers or {})}
        ) as answer:
            is_json = "json" in answer.content_type
            return Answer(answer.status, await answer.json() if is_json else {}, answer.headers)

    async def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        answer = await self.ask(
            "POST", "/operator/api/sign-in", {"operator": name, "password": password}
        )
        self.csrf = answer.body.get("csrf_token", "")
        return answer


@dataclass(frozen=True)
class Desk:
    """The listener, its accounts, and new browsers in front of it."""

    url: str
    operators: Operators
    clock: ManualClock
    browse: Callable[[], Awaitable[Browser]]

    async def signed_in(self, name: str, role: Role) -> Browser:
        """Return a new browser of a new operator of this role."""
        await self.operators.add(TESTER, name, role, PASSWORD)
        browser = await self.browse()
        assert (await browser.sign_in(name)).status == 200
        return browser


async def make_tour(pool: Pool) -> None:
    """Put the sale `tour` there, open, whatever a test before made of it."""
    async with pool.connection() as connection:
        await connection.execute(
            """INSERT INTO sales (sale_id, name, state, opens_at, rate_per_minute, burst, capacity)
                VALUES ('tour', 'Tour', 'open', '2026-01-01', 60, 1, 10)
                ON CONFLICT (sale_id) DO UPDATE SET state = 'open', rate_per_minute = 60"""
        )


async def opened(pool: Pool, settings: OperatorSettings) -> AsyncIterator[Desk]:
    async with pool.connection() as connection:
        await connection.execute(
            "TRUNCATE operator_sessions, operator_tokens, operator_wrong_passwords, operators"
        )
    clock, names = ManualClock(), SystemTokenSource()
    sessions: list[aiohttp.ClientSession] = []
    app = make_operator_app({}, settings, pool, clock, names)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")

        async def browse() -> Browser:
            session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
            sessions.append(session)
            return Browser(url, session)

        yield Desk(url, Operators(pool, clock, names), clock, browse)
        for session in sessions:
            await session.close()


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async for found in opened(pool, OperatorSettings()):
        yield found


@pytest.fixture
async def far_desk(pool: Pool) -> AsyncIterator[Desk]:
    """One for which this machine is not near, and whose operators come over https."""
    settings = OperatorSettings(metrics_from="192.0.2.0/24", operator_url="https://desk.example")
    async for found in opened(pool, settings):
        yield found
