"""Tickets that no device key stands behind: they work, and a sale may have their fans checked."""

import pytest

from gateway.app_keys import SIGNAL_NOTES
from gateway.bot_checks.proof_of_work import STEPPING_UP
from tests.api.test_forms import browser, wait_token
from tests.api.test_step_up import step_up, worked
from tests.support.fan import DeviceKey, Fan
from tests.support.shop import Shop


async def unbound_fan(shop: Shop, sale: str) -> Fan:
    fan = Fan(shop)
    assert (await fan.join(sale)).status == 201
    return fan


async def test_a_fan_without_a_key_goes_in_like_all_others_where_nothing_is_said(
    shop: Shop,
) -> None:
    fan = await unbound_fan(shop, await shop.new_sale())
    assert (await fan.let_in()).status == 201


async def test_where_the_sale_says_so_they_pass_one_more_check_and_go_in(shop: Shop) -> None:
    sale = await shop.new_sale(step_up_unbound=True)
    fan, keyed = await unbound_fan(shop, sale), Fan(shop, DeviceKey())
    assert (await keyed.join(sale)).status == 201
    refused = await fan.let_in()
    assert (refused.status, refused.code) == (403, "step-up-needed")
    assert refused.json["reasons"][0] == "unbound"
    assert "no-device-key" not in refused.json["reasons"], "it is told once"
    assert (await keyed.let_in()).status == 201
    waited = wait_token(shop, sale, 61_000, STEPPING_UP)
    assert (await step_up(fan, "wait", waited)).status == 204
    assert (await fan.let_in()).status == 201, "and the place was theirs all the time"
    event = await shop.new_event(20, sale_id=sale)
    assert (await fan.reserve(event, best_available={"quantity": 4})).status == 201


async def test_the_page_names_the_reason_and_works_without_scripts(shop: Shop) -> None:
    sale = await shop.new_sale(step_up_unbound=True)
    fan = browser(shop)
    await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))
    await shop.refresh_rooms()
    admit, check = f"/sales/{sale}/admit", f"/sales/{sale}/check"
    while (asked := await fan.post(admit)).headers["Location"] == f"/sales/{sale}":
        await shop.refresh_rooms()
    assert (asked.status, asked.headers["Location"]) == (303, check)
    page = await fan.get(check)
    assert page.status == 200
    text = page.body.decode()
    assert text.count("Your browser could not keep a key of its own") == 2, "above, and in the list"
    assert "looks like a program" not in text, "nobody said so"
    waited = wait_token(shop, sale, 61_000, STEPPING_UP)
    assert (await fan.post(check, way="wait", wait_token=waited)).status == 303
    assert (await fan.post(admit)).headers["Location"] not in (check, f"/sales/{sale}")


async def test_the_operator_may_say_so_in_the_middle_of_a_sale_and_take_it_back(
    shop: Shop,
) -> None:
    sale = await shop.new_sale()
    fan = await unbound_fan(shop, sale)
    for says, status in ((True, 403), (False, 201)):
        await shop.change_sale(sale, step_up_unbound=says)
        assert (await fan.let_in()).status == status


async def test_who_was_released_by_a_person_goes_in_without_a_key(shop: Shop) -> None:
    sale = await shop.new_sale(step_up_unbound=True)
    fan = await unbound_fan(shop, sale)
    assert (await fan.let_in()).code == "step-up-needed"
    await shop.gateway[SIGNAL_NOTES].note(sale, fan.fan_id, ["released"])
    assert (await fan.let_in()).status == 201


async def test_a_copied_ticket_is_of_no_use_before_the_check(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await shop.new_sale(step_up_unbound=True)
    fan = await unbound_fan(shop, sale)
    thief = Fan(shop, DeviceKey(), ticket=fan.ticket, sale_id=sale)
    assert (await thief.let_in()).code == "step-up-needed", "a key of one's own changes nothing"
    answer = await worked(shop, thief, monkeypatch)
    assert (await step_up(thief, "work", answer)).json["reason"] == "wrong-device"
    assert (await fan.let_in()).code == "step-up-needed"


async def test_a_fan_without_a_key_who_passed_may_hold_as_many_seats_as_all_others(
    shop: Shop,
) -> None:
    sale = await shop.new_sale(step_up_unbound=True)
    fan = await unbound_fan(shop, sale)
    await shop.gateway[SIGNAL_NOTES].note(sale, fan.fan_id, ["data-centre"])
    assert (await fan.let_in()).json["reasons"] == ["unbound", "data-centre"]
    waited = wait_token(shop, sale, 61_000, STEPPING_UP)
    assert (await step_up(fan, "wait", waited)).status == 204
    assert (await fan.let_in()).status == 201
    event = await shop.new_event(20, sale_id=sale)
    assert (await fan.reserve(event, best_available={"quantity": 4})).status == 201
