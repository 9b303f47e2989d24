"""The check before going in: asked of few, passed without a puzzle, and the place stays meanwhile."""

import json

import pytest

from gateway.app_keys import PROOF_OF_WORK, SIGNAL_NOTES
from gateway.bot_checks import proof_of_work
from gateway.bot_checks.challenge_pool import EXTRA
from gateway.bot_checks.proof_of_work import STEPPING_UP
from gateway.bot_checks.signal_notes import SignalNotes
from gateway.bot_checks.signals import SEATS_CAP
from gateway.waiting_room.allowances import STEP_UP_WAITS
from groundwork.errors import StoreUnavailable
from tests.api.test_forms import browser, field_of, wait_token
from tests.support.fan import DeviceKey, Fan, Reply, solve
from tests.support.shop import Shop


async def suspect(shop: Shop, sale: str, *codes: str, key: DeviceKey | None = None) -> Fan:
    """A fan in line of whom something was noted."""
    fan = Fan(shop, key or DeviceKey())
    assert (await fan.join(sale)).status == 201
    async with shop.pool.connection() as connection:  # the tests' riddles are found too fast
        await connection.execute("DELETE FROM fan_signals WHERE fan_id = %s", (fan.fan_id,))
    await shop.gateway[SIGNAL_NOTES].note(sale, fan.fan_id, codes or ("replayed",))
    return fan


async def called(shop: Shop, fan: Fan) -> Reply:
    """The answer to a fan who asks until it is another than "not yet"."""
    return await fan.let_in()


async def worked(shop: Shop, fan: Fan, monkeypatch: pytest.MonkeyPatch) -> str:
    """The payload of the work for the check; one hexadecimal zero instead of three, for the test."""
    monkeypatch.setattr(proof_of_work, "FALLBACK_KEY_PREFIX", "0")
    assert fan.key
    path = f"/api/sales/{fan.sale_id}/challenge?for=step-up&jkt={fan.key.jkt}"
    challenge = (await fan.call("GET", path)).json
    assert challenge["parameters"]["data"]["lvl"] == EXTRA
    return solve(challenge)


async def step_up(fan: Fan, way: str, answer: str) -> Reply:
    path = f"/api/sales/{fan.sale_id}/step-up"
    body = {"way": way, "answer": answer, "ticket": fan.ticket}
    return await fan.call("POST", path, json=body, credential="", headers=fan.proven("POST", path))


async def test_a_suspect_is_told_why_and_goes_in_after_the_check(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale, "replayed", "data-centre")
    refused = await called(shop, fan)
    assert (refused.status, refused.code) == (403, "step-up-needed")
    assert refused.json["reasons"] == ["replayed", "data-centre"]
    assert refused.json["check_url"] == f"/sales/{sale}/check"
    assert "work" in refused.json["ways"]

    answer = await worked(shop, fan, monkeypatch)
    assert (await step_up(fan, "work", answer)).status == 204
    assert (await step_up(fan, "work", answer)).status == 204, "safe to repeat"
    assert (await fan.let_in()).status == 201


async def test_who_is_a_little_odd_is_asked_for_nothing(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale, "data-centre", "headers-missing")
    assert (await fan.let_in()).status == 201


