"""A fan in several sales at once: each has its own ticket and pass, and the header stays short."""

import base64
import json
from typing import Any

import pytest

from gateway.edge.cookies import COOKIES_BYTES_MAX, issued_at
from groundwork import tokens
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.shop import Shop


class Jar:
    """A browser's cookies: what comes is kept, what is taken back goes."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def keep(self, reply: Reply) -> None:
        for name, line in reply.cookies.items():
            value, _, attributes = line.partition(";")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}


async def joined(shop: Shop, jar: Jar, sale: str) -> Fan:
    """Join a sale by the browser with these cookies, which has another key for each sale."""
    fan = Fan(shop, DeviceKey(), headers=jar.headers)
    jar.keep(await fan.join(sale))
    fan.headers = jar.headers
    return fan


async def inside(shop: Shop, jar: Jar, sale: str) -> Fan:
    fan = await joined(shop, jar, sale)
    jar.keep(await fan.let_in())
    return fan


async def test_two_sales_have_two_tickets(shop: Shop) -> None:
    first, second = await shop.new_sale(), await shop.new_sale()
    jar = Jar()
    await joined(shop, Jar(), first)
    for sale in (first, second):
        await joined(shop, jar, sale)
    for sale, place in ((first, 2), (second, 1)):
        reply = await Fan(shop, headers=jar.headers).call("GET", f"/api/sales/{sale}/place")
        assert (reply.status, reply.json["place"]) == (200, place)


async def test_leaving_one_sale_keeps_the_place_in_the_other(shop: Shop) -> None:
    first, second = await shop.new_sale(), await shop.new_sale()
    jar = Jar()
    for sale in (first, second):
        await joined(shop, jar, sale)
    jar.keep(await Fan(shop, headers=jar.headers).call("POST", f"/api/sales/{first}/leave"))
    gone = await Fan(shop, headers=jar.headers).call("GET", f"/api/sales/{first}/place")
    assert (gone.status, gone.code) == (401, "ticket-invalid")
    kept = await Fan(shop, headers=jar.headers).call("GET", f"/api/sales/{second}/place")
    assert kept.status == 200


async def test_who_is_inside_two_sales_acts_in_the_one_the_page_is_of(shop: Shop) -> None:
    first, second = await shop.new_sale(), await shop.new_sale()
    events = {sale: await shop.new_event(3, sale_id=sale) for sale in (first, second)}
    jar = Jar()
    fans = {sale: await inside(shop, jar, sale) for sale in (first, second)}
    for sale, event in events.items():
        browser = Fan(shop, fans[sale].key, headers=jar.headers)
        page = {"Referer": f"{shop.url}/events/{event}/seats"}
        held = await browser.reserve(event, "A-1", headers=page)
        assert held.status == 201, held
        browser.headers["Referer"] = f"{shop.url}/checkout/{held.json['reservation_id']}"
        paid = await browser.complete(held.json["reservation_id"])
        assert paid.status == 201, paid
        # The order's own page says no sale: both names of the browser are its owner's.
        del browser.headers["Referer"]
        assert (await browser.booking(paid.json["booking_id"])).status == 200


async def test_an_order_is_its_buyers_by_the_ticket_of_any_sale(shop: Shop) -> None:
    first, second = await shop.new_sale(), await shop.new_sale()
    event = await shop.new_event(3, sale_id=first)
    jar = Jar()
    fan = await inside(shop, jar, first)
    fan.scheme = "DPoP"
    bought = await fan.complete(await fan.held(event, "A-1"))
    assert bought.status == 201, bought
    other = await joined(shop, jar, second)
    tickets = {name: value for name, value in jar.cookies.items() if "ticket" in name}
    jar.cookies = tickets
    path = f"/api/bookings/{bought.json['booking_id']}"
    reply = await Fan(shop, headers=jar.headers).call("GET", path, credential=other.ticket)
    assert reply.status == 200, reply


async def test_a_token_is_looked_at_as_often_however_many_sales_there_are(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await shop.new_sale()
    looked: list[str] = []
    read_kid = tokens.read_kid
    monkeypatch.setattr(tokens, "read_kid", lambda text: looked.append(text) or read_kid(text))
    reply = await Fan(shop).call("GET", "/api/bookings/x", credential="a.b.c")
    assert reply.status == 404
    assert len(looked) <= 3, "as a pass, as one that may be renewed, as a ticket"


@pytest.mark.parametrize("referer", ["http://[", "\u2603", "/events/%00/seats", "x" * 4_000])
async def test_a_referer_that_is_none_is_no_bug(shop: Shop, referer: str) -> None:
    event = await shop.new_event(3)
    reply = await Fan.inside(shop).reserve(event, "A-1", headers={"Referer": referer})
    assert reply.status == 201


async def test_a_referer_lets_nobody_in(shop: Shop) -> None:
    sale, other = await shop.new_sale(), await shop.new_sale()
    event = await shop.new_event(3, sale_id=sale)
    jar = Jar()
    await inside(shop, jar, other)
    page = {"Referer": f"{shop.url}/events/{event}/seats"}
    for headers in (jar.headers, {**jar.headers, **page}):
        reply = await Fan(shop, headers=headers).reserve(event, "A-1")
        assert (reply.status, reply.code) == (403, "not-admitted"), reply


async def test_the_cookies_of_many_sales_never_fill_the_header(shop: Shop) -> None:
    jar = Jar()
    sales = [await shop.new_sale() for _ in range(12)]
    for sale in sales:
        await inside(shop, jar, sale)
        assert len(jar.headers["Cookie"]) <= COOKIES_BYTES_MAX
    newest = await Fan(shop, headers=jar.headers).call("GET", f"/api/sales/{sales[-1]}/place")
    assert newest.status == 200
    assert not any(name.endswith(f"-{sales[0]}") for name in jar.cookies), "the oldest went first"


async def test_cookies_of_others_are_left_alone(shop: Shop) -> None:
    jar = Jar()
    jar.cookies = {"cart": "x" * 3_000, "onsale-ticket": "y" * 500}
    for _ in range(6):
        await inside(shop, jar, await shop.new_sale())
    assert {"cart", "onsale-ticket"} <= jar.cookies.keys()


def token(claims: Any) -> str:
    return f"x.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.y"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(token({"iat": 7}), 7), (token({"iat": -1}), 0), (token({}), 0), (token([]), 0), ("", 0),
     ("a.b.c", 0), ("..", 0), ("x." + "[" * 9_000 + ".y", 0)],
)  # fmt: skip
def test_what_a_cookie_says_of_its_age(text: str, seconds: int) -> None:
    assert issued_at(text) == seconds
