"""Joining with an access code: the lane it opens, and what a wrong one costs: nothing."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from gateway.app_keys import ACCESS_CODES
from gateway.waiting_room.access_codes import AccessCodes
from gateway.waiting_room.allowances import CODE_GUESSES
from gateway.waiting_room.line import Line
from gateway.waiting_room.sale_lanes import SaleLane
from groundwork.errors import StoreUnavailable
from tests.api.test_forms import browser, field_of, wait_token
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.shop import Shop

LANES = (SaleLane("gold", "Gold"), SaleLane("members", "Members"))


async def codes(shop: Shop, sale: str, lane: str = "members", count: int = 1) -> list[str]:
    made = shop.gateway[ACCESS_CODES]
    return await made.create(sale, lane, count, 1, "lot", random.SystemRandom())


async def spaced(shop: Shop, **changes: object) -> str:
    """A sale with lanes that calls nobody, so that everybody waits."""
    return await shop.new_sale(lanes=LANES, **{"state": "paused", **changes})


async def place(fan: Fan) -> Reply:
    return await fan.call("GET", f"/api/sales/{fan.sale_id}/place", credential=fan.ticket)


async def test_a_code_gives_a_place_in_its_lane_and_the_lane_is_called_first(shop: Shop) -> None:
    sale = await spaced(shop)
    others = [Fan(shop) for _ in range(3)]
    for other in others:
        await other.join(sale)
    [code] = await codes(shop, sale)
    member = Fan(shop, DeviceKey())
    joined = await member.join(sale, access_code=f" {code.lower().replace('-', ' ')} ")
    assert joined.status == 201
    assert (joined.json["lane"], joined.json["place"]) == ("members", 1)
    await shop.refresh_rooms()
    assert (await place(member)).json["ahead"] == 0
    assert [(await place(other)).json["ahead"] for other in others] == [1, 2, 3]
    board = (await member.call("GET", f"/api/sales/{sale}/status")).json
    assert [(lane["lane"], lane["waiting"]) for lane in board["lanes"]] == [
        *(("gold", 0), ("members", 1), ("general", 3)),
    ]
    await shop.change_sale(sale, state="open", capacity=1)
    assert (await member.let_in()).status == 201
    assert (await others[0].admit()).code == "not-your-turn"


async def test_who_waits_moves_up_by_a_code_and_stays_there(shop: Shop) -> None:
    sale = await spaced(shop)
    fan = Fan(shop, DeviceKey())
    assert (await fan.join(sale)).json["lane"] is None
    [code] = await codes(shop, sale)
    moved = await fan.join(sale, access_code=code)
    assert (moved.json["lane"], moved.json["place"]) == ("members", 1)
    again = await fan.join(sale, access_code=code)
    assert (again.status, again.json["place"]) == (201, 1), "the same use"
    without = await fan.join(sale)
    assert (without.json["lane"], without.json["place"]) == ("members", 1)
    [better] = await codes(shop, sale, "gold")
    assert (await fan.join(sale, access_code=better)).json["lane"] == "gold"
    assert (await fan.join(sale, access_code=code)).json["lane"] == "gold", "never down"


async def test_a_wrong_code_is_said_and_costs_nothing(shop: Shop) -> None:
    sale, other_sale = await spaced(shop), await spaced(shop)
    [used], [elsewhere] = await codes(shop, sale), await codes(shop, other_sale)
    [revoked] = await codes(shop, sale, "gold")
    await shop.gateway[ACCESS_CODES].revoke(sale, code=revoked)
    assert (await Fan(shop).join(sale, access_code=used)).status == 201
    fan = Fan(shop, DeviceKey())
    reasons = []
    for code in (used, elsewhere, revoked, "WRONG-CODE-HERE", "☃"):
        altcha = await fan.solved(sale)
        refused = await fan.join(sale, access_code=code, altcha=altcha)
        assert (refused.status, refused.code) == (403, "access-code-invalid")
        assert not refused.cookies
        reasons.append(refused.json["reason"])
    assert reasons == ["used-up", "unknown", "revoked", "unknown", "unknown"]
    joined = await fan.join(sale, altcha=altcha)
    assert (joined.status, joined.json["place"]) == (201, 1), "the work still counts for a place"
    kept = fan.ticket
    assert (await fan.join(sale, access_code="NOT-A-CODE-AT-ALL")).status == 403
    assert fan.ticket == kept
    assert (await place(fan)).json["place"] == 1


async def test_a_check_that_fails_hides_no_place_in_line(shop: Shop) -> None:
    sale = await spaced(shop)
    fan = browser(shop)
    await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))
    page = await fan.get(f"/sales/{sale}")
    assert b'data-stage="waiting"' in page.body
    token = field_of(page, "wait_token")
    path = f"/sales/{sale}/join?event=e"
    early = await fan.post(path, wait_token=token, access_code="A-CODE")
    told = early.body.decode()
    assert early.status == 403
    assert 'data-stage="waiting"' in told
    assert "the button was pressed within ten seconds" in told
    assert 'data-notice="check" >' in told
    # Nobody reloads the answer to a form: the page of the place is what is looked at again.
    assert f'http-equiv="refresh" content="20; url=/sales/{sale}?event=e"' in told


async def test_guesses_run_out_and_right_codes_are_no_guesses(shop: Shop) -> None:
    sale = await spaced(shop)
    for code in await codes(shop, sale, count=CODE_GUESSES.burst + 5):
        assert (await Fan(shop).join(sale, access_code=code)).status == 201
    fan = Fan(shop)
    answers = [
        await fan.join(sale, access_code=f"GUESS-{number}")
        for number in range(CODE_GUESSES.burst + 3)
    ]
    refusals = [answer.code for answer in answers]
    assert refusals[: CODE_GUESSES.burst] == ["access-code-invalid"] * CODE_GUESSES.burst
    assert refusals[-1] == "too-many-requests"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 8
    [code] = await codes(shop, sale)
    right = await fan.join(sale, access_code=code)
    assert right.code == "too-many-requests", "a right code must not be told from a wrong one"
    assert (await fan.join(sale)).status == 201, "without a code nobody has to wait"


@pytest.mark.parametrize("key", [None, DeviceKey()], ids=["without a key", "with a key"])
async def test_each_guess_costs_work(shop: Shop, key: DeviceKey | None) -> None:
    sale = await spaced(shop)
    fan = Fan(shop, key)
    altcha = await fan.solved(sale)
    assert (
        await fan.join(sale, access_code="GUESS-0", altcha=altcha)
    ).code == "access-code-invalid"
    for number in range(1, CODE_GUESSES.burst + 5):
        again = await fan.join(sale, access_code=f"GUESS-{number}", altcha=altcha)
        assert (again.status, again.json["reason"]) == (403, "replayed")
    [code] = await codes(shop, sale)
    assert (await fan.join(sale, access_code=code)).status == 201, "nobody's guesses are used up"


async def test_a_press_that_is_repeated_uses_its_code_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> object:
        raise StoreUnavailable(retry_after=1)

    sale = await spaced(shop)
    [code] = await codes(shop, sale)
    fan = Fan(shop)  # without a key, so nothing but the press says that it is the same fan
    altcha = await fan.solved(sale)
    with monkeypatch.context() as patched:
        patched.setattr(Line, "join", away)
        assert (await fan.join(sale, access_code=code, altcha=altcha)).status == 503
    joined = await fan.join(sale, access_code=code, altcha=altcha)
    assert (joined.status, joined.json["lane"]) == (201, "members")
    copied = await Fan(shop).join(sale, access_code="ANOTHER", altcha=altcha)
    assert copied.json["reason"] == "replayed"


async def test_a_word_that_many_know_is_not_used_up_by_one_who_works_once(shop: Shop) -> None:
    sale = await spaced(shop)
    made = shop.gateway[ACCESS_CODES]
    await made.add(sale, "members", "FANCLUB2030", 20, "lot")
    altcha = await Fan(shop).solved(sale)
    # Whoever has no key and no ticket is who pressed so before.
    crowd = [Fan(shop, key) for key in (None, DeviceKey(), DeviceKey(), DeviceKey(), DeviceKey())]
    at_once = [fan.join(sale, access_code="FANCLUB2030", altcha=altcha) for fan in crowd]
    answers = [
        *await asyncio.gather(*at_once),
        await Fan(shop, DeviceKey()).join(sale, access_code="FANCLUB2030", altcha=altcha),
    ]
    assert sorted(answer.status for answer in answers) == [201, *[403] * 5]
    assert {answer.json["reason"] for answer in answers if answer.status == 403} == {"replayed"}
    assert [batch.uses for batch in await made.batches(sale)] == [1]


async def test_a_code_counts_before_the_opening_too(shop: Shop) -> None:
    sale = await spaced(shop, state="open", opens_at=datetime.now(UTC) + timedelta(hours=1))
    [code] = await codes(shop, sale)
    fan = Fan(shop)
    joined = await fan.join(sale, access_code=code)
    assert (joined.json["place"], joined.json["entry_number"], joined.json["phase"]) == (
        *(1, None, "before"),
    )
    assert (await fan.admit()).code == "sale-not-open"


async def test_a_code_without_javascript(shop: Shop) -> None:
    sale = await spaced(shop)
    fan = browser(shop)
    assert b'name="access_code"' in (await fan.get(f"/sales/{sale}")).body
    await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale), access_code="")
    assert b"I have an access code" in (await fan.get(f"/sales/{sale}")).body
    wrong = await fan.post(
        f"/sales/{sale}/join", wait_token=wait_token(shop, sale), access_code="WRONG-ONE"
    )
    assert wrong.status == 403
    assert b"You lose nothing" in wrong.body
    [code] = await codes(shop, sale)
    right = await fan.post(
        f"/sales/{sale}/join", wait_token=wait_token(shop, sale), access_code=code
    )
    assert right.status == 303
    assert b"You are in the group Members" in (await fan.get(f"/sales/{sale}")).body


@pytest.mark.parametrize("code", ["x" * 65, 7, {}])
async def test_what_is_no_code_is_refused_by_name(shop: Shop, code: object) -> None:
    sale = await spaced(shop)
    refused = await Fan(shop).join(sale, access_code=code)
    assert (refused.status, refused.code) == (400, "request-invalid")


async def test_a_sale_without_lanes_asks_for_no_code(shop: Shop) -> None:
    sale = await shop.new_sale()
    assert b"access_code" not in (await browser(shop).get(f"/sales/{sale}")).body


async def test_a_database_that_is_away_costs_no_guesses(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> str:
        raise StoreUnavailable(retry_after=1)

    sale = await spaced(shop)
    [code] = await codes(shop, sale)
    fan = Fan(shop, DeviceKey())
    with monkeypatch.context() as patched:
        patched.setattr(AccessCodes, "redeem", away)
        statuses = [
            (await fan.join(sale, access_code=code)).status for _ in range(CODE_GUESSES.burst + 2)
        ]
    assert set(statuses) == {503}
    assert (await fan.join(sale, access_code=code)).json["lane"] == "members"