async def test_the_check_is_the_fans_own(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = await shop.new_sale()
    fan, other = await suspect(shop, sale), await suspect(shop, sale)
    answer = await worked(shop, fan, monkeypatch)
    assert (await step_up(other, "work", answer)).json["reason"] == "wrong-device"
    assert (await step_up(fan, "guess", "x")).json["reason"] == "unknown-way"
    unproven = Fan(shop, DeviceKey(), ticket=fan.ticket, sale_id=sale)
    assert (await step_up(unproven, "work", answer)).code == "device-proof-invalid"
    assert (await called(shop, fan)).code == "step-up-needed"
    assert (await step_up(fan, "work", answer)).status == 204


async def test_work_for_the_check_is_no_join_and_work_for_joining_no_check(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale)
    answer = await worked(shop, fan, monkeypatch)
    for altcha in (answer, await asked_before_joining(shop, sale)):
        joined = await Fan(shop, fan.key).join(sale, altcha=altcha)
        assert (joined.status, joined.json["reason"]) == (403, "wrong-purpose")
    # As hard as the check's, made for joining, and so used up by no step-up.
    hard = solve(json.loads(shop.gateway[PROOF_OF_WORK].issue(sale, fan.key.jkt, EXTRA)))  # type: ignore[union-attr]
    refused = await step_up(fan, "work", hard)
    assert (refused.status, refused.json["reason"]) == (403, "wrong-purpose")
    assert (await step_up(fan, "work", await fan.solved(sale))).json["reason"] == "wrong-purpose"
    assert (await called(shop, fan)).code == "step-up-needed"
    assert (await step_up(fan, "work", answer)).status == 204, "nothing of it was used up"


async def asked_before_joining(shop: Shop, sale: str) -> str:
    """Work for the check without a key, which is good with any."""
    path = f"/api/sales/{sale}/challenge?for=step-up"
    return solve((await Fan(shop).call("GET", path)).json)


async def test_a_wait_for_joining_is_no_check_and_a_check_no_way_in(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    joining, checking = (wait_token(shop, sale, 61_000, purpose) for purpose in ("", STEPPING_UP))
    assert (await step_up(fan, "wait", joining)).json["reason"] == "bad-signature"
    stranger = browser(shop)
    refused = await stranger.post(f"/sales/{sale}/join", wait_token=checking)
    assert refused.status == 403
    assert (await step_up(fan, "wait", checking)).status == 204


async def test_work_of_no_device_counts_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_of_work, "FALLBACK_KEY_PREFIX", "0")
    sale = await shop.new_sale()
    fan, thief = await suspect(shop, sale), await suspect(shop, sale)
    challenge = shop.gateway[PROOF_OF_WORK].issue(sale, None, EXTRA, STEPPING_UP)
    answer = solve(json.loads(challenge))
    assert (await step_up(fan, "work", answer)).status == 204
    assert (await step_up(thief, "work", answer)).json["reason"] == "replayed"


async def test_much_that_was_noted_leaves_two_seats(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(20, sale_id=sale)
    fan = await suspect(shop, sale, "replayed", "data-centre")
    await step_up(fan, "work", await worked(shop, fan, monkeypatch))
    assert (await fan.let_in()).status == 201
    best = {"quantity": SEATS_CAP + 1}
    refused = await fan.reserve(event, best_available=best)
    assert (refused.code, refused.json["seats_max"]) == ("over-seat-limit", SEATS_CAP)
    assert (await fan.reserve(event, best_available={"quantity": SEATS_CAP})).status == 201
    assert (await fan.reserve(event, best_available={"quantity": 1})).code == "over-seat-limit"
    plain = Fan(shop, DeviceKey())
    await plain.join(sale)
    await plain.let_in()
    assert (await plain.reserve(event, best_available=best)).status == 201


async def test_who_was_released_by_a_person_goes_in(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = await suspect(shop, sale, "replayed", "hidden-field")
    assert (await called(shop, fan)).code == "step-up-needed"
    await shop.gateway[SIGNAL_NOTES].note(sale, fan.fan_id, ["released"])
    assert (await fan.let_in()).status == 201


async def test_a_database_that_is_away_stops_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> frozenset[str]:
        raise StoreUnavailable(retry_after=1)

    sale = await shop.new_sale()
    fan = await suspect(shop, sale)
    monkeypatch.setattr(SignalNotes, "of", silent)
    assert (await fan.let_in()).status == 201


async def test_without_scripts_a_minute_takes_its_place(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = browser(shop)
    await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale), website="x")
    async with shop.pool.connection() as connection:
        await connection.execute(
            """INSERT INTO fan_signals (sale_id, fan_id, code)
            SELECT sale_id, fan_id, 'hidden-link' FROM fan_signals WHERE sale_id = %s""",
            (sale,),
        )
    await shop.refresh_rooms()
    admit, check = f"/sales/{sale}/admit", f"/sales/{sale}/check"
    asked = await fan.post(admit)
    while asked.headers["Location"] == f"/sales/{sale}":
        await shop.refresh_rooms()
        asked = await fan.post(admit)
    assert (asked.status, asked.headers["Location"]) == (303, check)
    page = await fan.get(check)
    assert page.status == 200
    assert "A field was filled in that people cannot see." in page.body.decode()
    early = await fan.post(check, way="wait", wait_token=field_of(page, "wait_token"))
    assert early.status == 403
    assert "before the minute was over" in early.body.decode()
    waited = wait_token(shop, sale, 61_000, STEPPING_UP)
    assert (await fan.post(check, way="wait", wait_token=waited)).status == 303
    assert (await fan.post(admit)).headers["Location"] not in (check, f"/sales/{sale}")
    done = await fan.get(check)
    assert (done.status, done.headers["Location"]) == (303, f"/sales/{sale}")
    assert (await browser(shop).get(check)).status == 303, "strangers are asked for nothing"


async def test_waiting_is_bounded_for_an_address(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    tokens = [wait_token(shop, sale, 61_000, STEPPING_UP) for _ in range(STEP_UP_WAITS.burst + 1)]
    tokens += tokens[:1]  # one that was counted before
    replies = [await step_up(fan, "wait", token) for token in tokens]
    assert [reply.status for reply in replies] == [204] * STEP_UP_WAITS.burst + [429, 204]
