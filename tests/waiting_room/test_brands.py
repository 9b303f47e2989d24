"""How a sale looks: what is taken as a picture, how it is kept, and how it goes again."""

import io
from datetime import UTC, datetime
from itertools import count

import pytest
from PIL import Image

from gateway.waiting_room.brand_pictures import (
    PIXELS_MAX,
    SIZE_MAX,
    UPLOAD_BYTES_MAX,
    BrandPicture,
    make_picture,
)
from gateway.waiting_room.brands import Brand, BrandPictures, BrandRecords, checked_colour
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.errors import NotFound, RequestInvalid, SaleNotFound
from groundwork.postgres import Pool

_numbers = count(1)


def file_of(
    size: tuple[int, int] = (64, 32), format_: str = "PNG", mode: str = "RGB", **save: object
) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, "#8a1c3b").save(written, format_, **save)
    return written.getvalue()


async def new_sale(pool: Pool) -> str:
    sale_id = f"branded-{next(_numbers)}"
    await SaleRecords(pool).create(
        Sale(
            sale_id=sale_id, name="Branded", opens_at=datetime(2027, 1, 1, tzinfo=UTC),
            state="open", pause_reason="", message="", rate_per_minute=60, burst=1, capacity=10,
        )
    )  # fmt: skip
    return sale_id


def opened(picture: BrandPicture) -> Image.Image:
    return Image.open(io.BytesIO(picture.content))


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_made_anew_and_fits(format_: str) -> None:
    picture = make_picture(file_of((2400, 1500), format_), "image")

    assert opened(picture).format == "WEBP"
    assert (picture.width, picture.height) == opened(picture).size == (1600, 1000)
    assert make_picture(file_of((2400, 1500), format_), "image") == picture, "named by its content"


def test_a_logo_keeps_what_is_transparent_and_is_never_blown_up() -> None:
    written = io.BytesIO()
    Image.new("RGBA", (120, 40), (0, 0, 0, 0)).save(written, "PNG")
    picture = make_picture(written.getvalue(), "logo")

    assert opened(picture).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert (picture.width, picture.height) == (120, 40)
    assert make_picture(file_of((3000, 100)), "logo").width == SIZE_MAX["logo"][0]


def test_nothing_but_pixels_remains() -> None:
    exif = Image.Exif()
    exif[0x010E] = "<script>alert(1)</script>"
    exif[0x0112] = 6  # taken with the camera on its side
    picture = make_picture(file_of((64, 32), "JPEG", exif=exif), "image")

    assert b"script" not in picture.content
    assert (picture.width, picture.height) == (32, 64)


@pytest.mark.parametrize(
    "uploaded",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(40),
        file_of(format_="GIF"),
        file_of(format_="BMP"),
        file_of()[:60],
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"x" * (UPLOAD_BYTES_MAX + 1),
    ],
    ids=["empty", "svg", "torn gif", "gif", "bmp", "torn png", "png of zeros", "too large"],
)
def test_what_is_no_picture_of_the_three_kinds_is_refused(uploaded: bytes) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        make_picture(uploaded, "logo")
    assert refusal.value.field == "logo"


def test_a_picture_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    side = int(PIXELS_MAX**0.5) + 1
    bomb = file_of((side, side), mode="1")
    assert len(bomb) < 100_000

    with pytest.raises(RequestInvalid, match="million pixels"):
        make_picture(bomb, "image")


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#1234567", "", "#123456;}"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(RequestInvalid):
        checked_colour(colour)


async def test_a_brand_is_given_bit_by_bit_and_taken_back(pool: Pool) -> None:
    records, sales = BrandRecords(pool), SaleRecords(pool)
    sale_id = await new_sale(pool)
    assert (await sales.get(sale_id)).brand is None

    logo, image = make_picture(file_of(), "logo"), make_picture(file_of((800, 400)), "image")
    await records.dress(sale_id, colour="#8a1c3b", logo=logo)
    await records.dress(sale_id, image=image)
    brand = (await sales.get(sale_id)).brand
    assert brand is not None
    assert brand.colour == "#8a1c3b"
    assert brand.logo is not None
    assert (brand.logo.digest, brand.logo.width, brand.logo.height) == (logo.digest, 64, 32)
    assert brand.image is not None
    assert brand.image.digest == image.digest
    assert await records.picture(image.digest) == image.content

    await records.undress(sale_id)
    assert (await sales.get(sale_id)).brand is None
    assert await records.picture(image.digest) is None


async def test_a_picture_of_two_sales_stays_while_one_shows_it(pool: Pool) -> None:
    records = BrandRecords(pool)
    first, second = await new_sale(pool), await new_sale(pool)
    picture = make_picture(file_of((100, 50)), "image")
    for sale_id in (first, second):
        await records.dress(sale_id, image=picture)

    await records.undress(first)
    assert await records.picture(picture.digest) == picture.content
    await records.undress(second)
    assert await records.picture(picture.digest) is None


async def test_a_sale_that_is_not_there_cannot_be_dressed(pool: Pool) -> None:
    with pytest.raises(SaleNotFound):
        await BrandRecords(pool).dress("nowhere", colour="#000000")


async def test_a_picture_once_shown_needs_no_store(pool: Pool) -> None:
    records = BrandRecords(pool)
    sale_id = await new_sale(pool)
    picture = make_picture(file_of((90, 45)), "image")
    await records.dress(sale_id, image=picture)
    pictures = BrandPictures(records)
    assert await pictures.content(picture.digest) == picture.content

    await records.undress(sale_id)
    assert await pictures.content(picture.digest) == picture.content
    with pytest.raises(NotFound):
        await pictures.content("0" * 32)


def test_a_stylesheet_follows_its_colour() -> None:
    green, red = Brand("#0a6650"), Brand("#8a1c3b")

    assert "--accent:#8a1c3b" in red.stylesheet()
    assert "prefers-color-scheme:dark" in red.stylesheet()
    assert red.version != green.version
    assert Brand().stylesheet() == ""
