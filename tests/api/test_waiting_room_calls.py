"""Challenge, join, place, admit, leave: shapes, statuses, cookies, device keys."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.app_keys import PROOF_OF_WORK
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.shop import Shop

TICKET, PASS = "onsale-ticket", "onsale-pass"


def assert_cookie(reply: Reply, name: str, value: str) -> None:
    """The cookie came as browsers keep it, and bare for clients without Secure over http."""
    strict, bare = reply.cookies[f"__Host-{name}"], reply.cookies[name]
    assert strict.startswith(f"{value};")
    assert bare.startswith(f"{value};")
    for attribute in ("HttpOnly", "Path=/", "SameSite=Lax", "Secure"):
        assert attribute in strict.split("; ")
    assert "Domain" not in strict
    assert "HttpOnly" in bare
    assert "Secure" not in bare


async def test_a_fan_joins_waits_and_is_let_in(shop: Shop) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(3, sale_id=sale)
    fan = Fan(shop)
    joined = await fan.join(sale)
    assert joined.status == 201
    assert joined.json == {
        "ticket": fan.ticket, "fan_id": fan.fan_id, "place": 1, "entry_number": None,
        "lane": None, "phase": "open",
    }  # fmt: skip
    assert_cookie(joined, f"{TICKET}-{sale}", fan.ticket)
    assert joined.headers["Cache-Control"] == "no-store"
    await shop.refresh_rooms()
    place = await fan.call("GET", f"/api/sales/{sale}/place", credential=fan.ticket)
    assert place.status == 200
    within_ms = place.json["claim_within_ms"]
    assert 0 < within_ms <= 121_000
    assert place.json == {
        "place": 1, "entry_number": None, "lane": None, "ahead": 0, "phase": "open",
        "eta": {"p10": 0, "p50": 0, "p90": 0},
        "called": True, "claim_within_ms": within_ms,
    }  # fmt: skip
    admitted = await fan.let_in()
    assert admitted.status == 201
    assert admitted.json["go_to"] == f"/events/{event}/seats"
    expires_at = datetime.fromisoformat(admitted.json["expires_at"])
    assert timedelta(minutes=14) < expires_at - datetime.now(UTC) <= timedelta(minutes=15)
    assert_cookie(admitted, f"{PASS}-{sale}", fan.admission)
    again = await fan.admit()
    assert again.json["pass"] == admitted.json["pass"], "a repeat is the same visit"
    assert (await fan.reserve(event, "A-1")).status == 201
    left = await fan.call("POST", f"/api/sales/{sale}/leave", credential=fan.ticket)
    assert (left.status, left.body) == (204, b"")
    assert set(left.cookies) == {
        f"{prefix}{name}-{sale}" for prefix in ("", "__Host-") for name in (TICKET, PASS)
    }
    assert all(("Max-Age=0" in line) == (PASS in name) for name, line in left.cookies.items())


async def test_the_address_of_the_page_answers_programs_with_board_and_place(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await shop.refresh_rooms()
    before = await fan.call("GET", f"/sales/{sale}", headers={"Accept": "application/json"})
    assert before.status == 200
    assert before.json["place"] is None
    assert before.json["board"]["sale"] == sale
    assert before.headers["Cache-Control"] == "no-store"

    await fan.join(sale)
    after = await fan.call(
        "GET", f"/sales/{sale}", credential=fan.ticket, headers={"Accept": "application/json"}
    )
    assert after.json["place"]["place"] == 1
    page = await fan.call(
        "GET", f"/sales/{sale}", headers={"Accept": "text/html, application/json;q=0.9"}
    )
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Accept" in page.headers["Vary"]
    nothing = await fan.call("GET", "/sales/none", headers={"Accept": "application/json"})
    assert (nothing.status, nothing.json["code"]) == (404, "sale-not-found")


async def test_the_real_work_is_done_and_accepted(shop: Shop) -> None:
    """Not the easy riddles of the other tests: four hundred tries, as every browser."""
    sale = await shop.new_sale()
    proof_of_work = shop.gateway[PROOF_OF_WORK]
    proof_of_work.pool._stock[1].clear()
    easy, proof_of_work.pool._rng = proof_of_work.pool._rng, random.SystemRandom()
    try:
        fan = Fan(shop)
        assert (await fan.join(sale)).status == 201
    finally:
        proof_of_work.pool._stock[1].clear()
        proof_of_work.pool._rng = easy


async def test_the_event_a_fan_came_for_is_where_they_go(shop: Shop) -> None:
    sale = await shop.new_sale()
    await shop.new_event(3, sale_id=sale)
    second = await shop.new_event(3, sale_id=sale)
    fan = Fan(shop)
    await fan.join(sale)
    await fan.let_in()
    assert (await fan.admit(event=second)).json["go_to"] == f"/events/{second}/seats"
    stranger = await fan.admit(event="//evil.example")
    assert stranger.json["go_to"].startswith("/events/")


async def test_the_same_device_has_the_same_place(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey())
    first = (await fan.join(sale)).json
    await Fan(shop).join(sale)
    same_browser = Fan(shop, fan.key)
    again = (await same_browser.join(sale)).json
    assert (again["place"], again["fan_id"]) == (first["place"], first["fan_id"]) == (
        1, first["fan_id"],
    )  # fmt: skip
    other = (await Fan(shop, DeviceKey()).join(sale)).json
    assert other["place"] == 3
    assert other["fan_id"] != first["fan_id"]


async def test_without_a_key_the_ticket_keeps_the_place(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    first = (await fan.join(sale)).json
    assert (await fan.join(sale)).json["place"] == first["place"]


async def test_a_proof_of_work_is_good_for_one_fan(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan, thief = Fan(shop, DeviceKey()), Fan(shop, DeviceKey())
    unbound = await Fan(shop).solved(sale)
    bound = await fan.solved(sale)
    assert (await fan.join(sale, altcha=unbound)).status == 201
    assert (await fan.join(sale, altcha=unbound)).status == 201, "a repeat is no replay"
    stolen = await thief.join(sale, altcha=unbound)
    assert (stolen.status, stolen.code, stolen.json["reason"]) == (
        403, "bot-check-failed", "replayed",
    )  # fmt: skip
    for_another = await thief.join(sale, altcha=bound)
    assert (for_another.status, for_another.json["reason"]) == (403, "wrong-device")
    keyless = await Fan(shop).join(sale, altcha=unbound)
    assert (keyless.status, keyless.json["reason"]) == (403, "replayed")


async def test_a_proof_of_work_for_another_sale_is_refused(shop: Shop) -> None:
    sale, other = await shop.new_sale(), await shop.new_sale()
    fan = Fan(shop)
    reply = await fan.join(other, altcha=await fan.solved(sale))
    assert (reply.status, reply.json["reason"]) == (403, "wrong-sale")


async def test_a_bound_ticket_needs_its_own_key(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey())
    await fan.join(sale)
    await shop.refresh_rooms()
    key, fan.key = fan.key, None
    missing = await fan.admit()
    assert (missing.status, missing.code, missing.json["reason"]) == (
        401, "device-proof-invalid", "missing",
    )  # fmt: skip
    fan.key = DeviceKey()
    foreign = await fan.admit()
    assert (foreign.status, foreign.json["reason"]) == (401, "another-key")
    fan.key = key
    assert (await fan.let_in()).status == 201


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"htm": "GET"}, "wrong-method"),
        ({"htu": "http://evil.example/api"}, "wrong-url"),
        ({"iat": 1_000_000}, "stale"),
    ],
)
async def test_a_device_proof_for_something_else_is_refused(
    shop: Shop, changes: dict[str, Any], reason: str
) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey())
    await fan.join(sale)
    path = f"/api/sales/{sale}/admit"
    assert fan.key
    proof = fan.key.proof("POST", shop.url + path, **changes)
    reply = await fan.call(
        "POST", path, json={"ticket": fan.ticket}, credential="", headers={"DPoP": proof}
    )
    assert (reply.status, reply.code, reply.json["reason"]) == (401, "device-proof-invalid", reason)


async def test_a_device_proof_is_good_once(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey())
    await fan.join(sale)
    await shop.refresh_rooms()
    path = f"/api/sales/{sale}/join"
    proof = fan.proven("POST", path)
    spent = await fan.call(
        "POST", path, json={"altcha": await fan.solved(sale)}, credential="", headers=proof
    )
    assert spent.status == 201
    # The same device may repeat; the same proof with another device cannot exist: its key is in it.
    again = await fan.call(
        "POST", path, json={"altcha": await fan.solved(sale)}, credential="", headers=proof
    )
    assert again.json["place"] == spent.json["place"]


async def test_at_the_turnstile_a_fan_is_told_the_moment_their_token_comes(shop: Shop) -> None:
    sale = await shop.new_sale(rate_per_minute=60, burst=1)
    first, second = Fan(shop), Fan(shop)
    for fan in (first, second):
        await fan.join(sale)
    await shop.refresh_rooms()
    assert (await first.admit()).status == 201
    reply = await second.admit()
    assert (reply.status, reply.code) == (425, "not-your-turn")
    assert (reply.json["called"], reply.json["ahead"]) == (True, 0)
    assert 0 < reply.json["retry_after_ms"] <= 1_000
    assert reply.json["retry_after"] == int(reply.headers["Retry-After"]) == 1


async def test_before_the_call_a_fan_is_told_when_to_ask_again(shop: Shop) -> None:
    sale = await shop.new_sale(capacity=1)
    first, second = Fan(shop), Fan(shop)
    await first.join(sale)
    await first.let_in()
    assert (await second.join(sale)).json["place"] == 2
    await shop.refresh_rooms()  # the first may have been let in before the board told of the call
    reply = await second.admit()
    assert (reply.status, reply.code) == (425, "not-your-turn")
    assert reply.json["ahead"] == 0
    assert int(reply.headers["Retry-After"]) == reply.json["retry_after"] >= 1
    await shop.refresh_rooms()
    place = (await second.call("GET", f"/api/sales/{sale}/place", credential=second.ticket)).json
    assert (place["called"], place["ahead"]) == (False, 0)
    assert 0 < place["eta"]["p10"] <= place["eta"]["p50"] <= place["eta"]["p90"]


async def test_early_fans_get_entry_numbers_and_places_at_the_opening(shop: Shop) -> None:
    sale = await shop.new_sale(opens_at=datetime.now(UTC) + timedelta(hours=1))
    fan = Fan(shop)
    joined = (await fan.join(sale)).json
    assert (joined["phase"], joined["place"], joined["entry_number"]) == ("before", None, 1)
    early = await fan.admit()
    assert (early.status, early.code) == (409, "sale-not-open")
    assert early.json["opens_at"].endswith("Z")
    await shop.change_sale(sale, opens_at=datetime.now(UTC) - timedelta(seconds=1))
    assert (await fan.let_in()).status == 201


async def test_a_paused_sale_lets_nobody_in(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    await shop.change_sale(sale, state="paused", pause_reason="A word with the fire brigade")
    reply = await fan.admit()
    assert (reply.status, reply.code) == (409, "sale-paused")
    assert reply.json["reason"] == "A word with the fire brigade"
    assert (await Fan(shop).join(sale)).status == 201, "the line may grow meanwhile"
    await shop.change_sale(sale, state="open", pause_reason="")
    assert (await fan.let_in()).status == 201


async def test_a_draining_sale_serves_its_line_and_takes_nobody(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    await shop.change_sale(sale, state="draining")
    assert (await fan.let_in()).status == 201
    late = await Fan(shop).join(sale, altcha=await fan.solved(sale))
    assert (late.status, late.code) == (410, "sale-closed")


async def test_a_draining_sale_takes_nobody_before_its_opening_either(shop: Shop) -> None:
    sale = await shop.new_sale(opens_at=datetime.now(UTC) + timedelta(hours=1))
    fan = Fan(shop)
    assert (await fan.join(sale)).status == 201
    await shop.change_sale(sale, state="draining")
    assert (await fan.call("GET", f"/api/sales/{sale}/status")).json["phase"] == "before"
    late = await Fan(shop).join(sale, altcha=await fan.solved(sale))
    assert (late.status, late.code) == (410, "sale-closed")


async def test_a_closed_sale_is_over(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    await shop.change_sale(sale, state="closed")
    for reply in (await fan.admit(), await Fan(shop).join(sale, altcha="x")):
        assert (reply.status, reply.code) == (410, "sale-closed")
    assert (await fan.call("GET", f"/api/sales/{sale}/status")).json["phase"] == "closed"


async def test_unknown_sales_are_not_found(shop: Shop) -> None:
    for method, path in [
        ("GET", "status"), ("GET", "events"), ("GET", "challenge"), ("GET", "place"),
        ("POST", "join"), ("POST", "admit"), ("POST", "leave"),
    ]:  # fmt: skip
        reply = await Fan(shop).call(
            method, f"/api/sales/nobody/{path}", json={"altcha": "x"} if method == "POST" else None
        )
        assert (reply.status, reply.code) == (404, "sale-not-found"), path


async def test_a_challenge_names_its_key_or_says_what_is_wrong(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey())
    assert fan.key
    reply = await fan.call("GET", f"/api/sales/{sale}/challenge?jkt={fan.key.jkt}")
    assert reply.headers["Cache-Control"] == "no-store"
    assert set(reply.json) == {"parameters", "signature"}
    assert reply.json["parameters"]["data"]["jkt"] == fan.key.jkt
    assert reply.json["parameters"]["algorithm"] == "PBKDF2/SHA-256"
    for jkt in ("short", "\u2603" * 43, "x" * 5_000):
        refused = await fan.call("GET", f"/api/sales/{sale}/challenge", params={"jkt": jkt})
        assert (refused.status, refused.code) == (400, "request-invalid")
        assert refused.json["field"] == "jkt"
