"""QR symbols of ticket codes: as modules to draw, and as SVG for the order page."""

from io import BytesIO
from typing import Final

import segno

# Level M survives 15 % of damage, a crease or a finger; a higher one makes the modules of a code of
# 400 characters too small for cheap scanners.
ERROR_CORRECTION: Final = "m"
QUIET_ZONE: Final = 4  # modules of white around it, asked for by ISO 18004; scanners fail without


def qr_matrix(code: str) -> tuple[bytes, ...]:
    """Return the rows of modules, 1 for dark, without the quiet zone."""
    return tuple(bytes(row) for row in _make(code).matrix)


def qr_svg(code: str, title: str) -> str:
    """Return an SVG element with its quiet zone, sized by its surroundings; title is read aloud.

    Dark on white whatever the page's colours are: many scanners cannot read it inverted.
    """
    written = BytesIO()
    _make(code).save(
        written,
        kind="svg",
        border=QUIET_ZONE,
        dark="#000",
        light="#fff",
        omitsize=True,
        xmldecl=False,
        svgclass="qr",
        lineclass=None,
        title=title,
        nl=False,
    )
    return written.getvalue().decode()


def _make(code: str) -> segno.QRCode:
    return segno.make_qr(code, error=ERROR_CORRECTION)
