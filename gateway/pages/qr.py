"""The QR symbol of a link, to be scanned from a screen."""

from typing import Final

import segno

# A screen has no creases: the lowest level keeps the modules of a long link large enough.
ERROR_CORRECTION: Final = "l"
QUIET_ZONE: Final = 4  # modules of white around it, asked for by ISO 18004; scanners fail without


def link_qr(url: str) -> str:
    """Return the symbol as a `data:` address of an SVG, which our pages may show.

    Dark on white whatever the page's colours are: many scanners cannot read it inverted.
    """
    symbol = segno.make_qr(url, error=ERROR_CORRECTION)
    return str(symbol.svg_data_uri(border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True))
