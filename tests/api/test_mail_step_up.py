"""A code by e-mail as one more way through the check, over a real mail server."""

import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import structlog

from gateway.bot_checks.limits import MAIL_CODES, MAILBOX
from gateway.bot_checks.mail_codes import TRIES_MAX
from tests.api.test_forms import browser
from tests.api.test_step_up import called, step_up, suspect
from tests.support.fan import Fan, Reply
from tests.support.mail_server import MailServer, text_of
from tests.support.opening import open_shop
from tests.support.shop import Shop


@pytest.fixture(scope="module")
async def shop(
    redis_url: str, database_dsn: str, open_dir: Path, mails: MailServer
) -> AsyncIterator[Shop]:
    mail = mails.settings(smtp_ms=1_000)
    async with open_shop(redis_url, database_dsn, open_dir, mail=mail) as shop:
        yield shop


async def ask(fan: Fan, email: str) -> Reply:
    path = f"/api/sales/{fan.sale_id}/step-up/code"
    body = {"email": email, "ticket": fan.ticket}
    return await fan.call("POST", path, json=body, credential="", headers=fan.proven("POST", path))


def code_in(mail: EmailMessage) -> str:
    found = re.search(r"[0-9]{4} [0-9]{4}", text_of(mail))
    assert found
    assert found[0] in mail["Subject"]
    return found[0]


def another(code: str) -> str:
    return f"{(int(code.replace(' ', '')) + 1) % 10**8:08}"


