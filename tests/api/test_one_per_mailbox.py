"""A sale that gives each mailbox one place: one ticket and one limit of seats, on however many devices."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.app_keys import SIGNAL_NOTES
from gateway.bot_checks.mailboxes import Mailboxes
from gateway.waiting_room.allowances import MAILBOX_WAITS
from groundwork.errors import RequestInvalid
from tests.api.test_forms import browser, field_of, wait_token
from tests.api.test_mail_step_up import another, code_in
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.mail_server import MailServer
from tests.support.opening import EarlierClock, open_shop
from tests.support.shop import Shop

DAY_MS = 24 * 60 * 60_000


@pytest.fixture(scope="module")
async def shop(
    redis_url: str, database_dsn: str, open_dir: Path, mails: MailServer
) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir, mail=mails.settings()) as shop:
        yield shop


async def ask(fan: Fan, sale: str, email: str, altcha: str = "") -> Reply:
    body = {"email": email, "altcha": altcha or await Fan(fan.shop).solved(sale)}
    return await fan.call("POST", f"/api/sales/{sale}/mailbox/code", json=body)


async def confirm(fan: Fan, sale: str, asked: str, code: str) -> Reply:
    return await fan.call("POST", f"/api/sales/{sale}/mailbox", json={"asked": asked, "code": code})


async def mailbox(shop: Shop, mails: MailServer, sale: str, email: str) -> str:
    """A token for the mailbox, as its owner gets it."""
    fan = Fan(shop)
    asked = await ask(fan, sale, email)
    assert asked.status == 202, asked
    given = await confirm(fan, sale, asked.json["asked"], code_in(mails.to(email)[-1]))
    assert given.status == 200, given
    return str(given.json["mailbox"])


async def test_nobody_joins_without_a_mailbox(shop: Shop, mails: MailServer) -> None:
    sale, other = [await shop.new_sale(one_per_mailbox=True) for _ in range(2)]
    fan = Fan(shop, DeviceKey())
    refused = await fan.join(sale)
    assert (refused.status, refused.code) == (403, "mailbox-needed")
    assert refused.json["mailbox_url"] == f"/sales/{sale}/mailbox"
    token = await mailbox(shop, mails, sale, "ada@example.org")
    old = Mailboxes(shop.ring, EarlierClock(31 * DAY_MS), 30 * DAY_MS)
    for bad in (token[:-1] + "x", token.replace(sale, other), "x", old.issue(sale, "0" * 64)):
        assert (await fan.join(sale, mailbox=bad)).code == "mailbox-needed"
    assert (await fan.join(other, mailbox=token)).code == "mailbox-needed", "of another sale"
    assert (await fan.join(sale, mailbox=token)).status == 201
    assert (await fan.join(sale)).status == 201, "who is in line is known already"


async def test_one_mailbox_has_one_place_on_every_device(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(one_per_mailbox=True)
    event = await shop.new_event(20, sale_id=sale, seats_max=4)
    devices = [Fan(shop, DeviceKey()) for _ in range(3)]
    spellings = ["bea@gmail.com", "B.e.a+tour@googlemail.com", "bea+2@gmail.com"]
    for fan, email in zip(devices, spellings, strict=True):
        joined = await fan.join(sale, mailbox=await mailbox(shop, mails, sale, email))
        assert (joined.status, joined.json["place"]) == (201, 1)
    stranger = Fan(shop, DeviceKey())
    token = await mailbox(shop, mails, sale, "cid@gmail.com")
    assert (await stranger.join(sale, mailbox=token)).json["place"] == 2

    visits = {(await fan.let_in()).status for fan in devices}
    assert visits == {201}
    assert await shop.redis.zcard(f"{{s:{sale}}}:visits") == 1, "one visit"
    passes = [shop.tokens.read_pass(fan.admission) for fan in devices]
    assert len({each.visit_id for each in passes}) == 1
    assert len({each.jkt for each in passes}) == 3, "each is good with its own key alone"

    phone, laptop, tablet = devices
    assert (await phone.reserve(event, best_available={"quantity": 3})).status == 201
    over = await laptop.reserve(event, best_available={"quantity": 2})
    assert (over.code, over.json["seats_max"]) == ("over-seat-limit", 4)
    assert (await tablet.reserve(event, best_available={"quantity": 1})).status == 201


async def test_postgresql_counts_by_the_mailbox_too(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(one_per_mailbox=True)
    event = await shop.new_event(8, sale_id=sale, seats_max=2)
    devices = [Fan(shop, DeviceKey()) for _ in range(2)]
    for fan in devices:
        await fan.join(sale, mailbox=await mailbox(shop, mails, sale, "dan@example.org"))
        await fan.let_in()
    phone, laptop = devices
    held = await phone.held(event, "A-1", "A-2")
    assert (await phone.complete(held)).status == 201
    # As if Redis had forgotten what the fan has.
    await shop.redis.delete(f"{{e:{event}}}:fan_counts")
    more = await laptop.reserve(event, "A-3")
    assert more.status == 201
    refused = await laptop.complete(str(more.json["reservation_id"]))
    assert refused.code == "over-seat-limit"
    buyers = await shop.rows("SELECT DISTINCT fan_id FROM orders WHERE event_id = %s", event)
    assert buyers == [(laptop.fan_id,)]


async def test_a_mailbox_enters_the_draw_once(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(
        one_per_mailbox=True, opens_at=datetime.now(UTC) + timedelta(hours=1)
    )
    numbers = []
    for _ in range(2):
        fan = Fan(shop, DeviceKey())
        token = await mailbox(shop, mails, sale, "eve@example.org")
        numbers.append((await fan.join(sale, mailbox=token)).json["entry_number"])
    assert numbers == [1, 1]


async def test_a_code_is_only_for_who_asked(shop: Shop, mails: MailServer) -> None:
    sale, other = [await shop.new_sale(one_per_mailbox=True) for _ in range(2)]
    fan = Fan(shop)
    asked = (await ask(fan, sale, "fin@example.org")).json["asked"]
    code = code_in(mails.to("fin@example.org")[0])
    theirs = (await ask(fan, sale, "gus@example.org")).json["asked"]
    for where, name in ((sale, theirs), (other, asked), (sale, "step-up:x"), (sale, "x" * 22)):
        reply = await confirm(fan, where, name, code)
        assert reply.code == "mail-code-invalid"
    assert (await confirm(fan, sale, asked, another(code))).json["reason"] == "wrong"
    assert (await confirm(fan, sale, asked, code)).status == 200
    # A code for the check is none for joining, nor the other way round.
    joined = Fan(shop, DeviceKey())
    token = await mailbox(shop, mails, sale, "hal@example.org")
    await joined.join(sale, mailbox=token)
    path = f"/api/sales/{sale}/step-up"
    body = {"way": "mail", "answer": code, "ticket": joined.ticket}
    reply = await joined.call("POST", path, json=body, headers=joined.proven("POST", path))
    assert (reply.code, reply.json["reason"]) == ("mail-code-invalid", "expired")


async def test_each_work_sends_one_mail(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(one_per_mailbox=True)
    fan = Fan(shop)
    work = await fan.solved(sale)
    assert (await ask(fan, sale, "ida@example.org", work)).status == 202
    again = await ask(fan, sale, "ivo@example.org", work)
    assert (again.code, again.json["reason"]) == ("bot-check-failed", "replayed")
    assert mails.to("ivo@example.org") == []
    assert (await ask(fan, sale, "ivo@example.org", "x")).code == "bot-check-failed"
    assert (await ask(fan, sale, "ivo", work)).code == "request-invalid"


async def test_places_move_by_the_mailbox_and_not_by_links(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(one_per_mailbox=True, state="paused")
    fan = Fan(shop, DeviceKey())
    await fan.join(sale, mailbox=await mailbox(shop, mails, sale, "jon@example.org"))
    path = f"/api/sales/{sale}/move"
    reply = await fan.call(
        "POST", path, json={"ticket": fan.ticket}, headers=fan.proven("POST", path)
    )
    assert (reply.status, reply.code, reply.json["reason"]) == (409, "move-refused", "mailbox")


async def test_other_sales_ask_for_nothing(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = browser(shop)
    assert (await ask(fan, sale, "kim@example.org", "x")).code == "not-found"
    page = await fan.get(f"/sales/{sale}/mailbox")
    assert (page.status, page.headers["Location"]) == (303, f"/sales/{sale}")
    with pytest.raises(RequestInvalid, match="must stay as it is"):
        await shop.change_sale(sale, one_per_mailbox=True)


async def test_the_way_without_scripts(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(one_per_mailbox=True)
    fan = browser(shop)
    room = f"/sales/{sale}"
    page = (await fan.get(room)).body.decode()
    assert f'href="{room}/mailbox"' in page
    assert f'action="{room}/join"' not in page
    pressed = await fan.post(f"{room}/join", wait_token=wait_token(shop, sale))
    assert (pressed.status, pressed.headers["Location"]) == (303, f"{room}/mailbox")
    token = field_of(await fan.get(f"{room}/mailbox"), "wait_token")
    early = await fan.post(f"{room}/mailbox", email="lea@example.org", wait_token=token)
    assert early.status == 403
    assert mails.to("lea@example.org") == []
    waited = wait_token(shop, sale)
    sent = await fan.post(f"{room}/mailbox", email="lea@example.org", wait_token=waited)
    code, asked = code_in(mails.to("lea@example.org")[0]), field_of(sent, "asked")
    wrong = await fan.post(f"{room}/mailbox/code", asked=asked, code=another(code))
    assert (wrong.status, field_of(wrong, "asked")) == (403, asked)
    right = await fan.post(f"{room}/mailbox/code", asked=asked, code=code)
    assert (right.status, right.headers["Location"]) == (303, room)
    assert b"Your e-mail address is confirmed." in (await fan.get(room)).body
    joined = await fan.post(f"{room}/join", wait_token=wait_token(shop, sale))
    assert joined.headers["Location"] == room
    assert f"onsale-ticket-{sale}" in joined.cookies
    assert "onsale-mailbox" not in (await fan.get(room)).headers.get("Set-Cookie", "")
    assert await shop.gateway[SIGNAL_NOTES].of(sale, "nobody") == frozenset()


async def test_the_page_says_when_to_come_back(shop: Shop) -> None:
    sale = await shop.new_sale(one_per_mailbox=True)
    fan, page = browser(shop), f"/sales/{sale}/mailbox"
    for number in range(MAILBOX_WAITS.burst + 1):
        token = wait_token(shop, sale)
        reply = await fan.post(page, email=f"mia{number}@example.org", wait_token=token)
    assert (reply.status, b"Those were many codes" in reply.body) == (429, True)
    assert 0 < int(reply.headers["Retry-After"]) <= MAILBOX_WAITS.every_ms // 1000


async def test_a_wait_sent_again_asks_for_no_code_and_takes_nothing_from_others(shop: Shop) -> None:
    sale = await shop.new_sale(one_per_mailbox=True)
    page, token = f"/sales/{sale}/mailbox", wait_token(shop, sale)
    statuses = [
        (await browser(shop).post(page, email="mia@example.org", wait_token=token)).status
        for _ in range(MAILBOX_WAITS.burst + 2)
    ]
    assert statuses == [200, *[403] * (MAILBOX_WAITS.burst + 1)]
    fresh = await browser(shop).post(
        page, email="mia@example.org", wait_token=wait_token(shop, sale)
    )
    assert fresh.status == 200
