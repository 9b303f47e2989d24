"""What pages of other sites send counts for nothing, whoever's browser sends it."""

import pytest

from tests.operator_access.conftest import PASSWORD, TESTER, Desk

CHANGE = ("POST", "/operator/api/tokens", {"purpose": "p", "scopes": ["metrics"], "days": 1})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "\u00e9"},
    ],
)
async def test_a_change_from_elsewhere_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    browser = await desk.signed_in("ada", "admin")
    answer = await browser.ask(*CHANGE, headers=headers)
    assert answer.status == 403
    assert answer.body["type"].endswith("cross-site")
    assert (await browser.ask(*CHANGE)).status == 201


async def test_signing_in_from_elsewhere_is_refused(desk: Desk) -> None:
    await desk.operators.add(TESTER, "ada", "admin", PASSWORD)
    answer = await (await desk.browse()).ask(
        "POST",
        "/operator/api/sign-in",
        {"operator": "ada", "password": PASSWORD},
        {"Origin": "https://evil.example"},
    )
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


async def test_our_own_page_may(desk: Desk) -> None:
    browser = await desk.signed_in("ada", "admin")
    ours = {"Origin": desk.url, "Sec-Fetch-Site": "same-origin"}
    assert (await browser.ask(*CHANGE, headers=ours)).status == 201


async def test_one_session_has_not_the_token_of_another(desk: Desk) -> None:
    ada, eve = await desk.signed_in("ada", "admin"), await desk.signed_in("eve", "admin")
    assert ada.csrf != eve.csrf
    assert (await ada.ask(*CHANGE, headers={"X-CSRF-Token": eve.csrf})).status == 403
