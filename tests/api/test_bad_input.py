"""Every call x every kind of broken request: refused in the one shape, never a bug, nothing half held."""

import json
import string
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_core.catalog.event import StockTier
from tests.support.fan import Fan
from tests.support.refusals import CALLS, assert_nothing_kept, assert_refused
from tests.support.shop import Shop

NOT_JSON = [
    b"{", b"[", b"nonsense", b"{'a': 1}", b'{"a": }', b"\xff\xfe", b"\x00", b"NaN", b"Infinity",
    b'"text"', b"1", b"null", b"[]", b"true", b'{"a": 1} {"b": 2}', b"\xef\xbb\xbf{}",
    b'{"event_id": "\\ud800"}', b'{"event_id": "\\udc00\\ud800"}', b'{"event_id": "\xed\xa0\x80"}',
    b'{"a": 1e999999}', b'{"a": ' + b"9" * 5_000 + b"}", b"[" * 50_000, b'{"a":' * 10_000,
    b'{"seat_ids": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
]  # fmt: skip
# Values of every wrong kind, to be put in the place of every field.
WRONG: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, -(10**30), "", " ", "\x00", "a\x00b", "\u2603", "\u202e",
    "x" * 10_000, [], {}, [[]], [None], [1], ["A-1", None], {"a": {"b": {}}}, [["A-1"]], "NaN",
    "../../etc/passwd", "'; DROP TABLE orders; --", "{{7*7}}", "%s%n", "<script>",
]  # fmt: skip


