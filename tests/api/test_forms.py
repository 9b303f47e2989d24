"""The whole way without JavaScript: forms, redirects, pages."""

import html
import re
from unittest.mock import AsyncMock

import pytest

from booking_core.catalog.event import StockTier
from gateway.app_keys import ALLOWANCES
from gateway.bot_checks.wait_token import WaitTokens
from gateway.waiting_room.allowances import WAITING_JOINS
from gateway.waiting_room.line import Line
from groundwork.clock import SystemTokenSource
from groundwork.errors import StoreUnavailable
from tests.support.fan import Fan, Reply
from tests.support.opening import EarlierClock
from tests.support.shop import Shop
from tests.support.truth import assert_settled, held_by


class Browser(Fan):
    """A browser without scripts: cookies, forms, pages."""

    async def post(self, path: str, **fields: str) -> Reply:
        reply = await self.call("POST", path, data=fields)
        self.keep_cookies(reply)
        return reply

    async def get(self, path: str) -> Reply:
        return await self.call("GET", path)

    def keep_cookies(self, reply: Reply) -> None:
        kept = dict(
            pair.split("=", 1) for pair in self.headers.get("Cookie", "").split("; ") if pair
        )
        for name, rest in reply.cookies.items():
            kept[name] = rest.partition(";")[0]
        self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())


def browser(shop: Shop) -> Browser:
    return Browser(shop, headers={"Accept": "text/html,application/xhtml+xml"})


def wait_token(shop: Shop, sale: str, age_ms: int = 11_000, purpose: str = "") -> str:
    return WaitTokens(shop.ring, EarlierClock(age_ms), SystemTokenSource()).issue(sale, purpose)


def field_of(reply: Reply, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', reply.body.decode())
    assert found, name
    return html.unescape(found[1])


async def test_who_has_no_script_is_answered_when_their_token_comes(shop: Shop) -> None:
    sale = await shop.new_sale(rate_per_minute=120, burst=1)
    event = await shop.new_event(6, sale_id=sale)
    fans = [browser(shop) for _ in range(2)]
    for fan in fans:
        await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))
    await shop.refresh_rooms()

    for fan in fans:
        admitted = await fan.post(f"/sales/{sale}/admit?event={event}")
        assert admitted.headers["Location"] == f"/events/{event}/seats"


async def test_the_whole_way_without_scripts(shop: Shop) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(6, sale_id=sale)
    fan = browser(shop)
    page = await fan.get(f"/sales/{sale}")
    assert page.status == 200
    assert field_of(page, "wait_token").startswith(f"w1.{sale}.")
    early = await fan.post(f"/sales/{sale}/join", wait_token=field_of(page, "wait_token"))
    assert early.status == 403
    assert early.headers["Content-Type"].startswith("text/html")
    assert early.cookies == {}
    joined = await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))
    assert (joined.status, joined.headers["Location"]) == (303, f"/sales/{sale}")
    await shop.refresh_rooms()
    assert b"/admit" in (await fan.get(f"/sales/{sale}")).body
    admitted = await fan.post(f"/sales/{sale}/admit?event={event}")
    assert (admitted.status, admitted.headers["Location"]) == (303, f"/events/{event}/seats")
    assert (await fan.get(f"/events/{event}/seats")).status == 200
    reserved = await fan.post(f"/events/{event}/reserve", tier="floor", quantity="2")
    assert reserved.status == 303, reserved
    checkout = reserved.headers["Location"]
    page = await fan.get(checkout)
    assert page.status == 200
    extended = await fan.post(f"{checkout}/extend")
    assert (extended.status, extended.headers["Location"]) == (303, checkout)
    assert (await fan.post(f"{checkout}/extend")).status == 303, "a second wish changes nothing"
    key = field_of(page, "idempotency_key")
    declined = await fan.post(
        f"{checkout}/pay", payment_method="card_declined", idempotency_key=key, email="a@b.example"
    )
    assert declined.status == 402
    assert b"a@b.example" in declined.body, "nothing has to be typed again"
    new_key = field_of(declined, "idempotency_key")
    assert new_key != key, "another card is another payment"
    paid = await fan.post(f"{checkout}/pay", payment_method="card_ok", idempotency_key=new_key)
    assert paid.status == 303
    assert paid.headers["Location"].startswith("/orders/")
    again = await fan.post(f"{checkout}/pay", payment_method="card_ok", idempotency_key=new_key)
    assert again.headers["Location"] == paid.headers["Location"], "a second click pays nothing"
    order = await fan.get(paid.headers["Location"])
    assert order.status == 200
    assert b"tickets.pdf" in order.body
    assert (await fan.get(checkout)).headers["Location"] == paid.headers["Location"]
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_wait_token_is_good_for_one_fan_and_one_sale(shop: Shop) -> None:
    sale, other = await shop.new_sale(), await shop.new_sale()
    token = wait_token(shop, sale)
    assert (await browser(shop).post(f"/sales/{other}/join", wait_token=token)).status == 403
    assert (await browser(shop).post(f"/sales/{sale}/join", wait_token=token)).status == 303
    assert (await browser(shop).post(f"/sales/{sale}/join", wait_token=token)).status == 403
    for nonsense in ("w1", "x" * 5_000, "\u2603", token[:-1] + "0", token + "\x00"):
        reply = await browser(shop).post(f"/sales/{sale}/join", wait_token=nonsense)
        assert reply.status == 403, nonsense
    old = wait_token(shop, sale, 11 * 60_000)
    assert (await browser(shop).post(f"/sales/{sale}/join", wait_token=old)).status == 403


