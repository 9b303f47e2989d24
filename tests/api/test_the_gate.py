"""What lies behind the gate answers to nobody without a pass that counts."""

import time

import jwt
import pytest
from yarl import URL

from groundwork.identity import HEADER_NAME, Identity, IdentitySigner
from tests.support.fan import DeviceKey, Fan
from tests.support.shop import Shop
from tests.support.truth import held_by

BEHIND_API = [
    ("GET", "/api/events/{event}/seats"),
    ("GET", "/api/events/{event}/seats/changes"),
    ("POST", "/api/bookings/reserve"),
    ("POST", "/api/bookings/complete"),
    ("POST", "/api/bookings/{reservation}/extend"),
    ("DELETE", "/api/bookings/{reservation}"),
    ("GET", "/api/nobody/has/thought/of/this"),
    ("PUT", "/api/nobody/has/thought/of/this"),
    ("POST", "/api/events/{event}/seats/nor/of/this"),
]
BEHIND_PAGES = [
    ("GET", "/events/{event}/seats"),
    ("POST", "/events/{event}/reserve"),
    ("GET", "/checkout/{reservation}"),
    ("POST", "/checkout/{reservation}/pay"),
    ("POST", "/checkout/{reservation}/extend"),
    ("POST", "/checkout/{reservation}/release"),
]
PAYMENT = {"payment_method": "card_ok", "idempotency_key": "k"}
PUBLIC = ["/", "/events/{event}", "/sales/{sale}", "/api/events/search", "/api/events/{event}",
          "/api/events/{event}/plan", "/api/sales/{sale}/status", "/.well-known/jwks.json"]  # fmt: skip


@pytest.fixture(scope="module")
async def names(shop: Shop) -> dict[str, str]:
    sale = await shop.new_sale()
    event = await shop.new_event(4, sale_id=sale)
    return {"sale": sale, "event": event, "reservation": f"{event}.{'r' * 22}"}


def bad_passes(shop: Shop, sale: str) -> dict[str, tuple[str, str]]:
    """Passes that must not count, with the code of their refusal; none is of another sale."""
    good = Fan.inside(shop, sale)
    now_ms = shop.clock.now_ms()
    expired = Fan.inside(
        shop, sale, issued_at_ms=now_ms - 3_600_000, expires_at_ms=now_ms - 1_800_000
    )
    header, payload, signature = good.admission.split(".")
    claims = {"typ": "pass", "iss": "onsale", "aud": f"sale:{sale}", "sub": "f", "jti": "v",
              "iat": int(time.time()), "exp": int(time.time()) + 600}  # fmt: skip
    return {
        "none": ("", "not-admitted"),
        "nonsense": ("nonsense", "not-admitted"),
        "expired": (expired.admission, "pass-expired"),
        "tampered": (f"{header}.{payload[:-2]}AA.{signature}", "not-admitted"),
        "cut": (good.admission[:-1], "not-admitted"),
        "unsigned": (jwt.encode(claims, "", algorithm="none"), "not-admitted"),
        "symmetric": (jwt.encode(claims, "k" * 32, algorithm="HS256"), "not-admitted"),
        "a ticket": (good.ticket, "not-admitted"),
    }


@pytest.mark.parametrize(("method", "path"), BEHIND_API)
async def test_calls_behind_the_gate_are_refused(
    shop: Shop, names: dict[str, str], method: str, path: str
) -> None:
    for what, (admission, code) in bad_passes(shop, names["sale"]).items():
        body = {"reservation_id": names["reservation"], **PAYMENT}
        reply = await Fan(shop, admission=admission).call(method, path.format(**names), json=body)
        assert (reply.status, reply.code) == (403, code), what
        room = reply.json["waiting_room_url"]
        assert room in ("/", f"/sales/{names['sale']}"), what
        if "{" in path:
            assert room == f"/sales/{names['sale']}", what


@pytest.mark.parametrize(("method", "path"), BEHIND_PAGES)
async def test_pages_behind_the_gate_lead_to_the_waiting_room(
    shop: Shop, names: dict[str, str], method: str, path: str
) -> None:
    other_sale = Fan.inside(shop, await shop.new_sale()).admission
    passes = {what: text for what, (text, _) in bad_passes(shop, names["sale"]).items()}
    for what, admission in {**passes, "another sale": other_sale}.items():
        fan = Fan(shop, admission=admission, headers={"Accept": "text/html"})
        form = PAYMENT if method == "POST" else None
        reply = await fan.call(method, path.format(**names), data=form)
        assert reply.status == 303, what
        assert reply.headers["Location"] == f"/sales/{names['sale']}", what


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/events/{event}/seats", None),
        ("GET", "/api/events/{event}/seats/changes", None),
        ("POST", "/api/bookings/reserve", {"event_id": "{event}", "seat_ids": ["A-1"]}),
    ],
)
async def test_a_pass_of_another_sale_is_refused(
    shop: Shop, names: dict[str, str], method: str, path: str, body: dict[str, object] | None
) -> None:
    fan = Fan.inside(shop, await shop.new_sale())
    if body:
        body = {**body, "event_id": names["event"]}
    reply = await fan.call(method, path.format(**names), json=body)
    assert (reply.status, reply.code) == (403, "not-admitted")
    assert reply.json["waiting_room_url"] == f"/sales/{names['sale']}"
    assert await held_by(shop, names["event"], fan.fan_id) == []


