"""Orders: to their owner only, by pass or ticket; tickets as JSON, page, PDF and QR code."""

import uuid
from io import BytesIO

import pytest
from pypdf import PdfReader

from groundwork.token_claims import TicketClaims
from tests.support.fan import Fan, Reply
from tests.support.shop import Shop


@pytest.fixture(scope="module")
async def bought(shop: Shop) -> tuple[Fan, Reply]:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    return fan, await fan.complete(await fan.held(event, "A-1", "A-2"), email="a@example.org")


def addresses(reply: Reply) -> list[str]:
    booking_id = reply.json["booking_id"]
    ticket_id = reply.json["tickets"][0]["ticket_id"]
    return [
        f"/api/bookings/{booking_id}", f"/orders/{booking_id}", f"/orders/{booking_id}/tickets.pdf",
        f"/orders/{booking_id}/tickets/{ticket_id}/qr.svg",
    ]  # fmt: skip


async def test_paying_in_the_name_of_somebody_else_is_refused(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan, other = Fan.inside(shop), Fan.inside(shop)
    held = await fan.held(event, "A-1")
    refused = await fan.complete(held, key="one", user_id=other.fan_id)
    assert (refused.status, refused.code) == (403, "not-yours")
    assert await shop.seat_digits(event) == "100"
    paid = await fan.complete(held, key="one", user_id=fan.fan_id, email=None)
    assert paid.status == 201


@pytest.mark.parametrize("by", ["pass", "ticket", "pass cookie", "ticket cookie"])
async def test_the_owner_sees_the_order_by_pass_or_ticket(
    shop: Shop, bought: tuple[Fan, Reply], by: str
) -> None:
    fan, reply = bought
    text = fan.admission if by.startswith("pass") else fan.ticket
    viewer = Fan(shop, admission="" if "cookie" in by else text)
    if "cookie" in by:
        viewer.headers["Cookie"] = f"__Host-onsale-{by.partition(' ')[0]}-{fan.sale_id}={text}"
    for address in addresses(reply):
        seen = await viewer.call("GET", address)
        assert seen.status == 200, address
        assert seen.headers["Cache-Control"] == "no-store", address
    assert (await viewer.call("GET", addresses(reply)[0])).body == reply.body
    # An expired pass does not hide the order while the ticket shows whose it is.
    assert (await viewer.call("GET", reply.json["tickets"][0]["pdf_url"])).status == 200


DAY_MS = 24 * 60 * 60_000


@pytest.mark.parametrize(("age_ms", "is_renewed"), [(29 * DAY_MS, True), (DAY_MS // 2, False)])
async def test_who_looks_at_their_order_keeps_its_key(
    shop: Shop, bought: tuple[Fan, Reply], age_ms: int, is_renewed: bool
) -> None:
    fan, reply = bought
    now_ms = shop.clock.now_ms()
    ticket = TicketClaims(
        fan_id=fan.fan_id, sale_id=fan.sale_id, place=7,
        issued_at_ms=now_ms - age_ms, expires_at_ms=now_ms + 60_000,
    )  # fmt: skip
    text = shop.tokens.sign_ticket(ticket)
    viewer = Fan(shop, headers={"Cookie": f"__Host-onsale-ticket-{fan.sale_id}={text}"})
    name = f"__Host-onsale-ticket-{fan.sale_id}"

    seen = await viewer.call("GET", f"/orders/{reply.json['booking_id']}")
    assert seen.status == 200
    assert (name in seen.cookies) == is_renewed
    if is_renewed:
        renewed = seen.cookies[name].partition(";")[0]
        claims = shop.tokens.read_ticket(renewed, fan.sale_id)
        assert (claims.fan_id, claims.place) == (fan.fan_id, 7)
        assert claims.expires_at_ms > now_ms + 29 * DAY_MS
    other = await viewer.call("GET", f"/orders/{uuid.uuid4()}")
    assert (other.status, name in other.cookies) == (404, False)


@pytest.mark.parametrize(("ended_ago_ms", "status"), [(60_000, 200), (61 * 60_000, 404)])
async def test_a_pass_shows_whose_order_it_is_for_an_hour_after_its_end(
    shop: Shop, bought: tuple[Fan, Reply], ended_ago_ms: int, status: int
) -> None:
    fan, reply = bought
    ends_at_ms = shop.clock.now_ms() - ended_ago_ms
    viewer = Fan.inside(
        shop, fan_id=fan.fan_id, issued_at_ms=ends_at_ms - 900_000, expires_at_ms=ends_at_ms
    )
    seen = await viewer.call("GET", f"/api/bookings/{reply.json['booking_id']}")
    assert seen.status == status
    path = f"/api/bookings/{reply.json['booking_id']}/cancel"
    cancelled = await viewer.call("POST", path)
    assert (cancelled.status, cancelled.code) == (404, "order-not-found"), (
        "it shows, it does not act"
    )
    stranger = Fan.inside(shop, issued_at_ms=ends_at_ms - 900_000, expires_at_ms=ends_at_ms)
    refused = await stranger.call("GET", f"/api/bookings/{reply.json['booking_id']}")
    assert (refused.status, refused.code) == (404, "order-not-found")
    event = await shop.new_event(3)
    held = await viewer.reserve(event, "A-1")
    assert (held.status, held.code) == (403, "pass-expired")


async def test_an_expired_pass_beside_a_ticket_does_not_hide_the_order(
    shop: Shop, bought: tuple[Fan, Reply]
) -> None:
    fan, reply = bought
    now_ms = shop.clock.now_ms()
    expired = Fan.inside(
        shop, fan_id=fan.fan_id, issued_at_ms=now_ms - 3_600_000, expires_at_ms=now_ms - 60_000
    )
    viewer = Fan(shop)
    viewer.headers["Cookie"] = (
        f"onsale-pass-{expired.sale_id}={expired.admission}; onsale-ticket-{fan.sale_id}={fan.ticket}"
    )
    for address in addresses(reply):
        assert (await viewer.call("GET", address)).status == 200, address


async def test_nobody_else_learns_that_there_is_an_order(
    shop: Shop, bought: tuple[Fan, Reply]
) -> None:
    _, reply = bought
    other_sale = await shop.new_sale()
    for viewer in (Fan(shop), Fan.inside(shop), Fan.inside(shop, other_sale)):
        for address in addresses(reply):
            refused = await viewer.call("GET", address)
            nothing = await viewer.call(
                "GET", address.replace(reply.json["booking_id"], str(uuid.uuid4()))
            )
            assert (refused.status, refused.code) == (404, "order-not-found"), address
            assert {**refused.json, "instance": ""} == {**nothing.json, "instance": ""}


@pytest.mark.parametrize(
    "name",
    [
        "nonsense", "0", "-" * 36, "g" * 36, "00000000-0000-0000-0000-000000000000",
        "\u2603", "%00", "%FF", "x" * 5_000, "00000000000000000000000000000000",
        "{00000000-0000-0000-0000-000000000000}",
    ],
)  # fmt: skip
async def test_nonsense_is_no_order(shop: Shop, name: str) -> None:
    fan = Fan.inside(shop)
    for address in (f"/api/bookings/{name}", f"/orders/{name}", f"/orders/{name}/tickets.pdf"):
        reply = await fan.call("GET", address)
        assert reply.status == 404, (address, reply)
        assert reply.code in ("order-not-found", "not-found")


async def test_a_ticket_of_another_order_has_no_code_here(
    shop: Shop, bought: tuple[Fan, Reply]
) -> None:
    fan, reply = bought
    booking_id = reply.json["booking_id"]
    for ticket in (str(uuid.uuid4()), "x"):
        refused = await fan.call("GET", f"/orders/{booking_id}/tickets/{ticket}/qr.svg")
        assert (refused.status, refused.code) == (404, "order-not-found")


async def test_the_pdf_has_every_ticket(bought: tuple[Fan, Reply]) -> None:
    fan, reply = bought
    pdf = await fan.call("GET", reply.json["tickets"][0]["pdf_url"])
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.headers["Content-Disposition"].startswith("inline; filename=")
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf.body)).pages)
    for ticket in reply.json["tickets"]:
        assert ticket["seat_id"].removeprefix("A-") in text


async def test_an_order_that_is_not_sold_has_no_pdf(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"), "card_requires_action")
    booking_id = reply.json["booking_id"]
    assert (await fan.call("GET", f"/orders/{booking_id}/tickets.pdf")).status == 404
    page = await fan.call("GET", f"/orders/{booking_id}")
    assert page.status == 200
    assert reply.json["next_action_url"].encode() in page.body
