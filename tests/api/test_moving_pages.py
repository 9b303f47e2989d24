"""Moving a place by pages alone: the link, the question, the press, and why not."""

import pytest

from tests.api.test_forms import Browser, browser, field_of, wait_token
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.shop import Shop


async def in_line(shop: Shop) -> tuple[str, Browser]:
    sale = await shop.new_sale(state="paused")
    fan = browser(shop)
    assert (await fan.post(f"/sales/{sale}/join", wait_token=wait_token(shop, sale))).status == 303
    return sale, fan


async def link_from(fan: Browser, sale: str) -> str:
    """Make a link, and return its path."""
    page = await fan.post(f"/sales/{sale}/move")
    assert page.status == 200
    assert b"data:image/svg+xml" in page.body, "to be scanned"
    url = html_value(page, 'id="move-url"')
    return url[url.index("/sales/") :]


def html_value(page: Reply, mark: str) -> str:
    tag = page.body.decode().partition(mark)[2].partition(">")[0]
    return tag.partition('value="')[2].partition('"')[0]


async def pressed(fan: Browser, sale: str, page: Reply) -> Reply:
    return await fan.post(
        f"/sales/{sale}/move/claim",
        link=field_of(page, "link"), claim_id=field_of(page, "claim_id"),
    )  # fmt: skip


def place_on(page: Reply) -> str:
    return page.body.decode().partition('data-place="')[2].partition('"')[0]


async def test_a_place_moves_by_a_link_and_a_press(shop: Shop) -> None:
    sale, laptop = await in_line(shop)
    link = await link_from(laptop, sale)
    phone = browser(shop)

    question = await phone.get(link)
    assert question.status == 200
    assert place_on(await laptop.get(f"/sales/{sale}")) == "1", "looking alone moves nothing"

    done = await pressed(phone, sale, question)
    assert (done.status, done.headers["Location"]) == (303, f"/sales/{sale}")
    again = await pressed(phone, sale, question)
    assert again.status == 303, "a form that comes twice is one press"
    assert place_on(await phone.get(f"/sales/{sale}")) == "1"
    opened_again = await phone.get(link)
    assert (opened_again.status, opened_again.headers["Location"]) == (303, f"/sales/{sale}")

    left = await laptop.get(f"/sales/{sale}")
    assert 'data-stage="moved"' in left.body.decode()
    assert any(name.startswith("onsale-ticket") for name in left.cookies), (
        "the old one is taken back"
    )


async def test_a_second_device_is_told_that_the_link_was_used(shop: Shop) -> None:
    sale, laptop = await in_line(shop)
    link = await link_from(laptop, sale)
    first, second = browser(shop), browser(shop)
    question = await second.get(link)
    assert (await pressed(first, sale, await first.get(link))).status == 303

    for page in (await second.get(link), await pressed(second, sale, question)):
        assert page.status == 410
        assert b"This link was used" in page.body
    assert place_on(await first.get(f"/sales/{sale}")) == "1"


async def test_the_device_that_has_the_place_is_told_so(shop: Shop) -> None:
    sale, laptop = await in_line(shop)
    page = await laptop.get(await link_from(laptop, sale))
    assert page.status == 410
    assert b"The place cannot move here" in page.body


@pytest.mark.parametrize("query", ["", "?link=", "?link=x.y.z", "?link=" + "a" * 3_000])
async def test_what_is_no_link_is_a_page_that_says_so(shop: Shop, query: str) -> None:
    sale = await shop.new_sale()
    page = await browser(shop).get(f"/sales/{sale}/move{query}")
    assert page.status == 410
    assert b"This link does not count" in page.body


async def test_who_is_inside_stays_there(shop: Shop) -> None:
    sale, laptop = await in_line(shop)
    await shop.new_event(2, sale_id=sale)
    link = await link_from(laptop, sale)
    phone = browser(shop)
    question = await phone.get(link)
    await shop.change_sale(sale, state="open")
    await shop.refresh_rooms()
    assert (await laptop.post(f"/sales/{sale}/admit")).headers["Location"].startswith("/events/")

    page = await pressed(phone, sale, question)
    assert page.status == 409
    assert b"The place stays where it is" in page.body


async def test_a_press_without_its_page_is_refused(shop: Shop) -> None:
    sale, laptop = await in_line(shop)
    link = (await link_from(laptop, sale)).partition("link=")[2]
    for claim_id in ("", "x" * 65):
        refused = await browser(shop).post(
            f"/sales/{sale}/move/claim", link=link, claim_id=claim_id
        )
        assert refused.status == 400
    assert place_on(await laptop.get(f"/sales/{sale}")) == "1"


async def test_a_form_moves_no_place_of_a_device_key_away(shop: Shop) -> None:
    """The page of a thief who copied the cookie has no key: it makes no link."""
    sale = await shop.new_sale(state="paused")
    bound = Fan(shop, DeviceKey())
    assert (await bound.join(sale)).status == 201
    thief = browser(shop)
    thief.headers["Cookie"] = f"onsale-ticket-{sale}={bound.ticket}"
    page = await thief.post(f"/sales/{sale}/move")
    assert page.status == 401
    assert b"move?link=" not in page.body
