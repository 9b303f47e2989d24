"""Serves what a brand is made of: its stylesheet and its pictures, from this origin alone."""

from typing import Final

from aiohttp import web

from gateway.app_keys import BRAND_PICTURES, ROOMS
from gateway.pages.views import BrandView, Picture
from gateway.waiting_room.brand_pictures import CONTENT_TYPE
from gateway.waiting_room.brands import Brand, PictureRef
from gateway.waiting_room.sales import Sale
from groundwork.errors import NotFound

routes = web.RouteTableDef()

# The address names the content, so it never changes.
CACHE_FOREVER: Final = "public, max-age=31536000, immutable"
# An address of an old stylesheet shows today's, for a moment.
CACHE_BRIEFLY: Final = "public, max-age=60"
# A picture is a picture and nothing else, even if somebody opens it by itself.
PICTURE_POLICY: Final = "default-src 'none'; sandbox"
NO_BRAND: Final = Brand()


@routes.get("/sales/{sale}/brand.css")
async def stylesheet(request: web.Request) -> web.Response:
    """Answer the colours of the sale."""
    brand = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.brand or NO_BRAND
    is_current = request.query.get("v") == brand.version
    return web.Response(
        text=brand.stylesheet(),
        content_type="text/css",
        headers={"Cache-Control": CACHE_FOREVER if is_current else CACHE_BRIEFLY},
    )


@routes.get("/sales/{sale}/pictures/{digest:[0-9a-f]{32}}.webp")
async def picture(request: web.Request) -> web.Response:
    """Answer a picture of the sale's brand; only what the sale shows now."""
    brand = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.brand or NO_BRAND
    digest = request.match_info["digest"]
    if digest not in {found.digest for found in (brand.logo, brand.image) if found}:
        raise NotFound
    return web.Response(
        body=await request.config_dict[BRAND_PICTURES].content(digest),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": CACHE_FOREVER, "Content-Security-Policy": PICTURE_POLICY},
    )


def brand_view(sale: Sale) -> BrandView:
    """Return what the sale's page needs of its brand."""
    brand = sale.brand
    if brand is None:
        return BrandView()
    path = f"/sales/{sale.sale_id}"
    return BrandView(
        stylesheet_url=f"{path}/brand.css?v={brand.version}" if brand.colour else "",
        logo=_shown(path, brand.logo),
        image=_shown(path, brand.image),
    )


def _shown(path: str, found: PictureRef | None) -> Picture | None:
    if found is None:
        return None
    return Picture(
        url=f"{path}/pictures/{found.digest}.webp", width=found.width, height=found.height
    )
