"""How sales look: their brands in PostgreSQL, and the stylesheet made of a colour."""

import hashlib
import re
from collections import OrderedDict
from typing import Final

import msgspec
import psycopg

from gateway.pages.colours import palette, paper
from gateway.waiting_room.brand_pictures import BrandPicture
from groundwork.errors import NotFound, RequestInvalid, SaleNotFound
from groundwork.postgres import Pool, connection

COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
# Part of the stylesheet's address: raise it when the same colour should give another stylesheet.
STYLESHEET_EDITION: Final = 1
# Ten hexadecimal digits tell the stylesheets of one sale apart.
VERSION_DIGITS: Final = 10
# Pictures kept in memory: two for each of some sales, at most a few hundred kilobytes each.
PICTURES_KEPT_MAX: Final = 32


class PictureRef(msgspec.Struct, frozen=True, array_like=True):
    """Which picture, and its size in pixels."""

    digest: str
    width: int
    height: int


class Brand(msgspec.Struct, frozen=True, array_like=True):
    """How a sale looks; what is None looks as every sale does."""

    colour: str | None = None
    logo: PictureRef | None = None
    image: PictureRef | None = None

    @property
    def version(self) -> str:
        """What the stylesheet's address carries, so that browsers may keep it."""
        made_of = f"{STYLESHEET_EDITION}:{self.colour}"
        return hashlib.sha256(made_of.encode()).hexdigest()[:VERSION_DIGITS]

    def stylesheet(self) -> str:
        """The colours of the brand, for light and for dark; nothing without a colour."""
        if self.colour is None:
            return ""
        light, dark = (
            f"--accent:{shade.accent};--accent-strong:{shade.accent_strong};"
            f"--on-accent:{shade.on_accent};--tint:{shade.tint}"
            for shade in palette(self.colour)
        )
        return (
            f":root{{{light};--paper:{paper(self.colour)}}}\n"
            f"@media (prefers-color-scheme:dark){{:root{{{dark};--paper:#0c1311}}}}\n"
        )


# A sale's brand as one column of its row; null when it has none.
BRAND_COLUMN: Final = """(
        SELECT json_build_array(colour,
            CASE WHEN logo IS NOT NULL THEN json_build_array(logo, l.width, l.height) END,
            CASE WHEN image IS NOT NULL THEN json_build_array(image, i.width, i.height) END)
        FROM sale_brands
            LEFT JOIN brand_pictures l ON l.digest = logo
            LEFT JOIN brand_pictures i ON i.digest = image
        WHERE sale_brands.sale_id = sales.sale_id)::text AS brand"""

_BRAND: Final = msgspec.json.Decoder(Brand)


def read_brand(column: str | None) -> Brand | None:
    """Return the brand out of its column."""
    return None if column is None else _BRAND.decode(column)


def checked_colour(colour: str) -> str:
    """Return the colour in lower case. Raises RequestInvalid unless it is #rrggbb."""
    colour = colour.lower()
    if not COLOUR.fullmatch(colour):
        raise RequestInvalid("colour", "must be #rrggbb")
    return colour


class BrandRecords:
    """Reads and writes brands in PostgreSQL."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def dress(
        self,
        sale_id: str,
        colour: str | None = None,
        logo: BrandPicture | None = None,
        image: BrandPicture | None = None,
    ) -> None:
        """Give the sale what is given and leave the rest as it is. Raises SaleNotFound."""
        async with connection(self._pool) as open_connection, open_connection.transaction():
            for picture in filter(None, (logo, image)):
                await open_connection.execute(
                    """INSERT INTO brand_pictures (digest, width, height, content)
                    VALUES (%s, %s, %s, %s) ON CONFLICT (digest) DO NOTHING""",
                    (picture.digest, picture.width, picture.height, picture.content),
                )
            try:
                await open_connection.execute(
                    """INSERT INTO sale_brands AS known (sale_id, colour, logo, image)
                    VALUES (%s, %s, %s, %s) ON CONFLICT (sale_id) DO UPDATE SET
                        colour = COALESCE(EXCLUDED.colour, known.colour),
                        logo = COALESCE(EXCLUDED.logo, known.logo),
                        image = COALESCE(EXCLUDED.image, known.image)""",
                    (sale_id, colour, logo and logo.digest, image and image.digest),
                )
            except psycopg.errors.ForeignKeyViolation as error:
                raise SaleNotFound from error

    async def undress(self, sale_id: str) -> None:
        """Let the sale look as every sale does; pictures nobody uses go with it."""
        async with connection(self._pool) as open_connection, open_connection.transaction():
            await open_connection.execute("DELETE FROM sale_brands WHERE sale_id = %s", (sale_id,))
            await open_connection.execute(
                """DELETE FROM brand_pictures p WHERE NOT EXISTS (
                    SELECT FROM sale_brands WHERE p.digest IN (logo, image))"""
            )

    async def picture(self, digest: str) -> bytes | None:
        """Return the content of a picture, or None when there is no such."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT content FROM brand_pictures WHERE digest = %s", (digest,)
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        [content] = row
        assert isinstance(content, bytes), "a bytea comes as bytes"
        return content


class BrandPictures:
    """The pictures lately asked for, so that a crowd's pages cost PostgreSQL one query."""

    def __init__(self, records: BrandRecords) -> None:
        self._records = records
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def content(self, digest: str) -> bytes:
        """Return the picture's bytes. Raises NotFound, StoreUnavailable."""
        content = self._kept.get(digest) or await self._records.picture(digest)
        if content is None:
            raise NotFound
        self._kept[digest] = content
        self._kept.move_to_end(digest)
        if len(self._kept) > PICTURES_KEPT_MAX:
            self._kept.popitem(last=False)
        return content
