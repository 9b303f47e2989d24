"""Tokens for programs: shown once, bounded, revoked."""

from typing import Any

import pytest

from tests.operator_access.conftest import PASSWORD, TESTER, Browser, Desk

DAY_MS = 24 * 60 * 60_000
GOOD: dict[str, Any] = {"purpose": "deploys", "scopes": ["sales:read"], "days": 2}


async def status_of(browser: Browser, token: str, kind: str = "Bearer") -> int:
    headers = {"Authorization": f"{kind} {token}"}
    return (await browser.ask("GET", "/operator/api/sales", headers=headers)).status


async def test_a_token_counts_until_its_end(desk: Desk) -> None:
    ada, program = await desk.signed_in("ada", "viewer"), await desk.browse()
    made = await ada.ask("POST", "/operator/api/tokens", GOOD)
    token = made.body["token"]
    assert token.startswith("onsale_")
    assert await status_of(program, token) == 200
    assert await status_of(program, token[:-1]) == 401
    assert await status_of(program, token, "Basic") == 401
    desk.clock.at_ms += 2 * DAY_MS - 1
    assert await status_of(program, token) == 200
    desk.clock.at_ms += 1
    assert await status_of(program, token) == 401


async def test_a_revoked_token_counts_no_more(desk: Desk) -> None:
    boss, program = await desk.signed_in("boss", "admin"), await desk.browse()
    token = (await boss.ask("POST", "/operator/api/tokens", GOOD)).body["token"]
    entries = (await boss.ask("GET", "/operator/api/log")).body["entries"]
    token_id = (
        next(entry["details"] for entry in entries if entry["action"] == "make-token")
        .partition('"token_id":"')[2]
        .partition('"')[0]
    )
    revoke = ("POST", "/operator/api/tokens/revoke", {"token_id": token_id})
    assert (await boss.ask(*revoke)).status == 200
    assert await status_of(program, token) == 401
    assert (await boss.ask(*revoke)).status == 404


async def test_a_new_password_leaves_nothing_to_who_had_crept_in(desk: Desk) -> None:
    intruder, program = await desk.signed_in("ada", "admin"), await desk.browse()
    token = (await intruder.ask("POST", "/operator/api/tokens", GOOD)).body["token"]
    assert await status_of(program, token) == 200
    await desk.operators.add(TESTER, "ada", "admin", "another password of hers")
    assert await status_of(program, token) == 401
    assert (await intruder.ask("GET", "/operator/api/me")).status == 401


async def test_who_comes_back_gets_no_old_token_back(desk: Desk) -> None:
    ada, bob, program = (
        *[await desk.signed_in(name, "admin") for name in ("ada", "bob")],
        await desk.browse(),
    )
    token = (await ada.ask("POST", "/operator/api/tokens", GOOD)).body["token"]
    others = (await bob.ask("POST", "/operator/api/tokens", GOOD)).body["token"]
    await desk.operators.remove(TESTER, "ada")
    await desk.operators.add(TESTER, "ada", "viewer", PASSWORD)
    assert await status_of(program, token) == 401
    assert await status_of(program, others) == 200, "nobody else's ends with it"


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []}, {"scopes": ["everything"]}, {"days": 0}, {"days": 367}, {"purpose": " "},
        {"purpose": "x" * 101}, {"more": 1},
    ],
)  # fmt: skip
async def test_what_is_no_token_is_refused(desk: Desk, wrong: dict[str, Any]) -> None:
    browser = await desk.signed_in("ada", "admin")
    assert (await browser.ask("POST", "/operator/api/tokens", {**GOOD, **wrong})).status == 400


async def test_a_token_makes_no_tokens(desk: Desk) -> None:
    ada, program = await desk.signed_in("ada", "admin"), await desk.browse()
    token = (
        await ada.ask("POST", "/operator/api/tokens", {**GOOD, "scopes": ["operators:write"]})
    ).body["token"]
    answer = await program.ask(
        "POST", "/operator/api/tokens", GOOD, {"Authorization": f"Bearer {token}"}
    )
    assert answer.status == 403
