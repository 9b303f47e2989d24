"""The event a fan came for is still known behind the check, the mailbox and a move."""

import html
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.bot_checks.proof_of_work import STEPPING_UP
from tests.api.test_forms import Browser, browser, field_of, wait_token
from tests.api.test_mail_step_up import code_in
from tests.api.test_moving_pages import html_value
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.mail_server import MailServer
from tests.support.opening import open_shop
from tests.support.shop import Shop

NONSENSE = "?event=//evil.example"


@pytest.fixture(scope="module")
async def shop(
    redis_url: str, database_dsn: str, open_dir: Path, mails: MailServer
) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir, mail=mails.settings()) as shop:
        yield shop


def leads_to(page: Reply) -> set[str]:
    """Where the forms of a page lead."""
    parts = page.body.decode().split('action="')[1:]
    return {html.unescape(part.partition('"')[0]) for part in parts}


async def asked_for_more(shop: Shop, fan: Browser, sale: str, query: str) -> str:
    """Where a fan of whom much was noted is sent, who is called."""
    await shop.refresh_rooms()
    asked = await fan.post(f"/sales/{sale}/admit{query}")
    while asked.headers["Location"].partition("?")[0] == f"/sales/{sale}":
        await shop.refresh_rooms()
        asked = await fan.post(f"/sales/{sale}/admit{query}")
    return asked.headers["Location"]


async def test_the_event_is_kept_through_the_check(shop: Shop) -> None:
    sale = await shop.new_sale()
    first, second = [await shop.new_event(6, sale_id=sale) for _ in range(2)]
    fan, query = browser(shop), f"?event={second}"
    joined = await fan.post(
        f"/sales/{sale}/join{query}", wait_token=wait_token(shop, sale), website="x"
    )
    assert joined.headers["Location"] == f"/sales/{sale}{query}"
    async with shop.pool.connection() as connection:
        await connection.execute(
            """INSERT INTO fan_signals (sale_id, fan_id, code)
            SELECT sale_id, fan_id, 'hidden-link' FROM fan_signals WHERE sale_id = %s""",
            (sale,),
        )
    check = f"/sales/{sale}/check"
    assert await asked_for_more(shop, fan, sale, NONSENSE) == check, "no address is made of it"
    assert await asked_for_more(shop, fan, sale, query) == f"{check}{query}"
    page = await fan.get(f"{check}{query}")
    assert f'data-waiting-room="/sales/{sale}{query}"' in page.body.decode()
    assert f"{check}{query}" in leads_to(page)
    assert check not in leads_to(page)
    assert f"{check}{NONSENSE}" not in leads_to(await fan.get(f"{check}{NONSENSE}"))

    waited = wait_token(shop, sale, 61_000, STEPPING_UP)
    passed = await fan.post(f"{check}{query}", way="wait", wait_token=waited)
    assert passed.headers["Location"] == f"/sales/{sale}{query}"
    page = await fan.get(f"/sales/{sale}{query}")
    assert f"/sales/{sale}/admit{query}" in leads_to(page)
    admitted = await fan.post(f"/sales/{sale}/admit{query}")
    assert admitted.headers["Location"] == f"/events/{second}/seats", first


async def test_the_event_is_kept_through_the_mailbox(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(one_per_mailbox=True)
    event = await shop.new_event(6, sale_id=sale)
    fan, room, query = browser(shop), f"/sales/{sale}", f"?event={event}"
    page = await fan.get(f"{room}{query}")
    assert f'href="{room}/mailbox{query}"' in page.body.decode()
    pressed = await fan.post(f"{room}/join{query}", wait_token=wait_token(shop, sale))
    assert pressed.headers["Location"] == f"{room}/mailbox{query}"
    assert leads_to(await fan.get(f"{room}/mailbox{query}")) >= {f"{room}/mailbox{query}"}
    waited = wait_token(shop, sale)
    address = f"{room}/mailbox{query}"
    sent = await fan.post(address, email="noa@example.org", wait_token=waited)
    assert f"{room}/mailbox/code{query}" in leads_to(sent)
    code = code_in(mails.to("noa@example.org")[0])
    right = await fan.post(f"{room}/mailbox/code{query}", asked=field_of(sent, "asked"), code=code)
    assert right.headers["Location"] == f"{room}{query}"


async def test_the_event_is_kept_through_a_move(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused")
    laptop, phone, query = browser(shop), browser(shop), "?event=second-night"
    await laptop.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))
    assert f"/sales/{sale}/move{query}" in leads_to(await laptop.get(f"/sales/{sale}{query}"))
    made = await laptop.post(f"/sales/{sale}/move{query}")
    url = html.unescape(html_value(made, 'id="move-url"'))
    assert url.endswith("&event=second-night")
    question = await phone.get(url[url.index("/sales/") :])
    assert leads_to(question) >= {f"/sales/{sale}/move/claim{query}"}
    assert f'data-waiting-room="/sales/{sale}{query}"' in question.body.decode()
    done = await phone.post(
        f"/sales/{sale}/move/claim{query}",
        link=field_of(question, "link"), claim_id=field_of(question, "claim_id"),
    )  # fmt: skip
    assert done.headers["Location"] == f"/sales/{sale}{query}"


@pytest.mark.parametrize(
    ("event", "rest"), [("second-night", "&event=second-night"), ("a&b=//c", ""), (None, "")]
)
async def test_a_link_of_the_api_leads_on_to_the_event(
    shop: Shop, event: str | None, rest: str
) -> None:
    sale = await shop.new_sale(state="paused")
    fan, path = Fan(shop, DeviceKey()), f"/api/sales/{sale}/move"
    assert (await fan.join(sale)).status == 201
    body = {"ticket": fan.ticket, **({"event": event} if event else {})}
    made = await fan.call("POST", path, json=body, credential="", headers=fan.proven("POST", path))
    assert made.status == 201, made
    assert (
        made.json["url"] == f"{made.json['url'].partition('?')[0]}?link={made.json['link']}{rest}"
    )
