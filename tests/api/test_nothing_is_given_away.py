"""Cookies are for us alone, logs name nobody, and no other site reads what is not for everybody."""

import json

from structlog.testing import capture_logs

from gateway.edge.cookies import HOST_PREFIX
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.shop import Shop

EMAIL = "canary.of.the.tests@example.org"


async def whole_way(shop: Shop) -> tuple[Fan, list[Reply], str]:
    """A fan joins, goes in, holds, pays, looks at the order and leaves; all answers, and the order."""
    sale = await shop.new_sale()
    event = await shop.new_event(4, sale_id=sale)
    fan = Fan(shop, DeviceKey())
    replies = [await fan.join(sale), await fan.let_in()]
    reservation = await fan.held(event, "A-1")
    path = "/api/bookings/complete"
    body = {
        "reservation_id": reservation,
        "payment_method": "card_ok",
        "idempotency_key": "canary-key",
        "email": EMAIL,
    }
    bought = await fan.call("POST", path, json=body, headers=fan.proven("POST", path))
    assert bought.status == 201, bought
    booking = str(bought.json["booking_id"])
    replies += [bought, await fan.booking(booking)]
    replies.append(await fan.call("GET", f"/orders/{booking}", credential=fan.ticket))
    leave = f"/api/sales/{sale}/leave"
    replies.append(await fan.call("POST", leave, credential=fan.ticket))
    return fan, replies, booking


async def test_every_cookie_is_kept_from_pages_and_other_sites(
    shop: Shop,
) -> None:
    _, replies, _ = await whole_way(shop)
    cookies = [
        (name, attributes.split("; ")[1:])
        for reply in replies
        for name, attributes in reply.cookies.items()
    ]
    kept = [(name, attributes) for name, attributes in cookies if "Max-Age=0" not in attributes]
    hosts = {name for name, _ in kept if name.startswith(HOST_PREFIX)}
    assert {name.split("-sale-")[0] for name in hosts} == {
        f"{HOST_PREFIX}onsale-ticket",
        f"{HOST_PREFIX}onsale-pass",
    }
    for name, attributes in kept:
        assert {"HttpOnly", "SameSite=Lax"} <= set(attributes), name
    for name, attributes in cookies:
        assert "Path=/" in attributes, name
        assert not any(each.startswith("Domain") for each in attributes), name
        assert ("Secure" in attributes) == name.startswith(HOST_PREFIX), name
    # What has no prefix is the twin for plain http, and nothing else.
    assert {HOST_PREFIX + name for name, _ in kept if name not in hosts} <= hosts


async def test_logs_and_numbers_name_nobody(shop: Shop) -> None:
    with capture_logs() as lines:
        fan, _, booking = await whole_way(shop)
        # What goes wrong is worth a line; it says no more than what went well.
        await Fan(shop, admission=fan.admission).call(
            "GET",
            f"/api/bookings/{booking}/{EMAIL}",
            headers={"Authorization": f"Bearer {fan.ticket}"},
        )
        await fan.call("POST", "/api/bookings/reserve", json={"event_id": EMAIL})
    told = json.dumps(lines, default=str)
    for secret in (EMAIL, fan.ticket, fan.admission, "canary-key", fan.ticket.split(".")[1]):
        assert secret not in told


async def test_other_sites_read_only_what_is_for_everybody(shop: Shop) -> None:
    fan, _, booking = await whole_way(shop)
    asked = {"Origin": "https://evil.example"}
    sale = fan.sale_id
    for path in (
        f"/api/sales/{sale}/status", f"/api/sales/{sale}/place", f"/api/bookings/{booking}",
        f"/sales/{sale}", "/", f"/orders/{booking}",
    ):  # fmt: skip
        reply = await fan.call("GET", path, credential=fan.ticket, headers=asked)
        assert not [name for name in reply.headers if name.lower().startswith("access-control")], (
            path
        )
    preflight = {**asked, "Access-Control-Request-Method": "POST"}
    reply = await fan.call("OPTIONS", "/api/bookings/reserve", headers=preflight)
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    assert "Access-Control-Allow-Credentials" not in reply.headers


async def test_personal_answers_are_kept_by_nobody(shop: Shop) -> None:
    fan, _, booking = await whole_way(shop)
    for path in (
        f"/api/bookings/{booking}", f"/orders/{booking}", f"/orders/{booking}/tickets.pdf",
        f"/api/sales/{fan.sale_id}/place", f"/orders/{booking}/style.css", "/orders/nobody.css",
    ):  # fmt: skip
        reply = await fan.call("GET", path, credential=fan.ticket)
        assert "no-store" in reply.headers["Cache-Control"], (path, reply)