def wrong_bodies(good: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A good body with each field missing, or wrong in every way, and with fields it never had."""
    for name, value in good.items():
        yield {key: each for key, each in good.items() if key != name}
        for wrong in WRONG:
            yield good | {name: wrong}
            if isinstance(value, dict):
                for inner in value:
                    yield good | {name: value | {inner: wrong}}
    yield {}


@pytest.fixture(scope="module")
async def event(shop: Shop) -> str:
    return await shop.new_event(12, [StockTier("print", "Print", 1_000, 50)])


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_what_is_no_json_is_refused(shop: Shop, event: str, method: str, path: str) -> None:
    fan = Fan.inside(shop)
    path = path.format(event=event, token="t" * 22)
    for content in NOT_JSON:
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
            reply = await fan.call(method, path, data=content, headers={"Content-Type": kind})
            if reply.headers.get("Content-Type", "").startswith("text/html"):
                assert reply.status < 500, (content[:40], kind)
            else:
                assert_refused(reply, (content[:40], kind))
    await assert_nothing_kept(shop, event, fan)


@pytest.mark.parametrize(
    "kind",
    [
        "", "text/plain", "application/json; charset=utf-16", "application/json; charset=nonsense",
        "application/x-www-form-urlencoded; charset=nonsense", "multipart/form-data",
        "application/x-www-form-urlencoded; charset=unicode_escape",
        "multipart/form-data; boundary=x", "multipart/mixed; boundary=x", "\u2603/x", "a" * 5_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_content_types_are_no_bug(
    shop: Shop, event: str, method: str, path: str, kind: str
) -> None:
    fan = Fan.inside(shop)
    path = path.format(event=event, token="t" * 22)
    for content in (b"", b"--x\r\n\r\n", b"quantity=\\ud800&payment_method=\xff&tier=%FF", b"{}"):
        reply = await fan.call(method, path, data=content, headers={"Content-Type": kind})
        assert reply.status < 500, (content, reply)
    await assert_nothing_kept(shop, event, fan)


@pytest.mark.parametrize(
    "wanted",
    [
        {"seat_ids": ["A-1", "A-2"]},
        {"best_available": {"quantity": 2, "category": "floor", "accessible": False}},
        {"stock": {"tier": "print", "quantity": 2}},
    ],
    ids=["named", "best", "stock"],
)
async def test_no_wrong_reserve_holds_half(shop: Shop, event: str, wanted: dict[str, Any]) -> None:
    fan = Fan.inside(shop)
    good = {"event_id": event, "user_id": fan.fan_id, "idempotency_key": "k", **wanted}
    for number, body in enumerate(wrong_bodies(good)):
        # A field more or less may leave a good wish; then it is held whole, and let go here.
        body = {**body, "idempotency_key": f"k{number}"} if body.get("idempotency_key") else body
        reply = await fan.call("POST", "/api/bookings/reserve", json=body)
        assert_refused(reply, body)
        if reply.status == 201:
            assert set(body) <= set(good), body
            held = reply.json["reservation_id"]
            assert (await fan.call("DELETE", f"/api/bookings/{held}")).status == 204
    await assert_nothing_kept(shop, event, fan)


@pytest.mark.parametrize(
    "seat_ids",
    [
        [f"A-{n}" for n in range(1, 1_001)], ["A-1"] * 101, ["A-1"] * 1_000, ["A-1", "a-1"],
        ["A-1", "A-1\x00"], ["A-1 "], [""], ["x" * 101], ["A-1", "\u2603"], ["A-\u0661"],
        [f"A-{n}" for n in range(1, 10)],
    ],
)  # fmt: skip
async def test_seats_that_cannot_be_are_refused_whole(
    shop: Shop, event: str, seat_ids: list[str]
) -> None:
    fan = Fan.inside(shop)
    reply = await fan.reserve(event, *seat_ids)
    assert reply.status in (400, 403), reply
    assert_refused(reply, seat_ids)
    await assert_nothing_kept(shop, event, fan)


async def test_a_seat_named_twice_is_held_once(shop: Shop, event: str) -> None:
    fan = Fan.inside(shop)
    reply = await fan.reserve(event, "A-1", "A-1", "A-1")
    assert [seat["seat_id"] for seat in reply.json["seats"]] == ["A-1"]
    await fan.call("DELETE", f"/api/bookings/{reply.json['reservation_id']}")
    await assert_nothing_kept(shop, event, fan)


async def test_no_wrong_payment_pays(shop: Shop, event: str) -> None:
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    good = {
        "reservation_id": held, "payment_method": "card_declined", "idempotency_key": "k",
        "email": "a@example.org",
    }  # fmt: skip
    for body in wrong_bodies(good):
        if body.get("payment_method") not in (good["payment_method"], None):
            # Any text may name a payment method; trying them all would use up the attempts.
            body = {**body, "idempotency_key": ""}
        reply = await fan.call("POST", "/api/bookings/complete", json=body)
        if reply.status == 402:
            continue
        if reply.status == 429:
            break
        assert_refused(reply, body)
    for email in ("x", "@", "a@", "@b", "a b@c", "a@b\n", "a@\x00b", "x" * 251 + "@b.c"):
        reply = await fan.complete(held, email=email)
        assert (reply.status, reply.json["field"]) == (400, "email"), email
    states = await shop.rows("SELECT DISTINCT state FROM orders WHERE fan_id = %s", fan.fan_id)
    assert set(states) <= {("RELEASED",)}
    await fan.call("DELETE", f"/api/bookings/{held}")


@pytest.mark.parametrize("key", ["\x7f", "x" * 256, "\u0085", "a\tb", "\u2028"])
async def test_a_key_that_cannot_be_kept_is_refused(shop: Shop, event: str, key: str) -> None:
    fan = Fan.inside(shop)
    for path, body in (
        ("reserve", {"event_id": event, "seat_ids": ["A-1"]}),
        ("complete", {"reservation_id": f"{event}.{'t' * 22}", "payment_method": "card_ok"}),
    ):
        by_header = {"json": body, "headers": {"Idempotency-Key": key}}
        in_body = {"json": {**body, "idempotency_key": key}}
        # A client that sends control characters in a header is refused before anybody looks.
        for request in (in_body,) if key < " " or key == "\x7f" else (in_body, by_header):
            reply = await fan.call("POST", f"/api/bookings/{path}", **request)
            assert (reply.status, reply.code) == (400, "request-invalid")
    await assert_nothing_kept(shop, event, fan)


async def test_a_body_beyond_the_limit_is_refused(shop: Shop, event: str) -> None:
    fan = Fan.inside(shop)
    big = json.dumps({"event_id": event, "seat_ids": ["A-1"], "more": "x" * 70_000}).encode()
    for method, path in CALLS:
        path = path.format(event=event, token="t" * 22)
        reply = await fan.call(method, path, data=big, headers={"Content-Type": "application/json"})
        if reply.status >= 400:
            assert reply.status in (401, 404, 409, 410, 413), (path, reply)
    reply = await fan.call("POST", "/api/bookings/reserve", data=big)
    assert (reply.status, reply.code) == (413, "body-too-large")
    assert reply.json["bytes_max"] == 65_536
    await assert_nothing_kept(shop, event, fan)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense", "gzip, gzip"])
async def test_a_body_that_is_not_what_it_says_is_refused(
    shop: Shop, event: str, encoding: str
) -> None:
    fan = Fan.inside(shop)
    body = json.dumps({"event_id": event, "seat_ids": ["A-1"]}).encode()
    for path in ("/api/bookings/reserve", f"/events/{event}/reserve", "/api/sales/tour/join"):
        reply = await fan.call(
            "POST", path, data=body,
            headers={"Content-Encoding": encoding, "Content-Type": "application/json"},
        )  # fmt: skip
        assert reply.status < 500, (encoding, reply)
        if reply.status == 201:
            await fan.call("DELETE", f"/api/bookings/{reply.json['reservation_id']}")
    await assert_nothing_kept(shop, event, fan)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True)
    | st.text(st.characters(codec=None), max_size=20) | st.text(string.printable, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def drawn_bodies() -> list[tuple[str, bytes]]:
    """Return bodies made around the fields that exist, each for a call that takes one."""
    fields = ["event_id", "seat_ids", "best_available", "stock", "user_id", "idempotency_key",
              "reservation_id", "payment_method", "email", "altcha", "ticket", "event"]  # fmt: skip
    bodies: list[tuple[str, bytes]] = []

    @settings(max_examples=150, deadline=None, database=None)
    @given(
        st.sampled_from(CALLS[:7]), st.dictionaries(st.sampled_from(fields), ANY_JSON) | ANY_JSON
    )
    def draw(call: tuple[str, str], body: object) -> None:
        bodies.append((call[1], json.dumps(body).encode()))

    draw()
    return bodies


async def test_no_json_at_all_is_a_bug(shop: Shop, event: str) -> None:
    fan = Fan.inside(shop)
    for path, content in drawn_bodies():
        reply = await fan.call(
            "POST", path.format(event=event, token="t" * 22), data=content,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert_refused(reply, (path, content))
    await assert_nothing_kept(shop, event, fan)