async def test_a_code_that_came_by_mail_counts_as_the_check(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale(name="Ärzte & Co <live>")
    fan = await suspect(shop, sale)
    assert (await called(shop, fan)).json["ways"] == ["work", "wait", "mail"]
    fan.headers["Accept-Language"] = "de"
    asked = await ask(fan, "Ada+tour@example.org")
    assert (asked.status, asked.json) == (202, {"expires_in_ms": 600_000})
    (mail,) = mails.to("Ada+tour@example.org")
    assert mail["Content-Language"] == "de"
    assert "Ärzte & Co <live>" in text_of(mail), "nothing is escaped in plain text"
    wrong = await step_up(fan, "mail", another(code_in(mail)))
    assert (wrong.status, wrong.code, wrong.json["reason"]) == (403, "mail-code-invalid", "wrong")
    assert (await called(shop, fan)).code == "step-up-needed"
    typed = code_in(mail).replace(" ", "-").translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert (await step_up(fan, "mail", typed)).status == 204
    assert (await step_up(fan, "mail", typed)).status == 204, "safe to repeat"
    assert (await fan.let_in()).status == 201


async def test_a_code_is_for_one_fan_and_the_newest_counts(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale()
    fan, other = await suspect(shop, sale), await suspect(shop, sale)
    for each, email in (
        (fan, "bea@example.org"),
        (other, "cid@example.org"),
        (fan, "bea@example.org"),
    ):
        assert (await ask(each, email)).status == 202
    old, new = map(code_in, mails.to("bea@example.org"))
    for typed in (new, old):
        assert (await step_up(other, "mail", typed)).json["reason"] == "wrong"
    assert (await step_up(fan, "mail", old)).json["reason"] == "wrong"
    unproven = Fan(shop, other.key, ticket=fan.ticket, sale_id=sale)
    assert (await step_up(unproven, "mail", new)).code == "device-proof-invalid"
    assert (await ask(unproven, "bea@example.org")).code == "device-proof-invalid"
    assert (await step_up(fan, "mail", new)).status == 204


async def test_tries_are_bounded_and_without_a_code_there_is_none(
    shop: Shop, mails: MailServer
) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale)
    assert (await step_up(fan, "mail", "12345678")).json["reason"] == "expired"
    await ask(fan, "dan@example.org")
    code = code_in(mails.to("dan@example.org")[0])
    for _ in range(TRIES_MAX):
        assert (await step_up(fan, "mail", another(code))).json["reason"] == "wrong"
    assert (await step_up(fan, "mail", code)).json["reason"] == "used-up"


async def test_the_code_is_nowhere_to_be_read(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale)
    with structlog.testing.capture_logs() as logs:
        await ask(fan, "quentin@example.org")
        await ask(fan, "nobody@example.org")
    kept = await shop.redis.get(f"{{s:{sale}}}:mail_code:step-up:{fan.fan_id}")
    keys = [str(key) async for key in shop.redis.scan_iter(f"{{s:{sale}}}*")]
    code = code_in(mails.to("quentin@example.org")[0])
    for text in (str(kept), repr(keys), repr(logs)):
        assert code not in text
        assert code.replace(" ", "") not in text
        assert "quentin" not in text
        assert "example.org" not in text
    assert 0 < await shop.redis.pttl(f"{{s:{sale}}}:mail_code:step-up:{fan.fan_id}") <= 600_000


async def test_answers_do_not_tell_who_has_a_mailbox_or_had_codes(
    shop: Shop, mails: MailServer
) -> None:
    sale = await shop.new_sale()
    fans = [await suspect(shop, sale) for _ in range(2)]
    burst = MAILBOX.flow("own").burst
    spellings = ["Fin@example.org", "fin+1@example.org", "FIN+2@EXAMPLE.ORG", "fin@example.org"]
    replies = [await ask(fans[number % 2], spellings[number % 4]) for number in range(burst + 1)]
    replies.append(await ask(fans[1], "nobody@example.org"))
    assert {(reply.status, reply.body) for reply in replies} == {(202, replies[0].body)}
    came = [mail for mail in mails.mails if str(mail["To"]).lower().startswith("fin")]
    assert len(came) == burst, "one mailbox, however it is written"


async def test_a_fan_gets_a_few_codes_at_once(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale)
    burst = MAIL_CODES.flow("own").burst
    replies = [await ask(fan, f"gus{number}@example.org") for number in range(burst + 1)]
    assert [reply.status for reply in replies] == [202] * burst + [429]
    assert replies[-1].headers["Retry-After"]
    assert mails.to(f"gus{burst}@example.org") == []


async def test_mail_that_cannot_be_sent_is_said_to_be(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale)
    mails.is_busy = True
    try:
        refused = await ask(fan, "hal@example.org")
    finally:
        mails.is_busy = False
    assert (refused.status, refused.code) == (503, "mail-unavailable")
    assert (await ask(fan, "slow@example.org")).code == "mail-unavailable"
    for email in ("", "hal", "hal@example.org\r\nBcc: ida@example.org", "x" * 4000):
        assert (await ask(fan, email)).code == "request-invalid"


async def test_the_page_says_when_to_come_back_too(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale()
    joined, unbound = await suspect(shop, sale), Fan(shop)
    await unbound.join(sale)
    await shop.rows(
        "UPDATE fan_signals SET fan_id = %s WHERE fan_id = %s", unbound.fan_id, joined.fan_id
    )
    fan = browser(shop)
    fan.headers["Cookie"] = f"onsale-ticket-{sale}={unbound.ticket}"
    check = f"/sales/{sale}/check"
    mails.is_busy = True
    try:
        away = await fan.post(check, way="mail-ask", email="jon@example.org")
    finally:
        mails.is_busy = False
    assert (away.status, b"We cannot send mail just now" in away.body) == (503, True)
    assert int(away.headers["Retry-After"]) > 0
    for _ in range(MAIL_CODES.flow("own").burst):
        limited = await fan.post(check, way="mail-ask", email="jon@example.org")
    assert (limited.status, b"Those were many codes" in limited.body) == (429, True)
    assert 0 < int(limited.headers["Retry-After"]) <= 30


async def test_the_way_without_scripts(shop: Shop, mails: MailServer) -> None:
    sale = await shop.new_sale()
    joined = await suspect(shop, sale)
    fan = browser(shop)
    # Bound to no key, as the ticket of a browser without scripts is.
    unbound = Fan(shop)
    await unbound.join(sale)
    await shop.rows(
        "UPDATE fan_signals SET fan_id = %s WHERE fan_id = %s", unbound.fan_id, joined.fan_id
    )
    fan.headers["Cookie"] = f"onsale-ticket-{sale}={unbound.ticket}"
    check = f"/sales/{sale}/check"
    page = (await fan.get(check)).body.decode()
    assert 'autocomplete="one-time-code"' in page
    typo = await fan.post(check, way="mail-ask", email="ida@")
    assert (typo.status, b"does not look like an e-mail" in typo.body) == (403, True)
    sent = await fan.post(check, way="mail-ask", email="ida@example.org")
    assert (sent.status, b"The code is on its way" in sent.body) == (200, True)
    code = code_in(mails.to("ida@example.org")[0])
    wrong = await fan.post(check, way="mail", code=another(code))
    assert (wrong.status, b"not the code that we sent last" in wrong.body) == (403, True)
    right = await fan.post(check, way="mail", code=code)
    assert (right.status, right.headers["Location"]) == (303, f"/sales/{sale}")
    assert (await fan.get(check)).status == 303, "asked for nothing any more"
