"""Tickets by e-mail: in the buyer's language, with everything in them, whatever the mail server does."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pypdf
import pytest
import structlog
from prometheus_client import REGISTRY

from booking_core.catalog.event import StockTier
from booking_core.notifications.ticket_mails import LEASE_MS, TicketMails
from tests.support.fan import Fan
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


async def bought(shop: Shop, email: str, language: str = "en", **draft: object) -> tuple[Fan, str]:
    event = await shop.new_event(4, **draft)  # type: ignore[arg-type]
    fan = Fan.inside(shop)
    fan.headers["Accept-Language"] = language
    reply = await fan.complete(await fan.held(event, "A-1", "A-2"), email=email)
    assert reply.status == 201, reply
    return fan, str(reply.json["booking_id"])


async def outcome(shop: Shop, order: str) -> str | None:
    return await shop.value("SELECT outcome FROM ticket_mails WHERE order_id = %s", order)  # type: ignore[no-any-return]


def pdf_in(mail: EmailMessage) -> pypdf.PdfReader:
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    content = attached.get_content()
    assert isinstance(content, bytes)
    return pypdf.PdfReader(io.BytesIO(content))


async def test_tickets_come_by_mail_once(shop: Shop, mails: MailServer) -> None:
    name = "Salt & <Stone>"
    fan, order = await bought(shop, "ada@example.org", "de-CH, en;q=0.5", name=name)
    assert mails.to("ada@example.org") == [], "nobody waits for a mail"
    page = await fan.call("GET", f"/orders/{order}")
    assert "unterwegs an ada@example.org" in page.body.decode()
    for _ in range(2):
        await shop.settle()
    (mail,) = mails.to("ada@example.org")
    assert name in mail["Subject"]
    text = text_of(mail)
    assert name in text
    assert "Reihe A, Platz 1" in text
    assert f"http://localhost:8080/orders/{order}" in text
    assert "90\N{NO-BREAK SPACE}€" in text
    assert len(pdf_in(mail).pages) == 2
    assert await outcome(shop, order) == "sent"
    assert "haben sie auch an ada@example.org geschickt" in (
        (await fan.call("GET", f"/orders/{order}")).body.decode()
    )


async def test_a_show_in_new_york_is_told_in_its_own_evening(shop: Shop, mails: MailServer) -> None:
    evening = datetime(2027, 6, 13, tzinfo=UTC)  # 20:00 the day before, over there
    draft = {"starts_at": evening, "time_zone": "America/New_York"}
    fan, order = await bought(shop, "eve@example.org", **draft)
    await shop.settle()
    (mail,) = mails.to("eve@example.org")
    assert "Sat, 12 Jun 2027, 20:00 EDT" in text_of(mail)
    assert "Saturday, 12 June 2027 · 20:00 EDT" in pdf_in(mail).pages[0].extract_text()
    page = (await fan.call("GET", f"/orders/{order}")).body.decode()
    assert '<time datetime="2027-06-13T00:00:00Z">Sat, 12 Jun 2027, 20:00 EDT</time>' in page


async def test_a_japanese_order_gets_japanese_tickets(shop: Shop, mails: MailServer) -> None:
    fan, order = await bought(shop, "ken@example.org", "ja", time_zone="Asia/Tokyo")
    await shop.settle()
    (mail,) = mails.to("ken@example.org")
    assert "2030年5月2日" in text_of(mail)
    attached = pdf_in(mail).pages[0].extract_text().replace("\n", "")
    assert "入場券" in attached
    assert "4:00 JST" in attached
    # The same sheet, whoever looks at it in whatever language.
    fan.headers["Accept-Language"] = "en"
    reply = await fan.call("GET", f"/orders/{order}/tickets.pdf")
    page = pypdf.PdfReader(io.BytesIO(reply.body)).pages[0]
    assert page.extract_text().replace("\n", "") == attached


async def test_who_gives_no_address_gets_no_mail(shop: Shop) -> None:
    _, order = await bought(shop, "")
    await shop.settle()
    assert await outcome(shop, order) is None


async def test_stock_is_mailed_like_seats(shop: Shop, mails: MailServer) -> None:
    event = await shop.new_event(stock=[StockTier("day", "Day & night", 2_000, 10, "#112233")])
    fan = Fan.inside(shop)
    held = await fan.held(event, stock={"tier": "day", "quantity": 2})
    assert (await fan.complete(held, email="bea@example.org")).status == 201
    await shop.settle()
    (mail,) = mails.to("bea@example.org")
    assert "- 2 × Day & night: €40" in text_of(mail)
    assert len(pdf_in(mail).pages) == 2


async def test_a_busy_server_is_asked_again_later(shop: Shop, mails: MailServer) -> None:
    _, order = await bought(shop, "cid@example.org")
    mails.is_busy = True
    await shop.settle()
    mails.is_busy = False
    assert await outcome(shop, order) == ""
    waits = await shop.value(
        "SELECT not_before > now() + interval '1 second' FROM ticket_mails WHERE order_id = %s",
        order,
    )
    assert waits is True
    assert await shop.worker._mails.work() == 0, "not at once"  # type: ignore[union-attr]
    await shop.settle()
    assert len(mails.to("cid@example.org")) == 1


async def test_a_slow_server_holds_up_neither_money_nor_seats(
    shop: Shop, mails: MailServer
) -> None:
    _, order = await bought(shop, "slow@example.org")
    await shop.worker._capture()
    captured = await shop.value("SELECT captured_at FROM orders WHERE order_id = %s", order)
    assert captured is not None
    await shop.worker._send_mails()
    assert await outcome(shop, order) == ""
    await shop.rows("DELETE FROM ticket_mails WHERE order_id = %s", order)


@pytest.mark.parametrize("email", ["nobody@example.org", "spam@example.org"])
async def test_what_is_refused_for_good_is_said_to_be(
    shop: Shop, mails: MailServer, email: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        fan, order = await bought(shop, email)
        await shop.settle()
        await shop.settle()
    assert await outcome(shop, order) == "refused"
    page = await fan.call("GET", f"/orders/{order}")
    assert f"We could not send them to {email}" in page.body.decode()
    assert "example.org" not in repr(logs)


async def test_a_death_before_the_mark_sends_the_same_mail_again(
    shop: Shop, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, order = await bought(shop, "dan@example.org")
    worker = shop.worker._mails
    assert worker is not None

    async def dies(*_: object) -> None:
        raise RuntimeError("the process is gone")

    with monkeypatch.context() as patched:
        patched.setattr(TicketMails, "_mark", dies)
        with pytest.raises(RuntimeError):
            await worker.work()
    assert await worker.work() == 0, "the lease keeps it from others"
    left = await shop.value(
        "SELECT extract(epoch FROM not_before - now()) * 1000 FROM ticket_mails WHERE order_id = %s",
        order,
    )
    assert LEASE_MS - 10_000 < left <= LEASE_MS
    await shop.settle()
    first, second = mails.to("dan@example.org")
    assert first["Message-ID"] == second["Message-ID"]
    assert await outcome(shop, order) == "sent"


async def waiting(shop: Shop) -> tuple[float, float, float]:
    """How many mails wait, how many are late, and for how long the oldest has waited."""
    await shop.worker._count_mails()
    names = ("open", "late", "oldest_seconds")
    found = [REGISTRY.get_sample_value(f"onsale_ticket_mails_{name}") for name in names]
    return found[0] or 0.0, found[1] or 0.0, found[2] or 0.0


async def test_what_waits_and_for_how_long_is_shown(shop: Shop, mails: MailServer) -> None:
    await shop.settle()
    assert await waiting(shop) == (0, 0, 0)
    orders = [(await bought(shop, f"gil{number}@example.org"))[1] for number in range(3)]
    mails.is_busy = True
    await shop.settle()
    for order, minutes in zip(orders, (14, 16, 200), strict=False):
        await shop.rows(
            "UPDATE ticket_mails SET created_at = now() - make_interval(mins => %s) WHERE order_id = %s",
            minutes,
            order,
        )
    count, late, oldest = await waiting(shop)
    assert (count, late) == (3, 2)
    assert 200 * 60 <= oldest < 201 * 60
    mails.is_busy = False
    await shop.settle()
    assert await waiting(shop) == (0, 0, 0)


async def test_two_workers_send_each_mail_once(shop: Shop, mails: MailServer) -> None:
    orders = [(await bought(shop, f"eve{number}@example.org"))[1] for number in range(3)]
    worker = shop.worker._mails
    assert worker is not None
    await asyncio.gather(worker.work(), worker.work())
    assert [await outcome(shop, order) for order in orders] == ["sent"] * 3
    assert [len(mails.to(f"eve{number}@example.org")) for number in range(3)] == [1] * 3


async def test_what_was_cancelled_or_is_days_old_is_not_sent(shop: Shop, mails: MailServer) -> None:
    (_, void), (_, old) = [await bought(shop, f"fin{number}@example.org") for number in range(2)]
    assert await shop.value("SELECT cancel_order_v1(%s, NULL, 'called off')", void) == "cancelled"
    await shop.rows(
        "UPDATE ticket_mails SET created_at = now() - interval '73 hours' WHERE order_id = %s", old
    )
    await shop.settle()
    assert (await outcome(shop, void), await outcome(shop, old)) == ("void", "given-up")
    assert not [mail for mail in mails.mails if str(mail["To"]).startswith("fin")]
