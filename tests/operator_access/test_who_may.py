"""Each address of the operator listener has a policy, and nobody is let in who does not meet it."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from gateway.operator import account_api, health, sales_api
from gateway.operator.app import make_operator_app
from gateway.operator.operators import RANK, Caller
from gateway.operator.policies import (
    ROLES,
    SCOPES,
    Needs,
    Policy,
    PolicyMissing,
    prove_all_declared,
)
from gateway.operator.settings import OperatorSettings
from groundwork.clock import SystemTokenSource
from groundwork.postgres import Pool
from tests.operator_access.conftest import PASSWORD, TESTER, Desk, make_tour
from tests.security.manual_clock import ManualClock

ROUTES: list[tuple[str, str, Any, Policy]] = [
    route for hall in (health, account_api, sales_api) for route in hall.routes.declared
]
GUARDED = [
    (method, path, policy) for method, path, _, policy in ROUTES if isinstance(policy, Needs)
]


def address(path: str) -> str:
    return path.replace("{sale}", "tour")


async def test_a_route_without_a_policy_fails_the_start(pool: Pool) -> None:
    app = make_operator_app({}, OperatorSettings(), pool, ManualClock(), SystemTokenSource())

    async def forgotten(_request: web.Request) -> web.Response:
        return web.Response(text="secrets")

    app.router.add_get("/operator/api/forgotten", forgotten)
    runner = web.AppRunner(app)
    with pytest.raises(PolicyMissing, match="forgotten"):
        await runner.setup()
    await runner.cleanup()


async def test_a_route_that_came_later_is_refused(desk: Desk) -> None:
    with pytest.raises(PolicyMissing):
        app = web.Application()
        app.router.add_get("/late", health.live)
        prove_all_declared(app, {})
    browser = await desk.signed_in("ada", "admin")
    assert (await browser.ask("GET", "/operator/api/nothing")).status == 404
    assert (await browser.ask("PUT", "/operator/api/log")).status == 405


@pytest.mark.parametrize(("method", "path", "policy"), GUARDED)
async def test_nobody_gets_nothing(desk: Desk, method: str, path: str, policy: Needs) -> None:
    browser = await desk.browse()
    answer = await browser.ask(method, address(path), {} if method == "POST" else None)
    assert answer.status == 401, policy
    assert answer.body["type"].endswith("not-signed-in")


@pytest.mark.parametrize(
    "header",
    [
        b"Authorization: Bearer \xff",
        b"Authorization: \xff",
        b"Cookie: onsale-operator=\xff",
        b"Cookie: onsale-operator=\xff; onsale-operator-known=1.\xff",
    ],
)
async def test_bytes_that_are_no_text_open_nothing_and_are_no_bug(
    desk: Desk, header: bytes
) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    body = b'{"operator": "ada", "password": "%s"}' % PASSWORD.encode()
    for line, expected in (
        (b"GET /operator/api/me", 401),
        (b"GET /metrics", 200),
        (b"POST /operator/api/sign-out", 401),
        (b"POST /operator/api/sign-in", 200),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(desk.url.split(":")[-1]))
        writer.write(
            b"%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\nContent-Length: %d\r\n\r\n"
            % (line, header, len(body))
            + body
        )
        assert int((await reader.readline()).split()[1]) == expected, line
        writer.close()


@pytest.mark.parametrize("text", ["a\x00b", "\x00\x00\x00", "two\nlines"])
async def test_what_cannot_be_kept_is_refused(desk: Desk, pool: Pool, text: str) -> None:
    await make_tour(pool)
    boss = await desk.signed_in("boss", "admin")
    at = "/operator/api"
    for path, body, expected in (
        ("operators/remove", {"operator": text}, 404),
        ("operators", {"operator": text, "role": "viewer", "password": PASSWORD}, 400),
        ("tokens", {"purpose": text, "scopes": ["metrics"], "days": 1}, 400),
        ("tokens/revoke", {"token_id": text}, 404),
        ("sales/tour/pause", {"reason": text}, 400),
        ("sales/tour/set", {"reason": text, "burst": 2}, 400),
        ("sales/tour/set", {"reason": "a reason", "message": text}, 200 if "\n" in text else 400),
    ):
        assert (await boss.ask("POST", f"{at}/{path}", body)).status == expected, path
    for name in ("%00", "%FF", "a%00b", "TOUR"):
        answer = await boss.ask("POST", f"{at}/sales/{name}/pause", {"reason": "a reason"})
        assert answer.status == 404, name
        assert answer.body["type"].endswith("sale-not-found")


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_opens_what_it_should_and_nothing_above(desk: Desk, role: Any) -> None:
    browser = await desk.signed_in("ada", role)
    for method, path, policy in GUARDED:
        if "sign-out" in path:
            continue
        answer = await browser.ask(method, address(path), {} if method == "POST" else None)
        may = RANK[role] >= RANK[policy.role]
        assert (answer.status != 403) is may, (role, path, answer)
        assert answer.status < 500


async def test_what_an_admin_closed_only_an_admin_opens(desk: Desk, pool: Pool) -> None:
    await make_tour(pool)
    boss, ada = await desk.signed_in("boss", "admin"), await desk.signed_in("ada", "operator")
    at, body = "/operator/api/sales/tour", {"reason": "a reason"}
    assert (await boss.ask("POST", f"{at}/close", body)).body["phase"] == "closed"
    for action in ("resume", "pause", "drain"):
        refused = await ada.ask("POST", f"{at}/{action}", body)
        assert (refused.status, refused.body["needs"]) == (403, "admin"), action
        assert refused.body["type"].endswith("not-allowed")
    set_in_it = {**body, "message": "It was a great evening"}
    assert (await ada.ask("POST", f"{at}/set", set_in_it)).body["phase"] == "closed"
    token = await desk.operators.make_token(TESTER, "boss", "console", ["sales:write"], 1)
    bearer = {"Authorization": f"Bearer {token}"}
    program = await desk.browse()
    assert (await program.ask("POST", f"{at}/drain", body, bearer)).status == 200
    assert (await ada.ask("POST", f"{at}/resume", body)).body["phase"] == "open"


async def test_a_token_opens_its_scopes_alone(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", "a password nobody guesses")
    for scope in SCOPES:
        token = await desk.operators.make_token(TESTER, "ada", "test", [scope], 1)
        browser = await desk.browse()
        for method, path, policy in GUARDED:
            answer = await browser.ask(
                method,
                address(path),
                {} if method == "POST" else None,
                {"Authorization": f"Bearer {token}"},
            )
            assert (answer.status != 403) is (policy.scope == scope), (scope, path, answer)


def test_a_token_is_never_more_than_its_owner() -> None:
    everything = frozenset(SCOPES)
    for role in ROLES:
        caller = Caller("ada", role, "token x", everything)
        assert caller.may(Needs("admin", "log:read")) is (role == "admin")
    assert not Caller("ada", "admin", "token x", everything).may(Needs("viewer", None))


async def test_numbers_are_for_machines_nearby_and_for_tokens(desk: Desk, far_desk: Desk) -> None:
    near, far = await desk.browse(), await far_desk.browse()
    assert (await near.ask("GET", "/metrics")).status == 200
    # A proxy on this machine speaks for somebody who is not.
    forwarded = {"X-Forwarded-For": "127.0.0.1"}
    assert (await near.ask("GET", "/metrics", headers=forwarded)).status == 401
    assert (await far.ask("GET", "/metrics")).status == 401
    await far_desk.operators.add(TESTER, "scraper", "viewer", "a password nobody guesses")
    for scope, expected in (("metrics", 200), ("sales:read", 403)):
        token = await far_desk.operators.make_token(TESTER, "scraper", "scrape", [scope], 1)
        answer = await far.ask("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status == expected
    for path in ("/health/live", "/health/ready"):
        assert (await far.ask("GET", path)).status == 200


@pytest.mark.parametrize(
    "path", ["/health/live", "/metrics", "/operator/api/me", "/nothing", "/operator/api/sign-in"]
)
async def test_every_answer_is_safe_in_a_browser(far_desk: Desk, path: str) -> None:
    answer = await (await far_desk.browse()).ask("GET", path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Server" not in answer.headers
