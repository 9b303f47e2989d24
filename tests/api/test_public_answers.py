"""What anybody may ask: the board, the keys, the catalogue; and the headers on every kind of answer."""

import jwt
import pytest

from booking_core.seats.app_keys import HOLDS
from tests.support.fan import Fan, Reply
from tests.support.shop import Shop

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


async def test_the_board_says_everything_once_a_second(shop: Shop) -> None:
    sale = await shop.new_sale(message="Welcome")
    event = await shop.new_event(3, sale_id=sale)
    await Fan(shop).join(sale)
    await shop.refresh_rooms()
    reply = await Fan(shop).call("GET", f"/api/sales/{sale}/status")
    board = reply.json
    assert reply.headers["Cache-Control"] == "public, max-age=1"
    assert "Set-Cookie" not in reply.headers
    assert board["sale"] == sale
    assert (board["phase"], board["message"], board["events"]) == ("open", "Welcome", [event])
    assert (board["serving"], board["last_place"], board["waiting"]) == (1, 1, 0)
    assert board["poll"]["after_ms"] >= 3_000
    assert [set(line) for line in board["eta"]] == [{"distance", "p10", "p50", "p90"}]
    for name in ("name", "opens_at", "inside", "rate_per_minute", "pause_reason", "seq", "at_ms"):
        assert name in board, name


async def test_who_has_the_board_gets_a_304(shop: Shop) -> None:
    sale = await shop.new_sale(state="closed")  # nothing moves any more
    path = f"/api/sales/{sale}/status"
    first = await Fan(shop).call("GET", path)
    etag = first.headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        reply = await Fan(shop).call("GET", path, headers={"If-None-Match": known})
        assert (reply.status, reply.body) == (304, b""), known
        assert (reply.headers["ETag"], reply.headers["Cache-Control"]) == (
            etag, "public, max-age=1",
        )  # fmt: skip
    for other in ('"other"', "nonsense", ""):
        reply = await Fan(shop).call("GET", path, headers={"If-None-Match": other})
        assert (reply.status, reply.body) == (200, first.body), other


async def test_others_can_verify_passes_and_tickets(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    await fan.let_in()
    jwks = await fan.call("GET", "/.well-known/jwks.json", credential="")
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(jwks.json).keys}
    for text, typ in ((fan.ticket, "ticket"), (fan.admission, "pass")):
        key = keys[jwt.get_unverified_header(text)["kid"]]
        claims = jwt.decode(text, key, algorithms=["EdDSA"], audience=f"sale:{sale}")
        assert (claims["typ"], claims["iss"], claims["sub"]) == (typ, "onsale", fan.fan_id)
        with pytest.raises(jwt.InvalidAudienceError):
            jwt.decode(text, key, algorithms=["EdDSA"], audience="sale:another")
    assert all("d" not in key for key in jwks.json["keys"]), "no private key"
    event = await shop.new_event(3, sale_id=sale)
    bought = await fan.complete(await fan.held(event, "A-1"))
    code = bought.json["tickets"][0]["code"]
    claims = jwt.decode(
        code, keys[jwt.get_unverified_header(code)["kid"]], algorithms=["EdDSA"],
        audience=f"event:{event}",
    )  # fmt: skip
    assert claims["seat"] == "A-1"


async def test_an_event_is_found_and_shown(shop: Shop) -> None:
    event = await shop.new_event(
        4,
        accessible=1,
        name="Beyoncé in Zürich",
        city="Zürich",
        venue="Letzigrund",
        category="Concert",
    )
    found = await Fan(shop).call("GET", "/api/events/search?q=beyonce&city=zurich")
    assert found.json["total"] == 1
    [line] = found.json["events"]
    assert (line["event_id"], line["available"], line["availability"]) == (event, 4, "available")
    assert (line["price_min"], line["currency"]) == (4_500, "EUR")
    shown = (await Fan(shop).call("GET", f"/api/events/{event}")).json
    assert shown["tiers"][0]["quantity"] == 4
    assert shown["seats_url"] == f"/api/events/{event}/seats"
    assert shown["waiting_room_url"] == "/sales/tour"
    plan = await Fan(shop).call("GET", f"/api/events/{event}/plan")
    assert plan.json["seats"]["seat_id"] == ["A-1", "A-2", "A-3", "A-4"]
    assert plan.json["seats"]["accessible"] == [3]
    known = await Fan(shop).call(
        "GET", f"/api/events/{event}/plan", headers={"If-None-Match": plan.headers["ETag"]}
    )
    assert (known.status, known.body) == (304, b"")


