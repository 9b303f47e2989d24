"""A page of another site sends nothing in a fan's name; our own pages and programs do."""

import pytest

from tests.support.fan import Fan
from tests.support.shop import Shop

CHANGING = [
    ("POST", "/sales/{sale}/join"),
    ("POST", "/sales/{sale}/leave"),
    ("POST", "/sales/{sale}/admit"),
    ("POST", "/api/sales/{sale}/join"),
    ("POST", "/api/sales/{sale}/admit"),
    ("POST", "/api/sales/{sale}/leave"),
    ("POST", "/api/sales/{sale}/move"),
    ("POST", "/api/bookings/reserve"),
    ("POST", "/api/bookings/complete"),
    ("DELETE", "/api/bookings/{reservation}"),
    ("POST", "/events/{event}/reserve"),
    ("POST", "/checkout/{reservation}/pay"),
    ("POST", "/checkout/{reservation}/release"),
    ("PUT", "/nobody/has/thought/of/this"),
]
ELSEWHERE: dict[str, dict[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbouring subdomain": {"Sec-Fetch-Site": "same-site"},
    "another origin, by an older browser": {"Origin": "https://evil.example"},
    "a sandboxed frame": {"Origin": "null"},
    "another scheme's host with ours in front": {"Origin": "http://127.0.0.1.evil.example"},
}


@pytest.fixture(scope="module")
async def names(shop: Shop) -> dict[str, str]:
    sale = await shop.new_sale()
    event = await shop.new_event(4, sale_id=sale)
    return {"sale": sale, "event": event, "reservation": f"{event}.{'r' * 22}"}


@pytest.mark.parametrize(("method", "path"), CHANGING)
async def test_what_other_sites_send_is_refused(
    shop: Shop, names: dict[str, str], method: str, path: str
) -> None:
    fan = Fan.inside(shop, names["sale"])
    for what, headers in ELSEWHERE.items():
        reply = await fan.call(method, path.format(**names), json={}, headers=headers)
        assert (reply.status, reply.code) == (403, "cross-site"), what


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "OURS"}],
)
async def test_our_pages_and_programs_are_answered(
    shop: Shop, names: dict[str, str], headers: dict[str, str]
) -> None:
    headers = {name: shop.url if value == "OURS" else value for name, value in headers.items()}
    fan = Fan.inside(shop, names["sale"])
    reservation = await fan.held(names["event"], "A-1", headers=headers)
    released = await fan.call("DELETE", f"/api/bookings/{reservation}", headers=headers)
    assert released.status == 204, released


async def test_links_from_other_sites_lead_here(shop: Shop, names: dict[str, str]) -> None:
    for path in ("/sales/{sale}", "/events/{event}", "/api/sales/{sale}/status"):
        reply = await Fan(shop).call(
            "GET", path.format(**names), headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert reply.status == 200, path


async def test_nothing_of_a_refused_request_was_done(shop: Shop, names: dict[str, str]) -> None:
    fan = Fan.inside(shop, names["sale"])
    reservation = await fan.held(names["event"], "A-2")
    path = f"/checkout/{reservation}/release"
    reply = await fan.call("POST", path, headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status == 403
    assert (await fan.call("GET", f"/checkout/{reservation}")).status == 200


async def test_who_came_from_another_site_is_told_so_on_a_page(
    shop: Shop, names: dict[str, str]
) -> None:
    headers = {"Origin": "https://evil.example", "Accept": "text/html"}
    reply = await Fan(shop).call("POST", f"/sales/{names['sale']}/join", headers=headers)
    assert reply.status == 403
    assert reply.headers["Content-Type"].startswith("text/html")
    assert b"/sales/" in reply.body or b'href="/"' in reply.body