async def test_a_wait_that_we_failed_counts_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale()
    form = {"wait_token": wait_token(shop, sale)}
    with monkeypatch.context() as away:
        away.setattr(Line, "join", AsyncMock(side_effect=StoreUnavailable(retry_after=1)))
        assert (await browser(shop).post(f"/sales/{sale}/join", **form)).status == 503
    assert (await browser(shop).post(f"/sales/{sale}/join", **form)).status == 303


async def test_one_address_cannot_wait_for_many(shop: Shop) -> None:
    sale = await shop.new_sale()
    statuses = [
        (await browser(shop).post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))).status
        for _ in range(7)
    ]
    assert statuses == [303] * 5 + [429] * 2


async def test_before_the_call_the_page_shows_how_things_stand(shop: Shop) -> None:
    sale = await shop.new_sale(state="paused", pause_reason="A short break")
    fan = browser(shop)
    for path in (f"/sales/{sale}/admit", f"/sales/{sale}/leave"):
        reply = await fan.post(path)
        assert (reply.status, reply.headers["Location"]) == (303, f"/sales/{sale}")
    await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))
    reply = await fan.post(f"/sales/{sale}/admit")
    assert (reply.status, reply.headers["Location"]) == (303, f"/sales/{sale}")
    assert f"onsale-pass-{sale}" not in reply.cookies
    assert b"A short break" in (await fan.get(f"/sales/{sale}")).body


async def test_leaving_gives_the_place_back_and_keeps_the_orders(shop: Shop) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(3, sale_id=sale)
    fan = browser(shop)
    await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))
    await shop.refresh_rooms()
    await fan.post(f"/sales/{sale}/admit")
    bought = await fan.complete(await fan.held(event, "A-1"))
    assert bought.status == 201, bought

    left = await fan.post(f"/sales/{sale}/leave")
    assert left.status == 303
    assert left.cookies[f"__Host-onsale-pass-{sale}"].startswith("; HttpOnly; Max-Age=0;")
    as_program = {"Accept": "application/json"}
    stands = await fan.call("GET", f"/sales/{sale}", headers=as_program)
    assert stands.json["place"]["place"] is None
    assert b'data-stage="open"' in (await fan.get(f"/sales/{sale}")).body
    assert (await fan.get(f"/orders/{bought.json['booking_id']}")).status == 200
    assert (await fan.post(f"/sales/{sale}/admit")).headers["Location"] == f"/sales/{sale}"