@pytest.mark.parametrize("query", [
    "q=" + "x" * 101, "page=0", "page=-1", "page=x", "page=99999999999999999999", "date=2027-13-01",
    "date=yesterday", "price_max=-1", "price_max=1.5", "price_max=" + "9" * 50,
])  # fmt: skip
async def test_a_search_that_cannot_be_is_refused(shop: Shop, query: str) -> None:
    reply = await Fan(shop).call("GET", f"/api/events/search?{query}")
    assert (reply.status, reply.code) == (400, "request-invalid")
    assert reply.json["field"] == query.partition("=")[0]


@pytest.mark.parametrize("query", [
    "q=%00", "city=%00", "category=%00", "q=%ED%A0%80", "q=%FF", "q=%F0%9F%98%80", "q='%22%5C%25_",
    "q=" + "%E2%98%83" * 100, "q=a&q=b", "unknown=1", "q=(((", "q=a:*%26!b", "q=%27+OR+1=1--",
])  # fmt: skip
async def test_no_search_is_a_bug(shop: Shop, query: str) -> None:
    for path in ("/api/events/search", "/"):
        reply = await Fan(shop).call("GET", f"{path}?{query}")
        assert reply.status in (200, 400), reply


def assert_guarded(reply: Reply) -> None:
    for name, value in ALWAYS.items():
        assert reply.headers.getall(name) == [value], (name, reply)
    [policy] = reply.headers.getall("Content-Security-Policy")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "aiohttp" not in reply.headers.get("Server", "")


async def test_every_kind_of_answer_has_the_security_headers(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    browser = Fan.inside(shop)
    browser.headers["Accept"] = "text/html"
    home = await browser.call("GET", "/")
    static = home.body.decode().partition('href="/static/')[2].partition('"')[0]
    etag = (await fan.call("GET", f"/api/events/{event}/plan")).headers["ETag"]
    for status, reply in [
        (200, home),
        (200, await fan.call("GET", f"/static/{static}".replace("&amp;", "&"))),
        (200, await browser.call("GET", "/sales/tour")),
        (200, await browser.call("GET", f"/events/{event}/seats")),
        (200, await fan.call("GET", f"/api/events/{event}/seats")),
        (201, await fan.reserve(event, "A-1")),
        (204, await fan.call("DELETE", f"/api/bookings/{event}.{'x' * 22}")),
        (301, await fan.call("GET", "/favicon.ico")),
        (
            303,
            await Fan(shop, headers={"Accept": "text/html"}).call("GET", f"/events/{event}/seats"),
        ),
        (304, await fan.call("GET", f"/api/events/{event}/plan", headers={"If-None-Match": etag})),
        (400, await fan.reserve(event)),
        (403, await Fan(shop).call("GET", f"/api/events/{event}/seats")),
        (404, await browser.call("GET", "/events/nobody")),
        (404, await fan.call("GET", "/static/nothing.css")),
        (405, await fan.call("PUT", "/api/bookings/reserve")),
        (409, await Fan.inside(shop).reserve(event, "A-1")),
    ]:
        assert reply.status == status, reply
        assert_guarded(reply)

    async def breaks(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(shop.core[HOLDS], "read", breaks)
    for viewer in (fan, browser):
        reply = await viewer.call("GET", f"/checkout/{event}.{'x' * 22}")
        assert reply.status == 500
        assert_guarded(reply)


async def test_a_bug_tells_nothing_but_its_reference(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await shop.new_event(3)

    async def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(shop.core[HOLDS], "hold", breaks)
    fan = Fan.inside(shop)
    reply = await fan.reserve(event, "A-1")
    assert (reply.status, reply.code) == (500, "internal-error")
    assert set(reply.json) == {"type", "title", "status", "code", "instance"}
    assert reply.json["instance"].startswith("urn:request:")
    assert b"secret" not in reply.body
    assert b"RuntimeError" not in reply.body


async def test_the_same_refusal_is_a_page_for_browsers(shop: Shop) -> None:
    api = await Fan(shop).call("GET", "/events/nobody")
    assert (api.status, api.code) == (404, "event-not-found")
    page = await Fan(shop, headers={"Accept": "text/html,*/*;q=0.8"}).call("GET", "/events/nobody")
    assert page.status == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Cache-Control"] == "no-store"
    # An API address answers in JSON, whoever asks.
    json = await Fan(shop, headers={"Accept": "text/html"}).call("GET", "/api/events/nobody")
    assert json.code == "event-not-found"
