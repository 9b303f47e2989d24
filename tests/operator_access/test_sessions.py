"""Signing in, staying in, and being let in no more."""

import asyncio

import pytest

from gateway.operator.operators import IDLE_MS, SESSION_MS
from gateway.operator.passwords import (
    FREE_TRIES,
    HASHER,
    WAIT_MAX_MS,
    PasswordWeak,
    hash_password,
    wait_ms,
)
from groundwork.postgres import Pool
from tests.operator_access.conftest import PASSWORD, TESTER, Desk

ME = "/operator/api/me"


async def test_who_signs_in_is_known_until_they_sign_out(desk: Desk) -> None:
    browser = await desk.signed_in("ada", "operator")
    found = await browser.ask("GET", ME)
    assert (found.body["operator"], found.body["role"]) == ("ada", "operator")
    stolen = {"Cookie": "; ".join(f"{c.key}={c.value}" for c in browser.session.cookie_jar)}
    assert (await browser.ask("POST", "/operator/api/sign-out")).status == 200
    assert (await browser.ask("GET", ME)).status == 401
    # Ended here, and not only forgotten by the browser.
    assert (await (await desk.browse()).ask("GET", ME, headers=stolen)).status == 401


async def test_the_cookie_is_kept_from_pages_and_other_sites(desk: Desk, far_desk: Desk) -> None:
    for where, name, is_secure in (
        (desk, "onsale-operator", False),
        (far_desk, "__Host-onsale-operator", True),
    ):
        await where.operators.add(TESTER, "ada", "viewer", PASSWORD)
        cookies = (await (await where.browse()).sign_in("ada")).headers.getall("Set-Cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == [name, f"{name}-known"]
        for cookie in cookies:
            for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
                assert part in cookie
            assert ("Secure" in cookie) is is_secure
            assert "Domain" not in cookie


async def test_wrong_names_and_wrong_passwords_look_the_same(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    browser = await desk.browse()
    wrong = await browser.sign_in("ada", "not the password at all")
    nobody = await browser.sign_in("nobody", "not the password at all")
    assert wrong.status == nobody.status == 401
    for body in (wrong.body, nobody.body):
        body.pop("instance", None)
    assert wrong.body == nobody.body
    assert "Set-Cookie" not in wrong.headers


async def test_signing_in_makes_a_new_session_and_ends_the_old(desk: Desk) -> None:
    browser = await desk.signed_in("ada", "viewer")
    before = {c.value for c in browser.session.cookie_jar if c.key == "onsale-operator"}
    old = {"Cookie": f"onsale-operator={next(iter(before))}"}
    assert (await browser.sign_in("ada")).status == 200
    assert before.isdisjoint({cookie.value for cookie in browser.session.cookie_jar})
    assert (await (await desk.browse()).ask("GET", ME, headers=old)).status == 401
    # A secret that somebody else planted is never taken over.
    planted = await desk.browse()
    body = {"operator": "ada", "password": PASSWORD}
    cookie = {"Cookie": "onsale-operator=planted"}
    answer = await planted.ask("POST", "/operator/api/sign-in", body, cookie)
    assert answer.status == 200
    assert "planted" not in answer.headers["Set-Cookie"]
    assert (await (await desk.browse()).ask("GET", ME, headers=cookie)).status == 401


async def test_a_session_ends_when_nobody_is_there_and_at_last(desk: Desk) -> None:
    browser = await desk.signed_in("ada", "viewer")
    desk.clock.at_ms += IDLE_MS
    assert (await browser.ask("GET", ME)).status == 200
    desk.clock.at_ms += IDLE_MS + 1
    assert (await browser.ask("GET", ME)).status == 401
    await browser.sign_in("ada")
    for _ in range(SESSION_MS // IDLE_MS):
        assert (await browser.ask("GET", ME)).status == 200
        desk.clock.at_ms += IDLE_MS
    desk.clock.at_ms += 1
    assert (await browser.ask("GET", ME)).status == 401


async def test_who_is_removed_or_gets_a_new_password_is_out(desk: Desk) -> None:
    boss = await desk.signed_in("boss", "admin")
    ada = await desk.signed_in("ada", "operator")
    body = {"operator": "ada", "role": "viewer", "password": "another password here"}
    assert (await boss.ask("POST", "/operator/api/operators", body)).status == 201
    assert (await ada.ask("GET", ME)).status == 401
    assert (await ada.sign_in("ada")).status == 401
    assert (await ada.sign_in("ada", "another password here")).body["role"] == "viewer"
    token = await desk.operators.make_token(TESTER, "ada", "test", ["sales:read"], 1)
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await (await desk.browse()).ask("GET", ME, headers=bearer)).status == 200
    assert (
        await boss.ask("POST", "/operator/api/operators/remove", {"operator": "ada"})
    ).status == 200
    assert (await ada.ask("GET", ME)).status == 401
    assert (await (await desk.browse()).ask("GET", ME, headers=bearer)).status == 401
    assert (
        await boss.ask("POST", "/operator/api/operators/remove", {"operator": "ada"})
    ).status == 404


async def test_an_old_password_gives_no_session_once_there_is_a_new_one(
    desk: Desk, pool: Pool
) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    browser = await desk.browse()
    # What `add` does, held up just before its end.
    async with pool.connection() as db, pool.connection() as watcher, db.transaction():
        await db.execute("UPDATE operators SET password_hash = 'another' WHERE operator = 'ada'")
        await db.execute("DELETE FROM operator_sessions WHERE operator = 'ada'")
        signing_in = asyncio.create_task(browser.sign_in("ada"))
        waiting = None
        while waiting != (1,) and not signing_in.done():
            await asyncio.sleep(0.01)
            cursor = await watcher.execute(
                """SELECT count(*) FROM pg_stat_activity
                        WHERE wait_event_type = 'Lock' AND datname = current_database()"""
            )
            waiting = await cursor.fetchone()
    assert (await signing_in).status == 401
    assert (await browser.ask("GET", ME)).status == 401


async def test_guessing_is_slowed_down_and_the_right_one_waits_too(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    browser = await desk.browse()
    for _ in range(FREE_TRIES):
        assert (await browser.sign_in("ada", "wrong wrong wrong")).status == 401
    refused = await browser.sign_in("ada")
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    desk.clock.at_ms += 1_000 * int(refused.headers["Retry-After"])
    assert (await browser.sign_in("ada")).status == 200
    # Right again: mistakes are forgiven.
    assert (await browser.sign_in("ada", "wrong wrong wrong")).status == 401
    assert (await browser.sign_in("ada")).status == 200


async def test_many_guesses_at_once_are_no_way_around(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    browser = await desk.browse()
    answers = await asyncio.gather(
        *(browser.sign_in("ada", f"wrong wrong {n}") for n in range(3 * FREE_TRIES))
    )
    assert sorted(answer.status for answer in answers) == [401] * FREE_TRIES + [429] * (
        2 * FREE_TRIES
    )


def test_waits_grow_and_have_an_end() -> None:
    waits = [wait_ms(wrong, FREE_TRIES) for wrong in range(40)]
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES
    assert waits == sorted(waits)
    assert waits[-1] == WAIT_MAX_MS


async def test_only_hashes_are_kept(desk: Desk, pool: Pool) -> None:
    browser = await desk.signed_in("ada", "admin")
    secrets = [cookie.value for cookie in browser.session.cookie_jar]
    secrets.append(await desk.operators.make_token(TESTER, "ada", "test", ["metrics"], 1))
    secrets.append(PASSWORD)
    async with pool.connection() as connection:
        for table in ("operators", "operator_sessions", "operator_tokens", "operator_log"):
            cursor = await connection.execute(f"SELECT t::text FROM {table} t")
            text = " ".join(str(row[0]) for row in await cursor.fetchall())
            assert not [secret for secret in secrets if secret in text], table
        cursor = await connection.execute("SELECT password_hash FROM operators")
        (kept,) = (str(row[0]) for row in await cursor.fetchall())
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert HASHER.verify(kept, PASSWORD)


@pytest.mark.parametrize("password", ["short", "x" * 257, "aaaaaaaaaaaaaaaa", "ababababababab"])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(PasswordWeak):
        hash_password(password)