async def test_who_leaves_without_a_ticket_has_none_afterwards(shop: Shop) -> None:
    sale = await shop.new_sale()
    left = await browser(shop).post(f"/sales/{sale}/leave")
    assert left.cookies[f"__Host-onsale-ticket-{sale}"].startswith("; HttpOnly; Max-Age=0;")


async def test_a_hold_is_let_go_by_a_form(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    fan.headers["Accept"] = "text/html"
    held = await fan.held(event, "A-1")
    reply = await fan.call("POST", f"/checkout/{held}/release")
    assert (reply.status, reply.headers["Location"]) == (303, f"/events/{event}/seats")
    assert await held_by(shop, event, fan.fan_id) == []
    gone = await fan.call("GET", f"/checkout/{held}")
    assert gone.status == 404
    assert gone.headers["Content-Type"].startswith("text/html")


async def test_a_hold_that_is_paid_for_is_not_let_go_by_a_form(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    assert (await fan.complete(held, "card_requires_action")).status == 202
    reply = await fan.call("POST", f"/checkout/{held}/release")
    assert (reply.status, reply.headers["Location"]) == (303, f"/checkout/{held}")
    assert await held_by(shop, event, fan.fan_id) == [held]


async def test_a_hold_has_its_clock_on_the_seats_and_changes_in_place_by_a_form(shop: Shop) -> None:
    event = await shop.new_event(6)
    fan = Fan.inside(shop)
    fan.headers["Accept"] = "text/html"
    held = await fan.held(event, "A-1")
    checkout = await fan.call("GET", f"/checkout/{held}")
    cookie = checkout.cookies["held"]
    assert cookie.startswith(f"{held};")
    assert {"HttpOnly", "SameSite=Lax", f"Path=/events/{event}/"} <= set(cookie.split("; "))
    # A script may ask for more time, and takes no cookie with it.
    assert "Max-Age=3600" in cookie

    fan.headers["Cookie"] = f"held={held}"
    seats = (await fan.call("GET", f"/events/{event}/seats")).body.decode()
    assert f'data-held="{held}"' in seats
    reply = await fan.call("POST", f"/events/{event}/reserve", data={"quantity": "3"})
    assert (reply.status, reply.headers["Location"]) == (303, f"/checkout/{held}")
    assert await held_by(shop, event, fan.fan_id) == [held]

    # The name of a hold is no proof: another fan is not shown it, and gets one of their own.
    stranger = Fan.inside(shop)
    stranger.headers |= {"Accept": "text/html", "Cookie": f"held={held}"}
    seats = (await stranger.call("GET", f"/events/{event}/seats")).body.decode()
    assert held not in seats
    reply = await stranger.call("POST", f"/events/{event}/reserve", data={"quantity": "1"})
    assert reply.headers["Location"] != f"/checkout/{held}"
    assert len(await held_by(shop, event, stranger.fan_id)) == 1

    assert (await fan.complete(held, "card_requires_action")).status == 202
    reply = await fan.call("POST", f"/events/{event}/reserve", data={"quantity": "1"})
    assert (reply.status, reply.headers["Location"]) == (303, f"/checkout/{held}")


async def test_what_was_bought_is_shown_to_who_asks_for_it_by_a_form(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    fan.headers["Accept"] = "text/html"
    held = await fan.held(event, "A-1")
    order = f"/orders/{(await fan.complete(held)).json['booking_id']}"
    form = {"payment_method": "card_ok", "idempotency_key": "of another tab"}
    for path, fields in (("pay", form), ("extend", {})):
        reply = await fan.call("POST", f"/checkout/{held}/{path}", data=fields)
        assert (reply.status, reply.headers["Location"]) == (303, f"/checkout/{held}"), path
    assert (await fan.call("GET", f"/checkout/{held}")).headers["Location"] == order
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_form_that_comes_too_late_is_told_that_nothing_is_held(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    fan.headers["Accept"] = "text/html"
    held = await fan.held(event, "A-1")
    assert (await fan.call("DELETE", f"/api/bookings/{held}")).status == 204
    form = {"payment_method": "card_ok", "idempotency_key": "k"}
    for path, fields in (("pay", form), ("extend", {})):
        reply = await fan.call("POST", f"/checkout/{held}/{path}", data=fields)
        assert (reply.status, reply.headers["Location"]) == (303, f"/checkout/{held}"), path
    assert (await fan.call("GET", f"/checkout/{held}")).status == 404


async def test_too_many_cards_by_a_form_lead_back_to_the_seats(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    fan.headers["Accept"] = "text/html"
    held = await fan.held(event, "A-1")
    for number in range(6):
        form = {"payment_method": "card_declined", "idempotency_key": f"card {number}"}
        reply = await fan.call("POST", f"/checkout/{held}/pay", data=form)
    page = reply.body.decode()
    assert reply.status == 409
    assert "Too many cards were tried" in page
    assert "You were not charged." in page
    assert f'action="/events/{event}/reserve"' in page


@pytest.mark.parametrize(
    "quantity",
    ["", "0", "-1", "9", "1.5", "x", "\u00b2", "\u0662", "1e1", "9" * 5_000, "1\x00", " 1"],
)
async def test_a_quantity_that_cannot_be_shows_the_seats_again(shop: Shop, quantity: str) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    reply = await fan.call("POST", f"/events/{event}/reserve", data={"quantity": quantity})
    assert reply.status == 409
    assert reply.headers["Content-Type"].startswith("text/html")
    assert await held_by(shop, event, fan.fan_id) == []


async def test_stock_by_form_and_what_is_sold_out(shop: Shop) -> None:
    event = await shop.new_event(stock=[StockTier("print", "Print", 1_000, 3)])
    fan = Fan.inside(shop)
    reply = await fan.call(
        "POST", f"/events/{event}/reserve", data={"tier": "print", "quantity": "2"}
    )
    assert reply.status == 303
    for tier in ("print", "nobody", "\x00", "x" * 10_000):
        sold_out = await Fan.inside(shop).call(
            "POST", f"/events/{event}/reserve", data={"tier": tier, "quantity": "2"}
        )
        assert sold_out.status == 409, tier


@pytest.mark.parametrize("field", ["payment_method", "email", "idempotency_key"])
@pytest.mark.parametrize("value", ["\x00", "\x00" * 300, "x" * 5_000, "\u2603", "", "a\nb"])
async def test_no_payment_form_is_a_bug(shop: Shop, field: str, value: str) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    fan.headers["Accept"] = "text/html"
    held = await fan.held(event, "A-1")
    form = {"payment_method": "card_ok", "idempotency_key": "k", "email": ""} | {field: value}
    reply = await fan.call("POST", f"/checkout/{held}/pay", data=form)
    assert reply.status in (303, 400, 402), reply
    await shop.settle()
    await assert_settled(shop, event)


async def test_a_wait_token_sent_again_takes_nothing_from_others(shop: Shop) -> None:
    sale = await shop.new_sale()
    path, token = f"/sales/{sale}/join", wait_token(shop, sale)
    answers = [
        await browser(shop).post(path, wait_token=token) for _ in range(WAITING_JOINS.burst + 2)
    ]
    assert [each.status for each in answers] == [303, *[403] * (WAITING_JOINS.burst + 1)]
    assert (await browser(shop).post(path, wait_token=wait_token(shop, sale))).status == 303


async def test_who_waited_in_vain_need_not_wait_again(shop: Shop) -> None:
    sale = await shop.new_sale()
    path = f"/sales/{sale}/join"
    for _ in range(WAITING_JOINS.burst):
        await browser(shop).post(path, wait_token=wait_token(shop, sale))
    token = wait_token(shop, sale)
    assert (await browser(shop).post(path, wait_token=token)).status == 429
    await shop.gateway[ALLOWANCES].give_back(WAITING_JOINS, sale, "127.0.0.1")
    assert (await browser(shop).post(path, wait_token=token)).status == 303
