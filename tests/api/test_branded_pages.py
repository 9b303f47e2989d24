"""The looks of a sale as browsers get them: its page, its stylesheet, its pictures."""

import io

from PIL import Image

from gateway.app_keys import ROOMS
from gateway.waiting_room.brand_pictures import make_picture
from gateway.waiting_room.brands import BrandRecords
from tests.support.fan import Fan
from tests.support.shop import Shop

HTML = {"Accept": "text/html"}


def png(colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (200, 80), colour).save(written, "PNG")
    return written.getvalue()


async def test_a_branded_sale_shows_its_colours_and_pictures(shop: Shop) -> None:
    sale, other = await shop.new_sale(), await shop.new_sale()
    logo, image = make_picture(png("#123456"), "logo"), make_picture(png("#654321"), "image")
    records = BrandRecords(shop.gateway[ROOMS].records._pool)
    await records.dress(sale, "#8a1c3b", logo, image)
    await shop.refresh_rooms()
    fan = Fan(shop)

    page = (await fan.call("GET", f"/sales/{sale}", headers=HTML)).body.decode()
    for picture in (logo, image):
        address = f"/sales/{sale}/pictures/{picture.digest}.webp"
        assert f'src="{address}" width="200" height="80"' in page
        shown = await fan.call("GET", address)
        assert (shown.status, shown.body) == (200, picture.content)
        assert shown.headers["Content-Type"] == "image/webp"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "immutable" in shown.headers["Cache-Control"]
        # A picture belongs to the sale that shows it.
        elsewhere = address.replace(sale, other)
        assert (await fan.call("GET", elsewhere)).status == 404

    address = page.partition('href="/sales/')[2].partition('"')[0]
    css = await fan.call("GET", f"/sales/{address}")
    assert css.headers["Content-Type"].startswith("text/css")
    assert "--accent:#8a1c3b" in css.body.decode()
    assert "immutable" in css.headers["Cache-Control"]
    old = await fan.call("GET", f"/sales/{sale}/brand.css?v=old")
    assert "immutable" not in old.headers["Cache-Control"]


async def test_a_sale_without_a_brand_looks_like_ours(shop: Shop) -> None:
    sale = await shop.new_sale()
    await shop.refresh_rooms()
    fan = Fan(shop)

    page = (await fan.call("GET", f"/sales/{sale}", headers=HTML)).body.decode()
    assert "brand.css" not in page
    assert "/pictures/" not in page
    css = await fan.call("GET", f"/sales/{sale}/brand.css")
    assert (css.status, css.body) == (200, b"")
    assert (await fan.call("GET", "/sales/none/brand.css")).status == 404
    assert (await fan.call("GET", f"/sales/{sale}/pictures/{'0' * 32}.webp")).status == 404