@pytest.mark.parametrize("path", PUBLIC)
async def test_what_is_public_needs_nothing(shop: Shop, names: dict[str, str], path: str) -> None:
    for method in ("GET", "HEAD"):
        reply = await Fan(shop).call(method, path.format(**names))
        assert reply.status == 200, (method, reply)
        assert bool(reply.body) == (method == "GET")


@pytest.mark.parametrize("way", ["bearer", "dpop", "cookie", "host-cookie"])
async def test_a_pass_may_be_sent_in_every_way(shop: Shop, names: dict[str, str], way: str) -> None:
    fan = Fan.inside(shop, names["sale"])
    prefix = {"cookie": "", "host-cookie": "__Host-"}.get(way)
    if prefix is not None:
        fan.headers["Cookie"] = f"{prefix}onsale-pass-{names['sale']}={fan.admission}"
        fan.admission = ""
    fan.scheme = {"dpop": "DPoP"}.get(way, "bEaReR")
    reply = await fan.call("GET", f"/api/events/{names['event']}/seats")
    assert reply.status == 200


@pytest.mark.parametrize("path", [
    "/events/{event}/%73eats", "/events/{event}%2Fseats", "//events/{event}/seats",
    "/events/x/../{event}/seats", "/EVENTS/{event}/SEATS", "/api/events/{event}/seats/",
    "/api//events/{event}/seats", "/static/../api/events/{event}/seats",
    "/api/events/{event}/seats%00", "/events/{event};x/seats", "/api/events/search/../{event}/seats",
    "/webhooks/payments/../../api/events/{event}/seats",
])  # fmt: skip
async def test_spelling_a_path_otherwise_opens_nothing(
    shop: Shop, names: dict[str, str], path: str
) -> None:
    url = URL(shop.url + path.format(**names), encoded=True)
    async with shop.session.get(url, allow_redirects=False) as answer:
        assert answer.status in (303, 400, 403, 404), (path, answer.status)
        assert b'"status"' not in await answer.read() or answer.status >= 400


async def test_an_identity_that_a_client_sends_counts_for_nothing(
    shop: Shop, names: dict[str, str]
) -> None:
    """Not even one that is signed right: the gateway says who is asking, nobody else."""
    fan = Fan.inside(shop, names["sale"])
    reply = await fan.complete(await fan.held(names["event"], "A-4"))
    booking_id = reply.json["booking_id"]
    signed = IdentitySigner(shop.ring, shop.clock).sign(
        Identity(kind="pass", fan_id=fan.fan_id, sale_id=names["sale"])
    )
    for header in (HEADER_NAME, HEADER_NAME.lower(), HEADER_NAME.upper()):
        for value in (signed, "nonsense", ""):
            stranger = Fan(shop, headers={header: value})
            seats = await stranger.call("GET", f"/api/events/{names['event']}/seats")
            assert (seats.status, seats.code) == (403, "not-admitted")
            booking = await stranger.booking(booking_id)
            assert (booking.status, booking.code) == (404, "order-not-found")
            public = await stranger.call("GET", f"/api/events/{names['event']}")
            assert public.status == 200


async def test_a_bound_pass_pays_only_with_its_own_key(shop: Shop, names: dict[str, str]) -> None:
    key = DeviceKey()
    fan = Fan.inside(shop, names["sale"], key=key)
    held = await fan.held(names["event"], "A-1")
    for wrong, reason in ((None, "missing"), (DeviceKey(), "another-key")):
        fan.key = wrong
        reply = await fan.complete(held)
        assert (reply.status, reply.code, reply.json["reason"]) == (
            401, "device-proof-invalid", reason,
        )  # fmt: skip
    assert not await shop.rows("SELECT 1 FROM orders WHERE fan_id = %s", fan.fan_id)
    fan.key = key
    assert (await fan.complete(held)).status == 201


async def test_a_proof_pays_once(shop: Shop, names: dict[str, str]) -> None:
    fan = Fan.inside(shop, names["sale"], key=DeviceKey())
    path = "/api/bookings/complete"
    proof = fan.proven("POST", path)
    order = {"payment_method": "card_ok", "reservation_id": await fan.held(names["event"], "A-2")}
    first = {**order, "idempotency_key": "pays-once-1"}
    assert (await fan.call("POST", path, json=first, headers=proof)).status == 201
    for again in (first, {**order, "idempotency_key": "pays-once-2"}):
        reply = await fan.call("POST", path, json=again, headers=proof)
        assert (reply.status, reply.code, reply.json["reason"]) == (
            401, "device-proof-invalid", "replayed",
        )  # fmt: skip
    # Who asks again with a proof of its own is told what there is.
    told = await fan.call("POST", path, json=first, headers=fan.proven("POST", path))
    assert told.status == 201


async def test_buying_ends_the_visit_for_the_next_fan(shop: Shop) -> None:
    sale = await shop.new_sale(capacity=1)
    event = await shop.new_event(3, sale_id=sale)
    first, second = Fan(shop), Fan(shop)
    await first.join(sale)
    await second.join(sale)
    await first.let_in()
    held = await first.held(event, "A-1")
    await shop.refresh_rooms()
    assert (await second.admit()).status == 425
    reply = await first.complete(held)
    assert reply.status == 201
    assert "Onsale-Visit" not in reply.headers
    assert (await second.let_in()).status == 201
