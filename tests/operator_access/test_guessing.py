"""Guessing passwords: slow from one address, slow for one name, and nobody is kept out by it for long."""

import asyncio
from itertools import count

import pytest

from gateway.operator import sign_in_tries
from gateway.operator.operators import Operators
from gateway.operator.passwords import (
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    NAME_WAIT_MAX_MS,
    Passwords,
)
from gateway.operator.sign_in_tries import KNOWN_MS, known_browser
from groundwork.edge_errors import NotSignedIn
from groundwork.errors import TooManyRequests
from tests.operator_access.conftest import PASSWORD, TESTER, Desk

FREE_TRIES_OF_NAME = 10
WRONG = "not the password at all"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count a few tries of a name instead of a hundred, and compare instead of hashing for each."""
    hashes = count()

    async def is_right(_: Passwords, password_hash: str | None, password: str) -> bool:
        return password_hash is not None and password == PASSWORD

    async def hashed(_: Passwords, password: str) -> str:
        return f"{next(hashes)} is another one for each time"

    monkeypatch.setattr(Passwords, "is_right", is_right)
    monkeypatch.setattr(Passwords, "hashed", hashed)
    monkeypatch.setattr(sign_in_tries, "FREE_TRIES_OF_NAME", FREE_TRIES_OF_NAME)


async def guess(
    operators: Operators, name: str, address: str, password: str = WRONG, known: str = ""
) -> int:
    """Try; 0 when it was looked at and wrong, -1 when it was right, else how long to wait."""
    try:
        await operators.sign_in(name, password, address, known)
    except NotSignedIn:
        return 0
    except TooManyRequests as refusal:
        return refusal.retry_after
    return -1


async def test_one_address_does_not_try_every_name(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    tries = [await guess(desk.operators, f"n{n}", "192.0.2.1") for n in range(30)]
    assert tries[:FREE_TRIES_OF_ADDRESS] == [0] * FREE_TRIES_OF_ADDRESS
    assert all(wait > 0 for wait in tries[FREE_TRIES_OF_ADDRESS:])
    assert await guess(desk.operators, "ada", "192.0.2.1", PASSWORD) > 0
    assert await guess(desk.operators, "ada", "192.0.2.2", PASSWORD) == -1, "another address"


async def test_all_addresses_of_a_network_of_ipv6_are_one(desk: Desk) -> None:
    tries = [
        await guess(desk.operators, f"n{n}", f"2001:db8:0:1::{n + 1:x}")
        for n in range(FREE_TRIES_OF_ADDRESS + 1)
    ]
    assert [wait > 0 for wait in tries] == [False] * FREE_TRIES_OF_ADDRESS + [True]
    assert await guess(desk.operators, "n0", "2001:db8:0:2::1") == 0


async def flooded(desk: Desk, name: str = "ada") -> int:
    """Guess for a name from new addresses until it takes as long as ever; what the next one waits."""
    for n in range(FREE_TRIES_OF_NAME + 16):
        wait = await guess(desk.operators, name, f"198.51.100.{n}")
        desk.clock.at_ms += 1_000 * wait  # as soon as it may
    return await guess(desk.operators, name, "203.0.113.1")


async def test_many_addresses_do_not_guess_one_name_for_long(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    free = [
        await guess(desk.operators, "ada", f"198.51.100.{n}") for n in range(FREE_TRIES_OF_NAME)
    ]
    assert free == [0] * FREE_TRIES_OF_NAME
    assert await guess(desk.operators, "ada", "203.0.113.1") > 0
    assert await flooded(desk) * 1_000 == NAME_WAIT_MAX_MS
    assert await guess(desk.operators, "bob", "203.0.113.1") == 0, "other names are others"


async def test_an_operator_at_a_new_desk_waits_half_a_minute_at_most(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    assert await flooded(desk) * 1_000 == NAME_WAIT_MAX_MS
    # Whoever asks meanwhile makes it no longer.
    for n in range(5):
        assert await guess(desk.operators, "ada", f"203.0.113.{n}") * 1_000 <= NAME_WAIT_MAX_MS
    desk.clock.at_ms += NAME_WAIT_MAX_MS
    assert await guess(desk.operators, "ada", "203.0.113.9", PASSWORD) == -1


async def test_a_browser_that_signed_in_before_is_kept_out_by_nobody(desk: Desk) -> None:
    browser = await desk.signed_in("ada", "admin")  # from 127.0.0.1
    await flooded(desk)
    for n in range(FREE_TRIES_OF_ADDRESS + 1):
        await guess(desk.operators, f"n{n}", "127.0.0.1")
    for _ in range(FREE_TRIES + 1):
        await guess(desk.operators, "ada", "127.0.0.1")
    assert (await (await desk.browse()).sign_in("ada")).status == 429, "a stranger beside it"
    assert (await browser.sign_in("ada")).status == 200
    assert (await browser.ask("POST", "/operator/api/sign-out")).status == 200
    assert (await browser.sign_in("ada")).status == 200, "known also after signing out"


async def test_a_stolen_cookie_buys_as_few_guesses_as_an_address(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    _, _, known = await desk.operators.sign_in("ada", PASSWORD, "192.0.2.1")
    tries = [
        await guess(desk.operators, "ada", f"198.51.100.{n}", WRONG, known)
        for n in range(FREE_TRIES + 2)
    ]
    assert [wait > 0 for wait in tries] == [False] * FREE_TRIES + [True] * 2


async def test_only_our_own_cookie_for_this_name_and_password_is_known(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    await desk.operators.add(TESTER, "bob", "admin", PASSWORD)
    _, _, known = await desk.operators.sign_in("ada", PASSWORD, "192.0.2.1")
    _, _, bobs = await desk.operators.sign_in("bob", PASSWORD, "192.0.2.1")
    await flooded(desk)
    now_ms = desk.clock.at_ms
    at_ms, _, mac = known.partition(".")
    forged = [
        bobs, f"{at_ms}.", mac, f"{int(at_ms) + 1}.{mac}", f"{known[:-1]}x", f"+{known}", "é.é",
        known_browser("another hash", now_ms), "1.\udce9", f"{'9' * 400}.{mac}",
    ]  # fmt: skip
    for text in forged:
        assert await guess(desk.operators, "ada", "203.0.113.1", PASSWORD, text) > 0, text
    assert await guess(desk.operators, "ada", "203.0.113.1", PASSWORD, known) == -1


async def test_a_known_browser_is_forgotten_in_time_and_with_the_password(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    _, _, known = await desk.operators.sign_in("ada", PASSWORD, "192.0.2.1")
    desk.clock.at_ms += KNOWN_MS
    await flooded(desk)  # which takes some minutes
    assert await guess(desk.operators, "ada", "203.0.113.1", PASSWORD, known) > 0
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    _, _, known = await desk.operators.sign_in("ada", PASSWORD, "192.0.2.1")
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    await flooded(desk)
    assert await guess(desk.operators, "ada", "203.0.113.1", PASSWORD, known) > 0
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    assert await guess(desk.operators, "ada", "203.0.113.1", PASSWORD) == -1, "a way out of a flood"


async def test_guesses_from_everywhere_at_once_are_no_way_around(desk: Desk) -> None:
    await flooded(desk)
    waits = await asyncio.gather(
        *(guess(desk.operators, "ada", f"203.0.113.{n}") for n in range(20))
    )
    assert min(waits) > 0


@pytest.mark.parametrize("name", ["ADA", "a b", "ada@127.0.0.1", "name:ada", "\x00", "é", "."])
async def test_what_nobody_can_be_called_is_counted_against_nobody(desk: Desk, name: str) -> None:
    browser = await desk.browse()
    answers = [await browser.sign_in(name, WRONG) for _ in range(FREE_TRIES + 1)]
    assert {answer.status for answer in answers} == {401}
